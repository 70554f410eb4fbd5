"""Readings on one timeline: pieces, shares that add up, exact series, coarse windows that say so."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.measure.machine import Machine
from wattmark.core.known import Boundary, Method, Scope
from wattmark.core.run import REFRESH, EnergyRow
from wattmark.core.units import Power
from wattmark.measure.timeline import MOST_POINTS, Timeline
from wattmark.ports import Meter
from wattmark.testing.fakes import SteadyMeter, a_device

CPU = "cpu:test/package-0"


def timeline_of(machine: Machine, period: float = 1.0) -> Timeline:
    return Timeline(machine.meters, machine.cpu.as_clock(), machine.clock, period)


def whole(rows: tuple[EnergyRow, ...]) -> list[EnergyRow]:
    return [r for r in rows if r.scope is Scope.WHOLE]


def test_a_minute_at_ten_watts_is_six_hundred_joules() -> None:
    """One row from the first reading to the last."""
    machine = Machine()
    timeline = timeline_of(machine)
    for _ in range(60):
        machine.clock.advance(1.0)
        timeline.tick()
    timeline.cut()
    (row,) = whole(timeline.rows())
    assert (row.t0_seconds, row.duration_seconds, row.coverage) == (0.0, 60.0, 1.0)
    assert row.energy_joules == pytest.approx(600.0)


def test_the_growing_piece_is_in_the_rows() -> None:
    """A checkpoint holds what has happened since the last edge."""
    machine = Machine()
    timeline = timeline_of(machine)
    machine.clock.advance(5.0)
    timeline.cut()
    machine.clock.advance(2.0)
    timeline.tick()
    assert [r.energy_joules for r in whole(timeline.rows())] == pytest.approx([50.0, 20.0])


cpu_seconds = st.floats(min_value=0.0, max_value=10.0)


@given(st.lists(st.tuples(cpu_seconds, cpu_seconds, cpu_seconds), min_size=1, max_size=8))
def test_own_others_and_idle_add_up_to_the_whole(stretches: list[tuple[float, float, float]]) -> None:
    """For every piece, whatever the CPU did; no share is negative."""
    machine = Machine()
    timeline = timeline_of(machine)
    for own, others, idle in stretches:
        machine.clock.advance(1.0)
        machine.cpu.spend(own, others, idle)
        timeline.cut()
    rows = timeline.rows()
    for row in whole(rows):
        parts = [r for r in rows if r.scope is Scope.SHARE and r.t0_seconds == row.t0_seconds]
        assert all(p.energy_joules >= -1e-9 for p in parts)
        if parts:
            assert {p.party for p in parts} == {"own", "others", "idle"}
            assert math.fsum(p.energy_joules for p in parts) == pytest.approx(row.energy_joules)


@given(st.floats(min_value=0.0, max_value=100.0), st.floats(min_value=0.0, max_value=4.0))
def test_own_time_never_exceeds_what_the_machine_offered(own: float, capacity: float) -> None:
    """Ticks of two counters round differently: own time above the capacity is the capacity."""
    machine = Machine()
    timeline = timeline_of(machine)
    machine.clock.advance(1.0)
    machine.cpu.spend(0.0, 0.0, capacity)
    machine.cpu.spend(own, -own, 0.0)
    timeline.cut()
    for row in timeline.rows():
        assert -1e-9 <= row.energy_joules <= 10.0 + 1e-9


def test_a_gpus_energy_is_not_divided_by_cpu_time() -> None:
    """CPU seconds say nothing of who used a GPU."""
    machine = Machine({"gpu:0": 10.0}, component="gpu")
    timeline = timeline_of(machine)
    machine.clock.advance(1.0)
    machine.cpu.spend(1.0, 0.0, 1.0)
    timeline.cut()
    assert [r.scope for r in timeline.rows()] == [Scope.WHOLE]


def test_a_share_can_have_used_as_much_as_the_device_in_a_gap() -> None:
    """Nobody knows whose a gap was: its worst case is the whole device's, its best is nothing."""
    machine = Machine(idle_power=Power(2.0))
    timeline = timeline_of(machine)
    machine.clock.advance(1.0)
    machine.cpu.spend(1.0, 1.0, 2.0)
    timeline.cut()
    own = next(r for r in timeline.rows() if r.party == "own")
    assert (own.energy_joules, own.max_watts, own.idle_watts) == (2.5, 100.0, None)


def test_without_cpu_times_there_are_no_shares() -> None:
    """Where /proc cannot be read, energy stays whole."""
    machine = Machine()
    machine.cpu.times = None
    timeline = timeline_of(machine)
    machine.clock.advance(1.0)
    timeline.cut()
    assert [r.scope for r in timeline.rows()] == [Scope.WHOLE]
    assert (timeline.own_cpu_seconds(), timeline.others_share(), timeline.utilisation()) == (None, None, ())


def test_utilisation_has_a_mean_and_five_minute_windows() -> None:
    """A quarter busy for five minutes, then three quarters: mean one half, two windows."""
    machine = Machine()
    timeline = timeline_of(machine)
    for own, idle in ((75.0, 225.0), (225.0, 75.0)):
        machine.clock.advance(300.0)
        machine.cpu.spend(own, 0.0, idle)
        timeline.tick()
    (found,) = timeline.utilisation()
    assert found.mean == pytest.approx(0.5)
    assert found.windows_300s == pytest.approx((0.25, 0.75))


