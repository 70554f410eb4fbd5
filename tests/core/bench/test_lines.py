"""Looks at one device, cut at the edges of phases."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.bench.benchmarks import S, a_benchmark, a_gpu, a_sensor, failing
from wattmark.core.bench.evidence import DeviceLooks
from wattmark.core.bench.lines import Line, lines_of, stretch
from wattmark.core.readings import Device
from wattmark.core.units import Energy, Power

TENTH = S // 10


def line(device: Device, looks: DeviceLooks | None, period_us: int = S, **changes: Any) -> Line:
    """The line of one device that was looked at once a second."""
    said = () if looks is None else (looks,)
    return lines_of(a_benchmark(device=device, looks=said, period_us=period_us, **changes))[0]


def counter(*joules: int | None, every_us: int = S) -> DeviceLooks:
    """What a counter showed each second."""
    totals = tuple(None if j is None else j * S for j in joules)
    return DeviceLooks(
        device_id="GPU-1", at_us=tuple(i * every_us for i in range(len(joules))), energy_uj=totals
    )


def sensor(*watts: float | None) -> DeviceLooks:
    """What a sensor showed each second."""
    return DeviceLooks(device_id="GPU-1", at_us=tuple(i * S for i in range(len(watts))), watts=watts)


def test_a_counter_read_at_both_edges_tells_all() -> None:
    """0 J, 100 J, 300 J: 300 J in two seconds, all of it observed, and no error at the edges."""
    found = stretch(line(a_gpu(), counter(0, 100, 300)), 0, 2 * S)
    assert (found.joules, found.observed_seconds, found.gaps, found.edge_seconds) == (300.0, 2.0, (), 0.0)


def test_an_edge_between_two_looks_divides_evenly() -> None:
    """From 0.5 s to 2 s of 100 J and 200 J: 50 + 200 J; the edge lies half a second from a look."""
    found = stretch(line(a_gpu(), counter(0, 100, 300)), S // 2, 2 * S)
    assert (found.joules, found.seconds, found.t0_seconds, found.edge_seconds) == (250.0, 1.5, 0.5, 0.5)


def test_the_nearer_look_tells_how_far_an_edge_may_be_off() -> None:
    """Edges 0.1 s before a look and 0.2 s after one, in quadrature; the clock's error comes on top."""
    looked = counter(0, 100, 300, 400)
    found = stretch(line(a_gpu(), looked), S - TENTH, 2 * S + 2 * TENTH)
    assert found.edge_seconds == pytest.approx((0.1**2 + 0.2**2) ** 0.5)
    late = stretch(line(a_gpu(), looked, clock_error_us=S), S - TENTH, 2 * S + 2 * TENTH)
    assert late.edge_seconds == pytest.approx((0.1**2 + 0.2**2 + 1.0) ** 0.5)


def test_times_count_from_the_origin() -> None:
    """Ten seconds into the run, a stretch from second 1 begins nine seconds before."""
    found = stretch(line(a_sensor(), sensor(100, None, None, None, 100)), S, 3 * S, origin_us=10 * S)
    assert found.t0_seconds == -9.0
    assert [(g.t0_seconds, g.duration_seconds) for g in found.gaps] == [(-9.0, 2.0)]


def test_a_power_sensor_is_integrated() -> None:
    """100 W, 200 W, 200 W, a second apart: 150 J and 200 J."""
    found = stretch(line(a_sensor(), sensor(100, 200, 200)), 0, 2 * S)
    assert (found.joules, found.observed_seconds) == (350.0, 2.0)


def test_one_failed_look_at_a_sensor_leaves_no_gap_and_three_do() -> None:
    """Good looks two periods apart are joined, further apart they are not; the failed look says why."""
    one = failing(sensor(100, 100, 100, 100, 100), [2])
    assert stretch(line(a_sensor(), one), 0, 4 * S).gaps == ()
    more = stretch(line(a_sensor(), failing(one, [1, 2, 3], "driver gone")), 0, 4 * S)
    assert (more.joules, more.observed_seconds) == (0.0, 0.0)
    assert [(g.t0_seconds, g.duration_seconds, g.reason) for g in more.gaps] == [(0.0, 4.0, "driver gone")]


