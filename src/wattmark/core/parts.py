"""What an engine found of one group of a ledger, and the energy figure that it makes.

The engine only adds up: integers of energy and time, and energy weighted with the factors it met.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from wattmark.core.carbon import Intensity, Pue
from wattmark.core.facts import UNSTAGED, Operations, WorkDone
from wattmark.core.figure import GAP_PREFIX, Figure, Missing
from wattmark.core.gaps import shown_as, worst_case
from wattmark.core.known import Boundary, Grade
from wattmark.core.rate import Rate
from wattmark.core.reserved import Reserved
from wattmark.core.run import REFRESH, Quality

MICRO = 1e6
"""Microjoules in a joule, microseconds in a second."""
SECONDS_PER_HOUR = 3600.0
LEVELS = tuple(Boundary)
"""Boundaries by their number in the tables: device, node, facility."""
GAPS = "gaps estimated"
DEVICES = "device energy: the rest of those machines is not in it"
"""Notes of a figure; reports that have a line of their own for these know them by their words."""
NO_ENERGY = Missing("energy", "nothing was counted here: `wattmark ledger runs` lists what came in")


@dataclass(frozen=True, slots=True, kw_only=True)
class HowKnown:
    """How an energy is known: one row of the ledger's ``knowns``."""

    known_id: str
    grade: Grade
    scope: str = "whole"
    attribution_rule: str = ""
    errors: Mapping[str, float] = field(default_factory=dict)
    """Error source -> relative half width at 95 %."""
    source: str = ""
    gains: tuple[tuple[str, float], ...] = field(init=False, compare=False, repr=False)
    """The errors by the names under which they are added up."""
    shown: float = field(init=False, compare=False, repr=False)
    """How many times of what was there may have been shown (core.gaps)."""

    def __post_init__(self) -> None:
        # Edges of rows are each row's own: elsewhere they are another error of the same kind.
        gains = (
            (f"{name}:{self.known_id}" if name.endswith(REFRESH) else name, relative)
            for name, relative in self.errors.items()
        )
        object.__setattr__(self, "gains", tuple(gains))
        object.__setattr__(self, "shown", shown_as(self.errors))


