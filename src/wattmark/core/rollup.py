"""Totals of a ledger: from the small rows that an engine gives back to figures and to the facts of KPIs.

The engine only adds up: integers of energy and time, and energy weighted with the factors it met. What a
figure is, and how energy becomes carbon, is said in core.figure and core.carbon, and nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from wattmark.core.carbon import Intensity, Pue, energy_for_carbon, operational_carbon
from wattmark.core.errors import NotComparable
from wattmark.core.facts import Embodied, Facts, Operations, WorkDone
from wattmark.core.figure import GAP_PREFIX, Figure, Missing, exact, total
from wattmark.core.given import Given
from wattmark.core.known import Boundary, Grade
from wattmark.core.run import REFRESH, Quality
from wattmark.core.totals import UNSTAGED, USUAL_UNITS, quality_of

MICRO = 1e6
"""Microjoules in a joule, microseconds in a second."""
LEVELS = tuple(Boundary)
"""Boundaries by their number in the tables: device, node, facility."""
SECONDS_PER_HOUR = 3600.0
ROUNDING = 1e-11
"""Sums of floating-point numbers in another order differ by less."""

_NO_ENERGY = Missing("energy", "nothing was counted here: `wattmark ledger runs` lists what came in")
_NO_GRID = Missing(
    "grid intensity", "give the zone a factor with [[grid]] in ledger.toml, or say the country of the runs"
)
_NO_PUE = Missing("pue", "--pue where the runs are measured, or `pue` of the [[site]] in ledger.toml")


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
    """Energy of records longer than a day, which stand where they begin and met the mean of their period."""

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
    missing_per_present: float = 0.0
    """Ranks without evidence for each one that left some, in the job that left least."""
    operations: Operations = field(default_factory=Operations)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """Hours for which devices of one kind were reserved, and what making one of them emitted."""

    name: str
    total_grams: float
    lifespan_hours: float
    hours: float
    reserved_share: float = 1.0
    relative_error: float = 0.30
    source: str = "declared"


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
    notes: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Names what is uncertain here and nowhere else."""
        return "/".join((self.period, *(f"{k}={v}" for k, v in self.group.items()))) or "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """Everything that is known of one group in one period."""

    group: Mapping[str, str]
    """Key -> value, as the question asked; an empty value: nobody stated it."""
    period: str = ""
    """``2026-11``, ``2026-W45``, ``2026-Q4``, ``2026-11-01``, ...; empty where none was asked for."""
    energy: Figure | Missing
    """Joules at the asked boundary, gaps estimated."""
    observed_uj: int = 0
    """Energy that was observed, exact."""
    gap_uj: int = 0
    """Estimate for the gaps in it, the exact sum of the ledger's own estimates."""
    energy_by_stage: Mapping[str, Figure] = field(default_factory=dict)
    energy_by_component: Mapping[str, Figure] = field(default_factory=dict)
    device_only_uj: int = 0
    """Energy at device boundary: the rest of those machines is not in the total."""
    never_read_seconds: Mapping[str, float] = field(default_factory=dict)
    """Component -> time for which there is neither a reading nor an estimate; it is not in the total."""
    facility: Figure | Missing = _NO_PUE
    """Joules at the facility's meter: node energy x PUE; Missing where some energy has no way there."""
    carbon: Figure | Missing = _NO_GRID
    """Operational gCO2e; Missing where some energy met no factor (``carbon_known`` is of the rest)."""
    carbon_known: Figure | None = None
    without_factor_uj: int = 0
    """Energy that met no grid factor, gaps estimated."""
    pue: Figure | Missing = _NO_PUE
    """Effective PUE."""
    intensity: Figure | Missing = _NO_GRID
    """Effective intensity: energy x PUE x intensity is the carbon."""
    embodied: Embodied | Missing = field(default_factory=lambda: Missing("embodied carbon"))
    work: Mapping[str, WorkDone] = field(default_factory=dict)
    quality: Mapping[str, Quality] = field(default_factory=dict)
    """The latest of each named quality."""
    runs: RunsOf = field(default_factory=RunsOf)