def test_a_look_that_cannot_be_is_no_look() -> None:
    """2000 W of a device that draws 1000 W at most, nothing of a number, and less than nothing."""
    for nonsense in (2000.0, float("nan"), -1.0):
        found = stretch(line(a_sensor(), sensor(100, nonsense, 100)), 0, 2 * S)
        assert (found.joules, found.gaps) == (200.0, ())


def test_a_stretch_without_a_look_says_how_long() -> None:
    """Nobody looked for five seconds: no look failed, so the rule itself is the reason."""
    looks = DeviceLooks(device_id="GPU-1", at_us=(0, 5 * S), watts=(100.0, 100.0))
    assert stretch(line(a_sensor(), looks), 0, 5 * S).gaps[0].reason == "no sample for 5 s"


def test_a_counter_bridges_failed_looks_within_a_phase() -> None:
    """It has counted all the while."""
    found = stretch(line(a_gpu(), counter(0, None, None, None, None, 500)), 0, 5 * S)
    assert (found.joules, found.observed_seconds, found.gaps) == (500.0, 5.0, ())


@pytest.mark.parametrize(
    ("start", "end", "joules", "lost"),
    [
        (0, 3 * S, 100.0, [(1.0, 2.0)]),  # ends in the bridged five seconds
        (3 * S, 7 * S, 100.0, [(3.0, 3.0)]),  # begins in them
        (2 * S, 5 * S, 0.0, [(2.0, 3.0)]),  # lies in them
        (0, 7 * S, 700.0, []),  # holds them
    ],
)
def test_a_counter_that_was_not_read_near_an_edge_is_not_divided_there(
    start: int, end: int, joules: float, lost: list[tuple[float, float]]
) -> None:
    """100 J/s, read at 0, 1, 6 and 7 s: what happened between 1 s and 6 s belongs to no part of it."""
    found = stretch(line(a_gpu(), counter(0, 100, None, None, None, None, 600, 700)), start, end)
    assert found.joules == joules
    assert [(g.t0_seconds, g.duration_seconds) for g in found.gaps] == lost
    assert found.observed_seconds == pytest.approx((end - start) / 1e6 - sum(s for _, s in lost))
    assert found.edge_seconds == 0.0


def test_two_long_steps_around_both_edges_are_both_lost() -> None:
    """Read at 0, 5, 6 and 11 s; from 3 s to 8 s only the second between 5 and 6 is known."""
    looks = DeviceLooks(device_id="GPU-1", at_us=(0, 5 * S, 6 * S, 11 * S), energy_uj=(0, 500, 600, 1100))
    found = stretch(line(a_gpu(), replace(looks, energy_uj=(0, 500 * S, 600 * S, 1100 * S))), 3 * S, 8 * S)
    assert (found.joules, found.observed_seconds) == (100.0, 1.0)
    assert [(g.t0_seconds, g.duration_seconds) for g in found.gaps] == [(3.0, 2.0), (6.0, 2.0)]


def test_a_wrap_within_a_window_is_counted() -> None:
    """The counter holds 1000 J: 900 J, then 50 J, is 150 J."""
    device = a_gpu(wraps_at=Energy(1000.0), max_power=Power(300.0))
    found = stretch(line(device, counter(900, 50, 150)), 0, 2 * S)
    assert (found.joules, found.gaps) == (250.0, ())


def test_a_counter_not_read_for_longer_than_its_range_lasts_is_a_gap() -> None:
    """At most 300 W over 4 s may be 1200 J, more than the 1000 J it holds."""
    device = a_gpu(wraps_at=Energy(1000.0), max_power=Power(300.0))
    found = stretch(line(device, counter(900, None, None, None, 50)), 0, 4 * S)
    assert (found.joules, found.observed_seconds) == (0.0, 0.0)
    assert found.gaps[0].reason == "not read for longer than the counter's range lasts"


