"""From evidence to facts: the totals that KPIs are computed from.

Whole devices are counted once over all runs, parts are never added to their whole, gaps are
estimated at grade D with worst-case bounds, and the boundary is what was really covered.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from wattmark.core.bench.labels import terms_of
from wattmark.core.boundary import boundary_of
from wattmark.core.facts import INFERENCE, UNSTAGED, Facts, Operations, WorkDone
from wattmark.core.figure import GAP_PREFIX, Figure, Missing, exact
from wattmark.core.gaps import Fill, Means, gap_estimate, mean_powers, refresh_errors
from wattmark.core.given import Given
from wattmark.core.holes import with_holes
from wattmark.core.known import SIMULATED, Grade, Scope
from wattmark.core.machines import clock_of, device_hours, machine_hours, start_of
from wattmark.core.manual import figures_by_hand
from wattmark.core.merge import Merged, Observation, counted_once, handed_over, without_parts
from wattmark.core.ranks import attempt_of, missing_per_present, rank_coverage
from wattmark.core.run import REFRESH, Dataset, Quality, Run, Status
from wattmark.core.statements import only_states
from wattmark.core.work import stage_of_work, work_by_stage, work_together

WINDOW_SECONDS = 300.0
NO_TRAINING = (INFERENCE, "evaluation", "data_preparation", "deployment")
"""Stages whose data are not what a model learns from."""
USUAL_UNITS = ("inferences", "requests", "images", "output_tokens", "audio_seconds", "samples", "outcomes")
"""Functional units in the order in which one is taken when none is asked for."""
_NO_ENERGY = Missing("energy", "no meter gave a reading; `wattmark doctor` says why")


def facts_of(runs: Sequence[Run], given: Given, fill: Fill = Fill.MEAN) -> Facts:
    """Totals over runs that belong together (the attempts at one solution, or one run).

    Raises RefusedError for an impossible PUE. Everything unknown is Missing.
    """
    evidence = evidence_of(runs, given.scope, fill)
    runs, kept, merged = evidence.runs, evidence.merged.kept, evidence.merged
    energy = energy_of(kept, evidence)
    if isinstance(energy, Figure):
        energy = energy.with_notes(
            *merged.losers, *_unread_notes(merged.unread), *_rank_notes(runs), *_status_notes(runs)
        )
    done = tuple(_work(runs))
    work = work_together(done)
    quality, quality_name = _quality(runs, given)
    condition, reached = _outcome(runs)
    return Facts(
        energy=energy,
        unread=merged.unread,
        energy_by_stage=_parts(kept, evidence, lambda o: o.stage),
        energy_by_component=_by_component(kept, evidence),
        duration_seconds=_duration(runs),
        attempts=len({attempt_of(r) for r in runs}),
        attempts_reached=_attempts_reached(runs),
        condition=condition,
        reached=reached,
        work=work,
        work_by_stage=work_by_stage(done),
        functional_unit=given.functional_unit or next((u for u in USUAL_UNITS if u in work), None),
        quality=quality,
        quality_name=quality_name,
        dataset=_dataset(runs),
        training_data=_training_data(runs),
        pue=given.pue.figure() if given.pue else Missing("pue", "--pue 1.2, or `pue` under [place]"),
        intensity=given.intensity.figure()
        if given.intensity
        else Missing("grid intensity", "--country FRA, --intensity 56, or --world-average"),
        embodied=given.embodied
        or given.embodied_unknown
        or Missing(
            "embodied carbon", "[embodied] total_kg, lifespan_years and reserved hours in wattmark.toml"
        ),
        lifetime_inferences=given.lifetime_inferences,
        peak=given.peak,
        training_flop=given.training_flop,
        mfu=given.mfu,
        utilisation=tuple(u for r in runs for u in r.place.utilisation),
        utilisation_seconds=tuple(r.duration_seconds for r in runs for _ in r.place.utilisation),
        utilisation_coverage=_utilisation_coverage(runs),
        device_hours=device_hours(runs),
        reference_device_factor=given.reference_device_factor,
        renewables=given.renewables,
        operations=_operations(runs, given),
        workload_class=next((r.subject.workload_class for r in runs if r.subject.workload_class), None),
        task=next((r.subject.task for r in runs if r.subject.task), None),
        conditions=terms_of(runs),
    )


def latest(runs: Iterable[Run]) -> list[Run]:
    """One run per record id: the highest seq wins; oldest start first."""
    best: dict[str, Run] = {}
    for run in runs:
        if run.record_id not in best or run.seq > best[run.record_id].seq:
            best[run.record_id] = run
    return sorted(best.values(), key=lambda r: (r.started_at, r.record_id))


def observations_of(runs: Sequence[Run], scope: Scope) -> Merged:
    """The rows of all runs that count for this scope, each moment of each device once."""
    rows = [
        Observation(
            row,
            start_of(run) + row.t0_seconds,
            run.record_id,
            clock_of(run),
            stage_at(run, row.t0_seconds, row.duration_seconds),
        )
        for run in runs
        for row in run.energies
        if row.scope is scope and (scope is Scope.WHOLE or row.party == "own")
    ]
    if scope is Scope.SHARE:  # shares of different subjects add up, they never compete
        each = [[o for o in rows if o.record_id == run.record_id] for run in runs]
        kept = tuple(o for group in each for o in without_parts(group))
        return Merged(kept, (), tuple(dict.fromkeys(d for group in each for d in handed_over(group))))
    merged = counted_once(rows)
    return Merged(without_parts(merged.kept, rows), merged.losers, handed_over(merged.kept))


def stage_at(run: Run, t0: float, duration: float) -> str:
    """Stage of a stretch: that of the innermost window around its middle, else the run's own."""
    middle = t0 + duration / 2
    around = [
        w
        for w in run.windows
        if w.stage is not None and w.t0_seconds <= middle <= w.t0_seconds + w.duration_seconds
    ]
    if around:
        return max(around, key=lambda w: (w.t0_seconds, w.id)).stage or UNSTAGED
    return run.subject.stage or UNSTAGED


