"""How even power was, second by second, and what failed looks may have hidden."""

from __future__ import annotations

import math
from statistics import stdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.bench.benchmarks import GPU, S, a_benchmark, a_gpu, a_sensor, failing
from wattmark.core.bench.evidence import DeviceLooks
from wattmark.core.bench.lines import lines_of
from wattmark.core.bench.steady import Steadiness, Watched, cv_at_worst, limits, steadiness, watched
from wattmark.core.readings import Device
from wattmark.core.units import Power

GPU_200 = a_gpu(max_power=Power(200.0))
SENSOR_200 = a_sensor(max_power=Power(200.0))


def device(kind: Device, looks: DeviceLooks, period_us: int = S) -> Watched:
    return watched(lines_of(a_benchmark(device=kind, looks=(looks,), period_us=period_us))[0])


def counted(watts: list[float]) -> DeviceLooks:
    """A counter read each second, of a device that draws so much in each."""
    totals = [0]
    for power in watts:
        totals.append(totals[-1] + round(power * S))
    times = tuple(i * S for i in range(len(totals)))
    return DeviceLooks(device_id=GPU, at_us=times, energy_uj=tuple(totals))


def shown(watts: list[float]) -> DeviceLooks:
    return DeviceLooks(device_id=GPU, at_us=tuple(i * S for i in range(len(watts))), watts=tuple(watts))


def told(found: Steadiness | None) -> Steadiness:
    assert found is not None
    return found


def test_even_power_has_no_variation() -> None:
    """100 W all the while: eight means of a second in the middle of ten."""
    found = told(steadiness([device(GPU_200, counted([100.0] * 10))], 0, 10 * S))
    assert (found.cv, found.slope, found.bins, found.bin_seconds) == (0.0, 0.0, 8, 1.0)


def test_ramps_at_both_ends_do_not_count() -> None:
    """The first and the last second of ten are left out."""
    found = told(steadiness([device(GPU_200, counted([0.0, *[100.0] * 8, 10.0]))], 0, 10 * S))
    assert found.cv == 0.0


def test_variation_is_standard_deviation_over_mean() -> None:
    """90 W and 110 W in turns: the sample standard deviation of eight, over 100 W."""
    turns = [90.0, 110.0] * 5
    found = told(steadiness([device(GPU_200, counted(turns))], 0, 10 * S))
    assert found.cv == pytest.approx(stdev(turns[1:9]) / 100.0)


def test_slope_is_the_rise_of_the_fitted_line_over_the_mean() -> None:
    """A watt more each second around 100 W: eight watts over eight seconds; downwards it is negative."""
    rising = [95.5 + i for i in range(10)]
    up = told(steadiness([device(GPU_200, counted(rising))], 0, 10 * S))
    down = told(steadiness([device(GPU_200, counted(rising[::-1]))], 0, 10 * S))
    assert [up.slope, down.slope] == pytest.approx([0.08, -0.08])


def test_devices_are_looked_at_together() -> None:
    """One rises as the other falls: their sum is even."""
    up, down = [95.5 + i for i in range(10)], [104.5 - i for i in range(10)]
    both = [device(GPU_200, counted(up)), device(GPU_200, counted(down))]
    assert told(steadiness(both, 0, 10 * S)).cv == pytest.approx(0.0, abs=1e-12)


def test_too_short_a_window_tells_nothing() -> None:
    """Three means are the least, of a second or of the period where that is longer; so is a device."""
    one = device(GPU_200, counted([100.0] * 100))
    assert steadiness([one], 0, 3 * S) is None
    assert told(steadiness([one], 0, 4 * S)).bins == 3
    slow = device(GPU_200, counted([100.0] * 100), period_us=10 * S)
    assert steadiness([slow], 0, 30 * S) is None
    assert told(steadiness([slow], 0, 40 * S)).bins == 3
    assert steadiness([], 0, 100 * S) is None


def test_ticks_alone_are_no_variation() -> None:
    """10 J a tick, ten ticks a second: now eleven are seen in a second, now nine, of constant 100 W."""
    looks = counted([110.0, 90.0] * 30)
    ticking = device(a_gpu(update_seconds=0.1), looks)
    found = told(steadiness([ticking], 0, 60 * S))
    assert (found.bins, found.bin_seconds) == (24, 2.0)
    assert found.cv < 1e-9
    assert told(steadiness([device(a_gpu(), looks)], 0, 60 * S)).cv > 0.1
    slow = device(a_gpu(update_seconds=1.0), looks)
    assert told(steadiness([slow], 0, 60 * S)).bin_seconds == 2.0


