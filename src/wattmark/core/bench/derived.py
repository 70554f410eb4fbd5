"""What is worked out of evidence before it is judged: energies, steadiness, idle power, quality."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from wattmark.core.bench.evidence import Evidence, Phase, PhaseName, QueryRecord
from wattmark.core.bench.lines import Line, lines_of
from wattmark.core.bench.quality import quality_of
from wattmark.core.bench.repeats import GPU, Repeat, Spent, gpu_only, repeats_in, spent_in
from wattmark.core.bench.result import QualityScore
from wattmark.core.bench.steady import Steadiness, Watched, limits, steadiness, watched
from wattmark.core.bench.stopping import first_stage, relative_half_width
from wattmark.core.bench.task import TASKS, Task
from wattmark.core.figure import Figure, differing_terms, total
from wattmark.core.stats import spread

NOISE = "repeats:"
"""Error source of the mean over repeats: how far the mean of others like them may lie."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Energy per query of one repeat, and how far off it may be through looks that failed."""

    repeat: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleSpell:
    """The model is loaded and nothing is asked of it."""

    seconds: float
    watts: float | None
    """None where the energy is not known."""
    low: float = 0.0
    high: float = math.inf
    """Mean power, at least and at most, whatever failed looks hid."""
    coverage: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """Everything that a rule may look at."""

    evidence: Evidence
    task: Task | None
    lines: Mapping[str, Line]
    repeats: tuple[Repeat, ...]
    """All that were begun."""
    ended: tuple[Repeat, ...]
    """Those that came to their end."""
    counted: tuple[Repeat, ...]
    """Those of them that have an energy per query."""
    spent: Spent
    """Over all rated phases."""
    energy: Figure | None
    """Joules per query: mean over repeats."""
    seen: tuple[Seen, ...]
    steady: tuple[Steadiness | None, ...]
    """Of each counted repeat."""
    idle_before: IdleSpell | None
    idle_after: IdleSpell | None
    quality: QualityScore | None
    quality_name: str

    @property
    def queries(self) -> tuple[QueryRecord, ...]:
        """Every query of every repeat that was begun."""
        return tuple(q for r in self.repeats for q in r.queries)

    @property
    def devices(self) -> tuple[Line, ...]:
        """The devices whose energy is counted."""
        return tuple(self.lines[d] for d in self.spent.devices)


def derived_from(evidence: Evidence) -> Derived:
    """Work out what the evidence says, judging nothing."""
    lines = lines_of(evidence)
    task = TASKS.get(evidence.pinned.task)
    repeats = repeats_in(evidence, lines)
    ended = tuple(r for r in repeats if not r.failed)
    counted = tuple(r for r in ended if r.energy_per_query is not None)
    rated = [phase for r in repeats for phase in r.phases]
    spent = spent_in(evidence, lines, rated, only=GPU if gpu_only(evidence) else None)
    by_id = {line.device.id: line for line in lines}
    devices = [watched(by_id[d]) for d in spent.devices]
    name = evidence.pinned.options.get("quality") or (task.quality if task else "")
    return Derived(
        evidence=evidence,
        task=task,
        lines=by_id,
        repeats=repeats,
        ended=ended,
        counted=counted,
        spent=spent,
        energy=mean_energy(evidence, [f for r in counted if (f := r.energy_per_query) is not None]),
        seen=tuple(_seen(r, devices) for r in counted),
        steady=tuple(_steady(r, devices) for r in counted),
        idle_before=_idle(evidence, lines, PhaseName.IDLE_BEFORE, devices),
        idle_after=_idle(evidence, lines, PhaseName.IDLE_AFTER, devices),
        quality=quality_of(task, first_answers(ended), name) if task else None,
        quality_name=name,
    )


def mean_energy(evidence: Evidence, figures: Sequence[Figure]) -> Figure | None:
    """The mean of the repeats, with what every meter errs by and with the noise between repeats.

    None without any, and where they have different boundaries.

    Noise is a source of its own, t x s / sqrt(n) on logarithms (:mod:`wattmark.core.bench.stopping`), that
    only repeats can tell: one repeat says nothing about it.
    """
    if not figures or any(differing_terms(figures[0], f) for f in figures):
        return None
    figure = total(figures).scaled(1 / len(figures), "J/query")
    values = [f.value for f in figures]
    noise = None
    if all(v > 0 for v in values):
        noise = relative_half_width(values, first_stage(evidence.profile))
    if noise is None:
        return figure.with_notes("one repeat: the noise between repeats is not in the interval")
    return replace(figure, errors={**figure.errors, f"{NOISE}{evidence.id}": noise * figure.value})


def first_answers(repeats: Sequence[Repeat]) -> tuple[QueryRecord, ...]:
    """Each query once: the first turn of the first repeat."""
    if not repeats:
        return ()
    return tuple(q for q in repeats[0].queries if q.turn == 0)


def variation(values: Sequence[float]) -> float | None:
    """Coefficient of variation; None for fewer than two values."""
    if len(values) < 2 or math.fsum(values) <= 0.0:
        return None
    told = spread(values)
    return told.sd / told.mean


def _seen(repeat: Repeat, devices: Sequence[Watched]) -> Seen:
    found = repeat.energy_per_query
    assert found is not None, "only counted repeats are looked at"
    done = len(repeat.answered)
    ends = [limits(devices, p.start_us, p.end_us) for p in repeat.phases]
    low, high = (math.fsum(e[i] for e in ends) / done for i in (0, 1))
    return Seen(
        repeat=repeat.number, value=found.value, low=min(low, found.value), high=max(high, found.value)
    )


def _steady(repeat: Repeat, devices: Sequence[Watched]) -> Steadiness | None:
    """Over the measured phase: a pass before it (preprocessing) does other work."""
    phase = next((p for p in repeat.phases if p.name is PhaseName.MEASURE), None)
    return None if phase is None else steadiness(devices, phase.start_us, phase.end_us)


def _idle(
    evidence: Evidence, lines: Sequence[Line], name: PhaseName, devices: Sequence[Watched]
) -> IdleSpell | None:
    phases = [p for p in evidence.phases if p.name is name and p.end_us > p.start_us]
    if not phases:
        return None
    seconds = _seconds(phases)
    spent = spent_in(evidence, lines, phases, only=GPU if gpu_only(evidence) else None)
    if not isinstance(spent.energy, Figure):
        return IdleSpell(seconds=seconds, watts=None)
    ends = [limits(devices, p.start_us, p.end_us) for p in phases]
    watts = spent.energy.value / seconds
    return IdleSpell(
        seconds=seconds,
        watts=watts,
        low=min(watts, math.fsum(e[0] for e in ends) / seconds),
        high=max(watts, math.fsum(e[1] for e in ends) / seconds),
        coverage=spent.energy.coverage,
    )


def _seconds(phases: Sequence[Phase]) -> float:
    return sum(p.end_us - p.start_us for p in phases) / 1e6