@dataclass(frozen=True, slots=True)
class Evidence:
    """The runs of one total, ready to be added up, whole or in parts."""

    runs: Sequence[Run]
    scope: Scope
    fill: Fill
    merged: Merged
    means: Means


def evidence_of(runs: Iterable[Run], scope: Scope, fill: Fill = Fill.MEAN) -> Evidence:
    """The latest of each run, what it does not speak of as gaps, each moment of each device once.

    What holds nothing but statements is no run.
    """
    whole = [with_holes(run) for run in latest(runs) if not only_states(run)]
    merged = observations_of(whole, scope)
    return Evidence(whole, scope, fill, merged, mean_powers(merged.kept))


def energy_of(kept: Sequence[Observation], evidence: Evidence) -> Figure | Missing:
    """Sum of these observations of the evidence in joules, with boundary, grades, coverage, named errors."""
    if not kept:
        return _NO_ENERGY
    without_share = _devices_without_share(evidence.runs) if evidence.scope is Scope.SHARE else []
    if without_share:
        return Missing(
            f"share of {', '.join(without_share)}", "no per-process reading there: use whole devices"
        )
    values: list[float] = []
    errors: dict[str, float] = {}
    grades: dict[Grade, float] = {}

    def add(joules: float, grade: Grade, relative: Mapping[str, float]) -> None:
        values.append(joules)
        grades[grade] = grades.get(grade, 0.0) + joules
        for source, share in relative.items():
            errors[source] = errors.get(source, 0.0) + share * joules

    for o in kept:
        gains = {name: e for name, e in o.row.errors.items() if not name.endswith(REFRESH)}
        add(o.row.energy_joules, o.row.grade, gains)
        estimate = gap_estimate(o, evidence.means)
        if isinstance(estimate, Missing):
            return estimate
        if estimate is not None:
            likely = evidence.fill is Fill.MEAN
            add(estimate.joules(evidence.fill), Grade.D, {} if likely else gains)
            if likely:
                name = f"{GAP_PREFIX}{o.record_id}:{o.row.device_id}"
                errors[name] = errors.get(name, 0.0) + estimate.half_width
    errors.update(refresh_errors(kept, evidence.means))
    lost = _most_of_missing_ranks(kept, evidence.runs)
    if lost > 0:
        if evidence.fill is Fill.MEAN:
            # Named by what left evidence, so that missing ranks of two jobs do not cancel in a ratio.
            errors[f"{GAP_PREFIX}ranks of {kept[0].record_id}"] = lost
        elif evidence.fill is Fill.MOST:
            add(lost, Grade.D, {})
    coverage = _coverage(kept) * rank_coverage(evidence.runs) if not evidence.merged.unread else 0.0
    notes = (f"gaps estimated, {1 - coverage:.1%} of the time not observed",) if coverage < 1 else ()
    rules = sorted({o.row.attribution_rule or "whole_device" for o in kept})
    return Figure(
        value=math.fsum(values),
        unit="J",
        errors=errors,
        grades=grades,
        coverage=coverage,
        terms={
            "boundary": boundary_of(kept).value,
            "scope": evidence.scope.value,
            "attribution_rule": "+".join(rules),
            **({"evidence": SIMULATED} if any(o.row.source.name == SIMULATED for o in kept) else {}),
        },
        sources=tuple(dict.fromkeys(f"{o.row.source.name} {o.row.source.version}".strip() for o in kept)),
        notes=notes,
    )


