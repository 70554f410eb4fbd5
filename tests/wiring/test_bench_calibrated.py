"""A benchmark on a machine that was calibrated against a wall meter."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.builders import HOST
from tests.calibrations import a_calibration
from wattmark.bench.harness import run_benchmark
from wattmark.bench.keeping import Forgetful
from wattmark.bench.simulated import simulated_world
from wattmark.bench.world import World
from wattmark.config import Config, MeasureConfig
from wattmark.core.bench.derive import result_of
from wattmark.core.bench.evidence import Evidence
from wattmark.core.calibration import Calibration
from wattmark.core.known import Grade, Method
from wattmark.measure.calibrations import save
from wattmark.wiring.bench_asked import BenchAsked
from wattmark.wiring.bench_job import job_of
from wattmark.wiring.bench_world import calibrated_here
from wattmark.wiring.meters import Survey


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this user's calibrations are kept."""
    monkeypatch.setenv("WATTMARK_HOME", str(tmp_path))
    return tmp_path / "calibrations"


def calibration_of(world: World) -> Calibration:
    """wall = 1.1 x readings + 50 W, of everything that the world's meters read."""
    return a_calibration(
        inputs={d.id: d.method for d in world.meters.devices},
        created_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


def survey_of(world: World) -> Survey:
    """The world's machine, looked at."""
    return Survey(HOST, world.meters, {})


def a_world() -> World:
    """Counters of a GPU and of a CPU in time of its own, which nothing marks as simulated."""
    world = simulated_world(1)
    meters = world.meters
    named = tuple(
        replace(d, source="nvml", method=Method.HARDWARE_COUNTER, grade=Grade.B, note="")
        for d in meters.devices
    )
    return replace(world, simulated=False, meters=replace(meters, devices=named))


def benchmark(world: World) -> Evidence:
    """A quick one of a function."""
    asked = BenchAsked(
        task="text_classification",
        callable=lambda texts: ["positive"] * len(texts),
        profile="quick",
        datasets=("synthetic",),
    )
    return run_benchmark(job_of(asked, world, Path()), world, Forgetful())


def test_the_rated_energy_is_the_nodes(home: Path) -> None:
    """The line of what is read, of boundary node, a grade better; device and environment name it."""
    plain, world = a_world(), a_world()
    save(home, calibration_of(world))
    meters, about, notes = calibrated_here(Config(), survey_of(world))
    assert (about, notes) == ({"calibration": "cal-1"}, ())
    before = result_of(benchmark(plain))
    evidence = benchmark(replace(world, meters=meters, environment=lambda: about))
    after = result_of(evidence)
    assert (before.key.boundary, after.key.boundary) == ("device (cpu+gpu)", "node")
    assert before.energy is not None
    assert after.energy is not None
    (first, *_) = before.repeats
    watts = first.joules_per_query * first.queries / first.seconds
    assert after.energy.value == pytest.approx(before.energy.value * (1.1 + 50 / watts), rel=0.02)
    assert (before.energy.grade, after.energy.grade) == (Grade.B, Grade.A)
    assert any(d.note == "calibrated by cal-1" for d in evidence.devices)
    assert evidence.environment["calibration"] == "cal-1"
    assert after.origin.method == "calibration (hardware counter)"


def test_one_that_does_not_fit_is_not_applied_and_the_reason_is_kept(home: Path) -> None:
    """In the remarks of the evidence."""
    world = a_world()
    save(home, replace(calibration_of(world), inputs={"cpu:other": Method.HARDWARE_COUNTER}))
    meters, about, notes = calibrated_here(Config(), survey_of(world))
    assert (meters, about) == (world.meters, {})
    assert notes == (
        "not calibrated: calibration cal-1 was made with cpu:other by hardware_counter, "
        "which is not read now",
    )
    assert set(notes) <= set(benchmark(replace(world, notes=notes)).notes)


def test_none_is_kept_or_wanted(home: Path) -> None:
    """Nothing is said of either."""
    world = a_world()
    assert calibrated_here(Config(), survey_of(world)) == (world.meters, {}, ())
    save(home, calibration_of(world))
    unwanted = Config(measure=MeasureConfig(calibration=False))
    assert calibrated_here(unwanted, survey_of(world)) == (world.meters, {}, ())