def test_others_share_is_told() -> None:
    """One of four busy seconds was somebody else's."""
    machine = Machine()
    timeline = timeline_of(machine)
    machine.cpu.spend(3.0, 1.0, 4.0)
    timeline.tick()
    assert timeline.others_share() == pytest.approx(0.25)
    assert timeline.own_cpu_seconds() == pytest.approx(3.0)


# --- series -----------------------------------------------------------------------------------------


@given(st.lists(st.floats(min_value=0.01, max_value=100.0), min_size=1, max_size=60), st.integers(1, 60))
def test_series_stay_monotone_exact_and_spread_over_the_run(steps: list[float], rounds: int) -> None:
    """Thinned or not: time and energy grow, both ends are kept, each point lies on the true line."""
    machine = Machine()
    timeline = timeline_of(machine)
    start = machine.clock()
    for _ in range(rounds):
        for step in steps:
            machine.clock.advance(step)
            timeline.tick()
    (series,) = timeline.series()
    assert len(series.t_seconds) <= MOST_POINTS
    assert series.t_seconds[0] == 0.0
    assert series.t_seconds[-1] == pytest.approx(machine.clock() - start)
    assert all(a < b for a, b in pairwise(series.t_seconds))
    assert series.energy_joules == pytest.approx([10.0 * t for t in series.t_seconds], rel=1e-6)


def test_a_long_run_keeps_points_of_its_beginning() -> None:
    """A day at one reading per second: no stretch of the series is longer than a hundredth of it."""
    machine = Machine()
    timeline = timeline_of(machine)
    for _ in range(20_000):
        machine.clock.advance(1.0)
        timeline.tick()
    times = timeline.series()[0].t_seconds
    assert max(b - a for a, b in pairwise(times)) <= 200.0
    assert len(times) >= MOST_POINTS / 4


# --- what is inside what ----------------------------------------------------------------------------


def test_a_budget_counts_nothing_twice() -> None:
    """The CPU is inside the node: 100 J are 100 J and not 110."""
    machine = Machine()
    node = SteadyMeter(machine.clock, {"node:test": 100.0}, component="node", boundary=Boundary.NODE)
    machine.add(node)
    timeline = timeline_of(machine)
    machine.clock.advance(1.0)
    timeline.tick()
    assert timeline.observed_joules() == pytest.approx(100.0)


# --- what is said -----------------------------------------------------------------------------------


def test_a_window_too_short_for_its_sensor_says_so() -> None:
    """Half a second of a sensor that updates every 0.1 s: a fifth may be wrong, and a note tells."""
    machine = Machine(update_seconds=0.1)
    timeline = timeline_of(machine)
    machine.clock.advance(0.5)
    timeline.cut()
    (row,) = timeline.rows()
    assert row.errors[f"steady:{CPU}{REFRESH}"] == pytest.approx(0.2)
    assert row.note == "0.5 s is short for a sensor that updates every 0.1 s"


def test_a_long_window_says_nothing() -> None:
    """100 s of a sensor that updates every 0.1 s need no remark."""
    machine = Machine(update_seconds=0.1)
    timeline = timeline_of(machine)
    machine.clock.advance(100.5)
    timeline.cut()
    assert timeline.rows()[0].note == ""


def test_a_model_is_not_a_sensor_that_refreshes() -> None:
    """Its 50 % swallow a clock tick."""
    machine = Machine(update_seconds=0.01, method=Method.MODELLED)
    timeline = timeline_of(machine)
    machine.clock.advance(0.1)
    timeline.cut()
    assert not any(name.endswith(REFRESH) for name in timeline.rows()[0].errors)


def test_a_device_without_a_known_limit_states_none() -> None:
    """Infinity is not JSON, and no bound."""
    machine = Machine(max_power=Power(math.inf))
    timeline = timeline_of(machine)
    machine.clock.advance(1.0)
    timeline.cut()
    assert timeline.rows()[0].max_watts is None


class Forgetful:
    """A third party's meter that answers for nothing."""

    name = "forgetful"
    devices = (a_device("gpu:forgotten", component="gpu"),)

    def read(self) -> dict[str, object]:
        return {}

    def close(self) -> None:
        """Nothing is held."""


class Broken(Forgetful):
    """A third party's meter that raises."""

    name = "broken"

    def read(self) -> dict[str, object]:
        raise RuntimeError("driver gone")


@pytest.mark.parametrize(
    ("meter", "reason"),
    [(Forgetful(), "the meter says nothing of it"), (Broken(), "broken failed: RuntimeError: driver gone")],
)
def test_a_meter_that_misbehaves_leaves_a_gap_and_the_others_go_on(meter: Forgetful, reason: str) -> None:
    """A vanished GPU costs its own energy only."""
    machine = Machine()
    machine.add(cast(Meter, meter))
    timeline = timeline_of(machine)
    machine.clock.advance(1.0)
    timeline.cut()
    cpu, gpu = timeline.rows()
    assert (cpu.energy_joules, gpu.observed_seconds) == (10.0, 0.0)
    assert [g.reason for g in gpu.gaps] == [reason]