def total_of(group: Group) -> Total:
    """Figures of one group. Raises RefusedError for an impossible factor."""
    parts = group.parts
    carbon, known, without = _carbon(group)
    pue, intensity = _factors(parts)
    return Total(
        group=group.group,
        period=group.period,
        energy=energy_of_parts(parts, group),
        observed_uj=sum(p.energy_uj for p in parts),
        gap_uj=sum(p.gap_uj for p in parts),
        energy_by_stage=_split(parts, group, lambda p: p.stage or UNSTAGED),
        energy_by_component=_by_component(parts, group),
        device_only_uj=sum(p.used_uj for p in parts if p.reach == 0),
        never_read_seconds=_never_read(parts),
        facility=_facility(group),
        carbon=carbon,
        carbon_known=known,
        without_factor_uj=without,
        pue=pue,
        intensity=intensity,
        embodied=_embodied(group.reserved),
        work=_work(group.work),
        quality=group.quality,
        runs=group.runs,
    )


def facts_of_total(told: Total, given: Given) -> Facts:
    """What KPIs are computed from; what is given beside the ledger goes before its own factors.

    Where factors differ from hour to hour or from site to site, PUE and intensity are the effective ones:
    exact for the whole, and means for a single stage of it.
    """
    quality, quality_name = quality_of(told.quality, given)
    unread = ", ".join(told.never_read_seconds)
    energy: Figure | Missing = told.energy
    if unread:
        energy = Missing(f"energy of {unread}", "no reading succeeded, and its power limit is not known")
    return Facts(
        energy=energy,
        energy_by_stage=told.energy_by_stage,
        energy_by_component=told.energy_by_component,
        duration_seconds=told.runs.duration_seconds,
        attempts=max(1, told.runs.attempts),
        work=told.work,
        functional_unit=given.functional_unit or next((u for u in USUAL_UNITS if u in told.work), None),
        quality=quality,
        quality_name=quality_name,
        pue=given.pue.figure() if given.pue else told.pue,
        intensity=given.intensity.figure() if given.intensity else told.intensity,
        embodied=given.embodied or told.embodied,
        lifetime_inferences=given.lifetime_inferences,
        peak=given.peak,
        training_flop=given.training_flop,
        mfu=given.mfu,
        reference_device_factor=given.reference_device_factor,
        renewables=given.renewables,
        operations=replace(told.runs.operations, manual_steps=given.manual_steps),
        workload_class=told.group.get("workload_class") or None,
        task=told.group.get("task") or None,
    )


def energy_of_parts(parts: Sequence[Part], group: Group) -> Figure | Missing:
    """Joules of some parts of a group with boundary, grades, coverage and named errors (kpis.md).

    The boundary is the narrowest of any machine at any moment. Gaps stand in it by their estimate, at
    grade D, and with the worst case as their bound.
    """
    if not parts:
        return _NO_ENERGY
    figure = _bare(parts, group)
    return figure.with_notes(*_energy_notes(parts, figure.coverage, group), *group.notes)