def test_a_failed_look_at_a_sensor_may_have_shown_anything() -> None:
    """100 W all the while, at most 200 W, one look failed: two seconds may lie between 50 and 150 W."""
    looks = failing(shown([100.0] * 101), [50])
    one = device(SENSOR_200, looks)
    assert limits([one], 49 * S, 51 * S) == (100.0, 300.0)
    assert limits([one], 60 * S, 61 * S) == (100.0, 100.0)
    found = told(steadiness([one], 0, 100 * S))
    assert found.cv == pytest.approx(math.sqrt(2 * 50.0**2 / 79) / (100 - 2 * 50 / 80))


def test_a_counter_knows_the_energy_that_failed_looks_hid() -> None:
    """200 J in two seconds: each of them holds from nothing to all of it, as far as 200 W allow."""
    one = device(GPU_200, failing(counted([100.0] * 10), [5]))
    assert limits([one], 4 * S, 6 * S) == (200.0, 200.0)
    low, high = limits([one], 4 * S, 5 * S)
    assert (low, high) == (0.0, 200.0)
    less = device(a_gpu(max_power=Power(120.0)), failing(counted([100.0] * 10), [5]))
    assert list(limits([less], 4 * S, 5 * S)) == pytest.approx([80.0, 120.0], abs=0.2)


def test_looks_too_far_apart_are_as_good_as_failed() -> None:
    """Three seconds without a look, where one was due each second."""
    looks = DeviceLooks(device_id=GPU, at_us=(0, S, 4 * S), watts=(100.0, 100.0, 100.0))
    assert limits([device(SENSOR_200, looks)], S, 4 * S) == (0.0, 600.0)
    twice = DeviceLooks(device_id=GPU, at_us=(0, 0, S), watts=(100.0, 100.0, 100.0))
    assert limits([device(SENSOR_200, twice)], 0, S) == (100.0, 100.0)


def test_a_counter_that_was_reset_tells_nothing_of_that_time() -> None:
    """From nothing to what the device can draw."""
    looks = DeviceLooks(device_id=GPU, at_us=(0, S, 2 * S), energy_uj=(900 * S, 0, 100 * S))
    assert limits([device(GPU_200, looks)], 0, 2 * S) == (100.0, 300.0)


def test_time_without_looks_may_hold_anything() -> None:
    """Looks from 0 to 10 s, asked up to 12 s."""
    assert limits([device(GPU_200, counted([100.0] * 10))], 9 * S, 12 * S) == (100.0, 500.0)


def test_a_device_without_a_limit_has_no_worst_case() -> None:
    """Infinite, which is no pass."""
    boundless = a_sensor(max_power=Power(math.inf))
    found = told(steadiness([device(boundless, failing(shown([100.0] * 11), [5]))], 0, 10 * S))
    assert (found.cv, found.slope) == (math.inf, math.inf)
    nothing = told(steadiness([device(GPU_200, counted([0.0] * 10))], 0, 10 * S))
    assert (nothing.cv, nothing.slope) == (math.inf, math.inf)


powers = st.lists(st.floats(1, 199), min_size=3, max_size=20)


@given(powers)
def test_known_values_have_their_own_variation(values: list[float]) -> None:
    """Nothing hidden: the textbook's number."""
    mean = math.fsum(values) / len(values)
    assert cv_at_worst(values, values) == pytest.approx(stdev(values) / mean, abs=1e-9)


@given(powers, st.data())
@settings(max_examples=50)
def test_the_worst_case_is_no_better_than_any_case(values: list[float], data: st.DataObject) -> None:
    """Whatever the values were within their limits, they vary no more than is said."""
    low = [data.draw(st.floats(0.5, v)) for v in values]
    high = [data.draw(st.floats(v, 200)) for v in values]
    mean = math.fsum(values) / len(values)
    assert cv_at_worst(low, high) >= stdev(values) / mean * (1 - 1e-9) - 1e-9


@given(powers.filter(lambda p: len(p) > 8), st.lists(st.integers(1, 7), max_size=4), st.booleans())
@settings(max_examples=80)
def test_failed_looks_never_make_power_more_even(watts: list[float], lost: list[int], kind: bool) -> None:
    """Neither its variation nor its slope."""
    looks = counted(watts) if kind else shown(watts)
    meter = GPU_200 if kind else SENSOR_200
    end = looks.at_us[-1]
    whole = steadiness([device(meter, looks)], 0, end)
    less = steadiness([device(meter, failing(looks, lost))], 0, end)
    if whole is not None:
        assert told(less).cv >= whole.cv - 1e-6
        assert abs(told(less).slope) >= abs(whole.slope) - 1e-6
