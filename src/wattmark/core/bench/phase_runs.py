"""A phase of a benchmark as a run of its own, so that its energy is counted by the rules of every run."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from wattmark.core.bench.evidence import Evidence, Phase
from wattmark.core.bench.lines import Line, stretch
from wattmark.core.bench.task import TASKS
from wattmark.core.rows import row_of
from wattmark.core.run import EnergyRow, Run, Status, Subject, workload_of

INFERENCE = "inference"
TRAINING = "training"
PREPARATION = "data_preparation"


def record_id(evidence: Evidence, part: str = "") -> str:
    """The same for the same evidence: 32 hexadecimal digits of a SHA-256."""
    return hashlib.sha256(f"wattmark.bench\n{evidence.id}\n{part}".encode()).hexdigest()[:32]


def name_of(phase: Phase) -> str:
    """As the phase is called in windows: ``measure 2`` is the third repeat."""
    return phase.name.value if phase.repeat is None else f"{phase.name.value} {phase.repeat}"


def stage_of(evidence: Evidence) -> str:
    """What is rated: inference, training, or data_preparation."""
    task = TASKS.get(evidence.pinned.task)
    if task is None or task.inference:
        return INFERENCE
    return TRAINING if task.id == "training" else PREPARATION


def target_of(evidence: Evidence) -> str:
    """What training or a pipeline has to reach; empty for inference."""
    return "" if stage_of(evidence) == INFERENCE else evidence.pinned.options.get("target", "")


def workload(evidence: Evidence) -> str:
    """What a model's error for the load is named by: the same in all phases."""
    subject = Subject(model=evidence.model.id, task=evidence.pinned.task, stage=stage_of(evidence))
    return workload_of(subject, evidence.id)


def moment(evidence: Evidence, at_us: int) -> str:
    """UTC, so many microseconds after the benchmark began."""
    begun = datetime.fromisoformat(evidence.started_at)
    return (begun + timedelta(microseconds=at_us)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def rows_between(
    evidence: Evidence, lines: Sequence[Line], start_us: int, end_us: int, origin_us: int, only: str | None
) -> list[EnergyRow]:
    """A row of every device from one moment to another; of one component where ``only`` names it."""
    named = workload(evidence)
    return [
        row_of(line.device, stretch(line, start_us, end_us, origin_us), named)
        for line in lines
        if only is None or line.device.component == only
    ]


def phase_run(evidence: Evidence, lines: Sequence[Line], phase: Phase, only: str | None = None) -> Run:
    """The phase from its first to its last moment, with the energy of every device."""
    return Run(
        record_id=record_id(evidence, f"{name_of(phase)}@{phase.start_us}"),
        status=Status.CLOSED,
        started_at=moment(evidence, phase.start_us),
        duration_seconds=(phase.end_us - phase.start_us) / 1e6,
        failed=bool(phase.failed),
        host=evidence.host,
        energies=tuple(rows_between(evidence, lines, phase.start_us, phase.end_us, phase.start_us, only)),
    )
