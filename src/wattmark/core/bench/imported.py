"""A run of another benchmark as a result: what it states, and what nobody knows of it.

A run is a benchmark's when it carries the label ``wattmark.bench.task``. Labels beside it fill the key; what
none of them tells is ``unknown``, and the validity has a reason for every rule that cannot be checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wattmark.core.bench.as_run import BENCHMARK
from wattmark.core.bench.key import ESTIMATED, MEASURED, UNKNOWN, Key
from wattmark.core.bench.labels import LABEL
from wattmark.core.bench.pinned import ModelFacts
from wattmark.core.bench.reasons import because
from wattmark.core.bench.result import Origin, QualityScore, Result
from wattmark.core.bench.task import TASKS, Task
from wattmark.core.bench.validity import Reason, validity_of
from wattmark.core.figure import Figure, Missing
from wattmark.core.known import SIMULATED, Grade, Scope
from wattmark.core.run import EnergyRow, Run, Window, Work
from wattmark.core.totals import energy_of, evidence_of
from wattmark.core.units import singular

QUERIES = ("inferences", "requests", "samples")
"""Units of which one is a query, the first that is there."""
GPU = "gpu"
LEAST_WARM_UP = 10
TINY = 1e-6
"""Seconds by which sums of lengths may round."""
NOT_TOLD = (
    ("too_few_repeats", "how often it was repeated is not told"),
    ("idle_not_measured", "idle power is not told"),
    ("steady_state_unknown", "how even power was is not told"),
    ("throttling_unknown", "whether devices were slowed down is not told"),
)
"""Rules of ours that no other tool's files let anybody check. Code and words."""


@dataclass(frozen=True, slots=True)
class _Rated:
    """What of a run is rated: its energy at its boundary, and the queries."""

    energy: Figure | None
    boundary: str
    gpu: Figure | None
    done: float
    failed: float
    seconds: float


def result_of_run(run: Run) -> Result | None:
    """The result that a run states; None where it is no benchmark's."""
    told = {k.removeprefix(LABEL): v for k, v in run.subject.labels.items() if k.startswith(LABEL)}
    if not told.get("task"):
        return None
    task = TASKS.get(told["task"])
    rated = _rated(run)
    energy = None if rated.energy is None or not rated.done else _per(rated.energy, rated.done, "J/query")
    quality = _quality(run, task)
    outputs = _outputs(run, task)
    unit = task.output_unit if task else None
    per_output = (
        _per(rated.energy, outputs, f"J/{singular(unit)}")
        if rated.energy is not None and outputs and unit
        else None
    )
    tool, _, version = told.get("origin", "").rpartition(" ")
    return Result(
        id=told.get("evidence") or run.record_id,
        task=told["task"],
        model=_model(run, told),
        cohort=told.get("cohort") or run.started_at[:7],
        date=told.get("date") or run.started_at[:10],
        profile=told.get("profile", ""),
        key=_key(told, rated.boundary, energy),
        energy=energy,
        per_output=per_output,
        output_unit=unit,
        gpu_energy=_per(rated.gpu, rated.done, "J/query") if rated.gpu and rated.done else None,
        quality=quality,
        throughput=rated.done / rated.seconds if rated.done and rated.seconds > 0 else None,
        phases_joules=_phases(run),
        input_tokens_per_query=_per_query(run, "input_tokens", rated.done),
        output_tokens_per_query=_per_query(run, "output_tokens", rated.done),
        hardware=told.get("device_class", ""),
        validity=validity_of(_reasons(run, told, rated, energy, quality)),
        origin=Origin(
            tool=tool or version or UNKNOWN,
            version=version if tool else "",
            source=told.get("source", ""),
            published=told.get("published") == "true",
            method=told.get("method", ""),
        ),
        notes=(*run.notes, *(f"not seen: {n.what} ({n.reason})" for n in run.not_seen)),
    )


def _rated(run: Run) -> _Rated:
    """Energy, queries and seconds of what is rated: all but the windows of stage ``benchmark``."""
    parts = [part for window, part in _parts(run) if window is None or window.stage != BENCHMARK]
    energy, boundary = _energy(parts)
    gpu, _ = _energy([replace(p, energies=tuple(r for r in p.energies if r.component == GPU)) for p in parts])
    work = _work(run, next((u for u in QUERIES if _work(run, u)), ""))
    seconds = sum(p.duration_seconds for p in parts)
    return _Rated(energy, boundary, gpu, _sum(work), sum(w.failed for w in work), seconds)


def _parts(run: Run) -> list[tuple[Window | None, Run]]:
    """Each outermost window as a run of its own; the whole run where it has none."""
    outermost = [w for w in run.windows if w.parent is None]
    return [(w, _part(run, w)) for w in outermost] if outermost else [(None, run)]


def _part(run: Run, window: Window) -> Run:
    """What lies within a window, as a run of that length, so that the rest of the time is no gap of it."""
    start, end = window.t0_seconds, window.t0_seconds + window.duration_seconds
    begun = datetime.fromisoformat(run.started_at) + timedelta(seconds=start)
    clock = run.started_monotonic_seconds
    rows = [
        r for r in run.energies if start <= r.t0_seconds and r.t0_seconds + r.duration_seconds <= end + TINY
    ]
    return replace(
        run,
        record_id=f"{run.record_id} {window.id}",
        started_at=begun.isoformat(),
        started_monotonic_seconds=None if clock is None else clock + start,
        duration_seconds=window.duration_seconds,
        windows=(),
        energies=tuple(_moved(row, start) for row in rows),
    )


