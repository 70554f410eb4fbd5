"""A digest: what a team used in a period, against the period before, and what was decided meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

from wattmark.core.errors import NotComparable
from wattmark.core.facts import Answer
from wattmark.core.figure import GAP_PREFIX, Figure, differing_terms
from wattmark.core.governance.agenda import Decided
from wattmark.core.governance.budget import BudgetStanding
from wattmark.core.governance.periods import DAY, MONTH, QUARTER, WEEK, Period, period_at
from wattmark.core.governance.waiver import JudgedWaiver
from wattmark.core.portfolio import COMPARED

KINDS = (DAY, WEEK, MONTH, QUARTER)
"""Periods that a digest can be of."""
MOST_BEHIND = 8
"""Digests that are made good after a time in which none was sent; older ones are only counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of a figure from one period to the next."""

    ratio: Figure | None = None
    """This period over the one before; None: they may not be compared, ``refused`` says why."""
    refused: str = ""

    @property
    def direction(self) -> int:
        """1 more, -1 less, 0 where the interval does not tell, or nothing was compared."""
        if self.ratio is None:
            return 0
        low, high = self.ratio.interval
        return 1 if low > 1.0 else -1 if high < 1.0 else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What one group used: a team, a model."""

    name: str
    energy: Answer
    carbon: Answer
    energy_change: Change = field(default_factory=Change)
    carbon_change: Change = field(default_factory=Change)


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """One period of one team, or of everybody."""

    team: str
    """Empty: everybody."""
    period: Period
    before: Period
    at: str
    """UTC, ISO 8601 with a trailing Z."""
    whole: Used
    runs: int
    parts: tuple[Used, ...] = ()
    """Models of a team, or teams of everybody; the largest first."""
    left_out: int = 0
    """Smaller ones that are not in ``parts``."""
    untagged: tuple[tuple[str, float], ...] = ()
    """Tag that is not stated -> joules."""
    budgets: tuple[BudgetStanding, ...] = ()
    decided: tuple[Decided, ...] = ()
    waivers: tuple[JudgedWaiver, ...] = ()
    gaps: tuple[tuple[str, str], ...] = ()
    """What nobody measured, and how to mend it."""
    findings: tuple[str, ...] = ()
    absent: Mapping[str, str] = field(default_factory=dict)
    """Part -> why it is not here."""
    source: str = ""
    """Name and version of the ledger."""


def change_between(now: Answer, before: Answer) -> Change:
    """This period over the one before, where both are known, on the same terms, and there is something.

    Errors that both share (one meter's gain, one PUE) go out of the ratio (core.figure).
    """
    if not isinstance(now, Figure):
        return Change(refused=f"not known: {now}")
    if not isinstance(before, Figure):
        return Change(refused=f"the period before is not known: {before}")
    differing = [term for term in differing_terms(now, before) if term[0] in (*COMPARED, "unit")]
    if differing:
        return Change(refused=str(NotComparable(differing)))
    if before.value <= 0.0:
        return Change(refused="nothing was used in the period before")
    return Change(ratio=_bare(now).over(_bare(before, " before"), "1"))


def _bare(figure: Figure, gaps: str = "") -> Figure:
    """Without terms that need not be equal; what must be has been looked at.

    Gaps are named after groups alone, and those of two periods have nothing in common that could cancel.
    """
    kept = {name: value for name, value in figure.terms.items() if name in COMPARED}
    return Figure(
        value=figure.value,
        unit=figure.unit,
        errors={n + gaps if n.startswith(GAP_PREFIX) else n: e for n, e in figure.errors.items()},
        grades=figure.grades,
        coverage=figure.coverage,
        terms=kept,
        sources=figure.sources,
        notes=figure.notes,
        ends=figure.ends,
    )


def last_whole(kind: str, now: datetime, zone: tzinfo) -> Period:
    """The newest period of a kind that is over."""
    return before(period_at(kind, now, zone), zone)


def before(period: Period, zone: tzinfo) -> Period:
    """The period before one of the calendar."""
    assert period.start is not None  # calendar periods have a beginning
    return period_at(period.kind, period.start - timedelta(seconds=1), zone)


def due(kind: str, now: datetime, zone: tzinfo, last: str) -> tuple[tuple[Period, ...], int]:
    """The whole periods after the one that was told last, the oldest first, and how many are too old.

    ``last`` is the name of a period; empty: none was told yet, and the newest alone is due. One that is not
    found within MOST_BEHIND periods leaves MOST_BEHIND due, and says that there are more (-1: not known).
    """
    newest = last_whole(kind, now, zone)
    if not last:
        return (newest,), 0
    found: list[Period] = []
    period = newest
    while period.name > last and len(found) < MOST_BEHIND:
        found.append(period)
        period = before(period, zone)
    return tuple(reversed(found)), -1 if period.name > last else 0


def largest_first(groups: Sequence[Used], most: int) -> tuple[tuple[Used, ...], int]:
    """The groups by their energy, unknown ones first, and how many are left out."""
    ordered = sorted(groups, key=lambda one: -_joules(one.energy))
    return tuple(ordered[:most]), max(0, len(ordered) - most)


def _joules(answer: Answer) -> float:
    return answer.value if isinstance(answer, Figure) else float("inf")
