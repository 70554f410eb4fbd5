"""A frozen inventory: what later years are held against, and how far its own figures have moved since.

The GHG Protocol Corporate Standard (revised edition, 2004, chapter 5, https://ghgprotocol.org/corporate-standard)
asks for a recalculation policy with a stated significance threshold, and leaves its height to the reporter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from wattmark.core.figure import Figure, Missing
from wattmark.core.methodology import Methodology
from wattmark.core.portfolio import (
    ENERGY,
    FROM_ENERGY,
    SCOPE2_LOCATION,
    SCOPE31,
    SCOPE32,
    TITLES,
    Asked,
    Inventory,
    Line,
    UsedFactor,
    require_comparable,
)
from wattmark.core.targets import CARBON_PER_UNIT, ENERGY_PER_UNIT, INTENSITIES, Base, singular

THRESHOLD = 0.05
"""Our default of a significant change, a share; `[portfolio] threshold` in ledger.toml states another."""
SAME = 1e-9
"""Relative difference that sums of floating-point numbers in another order may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioRules:
    """How inventories of a ledger are made, where nobody asks otherwise: ``[portfolio]``."""

    primary: str = FROM_ENERGY
    """Which of two estimates stands for Scope 3.1."""
    threshold: float = THRESHOLD
    """From which change of its period on a baseline must be made anew, a share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenLine:
    """A line as it was: its figure with what is known of it, or why there was none."""

    id: str
    value: float | None = None
    unit: str = ""
    low: float | None = None
    high: float | None = None
    """None: without a bound."""
    grade: str | None = None
    coverage: float = 0.0
    share: float = 1.0
    estimated: float = 0.0
    primary: bool = True
    terms: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    missing: str = ""
    hint: str = ""

    @property
    def title(self) -> str:
        """What it is called."""
        return TITLES.get(self.id, self.id)

    @property
    def figure(self) -> Figure | Missing:
        """The figure with its interval; its single errors were not kept."""
        if self.value is None:
            return Missing(self.missing, self.hint)
        ends = None
        if self.low is not None and self.high is not None and self.low < self.high:
            ends = (self.low, self.high)
        return Figure(
            value=self.value,
            unit=self.unit,
            coverage=self.coverage,
            terms=self.terms,
            sources=self.sources,
            notes=self.notes,
            ends=ends,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """One revision of a baseline; nothing in it changes any more."""

    name: str
    revision: int = 1
    frozen_at: str
    """UTC, ISO 8601."""
    by: str = ""
    """Who froze it, where that was given."""
    reason: str = ""
    """Why an earlier revision was replaced; the first one needs none."""
    replaces: str = ""
    """Digest of the earlier revision."""
    wattmark: str = ""
    ledger: str = ""
    ledger_version: int
    period: str
    """``2025``, ``2025-Q3``, ..."""
    first: date
    after: date
    """The first day that is no longer in it, in the calendar of ``asked``."""
    asked: Asked
    lines: tuple[FrozenLine, ...]
    factors: tuple[UsedFactor, ...] = ()
    tables: Mapping[str, str] = field(default_factory=dict)
    """Name of a table of factors -> its SHA-256."""
    work: Mapping[str, float] = field(default_factory=dict)
    days_seen: int = 0
    """Days of it with any evidence."""
    terms: Mapping[str, str] = field(default_factory=dict)
    fingerprint: str = ""
    """Of the terms (core.methodology)."""
    findings: tuple[str, ...] = ()
    digest: str = ""
    """SHA-256 over everything else, as canonical JSON."""

    def line(self, name: str) -> FrozenLine:
        """One line by its id; one that was not known then is missing."""
        found = {line.id: line for line in self.lines}
        return found.get(name) or FrozenLine(id=name, missing=f"{name} in the baseline {self.name!r}")

    def counted(self, what: str) -> FrozenLine:
        """The line that a target of this kind counts; carbon per unit is of one inventory, or of none."""
        if what in (ENERGY, ENERGY_PER_UNIT):
            return self.line(ENERGY)
        if what != CARBON_PER_UNIT:
            return self.line(what)
        own, cloud = self.line(SCOPE2_LOCATION), self.line(SCOPE31)
        if own.value is not None and cloud.value is not None:
            return FrozenLine(id=what, missing=f"carbon of one inventory in the baseline {self.name!r}")
        return own if own.value is not None else cloud

    def base(self, what: str, functional_unit: str = "") -> Base:
        """What a reduction is counted from: a line, or its amount per unit of the work of that time."""
        figure = self.counted(what).figure
        if what in INTENSITIES and isinstance(figure, Figure):
            work = self.work.get(functional_unit, 0.0)
            if work > 0:
                figure = replace(figure, ends=None).scaled(
                    1 / work, f"{figure.unit}/{singular(functional_unit)}"
                )
            else:
                figure = Missing(f"work in {functional_unit} in the baseline {self.name!r}")
        return Base(name=self.name, figure=figure, first=self.first, after=self.after)


def frozen_line(line: Line) -> FrozenLine:
    """A line with everything that is kept of it."""
    figure = line.figure
    if isinstance(figure, Missing):
        return FrozenLine(id=line.id, missing=figure.field, hint=figure.hint, primary=line.primary)
    low, high = figure.interval
    return FrozenLine(
        id=line.id,
        value=figure.value,
        unit=figure.unit,
        low=low if math.isfinite(low) else None,
        high=high if math.isfinite(high) else None,
        grade=figure.grade.value if figure.grade else None,
        coverage=figure.coverage,
        share=line.share,
        estimated=line.estimated,
        primary=line.primary,
        terms=dict(figure.terms),
        sources=figure.sources,
        notes=figure.notes,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A line beside the same line of a baseline."""

    then: float
    """For as many days as the line is of."""
    change: float
    """Share of it: -0.1 is a tenth less."""
    low: float
    high: float
    per_day: bool
    """The two are of unequal length, and were brought to as many days."""


