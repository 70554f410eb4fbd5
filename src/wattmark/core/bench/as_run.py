"""Evidence as run files, so that everything that knows a run knows a benchmark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType

from wattmark.core.bench.derived import Derived, derived_from
from wattmark.core.bench.evidence import Evidence, Phase, PhaseName, QueryRecord
from wattmark.core.bench.keys import key_of
from wattmark.core.bench.labels import LABEL, REPEAT_LABEL
from wattmark.core.bench.lines import NOT_MEASURED, lines_of
from wattmark.core.bench.phase_runs import moment, name_of, record_id, rows_between, stage_of, target_of
from wattmark.core.bench.repeats import Repeat
from wattmark.core.machines import ACCELERATORS
from wattmark.core.run import (
    Dataset,
    EnergyRow,
    Hardware,
    OutcomeGoal,
    Place,
    Quality,
    Run,
    Status,
    Subject,
    Window,
    Work,
)

BENCHMARK = "benchmark"
"""Stage of whatever is not rated: loading, warming up, idling, cooling down."""
UNITS = ("input_tokens", "output_tokens", "images", "audio_seconds")


def run_of(evidence: Evidence) -> Run:
    """The whole benchmark as one run: a window for each phase, and the energy of each device in each.

    Everything is in it, loading and idling too, so that its energy is more than what is rated; the
    repeats by themselves are :func:`runs_of`. The same evidence gives the same run.
    """
    derived = derived_from(evidence)
    phases = sorted(evidence.phases, key=lambda p: (p.start_us, p.end_us))
    end = max((p.end_us for p in phases), default=0)
    windows = tuple(_window(i, p, stage_of(evidence)) for i, p in enumerate(phases, start=1))
    return Run(
        record_id=record_id(evidence),
        status=Status.CLOSED,
        started_at=moment(evidence, 0),
        duration_seconds=end / 1e6,
        failed=any(p.failed for p in phases),
        host=evidence.host,
        subject=_subject(derived),
        windows=windows,
        energies=_rows(evidence, phases, end),
        work=tuple(_work_by_window(evidence, phases)),
        quality=_quality(derived),
        outcome=_outcome(evidence, derived.queries),
        dataset=_dataset(evidence),
        place=_place(evidence),
        overhead=evidence.overhead,
        not_seen=evidence.not_seen,
        meters=evidence.meters,
        notes=_notes(evidence),
        environment=dict(evidence.environment),
    )


def runs_of(evidence: Evidence) -> tuple[Run, ...]:
    """A run for each repeat that is rated, so that they can be compared as the repeats they are.

    A repeat of several rated phases (profile aies: preprocessing and answering) is one run for each
    phase, which share a solution id.
    """
    derived = derived_from(evidence)
    return tuple(run for repeat in derived.repeats for run in _runs(derived, repeat))


def _runs(derived: Derived, repeat: Repeat) -> Iterator[Run]:
    evidence = derived.evidence
    together = record_id(evidence, f"repeat {repeat.number}") if len(repeat.phases) > 1 else None
    for phase in repeat.phases:
        measured = phase.name is PhaseName.MEASURE
        rows = rows_between(
            evidence, tuple(derived.lines.values()), phase.start_us, phase.end_us, phase.start_us, None
        )
        yield Run(
            record_id=record_id(evidence, f"{name_of(phase)} by itself"),
            status=Status.CLOSED,
            started_at=moment(evidence, phase.start_us),
            duration_seconds=(phase.end_us - phase.start_us) / 1e6,
            failed=bool(phase.failed),
            solution_id=together,
            host=evidence.host,
            subject=_subject(derived, {REPEAT_LABEL: str(repeat.number)}),
            energies=tuple(rows),
            work=tuple(_work(repeat.queries, 0.0, None)) if measured else (),
            quality=_quality(derived) if measured else (),
            outcome=_outcome(evidence, repeat.queries) if measured else None,
            dataset=_dataset(evidence),
            place=_place(evidence),
            not_seen=evidence.not_seen,
            meters=evidence.meters,
            notes=_notes(evidence, own=False),
            environment=dict(evidence.environment),
        )


def _notes(evidence: Evidence, *, own: bool = True) -> tuple[str, ...]:
    """First of all that nothing was measured, where that is so; then its own remarks."""
    said = (NOT_MEASURED,) if evidence.simulated else ()
    return tuple(dict.fromkeys((*said, *(evidence.notes if own else ()))))


def _window(number: int, phase: Phase, stage: str) -> Window:
    return Window(
        id=number,
        name=name_of(phase),
        stage=stage if phase.rated else BENCHMARK,
        t0_seconds=phase.start_us / 1e6,
        duration_seconds=(phase.end_us - phase.start_us) / 1e6,
    )


def _rows(evidence: Evidence, phases: Sequence[Phase], end: int) -> tuple[EnergyRow, ...]:
    """A row for each device between each two edges of phases, from the beginning to the end."""
    lines = lines_of(evidence)
    edges = sorted({0, end, *(edge for p in phases for edge in (p.start_us, p.end_us))})
    return tuple(
        row for left, right in pairwise(edges) for row in rows_between(evidence, lines, left, right, 0, None)
    )


def _work_by_window(evidence: Evidence, phases: Sequence[Phase]) -> Iterator[Work]:
    """What was done in each phase in which anything was asked, warm-up included."""
    for number, phase in enumerate(phases, start=1):
        repeat = -1 if phase.name is PhaseName.WARM_UP else phase.repeat
        if phase.name not in (PhaseName.WARM_UP, PhaseName.MEASURE):
            continue
        asked = [
            q for q in evidence.queries if q.repeat == repeat and phase.start_us <= q.start_us <= phase.end_us
        ]
        lasted = (phase.end_us - phase.start_us) / 1e6
        yield from _work(asked, phase.start_us / 1e6, (number, lasted))


def _work(queries: Sequence[QueryRecord], t0: float, window: tuple[int, float] | None) -> Iterator[Work]:
    """Inferences, and whatever every answer tells of itself."""
    number, lasted = window or (None, None)
    answered = [q for q in queries if not q.failed]
    failed = len(queries) - len(answered)
    if queries:
        yield Work(
            unit="inferences",
            count=len(answered),
            failed=failed,
            t0_seconds=t0,
            duration_seconds=lasted,
            window=number,
        )
    for unit in UNITS:
        counts = [getattr(q, unit) for q in answered]
        if counts and all(c is not None for c in counts):
            yield Work(
                unit=unit, count=float(sum(counts)), t0_seconds=t0, duration_seconds=lasted, window=number
            )


def _subject(derived: Derived, more: Mapping[str, str] = MappingProxyType({})) -> Subject:
    evidence = derived.evidence
    return Subject(
        model=evidence.model.id,
        model_version=evidence.model.version or None,
        stage=stage_of(evidence),
        task=evidence.pinned.task,
        labels={**evidence.labels, **labels_of(derived), **more},
    )


def labels_of(derived: Derived) -> Mapping[str, str]:
    """What a run file says of the benchmark that it is from."""
    evidence = derived.evidence
    key = key_of(evidence, derived.spent)
    version = evidence.environment.get("wattmark", "")
    told = {
        "task": evidence.pinned.task,
        "origin": f"wattmark {version}".strip(),
        "published": "false",
        "device_class": key.device_class,
        "boundary": key.boundary,
        "batch_policy": key.batch_policy,
        "precision": key.precision,
        "power_limit": key.power_limit,
        "protocol": key.protocol,
        "profile": evidence.profile.id,
        "dataset": key.dataset,
        "tokens": key.tokens,
        "model_class": evidence.model.model_class or "",
        "cohort": evidence.started_at[:7],
        "evidence": evidence.id,
        "simulated": "true" if evidence.simulated else "",
    }
    return {f"{LABEL}{name}": text for name, text in told.items() if text}


def _quality(derived: Derived) -> tuple[Quality, ...]:
    found = derived.quality
    if found is None:
        return ()
    return (Quality(name=found.name, value=found.value, higher_is_better=found.higher_is_better),)


def _outcome(evidence: Evidence, attempts: Sequence[QueryRecord]) -> OutcomeGoal | None:
    """Whether an attempt reached the target; not known where none was made."""
    target = target_of(evidence)
    if not target:
        return None
    return OutcomeGoal(condition=target, reached=any(not q.failed for q in attempts) if attempts else None)


def _dataset(evidence: Evidence) -> Dataset:
    pin = evidence.pinned.dataset
    return Dataset(name=pin.name, rows=pin.rows, sha256=pin.sha256)


def _place(evidence: Evidence) -> Place:
    counts: dict[tuple[str, str], int] = {}
    for device in evidence.devices:
        if device.component in ACCELERATORS and device.name:
            kind = (device.component, device.name)
            counts[kind] = counts.get(kind, 0) + 1
    return Place(
        hardware=tuple(Hardware(component=c, name=n, count=float(k)) for (c, n), k in counts.items())
    )