def _most_of_missing_ranks(kept: Sequence[Observation], runs: Sequence[Run]) -> float:
    """The most that ranks without evidence can have used: as much as those of their job, at full power.

    Ranks of one machine see the same devices, so that nothing need be missing: the least is nothing.
    """
    jobs = missing_per_present(runs)
    missing = {run.record_id: jobs.get(attempt_of(run), 0.0) for run in runs}
    return math.fsum(
        missing[o.record_id]
        * (
            max(o.row.max_watts * o.row.duration_seconds, o.row.energy_joules)
            if o.row.max_watts is not None
            else 2 * o.row.energy_joules
        )
        for o in kept
    )


def _coverage(kept: Sequence[Observation]) -> float:
    """Share of time observed, of the device that was observed least."""
    seconds: dict[tuple[str, str], list[float]] = {}
    for o in kept:
        entry = seconds.setdefault((o.clock, o.row.device_id), [0.0, 0.0])
        entry[0] += min(o.row.observed_seconds, o.row.duration_seconds)
        entry[1] += o.row.duration_seconds
    return min((seen / whole if whole > 0 else 1.0) for seen, whole in seconds.values())


def _parts(
    kept: Sequence[Observation], evidence: Evidence, key: Callable[[Observation], str]
) -> dict[str, Figure]:
    groups: dict[str, list[Observation]] = {}
    for o in kept:
        groups.setdefault(key(o), []).append(o)
    found: dict[str, Figure] = {}
    for name, group in groups.items():
        figure = energy_of(group, evidence)
        if isinstance(figure, Figure):
            found[name] = figure
    return found


def _by_component(kept: Sequence[Observation], evidence: Evidence) -> dict[str, Figure]:
    """Parts of the whole at the boundary of the whole: no component covers a node by itself."""
    parts = _parts(kept, evidence, lambda o: o.row.component)
    whole = boundary_of(kept).value
    return {name: figure.with_terms(boundary=whole) for name, figure in parts.items()}


def _devices_without_share(runs: Sequence[Run]) -> list[str]:
    """Devices that were measured whole, are no part of another, and of which no share is known."""
    missing: dict[str, None] = {}
    for run in runs:
        shared = {row.device_id for row in run.energies if row.scope is Scope.SHARE}
        for row in run.energies:
            if row.scope is Scope.WHOLE and row.device_id not in shared and row.part_of is None:
                missing[row.device_id] = None
    return list(missing)


def _rank_notes(runs: Sequence[Run]) -> list[str]:
    share = rank_coverage(runs)
    return [f"evidence of only {share:.0%} of the ranks"] if share < 1 else []


def _unread_notes(unread: Sequence[str]) -> list[str]:
    return [f"{device} was never read; its parts stand for it" for device in unread]


def _status_notes(runs: Sequence[Run]) -> list[str]:
    notes = []
    for status, text in ((Status.OPEN, "still open"), (Status.INTERRUPTED, "interrupted")):
        count = sum(r.status is status for r in runs)
        if count:
            notes.append(f"{count} of {len(runs)} runs {text}")
    return notes


def _duration(runs: Sequence[Run]) -> float:
    """Of each attempt its longest rank; attempts side by side on one machine share its time and energy."""
    longest: dict[str, Run] = {}
    for run in runs:
        before = longest.get(attempt_of(run))
        if before is None or run.duration_seconds > before.duration_seconds:
            longest[attempt_of(run)] = run
    if len(longest) == 1:
        return next(iter(longest.values())).duration_seconds
    return machine_hours(list(longest.values())) * 3600


def _work(runs: Sequence[Run]) -> Iterator[WorkDone]:
    """What every run did, each with its stage."""
    for run in runs:
        counted = {w.unit for w in run.work if not w.declared}
        for w in run.work:
            if w.declared and w.unit in counted:
                continue  # stated beforehand, and counted after all
            yield WorkDone(
                unit=w.unit,
                count=w.count,
                failed=w.failed,
                declared=w.declared,
                precision=w.precision,
                stage=stage_of_work(run, w),
            )


def _quality(runs: Sequence[Run], given: Given) -> tuple[Figure | Missing, str | None]:
    return quality_of({q.name: q for run in runs for q in run.quality}, given)