def _bare(parts: Sequence[Part], group: Group) -> Figure:
    """The figure without what is to be said beside it."""
    errors: dict[str, float] = {}
    grades: dict[Grade, float] = {}
    for part in parts:
        joules = part.energy_uj / MICRO
        _add(grades, part.known.grade, joules)
        for name, relative in part.known.errors.items():
            # Edges of rows are each row's own: elsewhere they are another error of the same kind.
            own = f"{name}:{part.known.known_id}" if name.endswith(REFRESH) else name
            _add(errors, own, relative * joules)
        if part.gap_us > 0:
            _add(grades, Grade.D, part.gap_uj / MICRO)
            half = max(part.gap_most_uj - part.gap_uj, part.gap_uj - part.gap_least_uj, 0)
            _add(errors, f"{GAP_PREFIX}{group.label}:{part.known.known_id}", half / MICRO)
    used = sum(p.used_uj for p in parts) / MICRO
    if group.runs.missing_per_present > 0:
        # As much as those that left evidence, twice: their most is not known here (core.totals).
        errors[f"{GAP_PREFIX}ranks of {group.label}"] = 2 * used * group.runs.missing_per_present
    return Figure(
        value=used,
        unit="J",
        errors=errors,
        grades=grades,
        coverage=_coverage(parts) * group.runs.rank_coverage,
        terms={
            "boundary": LEVELS[min(p.reach for p in parts)].value,
            "scope": _joined(p.allocation for p in parts),
            "attribution_rule": _joined(p.known.attribution_rule or "whole_device" for p in parts),
        },
        sources=tuple(sorted({p.known.source for p in parts if p.known.source})),
    )


_Key = TypeVar("_Key")


def _add(amounts: dict[_Key, float], key: _Key, amount: float) -> None:
    amounts[key] = amounts.get(key, 0.0) + amount


def _joined(words: Iterable[str]) -> str:
    return "+".join(sorted(set(words)))


def _coverage(parts: Sequence[Part]) -> float:
    """Share of time observed, of what was observed least: one component that is known in one way."""
    seconds: dict[tuple[str, str], list[int]] = {}
    for part in parts:
        entry = seconds.setdefault((part.known.known_id, part.component), [0, 0])
        entry[0] += part.observed_us
        entry[1] += part.observed_us + part.gap_us
    return min(seen / whole if whole > 0 else 1.0 for seen, whole in seconds.values())


def _energy_notes(parts: Sequence[Part], coverage: float, group: Group) -> list[str]:
    notes = []
    if coverage < 1:
        notes.append(f"gaps estimated, {1 - coverage:.1%} of the time not observed")
    for component, seconds in _never_read(parts).items():
        notes.append(
            f"{seconds / SECONDS_PER_HOUR:.3g} h of {component} were not read and cannot be estimated: "
            "they are not in it"
        )
    narrow = sum(p.used_uj for p in parts if p.reach == 0)
    if narrow and any(p.reach > 0 for p in parts):
        share = narrow / sum(p.used_uj for p in parts)
        notes.append(f"{share:.1%} of it is device energy: the rest of those machines is not in it")
    long = sum(p.long_uj for p in parts)
    if long:
        notes.append(
            f"{long / MICRO:g} J come from records longer than a day: they stand where they begin, "
            "and met the mean factor of their time"
        )
    if group.runs.rank_coverage < 1:
        notes.append(f"evidence of only {group.runs.rank_coverage:.0%} of the ranks")
    for count, text in ((group.runs.open, "still open"), (group.runs.interrupted, "interrupted")):
        if count:
            notes.append(f"{count} of {group.runs.runs} runs {text}")
    return notes


def _never_read(parts: Sequence[Part]) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in parts:
        if part.unfilled_us:
            _add(found, part.component, part.unfilled_us / MICRO)
    return found


def _split(parts: Sequence[Part], group: Group, key: Callable[[Part], str]) -> dict[str, Figure]:
    found: dict[str, list[Part]] = {}
    for part in parts:
        found.setdefault(key(part), []).append(part)
    figures = {name: energy_of_parts(some, group) for name, some in sorted(found.items())}
    return {name: figure for name, figure in figures.items() if isinstance(figure, Figure)}


def _by_component(parts: Sequence[Part], group: Group) -> dict[str, Figure]:
    """Parts of the whole at the boundary of the whole: no component covers a node by itself."""
    whole = LEVELS[min((p.reach for p in parts), default=0)].value
    return {
        name: figure.with_terms(boundary=whole)
        for name, figure in _split(parts, group, lambda p: p.component).items()
    }