def _moved(row: EnergyRow, by_seconds: float) -> EnergyRow:
    gaps = tuple(replace(gap, t0_seconds=gap.t0_seconds - by_seconds) for gap in row.gaps)
    return replace(row, t0_seconds=row.t0_seconds - by_seconds, gaps=gaps)


def _energy(runs: Sequence[Run]) -> tuple[Figure | None, str]:
    """Energy and its boundary as a key has it: ``node``, ``device (cpu+gpu)``."""
    found = evidence_of(runs, Scope.WHOLE)
    kept = found.merged.kept
    energy = energy_of(kept, found)
    if isinstance(energy, Missing) or energy.value <= 0:
        return None, UNKNOWN
    boundary = energy.terms["boundary"]
    if boundary == "device":
        boundary = f"device ({'+'.join(sorted({o.row.component for o in kept}))})"
    return energy.with_terms(boundary=boundary), boundary


def _per(energy: Figure, amount: float, unit: str) -> Figure:
    return energy.scaled(1 / amount, unit)


def _work(run: Run, unit: str) -> list[Work]:
    """Rated work of a unit: what was done while warming up is none."""
    stages = {w.id: w.stage for w in run.windows}
    return [w for w in run.work if w.unit == unit and (w.window is None or stages.get(w.window) != BENCHMARK)]


def _sum(work: Sequence[Work]) -> float:
    return sum(w.count for w in work)


def _outputs(run: Run, task: Task | None) -> float:
    return _sum(_work(run, task.output_unit)) if task is not None and task.output_unit else 0.0


def _per_query(run: Run, unit: str, done: float) -> float | None:
    work = _work(run, unit)
    return _sum(work) / done if work and done else None


def _phases(run: Run) -> Mapping[str, float]:
    """Energy of each window, of the devices that are counted; windows of one name together."""
    found: dict[str, float] = {}
    for window, part in _parts(run):
        energy, _ = _energy([part])
        if window is not None and energy is not None:
            found[window.name] = found.get(window.name, 0.0) + energy.value
    return found


def _quality(run: Run, task: Task | None) -> QualityScore | None:
    """The task's own quality where it is there, else the first."""
    named = [q for q in run.quality if task is not None and q.name == task.quality]
    chosen = next(iter((*named, *run.quality)), None)
    if chosen is None:
        return None
    return QualityScore(name=chosen.name, value=chosen.value, higher_is_better=chosen.higher_is_better)


def _model(run: Run, told: Mapping[str, str]) -> ModelFacts:
    return ModelFacts(
        id=run.subject.model or UNKNOWN,
        version=run.subject.model_version or "",
        device=told.get("device", UNKNOWN),
        served_by=told.get("served_by", ""),
        model_class=told.get("model_class") or None,
        random_weights=told.get("random_weights") == "true",
    )


def _key(told: Mapping[str, str], boundary: str, energy: Figure | None) -> Key:
    grade = energy.grade if energy is not None else None
    known = UNKNOWN if grade is None else MEASURED if grade.at_least(Grade.C) else ESTIMATED
    if told.get("simulated") == "true":
        known = SIMULATED
    names = ("dataset", "tokens", "device_class", "batch_policy", "precision", "protocol", "power_limit")
    return Key(
        task=told["task"],
        boundary=boundary,
        evidence=known,
        **{name: told.get(name) or UNKNOWN for name in names},
    )


def _reasons(
    run: Run, told: Mapping[str, str], rated: _Rated, energy: Figure | None, quality: QualityScore | None
) -> Iterator[Reason]:
    """Everything that keeps it from a rating of ours."""
    yield from _figures(told, rated, energy)
    if rated.failed:
        yield because("queries_failed", f"{rated.failed:g} of {rated.done + rated.failed:g} queries failed")
    if run.failed:
        yield because("repeat_failed", "the run ended with an error")
    lacking = [n for n in ("dataset", "tokens", "batch_policy", "precision") if not told.get(n)]
    if lacking:
        yield because("not_pinned", f"not told: {', '.join(n.replace('_', ' ') for n in lacking)}")
    if told.get("random_weights") == "true":
        yield because("random_weights", "the weights are random, so the quality says nothing of the model")
    if quality is None:
        yield because("quality_unknown", "no quality is told from the same run as the energy")
    warm_up = told.get("warm_up", "")
    if not warm_up.isdecimal() or int(warm_up) < LEAST_WARM_UP:
        known = f"{warm_up} warm-up queries" if warm_up else "how many warm-up queries there were is not told"
        yield because("warm_up_short", f"{known}; {LEAST_WARM_UP} are asked for")
    for code, text in NOT_TOLD:
        yield because(code, text)


def _figures(told: Mapping[str, str], rated: _Rated, energy: Figure | None) -> Iterator[Reason]:
    """What is wrong with how its figures are known."""
    if told.get("published") == "true":
        yield because("no_evidence", "published without evidence that could be checked here")
    else:
        yield because("no_evidence", "a run file holds figures, not the readings that they were made of")
    if told.get("simulated") == "true":
        yield because("simulated", "clock and meters were simulated: nothing was measured")
    if not rated.done:
        yield because("no_work", "no query is told of")
    if energy is None:
        yield because("no_energy", "no energy is told of what is rated")
    elif energy.grade is not None and not energy.grade.at_least(Grade.C):
        yield because("estimated", f"the energy is of grade {energy.grade}; A to C is asked for")