def quality_of(latest_of: Mapping[str, Quality], given: Given) -> tuple[Figure | Missing, str | None]:
    """Q in [0, 1] and its name, from the latest of each quality that was logged."""
    hint = "run.log(quality={'accuracy': 0.95}) or --quality-from metrics.json:accuracy"
    if given.quality_name is not None and given.quality_name not in latest_of:
        return Missing(f"quality {given.quality_name!r}", hint), None
    if not latest_of:
        return Missing("quality", hint), None
    name = given.quality_name or ("accuracy" if "accuracy" in latest_of else next(iter(latest_of)))
    if given.quality_name is None and len(latest_of) > 1 and "accuracy" not in latest_of:
        return Missing(
            "quality", f"several are logged ({', '.join(latest_of)}): choose one with --quality"
        ), None
    quality = latest_of[name]
    value = quality.value
    if given.quality_map is not None:
        zero, one = given.quality_map
        if zero == one:
            return Missing("quality in [0, 1]", "--quality-map needs two different values"), name
        value = (value - zero) / (one - zero)
    elif not quality.higher_is_better:
        return Missing(
            f"quality in [0, 1] ({name} is lower-is-better)", "map it: --quality-map worst:best"
        ), name
    if not 0.0 <= value <= 1.0:
        return Missing(f"quality in [0, 1] ({name} is {value:g})", "map it: --quality-map worst:best"), name
    return exact(value, "1", quality=name), name


def _outcome(runs: Sequence[Run]) -> tuple[str | None, bool | None]:
    """The outcome that was declared last, and whether it was reached: another one says nothing of it."""
    goals = [r.outcome for r in runs if r.outcome is not None]
    if not goals:
        return None, None
    condition = goals[-1].condition
    told = {g.reached for g in goals if g.condition == condition}
    return condition, True if True in told else None if None in told else False


def _attempts_reached(runs: Sequence[Run]) -> int | None:
    """How many attempts reached the outcome; None when one of them does not tell of the same."""
    condition, _ = _outcome(runs)
    told = [
        (attempt_of(r), r.outcome.reached)
        for r in runs
        if r.outcome is not None and r.outcome.condition == condition
    ]
    if {name for name, _ in told} != {attempt_of(r) for r in runs} or any(
        reached is None for _, reached in told
    ):
        return None
    return len({name for name, reached in told if reached})


def _utilisation_coverage(runs: Sequence[Run]) -> dict[tuple[str, str], float]:
    """Windows kept against the length of each run that has such devices.

    The last window of a run is seldom whole and not missed.
    """
    found: dict[tuple[str, str], float] = {}
    for component, signal in {(u.component, u.signal) for run in runs for u in run.place.utilisation}:
        shares = [1.0]
        for run in runs:
            rows = [u for u in run.place.utilisation if u.component == component]
            kept = max((len(u.windows_300s) for u in rows if u.signal == signal), default=0)
            has = bool(rows) or any(h.component == component for h in run.place.hardware)
            if has and run.duration_seconds > 0:
                shares.append((kept + 1) * WINDOW_SECONDS / run.duration_seconds)
        found[component, signal] = min(shares)
    return found


def _dataset(runs: Sequence[Run]) -> Dataset | None:
    return next((r.dataset for r in reversed(runs) if r.dataset is not None), None)


def _training_data(runs: Sequence[Run]) -> tuple[Dataset, ...]:
    """What was learnt from: no data that a model was tested or served with, nor what those were made of."""
    found = (r.dataset for r in runs if r.dataset is not None and r.subject.stage not in NO_TRAINING)
    return tuple({d.sha256 or (d.name, d.rows, d.total_bytes, d.unique_bytes): d for d in found}.values())


def _operations(runs: Sequence[Run], given: Given) -> Operations:
    overheads = [r.overhead for r in runs if r.overhead is not None]
    told_by_all = len(overheads) == len(runs)  # what one run leaves out would flatter the others
    workload = [o.workload_cpu_seconds for o in overheads]
    told = [figures_by_hand(r) for r in runs]
    figures = sum(count for _, count in told)
    return Operations(
        own_cpu_seconds=math.fsum(o.cpu_seconds for o in overheads) if overheads and told_by_all else None,
        workload_cpu_seconds=math.fsum(w for w in workload if w is not None)
        if workload and all(w is not None for w in workload)
        else None,
        manual_steps=given.manual_steps,
        declared_share=sum(hand for hand, _ in told) / figures if figures else None,
    )
