"""What no run can say: each impossible number is found, with its place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.builders import a_row, a_run
from wattmark.core.run import (
    Dataset,
    GapSpan,
    Hardware,
    Overhead,
    Place,
    Quality,
    Run,
    Series,
    Statement,
    Utilisation,
    Window,
    Work,
)
from wattmark.core.sound import first_fault

FULL = a_run(
    rank=1,
    world_size=2,
    windows=(
        Window(id=1, name="a", t0_seconds=0.0, duration_seconds=5.0),
        Window(id=2, parent=1, name="b", t0_seconds=1.0, duration_seconds=2.0),
        Window(id=3, parent=2, name="c", t0_seconds=1.0, duration_seconds=1.0),
    ),
    energies=(
        a_row(
            observed_seconds=9.0,
            gaps=(GapSpan(t0_seconds=2.0, duration_seconds=1.0, reason="lost"),),
            raw_energy_joules=80.0,
            idle_watts=5.0,
        ),
    ),
    work=(Work(unit="inferences", count=100.0, failed=1.0, window=1),),
    quality=(Quality(name="accuracy", value=0.9),),
    statements=(Statement(quantity="cost", value=-1.0, unit="EUR"),),
    dataset=Dataset(name="d", rows=10, total_bytes=100, unique_bytes=90),
    overhead=Overhead(cpu_seconds=0.1, workload_cpu_seconds=9.0, reads=3),
    place=Place(
        pue=1.2,
        reserved_share=0.5,
        others_share=0.1,
        hardware=(Hardware(component="gpu", name="x", count=2.0),),
        utilisation=(Utilisation(component="cpu", signal="cpu_busy_time", mean=0.5, windows_300s=(0.5,)),),
    ),
    series=(Series(device_id="d", component="cpu", t_seconds=(0.0, 10.0), energy_joules=(0.0, 90.0)),),
)


def with_row(**changes: Any) -> Run:
    return replace(FULL, energies=(replace(FULL.energies[0], **changes),))


def with_place(**changes: Any) -> Run:
    return replace(FULL, place=replace(FULL.place, **changes))


def with_windows(*windows: tuple[int, int | None]) -> Run:
    made = (Window(id=i, parent=p, name="w", t0_seconds=0.0, duration_seconds=1.0) for i, p in windows)
    return replace(FULL, windows=tuple(made), work=())


def test_sound_runs_have_no_fault() -> None:
    """A full one, the smallest one, and one that measured no workload of its own."""
    assert first_fault(FULL) is None
    assert first_fault(a_run(started_monotonic_seconds=None, rank=0)) is None
    assert first_fault(a_run(overhead=Overhead(cpu_seconds=0.1))) is None


@pytest.mark.parametrize(
    ("run", "place", "problem"),
    [
        (replace(FULL, record_id=""), "$.record_id", "empty"),
        (replace(FULL, started_at="2026-11-01T12:00:00"), "$.started_at", "names no time zone"),
        (replace(FULL, started_at="today"), "$.started_at", "is not a time"),
        (replace(FULL, duration_seconds=-1.0), "$.duration_seconds", "negative"),
        (replace(FULL, duration_seconds=1e11), "$.duration_seconds", "is not from 0"),
        (replace(FULL, duration_seconds=1e-40), "$.duration_seconds", "too small"),
        (replace(FULL, started_monotonic_seconds=1e11), "$.started_monotonic_seconds", "is not from 0"),
        (replace(FULL, world_size=0), "$.world_size", "is not from 1"),
        (replace(FULL, rank=2), "$.rank", "is not from 0 to 1"),
        (replace(FULL, overhead=Overhead(cpu_seconds=-1.0)), "$.overhead.cpu_seconds", "negative"),
        (with_windows((1, None), (1, None)), "$.windows[1]", "there twice"),
        (with_windows((1, 9)), "$.windows[0]", "unknown parent 9"),
        (with_windows((1, 2), (2, 1)), "$.windows[0]", "inside itself"),
        (
            replace(FULL, windows=(Window(id=1, name="w", t0_seconds=-1.0, duration_seconds=1.0),)),
            "$.windows[0].t0_seconds",
            "negative",
        ),
        (with_row(device_id=""), "$.energies[0].device_id", "empty"),
        (with_row(energy_joules=float("nan")), "$.energies[0].energy_joules", "is not from 0"),
        (with_row(raw_energy_joules=-1.0), "$.energies[0].raw_energy_joules", "negative"),
        (with_row(observed_seconds=11.0), "$.energies[0]", "observed longer"),
        (with_row(errors={"x": -1.0}), "$.energies[0].errors['x']", "negative"),
        (with_row(sensor_duty=2.0), "$.energies[0].sensor_duty", "is not from 0 to 1"),
        (with_row(idle_watts=-1.0), "$.energies[0].idle_watts", "negative"),
        (
            with_row(gaps=(GapSpan(t0_seconds=-1.0, duration_seconds=1.0, reason=""),)),
            "$.energies[0].gaps[0].t0_seconds",
            "negative",
        ),
        (replace(FULL, work=(Work(unit="u", count=-1.0),)), "$.work[0].count", "negative"),
        (replace(FULL, work=(Work(unit="u", count=1.0, window=9),)), "$.work[0]", "unknown window 9"),
        (replace(FULL, quality=(Quality(name="q", value=1e40),)), "$.quality[0].value", "is not from"),
        (
            replace(FULL, statements=(Statement(quantity="c", value=float("inf"), unit="g"),)),
            "$.statements[0].value",
            "is not from",
        ),
        (replace(FULL, dataset=Dataset(rows=-1)), "$.dataset.rows", "negative"),
        (with_place(pue=0.9), "$.place.pue", "is not from 1"),
        (with_place(reserved_share=1.5), "$.place.reserved_share", "is not from 0 to 1"),
        (
            with_place(utilisation=(Utilisation(component="c", signal="s", mean=1.5),)),
            "$.place.utilisation[0]",
            "is not from 0 to 1",
        ),
        (
            with_place(hardware=(Hardware(component="gpu", name="x", count=-1.0),)),
            "$.place.hardware[0].count",
            "negative",
        ),
        (
            replace(FULL, series=(Series(device_id="d", component="c", t_seconds=(0.0,), energy_joules=()),)),
            "$.series[0]",
            "as many times as energies",
        ),
        (
            replace(
                FULL, series=(Series(device_id="d", component="c", t_seconds=(-1.0,), energy_joules=(0.0,)),)
            ),
            "$.series[0].t_seconds",
            "negative",
        ),
    ],
)
def test_what_cannot_be_is_found_at_its_place(run: Run, place: str, problem: str) -> None:
    """The first fault, where it stands and what is wrong."""
    fault = first_fault(run)
    assert fault is not None
    assert fault[0] == place
    assert problem in fault[1]
