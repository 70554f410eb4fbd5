"""Simulated time and meters: exact, and the same each time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.answering import Counting, a_job, a_set
from wattmark.bench.bundle.encoding import encoded
from wattmark.bench.harness import run_benchmark
from wattmark.bench.keeping import Forgetful
from wattmark.bench.simulated import (
    DEVICES,
    Remembering,
    SimulatedMeter,
    VirtualTime,
    drawn,
    simulated_world,
)
from wattmark.core.readings import CounterReading

GPU = "gpu:simulated-0"
QUIET = tuple(replace(d, noise_milliwatts=0) for d in DEVICES)


def joules(meter: SimulatedMeter) -> float:
    """What the GPU's counter shows."""
    reading = meter.read()[GPU]
    assert isinstance(reading, CounterReading)
    return reading.total.joules


def test_energy_follows_the_formula() -> None:
    """10 s idle at 80 W and 2 s busy at 400 W: 800 J, then 1600 J."""
    time = VirtualTime()
    meter = SimulatedMeter(QUIET, time, seed=1)
    time.sleep(10)
    assert joules(meter) == 800
    meter.busy(2_000_000)
    time.sleep(2)
    assert joules(meter) == 1600


@given(st.lists(st.integers(1, 400_000), min_size=1, max_size=20))
def test_energy_does_not_depend_on_how_often_it_is_looked_at(steps: list[int]) -> None:
    """Read at every step or once at the end: the same counter, noise included."""
    often, once = VirtualTime(), VirtualTime()
    watched, left_alone = SimulatedMeter(DEVICES, often, 5), SimulatedMeter(DEVICES, once, 5)
    for step in steps:
        often.advance(step)
        joules(watched)
    once.advance(sum(steps))
    assert joules(watched) == joules(left_alone)


def test_time_stops_wherever_somebody_is_to_be_called() -> None:
    """Every 0.1 s within 0.35 s: three calls, each at its moment; none after the context."""
    time = VirtualTime()
    moments: list[int] = []
    with time.every(0.1, lambda: moments.append(time.now_us)):
        time.sleep(0.35)
    time.sleep(1)
    assert moments == [100_000, 200_000, 300_000]
    assert time.clock() == pytest.approx(1.35)


@given(st.integers(), st.text(), st.integers(0), st.integers(0, 10**6))
def test_noise_stays_within_its_limits_and_is_the_same_again(
    seed: int, name: str, step: int, most: int
) -> None:
    """A whole number from -most to most."""
    found = drawn(seed, name.encode("utf-8", "replace").decode(), step, most)
    assert -most <= found <= most
    assert found == drawn(seed, name.encode("utf-8", "replace").decode(), step, most)


def test_two_runs_leave_the_same_evidence_to_the_byte() -> None:
    """And another seed another one."""

    def files(seed: int) -> dict[str, bytes]:
        return encoded(run_benchmark(a_job(Counting()), simulated_world(seed), Forgetful()))

    assert files(7) == files(7)
    assert files(7) != files(8)


def test_evidence_says_that_it_is_simulated() -> None:
    """So that nothing ever rates it."""
    evidence = run_benchmark(a_job(Counting(), "quick"), simulated_world(1), Forgetful())
    assert evidence.simulated
    assert evidence.host.id == "simulated"


def test_a_model_is_asked_once_and_remembered() -> None:
    """The second time nothing reaches it; one new token is another question."""
    model = Counting()
    remembering = Remembering(model)
    queries = a_set(3).queries
    first = remembering.answer(queries[:2], None)
    again = remembering.answer(queries, None)
    assert [a.output for a in again] == [1, 2, 3]
    assert first == again[:2]
    remembering.answer(queries[:1], None, output_tokens=1)
    assert model.batches == [2, 1, 1]
    remembering.close()
    assert model.closed