def held_against(line: Line, asked: Asked, days: int, frozen: Frozen) -> Held | Missing:
    """A line of ``days`` days beside a baseline. Raises NotComparable, naming the differing fields.

    The errors of the two are taken as independent: those of the baseline were kept as one interval.
    """
    was = frozen.line(line.id)
    if isinstance(line.figure, Missing):
        return line.figure
    if was.value is None:
        return Missing(f"{line.title} in the baseline", was.missing)
    require_comparable(line, was.terms, asked, Methodology(frozen.asked.methodology().terms))
    length = (frozen.after - frozen.first).days
    per_day = days != length and not {days, length} <= {365, 366}
    if per_day and line.id == SCOPE32:
        return Missing("periods of equal length", "hardware is bought at once: it is not spread over days")
    then = was.value * (days / length if per_day else 1.0)
    if then == 0:
        return Missing("a change", "the baseline is 0: there is no share of it")
    before = was.figure
    assert isinstance(before, Figure)  # it has a value
    ratio, relative = line.figure.value / then, math.hypot(line.figure.relative, before.relative)
    low, high = Figure(ratio, "1", errors={"both": ratio * relative}).interval
    return Held(then=then, change=ratio - 1, low=low - 1, high=high - 1, per_day=per_day)


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not as it was frozen."""

    what: str
    then: str
    now: str


def differences(frozen: Frozen, again: Inventory, tables: Mapping[str, str]) -> list[Difference]:
    """What a recalculation at the frozen version finds otherwise: figures to 1e-9, factors, tables."""
    found = []
    for was in frozen.lines:
        line = frozen_line(again.line(was.id))
        if not _same(was.value, line.value) or was.unit != line.unit:
            found.append(Difference(was.title, _told(was), _told(line)))
    found += _factors(frozen.factors, again.factors)
    for name in sorted({*frozen.tables, *tables}):
        before, after = frozen.tables.get(name, "absent"), tables.get(name, "absent")
        if before != after:
            found.append(Difference(f"table {name}", before[:16], after[:16]))
    return found


def _same(then: float | None, now: float | None) -> bool:
    if then is None or now is None:
        return then is now
    return math.isclose(then, now, rel_tol=SAME)


def _told(line: FrozenLine) -> str:
    return f"missing: {line.missing}" if line.value is None else f"{_value(line.value)} {line.unit}"


def _factors(then: Sequence[UsedFactor], now: Sequence[UsedFactor]) -> list[Difference]:
    before, after = ({_name(f): f.value for f in factors} for factors in (then, now))
    return [
        Difference(f"factor {name}", _value(before.get(name)), _value(after.get(name)))
        for name in sorted({*before, *after})
        if not _same(before.get(name), after.get(name))
    ]


def _name(factor: UsedFactor) -> str:
    told = factor.zone, factor.accounting, factor.basis, factor.inventory, factor.source, factor.year
    return " ".join(str(part) for part in told if part)


def _value(value: float | None) -> str:
    return "not used" if value is None else f"{value:.12g}"  # as precise as what counts as a difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How far one line of a baseline's period has moved since it was frozen."""

    line: str
    then: float | None
    now: float | None
    unit: str
    by_factors: float = 0.0
    """Change that today's factors make of the evidence of then, a share of the frozen figure."""
    by_evidence: float = 0.0
    """Change that evidence makes which came, was restated or was purged since, under today's factors."""
    threshold: float = THRESHOLD

    @property
    def title(self) -> str:
        """Of the line."""
        return TITLES.get(self.line, self.line)

    @property
    def change(self) -> float:
        """Share of the frozen figure; infinite where there was none or is none now."""
        if self.then is None or self.now is None:
            return 0.0 if self.then is self.now else math.inf
        return _share(self.now, self.then, self.then)

    @property
    def significant(self) -> bool:
        """Whether a new baseline is called for: the change, or either of its causes, is beyond the threshold.

        Two changes that cancel are two changes.
        """
        return max(abs(self.change), abs(self.by_factors), abs(self.by_evidence)) > self.threshold


def drifts(frozen: Frozen, then: Inventory, now: Inventory, threshold: float = THRESHOLD) -> list[Drift]:
    """Every line that had or has a figure; ``then`` is the frozen version under today's factors."""
    found = []
    for was in frozen.lines:
        middle, last = frozen_line(then.line(was.id)), frozen_line(now.line(was.id))
        if was.value is None and last.value is None:
            continue
        causes = (0.0, 0.0)
        if was.value is not None and middle.value is not None and last.value is not None:
            causes = (
                _share(middle.value, was.value, was.value),
                _share(last.value, middle.value, was.value),
            )
        found.append(
            Drift(
                line=was.id,
                then=was.value,
                now=last.value,
                unit=was.unit or last.unit,
                by_factors=causes[0],
                by_evidence=causes[1],
                threshold=threshold,
            )
        )
    return found


def _share(now: float, before: float, of: float) -> float:
    if _same(before, now):
        return 0.0
    return (now - before) / abs(of) if of else math.inf
