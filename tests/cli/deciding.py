"""Run files for the verbs that decide: a solution with a training and an inference stage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tests.builders import a_row, a_run
from wattmark.core.known import Grade
from wattmark.core.run import Dataset, OutcomeGoal, Quality, Run, Subject, Window, Work

PLACE = ("--country", "FRA", "--pue", "1.2", "--lifetime-inferences", "1e6")


def a_solution(scale: float = 1.0, *, model: str = "wide", number: int = 0, **changes: Any) -> Run:
    """10 s at 30 W x scale: 6 s of training, 4 s for 1000 inferences; CPU counter and rest of node."""
    rows = [
        a_row(
            device_id=f"{component}:h",
            component=component,
            t0_seconds=t0,
            duration_seconds=length,
            observed_seconds=length,
            energy_joules=watts * length * scale,
            grade=grade,
            errors={f"{component}:gain": error},
            idle_watts=2.0,
        )
        for t0, length in ((0.0, 6.0), (6.0, 4.0))
        for component, watts, grade, error in (("cpu", 20, Grade.B, 0.05), ("rest_of_node", 10, Grade.D, 0.5))
    ]
    fields: dict[str, Any] = {
        "record_id": f"{model}-{number}",
        "started_monotonic_seconds": 1000.0 * number + (0.0 if model == "wide" else 1e6),
        "energies": tuple(rows),
        "windows": (
            Window(id=1, name="fit", stage="training", t0_seconds=0.0, duration_seconds=6.0),
            Window(id=2, name="predict", stage="inference", t0_seconds=6.0, duration_seconds=4.0),
        ),
        "work": (Work(unit="inferences", count=1000.0),),
        "quality": (Quality(name="accuracy", value=0.95),),
        "outcome": OutcomeGoal(condition="accuracy>=0.9", reached=True),
        "subject": Subject(model=model, task="digits", workload_class="classical"),
        "dataset": Dataset(name="digits", unique_bytes=10**6, sha256="ab" * 32),
    }
    return a_run(**{**fields, **changes})


def write(folder: Path, *runs: Run) -> Path:
    """Keep runs in a folder, made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    for run in runs:
        (folder / f"{run.record_id}.run.json").write_bytes(msgspec.json.encode(run))
    return folder


def three(scale: float, model: str, spread: float = 0.01, **changes: Any) -> list[Run]:
    """Three repeats around a scale."""
    return [
        a_solution(scale * factor, model=model, number=n, **changes)
        for n, factor in enumerate((1 - spread, 1.0, 1 + spread))
    ]