@dataclass(frozen=True, slots=True)
class _Met:
    """Parts of one boundary that met the same tables."""

    parts: tuple[Part, ...]

    @property
    def used(self) -> int:
        return sum(p.used_uj for p in self.parts)

    @property
    def level(self) -> Boundary:
        return LEVELS[self.parts[0].reach]

    def pue(self) -> Figure | Missing:
        """The mean PUE that this energy met."""
        told = self.parts[0].pue
        if told is None:
            return _NO_PUE
        met = math.fsum(p.by_pue for p in self.parts)
        return replace(told, value=_unless_same(told.value, met, self.used)).figure()

    def intensity(self, *, with_pue: bool) -> Figure | Missing:
        """The mean intensity that this energy met, where it is multiplied by a PUE and where it is not."""
        told = self.parts[0].intensity
        if told is None:
            return _NO_GRID
        over = math.fsum(p.by_pue for p in self.parts) if with_pue else float(self.used)
        met = math.fsum(p.by_both if with_pue else p.by_grid for p in self.parts)
        return replace(told, grams_per_kwh=_unless_same(told.grams_per_kwh, met, over)).figure()


def _unless_same(told: float, met: float, over: float) -> float:
    """The mean that was met; what was told where they differ by the rounding of sums alone."""
    mean = met / over if over else told
    return told if math.isclose(mean, told, rel_tol=ROUNDING) else mean


def _met(parts: Sequence[Part]) -> list[_Met]:
    found: dict[tuple[object, ...], list[Part]] = {}
    for part in parts:
        grid = part.intensity and (part.intensity.source, part.intensity.zone, part.intensity.year)
        pue = part.pue and (part.pue.kind, part.pue.value)
        found.setdefault((part.reach, grid, pue), []).append(part)
    return [_Met(tuple(some)) for some in found.values()]


def _carbon(group: Group) -> tuple[Figure | Missing, Figure | None, int]:
    """Carbon of the whole, carbon of what met a factor, and the microjoules that met none."""
    without = 0
    found: list[Figure] = []
    for met in _met(group.parts):
        pue = met.pue()
        intensity = met.intensity(with_pue=isinstance(pue, Figure) and met.level is Boundary.NODE)
        widest = energy_for_carbon(_bare(met.parts, group), pue)
        if isinstance(widest, Figure) and isinstance(intensity, Figure):
            found.append(operational_carbon(widest, intensity))
        else:
            without += met.used
    if not group.parts:
        return _NO_ENERGY, None, 0
    if not found:
        return _NO_GRID, None, without
    try:
        known = _sum_of(found)
    except NotComparable as refusal:
        return Missing("carbon on equal terms", str(refusal)), None, without
    whole = energy_of_parts(group.parts, group)
    known = known.with_notes(*whole.notes) if isinstance(whole, Figure) else known
    return (_NO_GRID if without else known), known, without


def _facility(group: Group) -> Figure | Missing:
    """All energy at the facility's meter: what has no way there makes it Missing."""
    if not group.parts:
        return _NO_ENERGY
    found: list[Figure] = []
    for met in _met(group.parts):
        widest = energy_for_carbon(_bare(met.parts, group), met.pue())
        if isinstance(widest, Missing) or widest.terms["boundary"] != Boundary.FACILITY:
            if met.level is Boundary.NODE:
                return _NO_PUE
            return Missing("energy of whole nodes", "some machines were read at device boundary only")
        found.append(widest)
    return _sum_of(found)


