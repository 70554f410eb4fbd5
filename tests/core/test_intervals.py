"""Sampled power and counters as energy per interval."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.intervals import MOST_WATTS, Intervals, from_counter, from_power
from wattmark.core.sound import MOST_UJ

S = 1_000_000
LATE = 10 * S
"""The longest gap in these tests, unless one says otherwise."""

spacings = st.lists(st.integers(1, 5 * S), min_size=1, max_size=30)
powers = st.floats(0, 2000)


def moments(steps: list[int]) -> list[int]:
    """Times that lie so far apart."""
    times = [1_700_000_000 * S]
    for step in steps:
        times.append(times[-1] + step)
    return times


def test_power_between_two_samples_is_their_mean() -> None:
    """100 W and 200 W, two seconds apart: 300 J."""
    found = from_power([0, 2 * S], [100.0, 200.0], LATE)
    assert (found.start_us, found.end_us, found.energy_uj) == ([0], [2 * S], [300 * S])
    assert found.observed == [True]


def test_one_sample_is_no_interval() -> None:
    """A power at one moment is no energy."""
    assert from_power([0], [100.0], LATE) == Intervals()
    assert from_counter([0], [100], LATE) == Intervals()


@given(steps=spacings, watts=powers)
def test_constant_power_gives_power_times_time(steps: list[int], watts: float) -> None:
    """However it is sampled, up to half a microjoule of rounding per interval."""
    times = moments(steps)
    found = from_power(times, [watts] * len(times), LATE)
    assert sum(found.energy_uj) == pytest.approx(watts * (times[-1] - times[0]), abs=len(times))


@given(data=st.data(), steps=spacings)
def test_intervals_cover_the_time_without_overlap(data: st.DataObject, steps: list[int]) -> None:
    """Each begins where the one before it ends, from the first sample to the last, gaps included."""
    times = moments(steps)
    odd = st.one_of(powers, st.sampled_from([float("nan"), float("inf"), -1.0, 1e300]))
    watts = data.draw(st.lists(odd, min_size=len(times), max_size=len(times)))
    found = from_power(times, watts, 2 * S, max_watts=3000.0)
    assert (found.start_us[0], found.end_us[-1]) == (times[0], times[-1])
    assert found.end_us[:-1] == found.start_us[1:]
    assert all(not energy for energy, seen in zip(found.energy_uj, found.observed, strict=True) if not seen)
    assert len(found.remarks) == found.observed.count(False)


@pytest.mark.parametrize("watts", [float("nan"), float("inf"), -0.1, 301.0])
def test_an_impossible_power_is_a_gap_on_both_sides(watts: float) -> None:
    """It is neither zero nor left out: nobody knows what was used up to the next good sample."""
    found = from_power([0, S, 2 * S, 3 * S], [100.0, watts, 100.0, 100.0], LATE, max_watts=300.0)
    assert found.observed == [False, False, True]
    assert found.energy_uj == [0, 0, 100 * S]


def test_without_a_bound_of_its_own_a_sensor_has_a_common_one() -> None:
    """No sensor shows a terawatt and more, even where infinity was allowed."""
    assert from_power([0, S], [1.0, MOST_WATTS * 2], LATE).observed == [False]
    assert from_power([0, S], [float("inf")] * 2, LATE, max_watts=float("inf")).observed == [False]


def test_a_long_silence_is_a_gap() -> None:
    """Power is known at moments alone: over more than two periods it is not."""
    found = from_power([0, 2 * S, 5 * S], [100.0, 100.0, 100.0], 2 * S)
    assert found.observed == [True, False]
    assert found.remarks == [(2 * S, "no sample for 3 s")]


def test_a_sample_that_comes_too_early_is_left_out_and_remarked() -> None:
    """A clock that stepped back, or a line that is there twice, adds no time."""
    found = from_power([0, 2 * S, 2 * S, S, 4 * S], [100.0, 100.0, 900.0, 900.0, 100.0], LATE)
    assert found.energy_uj == [200 * S, 200 * S]
    assert [at for at, _ in found.remarks] == [2 * S, S]


def test_more_than_can_be_is_a_gap() -> None:
    """A terawatt for a year does not fit, and is no energy."""
    found = from_power([0, 31_536_000 * S], [MOST_WATTS, MOST_WATTS], 1 << 62)
    assert (found.energy_uj, found.observed) == ([0], [False])
    assert "cannot be" in found.remarks[0][1]


@given(steps=spacings, rises=st.data())
def test_what_a_counter_rose_is_what_was_used(steps: list[int], rises: st.DataObject) -> None:
    """The parts add up to the whole, exactly."""
    times = moments(steps)
    rise = rises.draw(st.lists(st.integers(0, 10**12), min_size=len(steps), max_size=len(steps)))
    totals = [5]
    for more in rise:
        totals.append(totals[-1] + more)
    found = from_counter(times, totals, LATE)
    assert found.energy_uj == rise
    assert sum(found.energy_uj) == totals[-1] - totals[0]


@given(start=st.integers(0, 99), used=st.lists(st.integers(0, 60), min_size=1, max_size=30))
def test_a_counter_that_wraps_counts_on(start: int, used: list[int]) -> None:
    """90 J, wrap at 100 J, then 5 J: 15 J; a device that can use 60 J between two looks wraps once."""
    totals = [start * S]
    for joules in used:
        totals.append((totals[-1] + joules * S) % (100 * S))
    times = [i * S for i in range(len(totals))]
    found = from_counter(times, totals, LATE, wraps_at_uj=100 * S, max_watts=60.0)
    assert found.energy_uj == [joules * S for joules in used]
    assert all(found.observed)


@pytest.mark.parametrize(
    ("wraps_at", "most", "reason"),
    [
        (None, None, "the counter was reset"),
        (None, 60.0, "the counter was reset"),
        (100 * S, None, "the counter was reset"),
        (50 * S, 40.0, "the counter was reset"),
        (100 * S, 10.0, "W is more than the 10 W that are possible"),
        (100 * S, 100.0, "not read for longer than the counter's range lasts"),
    ],
)
def test_a_fall_that_is_no_wrap_is_a_gap(wraps_at: int | None, most: float | None, reason: str) -> None:
    """From 90 J to 5 J within a second: without a range, a bound or a possible power it was a reset."""
    found = from_counter([0, S], [90 * S, 5 * S], LATE, wraps_at_uj=wraps_at, max_watts=most)
    assert (found.energy_uj, found.observed) == ([0], [False])
    assert reason in found.remarks[0][1]


def test_more_than_the_device_can_use_is_a_gap() -> None:
    """A counter that jumps was replaced: 1000 J in a second from a device of 300 W."""
    found = from_counter([0, S, 2 * S], [0, 1000 * S, 1200 * S], LATE, max_watts=300.0)
    assert found.observed == [False, True]
    assert found.remarks == [(0, "1000 W is more than the 300 W that are possible")]


def test_a_counter_left_alone_is_a_gap_where_a_limit_is_set() -> None:
    """It may have been reset meanwhile; without a limit the two looks have seen everything."""
    looks = [0, 3600 * S], [0, 36_000 * S]
    assert from_counter(*looks, LATE).observed == [False]
    assert from_counter(*looks, LATE).remarks == [(0, "no sample for 3600 s")]
    assert from_counter(*looks, None).energy_uj == [36_000 * S]


def test_a_look_that_comes_too_early_is_left_out() -> None:
    """As with power; the next look counts from the last good one."""
    found = from_counter([0, S, S, 2 * S], [0, 10, 99, 20], LATE)
    assert found.energy_uj == [10, 10]
    assert len(found.remarks) == 1


def test_an_interval_holds_at_most_what_a_ledger_can() -> None:
    """The largest amount fits; one more does not."""
    found = from_counter([0, S, 2 * S], [0, MOST_UJ, 2 * MOST_UJ + 1], None)
    assert found.observed == [True, False]


@given(data=st.data(), steps=spacings)
def test_what_comes_later_changes_nothing_before_it(data: st.DataObject, steps: list[int]) -> None:
    """A series is taken as a whole where it can be, and else interval by interval: both say the same."""
    times = moments(steps)
    watts = data.draw(st.lists(powers, min_size=len(times), max_size=len(times)))
    limit = data.draw(st.sampled_from([None, 1000.0]))
    even = from_power(times, watts, LATE, limit)
    uneven = from_power([*times, times[-1] + 1], [*watts, -1.0], LATE, limit)
    assert (even.start_us, even.end_us) == (uneven.start_us[:-1], uneven.end_us[:-1])
    assert (even.energy_uj, even.observed) == (uneven.energy_uj[:-1], uneven.observed[:-1])
    totals = [0]
    for rise in data.draw(st.lists(st.integers(0, 10**10), min_size=len(steps), max_size=len(steps))):
        totals.append(totals[-1] + rise)
    counted = from_counter(times, totals, LATE, max_watts=limit)
    reset = from_counter([*times, times[-1] + 1], [*totals, -1], LATE, max_watts=limit)
    assert (counted.start_us, counted.end_us) == (reset.start_us[:-1], reset.end_us[:-1])
    assert (counted.energy_uj, counted.observed) == (reset.energy_uj[:-1], reset.observed[:-1])
    assert counted.remarks == reset.remarks[:-1]


@pytest.mark.parametrize("wraps_at", [None, 1_000_000 * S])
def test_a_counter_that_ticks_shows_energy_from_before_the_first_look(wraps_at: int | None) -> None:
    """At most 100 W, ticks every 100 ms: between two looks 1 ms apart a tick of 10 J may fall."""
    looks = [0, 1_000], [0, 10 * S]
    late = from_counter(*looks, None, max_watts=100.0, wraps_at_uj=wraps_at, slack_us=100_000)
    assert (late.observed, late.energy_uj) == ([True], [10 * S])
    strict = from_counter(*looks, None, max_watts=100.0, wraps_at_uj=wraps_at)
    assert strict.observed == [False]