@dataclass(frozen=True, slots=True)
class RateMet:
    """A rate that the energy of a part met, such as a price; its amount is one of those that were met."""

    rate: Rate
    plain: float
    """Sum of microjoules x rate."""
    by_pue: float
    """Sum of microjoules x PUE x rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Energy of one group that is known in one way, was used in one kind of place, and met one table."""

    known: HowKnown
    component: str
    stage: str = ""
    reach: int = 0
    """What the readings of its machine cover together: a number of LEVELS."""
    allocation: str = "whole"
    energy_uj: int
    """Energy that was observed."""
    observed_us: int = 0
    gap_us: int = 0
    unfilled_us: int = 0
    """Time in gaps for which no estimate can be made."""
    gap_uj: int = 0
    gap_least_uj: int = 0
    gap_most_uj: int = 0
    intensity: Intensity | None = None
    """Which table it met; its value is one of those that were met."""
    pue: Pue | None = None
    by_pue: float = 0.0
    """Sum of microjoules x PUE."""
    by_grid: float = 0.0
    """Sum of microjoules x gCO2e/kWh."""
    by_both: float = 0.0
    """Sum of microjoules x PUE x gCO2e/kWh."""
    long_uj: int = 0
    """Energy of records longer than a day, which is spread evenly and met the mean factor of their time."""
    rates: tuple[RateMet, ...] = ()
    """Prices and litres per kWh that it met."""

    @property
    def used_uj(self) -> int:
        """Observed, and estimated for the gaps."""
        return self.energy_uj + self.gap_uj


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsOf:
    """What the runs of one group were, without their energy."""

    runs: int = 0
    attempts: int = 0
    """Ranks of one job are one attempt."""
    failed: int = 0
    open: int = 0
    interrupted: int = 0
    duration_seconds: float = 0.0
    """Time for which machines were taken; of each attempt its longest rank."""
    machine_hours: float = 0.0
    """Hours for which machines were taken, each machine's once."""
    rank_coverage: float = 1.0
    """Share of the ranks that left evidence, of the job that left least."""
    operations: Operations = field(default_factory=Operations)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """All that an engine found of one group in one period."""

    group: Mapping[str, str] = field(default_factory=dict)
    period: str = ""
    parts: tuple[Part, ...] = ()
    work: tuple[WorkDone, ...] = ()
    quality: Mapping[str, Quality] = field(default_factory=dict)
    runs: RunsOf = field(default_factory=RunsOf)
    reserved: tuple[Reserved, ...] | None = None
    """None: nobody stated what making the hardware emitted."""
    missing_uj: float = 0.0
    """What ranks that left no evidence used, if each used what those of its job did that left some."""
    notes: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Names what is uncertain here and nowhere else."""
        return "/".join((self.period, *(f"{k}={v}" for k, v in self.group.items()))) or "all"


def energy_of_parts(parts: Sequence[Part], group: Group) -> Figure | Missing:
    """Joules of some parts of a group with boundary, grades, coverage and named errors (kpis.md).

    The boundary is the narrowest of any machine at any moment. Gaps stand in it by their estimate, at
    grade D, and with the worst case as their bound.
    """
    if not parts:
        return NO_ENERGY
    figure = bare_energy(parts, group)
    return figure.with_notes(*_energy_notes(parts, figure.coverage, group), *group.notes)


def bare_energy(parts: Sequence[Part], group: Group) -> Figure:
    """The figure without what is to be said beside it."""
    errors: dict[str, float] = {}
    grades: dict[Grade, float] = {}
    seconds: dict[tuple[str, str], tuple[int, int]] = {}
    words: set[tuple[int, str, str, str]] = set()
    gap = f"{GAP_PREFIX}{group.label}:"
    used = 0
    for part in parts:  # once through everything: there may be many
        known = part.known
        used += part.energy_uj + part.gap_uj
        joules = part.energy_uj / MICRO
        grades[known.grade] = grades.get(known.grade, 0.0) + joules
        for name, relative in known.gains:
            errors[name] = errors.get(name, 0.0) + relative * joules
        if part.gap_us > 0:
            grades[Grade.D] = grades.get(Grade.D, 0.0) + part.gap_uj / MICRO
            half = worst_case(part.gap_uj, part.gap_least_uj, part.gap_most_uj, known.shown)
            name = gap + known.known_id
            errors[name] = errors.get(name, 0.0) + half / MICRO
        one = known.known_id, part.component
        seen, whole = seconds.get(one, (0, 0))
        seconds[one] = seen + part.observed_us, whole + part.observed_us + part.gap_us
        words.add((part.reach, part.allocation, known.attribution_rule, known.source))
    if group.missing_uj > 0:
        # Twice as much as those that left evidence: their most is not known here (core.totals).
        share = used / max(1, sum(p.used_uj for p in group.parts))
        errors[f"{GAP_PREFIX}ranks of {group.label}"] = 2 * group.missing_uj * share / MICRO
    # Share of time observed, of what was observed least: one component that is known in one way.
    coverage = min(seen / whole if whole > 0 else 1.0 for seen, whole in seconds.values())
    return Figure(
        value=used / MICRO,
        unit="J",
        errors=errors,
        grades=grades,
        coverage=coverage * group.runs.rank_coverage,
        terms={
            "boundary": LEVELS[min(reach for reach, *_ in words)].value,
            "scope": joined(allocation for _, allocation, *_ in words),
            "attribution_rule": joined(rule or "whole_device" for _, _, rule, _ in words),
        },
        sources=tuple(sorted({source for *_, source in words if source})),
    )


def joined(words: Iterable[str]) -> str:
    return "+".join(sorted(set(words)))


def _energy_notes(parts: Sequence[Part], coverage: float, group: Group) -> list[str]:
    notes = []
    if coverage < 1:
        notes.append(f"{GAPS}, {1 - coverage:.1%} of the time not observed")
    for component, seconds in never_read(parts).items():
        notes.append(
            f"{seconds / SECONDS_PER_HOUR:.3g} h of {component} were not read and cannot be estimated: "
            "they are not in it"
        )
    narrow = sum(p.used_uj for p in parts if p.reach == 0)
    if narrow and any(p.reach > 0 for p in parts):
        share = narrow / sum(p.used_uj for p in parts)
        notes.append(f"{share:.1%} of it is {DEVICES}")
    long = sum(p.long_uj for p in parts)
    if long:
        notes.append(
            f"{long / MICRO:g} J come from records longer than a day that state no course: they are spread "
            "evenly over their time, and met its mean factor"
        )
    if group.runs.rank_coverage < 1:
        notes.append(f"evidence of only {group.runs.rank_coverage:.0%} of the ranks")
    for count, text in ((group.runs.open, "still open"), (group.runs.interrupted, "interrupted")):
        if count:
            notes.append(f"{count} of {group.runs.runs} runs {text}")
    return notes


def never_read(parts: Sequence[Part]) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in parts:
        if part.unfilled_us:
            found[part.component] = found.get(part.component, 0.0) + part.unfilled_us / MICRO
    return found


def by_stage(parts: Sequence[Part], group: Group, whole: Figure | Missing) -> dict[str, Figure]:
    """Joules by stage, parts of a whole."""
    return _split(parts, group, whole, lambda p: p.stage or UNSTAGED)


def _split(
    parts: Sequence[Part], group: Group, whole: Figure | Missing, key: Callable[[Part], str]
) -> dict[str, Figure]:
    found: dict[str, list[Part]] = {}
    for part in parts:
        found.setdefault(key(part), []).append(part)
    figures = {
        name: energy_of_parts(some, group) if len(found) > 1 else whole
        for name, some in sorted(found.items())
    }
    return {name: figure for name, figure in figures.items() if isinstance(figure, Figure)}


def by_component(parts: Sequence[Part], group: Group, whole: Figure | Missing) -> dict[str, Figure]:
    """Parts of the whole at the boundary of the whole: no component covers a node by itself."""
    boundary = LEVELS[min((p.reach for p in parts), default=0)].value
    figures = _split(parts, group, whole, lambda p: p.component)
    return {name: figure.with_terms(boundary=boundary) for name, figure in figures.items()}