def _factors(parts: Sequence[Part]) -> tuple[Figure | Missing, Figure | Missing]:
    """Effective PUE and intensity of all parts together: the carbon is energy x PUE x intensity."""
    all_met = _met(parts)
    used = sum(m.used for m in all_met)
    narrowest = min((p.reach for p in parts), default=0)
    pues = [m.pue() if m.level is Boundary.NODE else exact(1.0, "1") for m in all_met]
    known = [p for p in pues if isinstance(p, Figure)]
    multiplied = narrowest == LEVELS.index(Boundary.NODE) and len(known) == len(pues)
    pue: Figure | Missing = _NO_PUE
    if multiplied:
        pue = _mean([(m.used, p) for m, p in zip(all_met, known, strict=True)])
    elif narrowest == 0:
        stated = [(m.used, p) for m in all_met if isinstance(p := m.pue(), Figure)]
        pue = _mean(stated) if len(stated) == len(all_met) and stated else _NO_PUE
    weighted: list[tuple[float, Figure]] = []
    for met, factor in zip(all_met, pues, strict=True):
        node = multiplied and met.level is Boundary.NODE
        intensity = met.intensity(with_pue=node)
        if isinstance(intensity, Missing):
            return pue, intensity
        times = factor.value if node and isinstance(factor, Figure) else 1.0
        weighted.append((met.used * times, intensity))
    if not weighted or not used:
        return pue, weighted[0][1] if weighted else _NO_GRID
    try:
        return pue, _mean(weighted)
    except NotComparable as refusal:
        return pue, Missing("grid intensity on equal terms", str(refusal))


def _mean(weighted: Sequence[tuple[float, Figure]]) -> Figure:
    """Mean of figures by weights; each named error with its share. Raises NotComparable."""
    whole = math.fsum(w for w, _ in weighted)
    if len(weighted) == 1 or whole <= 0:
        return weighted[0][1]
    unit = weighted[0][1].unit
    shares = [figure.scaled(weight / whole, unit) for weight, figure in weighted]
    kinds = _joined(f.terms["pue_kind"] for f in shares if "pue_kind" in f.terms)
    return total([f.with_terms(pue_kind=kinds) for f in shares] if kinds else shares)


def _sum_of(figures: Sequence[Figure]) -> Figure:
    """Sum of figures whose kinds of boundary, scope and PUE may differ: their terms then name all of them.

    Raises NotComparable when accounting, basis or inventory differ: such grams are never added.
    """
    mixed = {
        term: _joined(f.terms.get(term, "none") for f in figures)
        for term in ("boundary", "scope", "attribution_rule", "pue_kind")
        if any(term in f.terms for f in figures)
    }
    return total([f.with_terms(**mixed) for f in figures])


def _embodied(reserved: Sequence[Reserved] | None) -> Embodied | Missing:
    """All reserved devices as one: together they carry the sum of what each of them carries.

    Of n devices, n being the least number that can have been reserved for so long, each for the same
    time: TE x (reserved time / lifespan) x (reserved / total resources), ISO/IEC 21031:2024.
    """
    if reserved is None:
        return Missing("embodied carbon", "[[embodied]] with total_kg and lifespan_years in ledger.toml")
    sound = [r for r in reserved if r.hours > 0 and r.lifespan_hours > 0 and r.total_grams > 0]
    if not sound:
        return Missing("reserved hours", "no device that [[embodied]] names was in use here")
    grams = carried = per_hour = error = 0.0
    for one in sound:
        made = one.total_grams * max(1, math.ceil(one.hours / one.lifespan_hours))
        shared = one.total_grams * one.hours / one.lifespan_hours * one.reserved_share
        grams += made
        carried += shared
        per_hour += made / one.lifespan_hours
        error += shared * one.relative_error
    lifespan = grams / per_hour
    return Embodied(
        total_grams=grams,
        lifespan_hours=lifespan,
        relative_error=error / carried if carried else 0.0,
        reserved_hours=carried / grams * lifespan,
        source=_joined(one.source for one in sound),
    )


def _work(done: Sequence[WorkDone]) -> dict[str, WorkDone]:
    found: dict[str, WorkDone] = {}
    for one in done:
        before = found.get(one.unit)
        found[one.unit] = (
            one
            if before is None
            else WorkDone(
                unit=one.unit,
                count=before.count + one.count,
                failed=before.failed + one.failed,
                declared=before.declared or one.declared,
                precision=one.precision if before.precision == one.precision else "mixed",
            )
        )
    return found