def test_a_reset_counter_is_a_gap_and_never_divided() -> None:
    """It fell, and nothing says that it wraps; an edge within the gap takes nothing of it."""
    found = stretch(line(a_gpu(), counter(500, 100, 200)), S // 2, 2 * S)
    assert (found.joules, found.observed_seconds) == (100.0, 1.0)
    assert [(g.duration_seconds, g.reason) for g in found.gaps] == [(0.5, "the counter was reset")]


def test_a_counter_that_ticks_may_be_late() -> None:
    """Ticks every 0.1 s: at 1000 W 50 J between two looks 1 ms apart can be, without ticks they cannot."""
    looks = DeviceLooks(device_id="GPU-1", at_us=(0, 1000), energy_uj=(0, 50 * S))
    assert stretch(line(a_gpu(update_seconds=0.1), looks), 0, 1000).joules == 50.0
    assert stretch(line(a_gpu(), looks), 0, 1000).observed_seconds == 0.0


def test_what_lies_outside_of_the_looks_is_not_observed() -> None:
    """Looks from 1 s to 2 s; the phase is from 0 to 3 s."""
    looks = DeviceLooks(device_id="GPU-1", at_us=(S, 2 * S), energy_uj=(0, 100 * S))
    found = stretch(line(a_gpu(), looks), 0, 3 * S)
    assert (found.joules, found.observed_seconds) == (100.0, 1.0)
    assert [g.reason for g in found.gaps] == ["no look before", "no look after"]


@pytest.mark.parametrize(
    ("looks", "why"),
    [
        (None, "never looked at"),
        (DeviceLooks(device_id="GPU-1", at_us=(0, S), gaps={"0": "no permission"}), "no permission"),
        (counter(5), "never looked at"),
    ],
)
def test_a_device_without_intervals_is_a_gap_as_a_whole(looks: DeviceLooks | None, why: str) -> None:
    """Nobody looked; every look failed; one look is no energy."""
    found = stretch(line(a_gpu(), looks), 0, S)
    assert (found.joules, found.observed_seconds) == (0.0, 0.0)
    assert [(g.duration_seconds, g.reason) for g in found.gaps] == [(1.0, why)]


def test_a_device_without_a_known_limit_is_read_all_the_same() -> None:
    """Whatever it shows is possible."""
    device = a_sensor(max_power=Power(float("inf")))
    assert stretch(line(device, sensor(5e6, 5e6)), 0, S).joules == 5e6


@given(
    st.lists(st.one_of(st.none(), st.integers(0, 900)), min_size=2, max_size=40),
    st.lists(st.integers(0, 40 * S), min_size=2, max_size=8),
    st.booleans(),
)
def test_parts_of_a_stretch_add_up_to_it(steps: list[int | None], moments: list[int], counted: bool) -> None:
    """Energy to the microjoule, time to the microsecond, wherever it is cut."""
    if counted:
        total, shown = 0, []
        for step in steps:
            total += step or 0
            shown.append(None if step is None else total)
        looked = line(a_gpu(), counter(*shown))
    else:
        looked = line(a_sensor(), sensor(*(None if s is None else float(s) for s in steps)))
    edges = sorted(moments)
    parts = [stretch(looked, a, b) for a, b in pairwise(edges)]
    whole = stretch(looked, edges[0], edges[-1])
    lost = sum(p.seconds - p.observed_seconds for p in parts) - (whole.seconds - whole.observed_seconds)
    assert lost >= -1e-9  # a long step is divided nowhere, so that a cut in it loses what it held
    if abs(lost) < 1e-9:
        assert sum(p.joules for p in parts) == pytest.approx(whole.joules, abs=1e-5)
    assert sum(p.joules for p in parts) <= whole.joules + 1e-5
