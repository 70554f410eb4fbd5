"""Samples become intervals: conservation, wraps, sums, replicas, and what only looks like a reading."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.intervals import Intervals
from wattmark.sources.metrics import Metric, bundled_metrics
from wattmark.sources.scraped_series import (
    Counts,
    Scraped,
    added_up,
    common_energy,
    counts_added_up,
    counts_of,
    intervals_of,
    longest_gap_us,
    one_of_replicas,
    outside_of,
    period_us,
)

S = 1_000_000


def a_metric(name: str, **labels: str) -> Metric:
    found = bundled_metrics().find(name, labels)
    assert found is not None
    return found


RAPL = a_metric("node_rapl_package_joules_total")
DCGM = a_metric("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION")
POWER = a_metric("DCGM_FI_DEV_POWER_USAGE")


def a_series(*rows: tuple[int, int, int | None]) -> Intervals:
    """Intervals in seconds and joules; None is a gap."""
    found = Intervals()
    for start, end, joules in rows:
        found.add(start * S, end * S, None if joules is None else joules * S, "a gap")
    return found


def test_the_period_is_the_usual_distance() -> None:
    """A hole does not change it; two distances tell nothing."""
    assert period_us([0, 15, 30, 45, 600, 615]) == 15
    assert period_us([0, 15, 30]) is None
    assert longest_gap_us(15 * S) == 31.5 * S
    assert longest_gap_us(None) == 600 * S


@given(
    st.lists(st.integers(min_value=0, max_value=10_000_000_000), min_size=1, max_size=60),
    st.sampled_from([(262_143_328_850, 70_000_000_000), (65_532_610_987, 0)]),
    st.data(),
)
def test_a_raw_counter_conserves_energy_over_its_wraps(
    rises: list[int], sizes: tuple[int, int], data: st.DataObject
) -> None:
    """Whatever the steps, of at most 10 kJ in 15 s: nothing is lost, not a microjoule."""
    size, least = sizes
    first = data.draw(st.integers(least, size - 1))
    shown = [(t % size) / 1e6 for t in accumulate([first, *rises])]
    times = [i * 15 * S for i in range(len(shown))]
    found = intervals_of(RAPL, times, shown, 32 * S, whole=False)
    assert all(found.observed)
    assert found.energy_uj == rises


def test_millijoules_are_exact() -> None:
    """A counter of 15 152 422 938 mJ in floating point loses nothing."""
    found = intervals_of(DCGM, [0, 15 * S], [15_152_422_938.0, 15_152_422_939.0], 32 * S, whole=True)
    assert found.energy_uj == [1000]


def test_a_fall_that_no_range_explains_is_a_reset() -> None:
    """From 300 kJ to 0 there is no range; from 200 kJ to 0 it would be more than a package can use."""
    for before in (300_000.0, 200_000.0):
        found = intervals_of(RAPL, [0, 15 * S, 30 * S], [before, 10.0, 20.0], 32 * S, whole=True)
        assert found.observed == [False, True]


def test_standing_still_for_a_minute_is_no_measurement() -> None:
    """Short rests between the ticks of a coarse counter are."""
    times = [i * 15 * S for i in range(9)]
    dead = intervals_of(DCGM, times, [5.0] * 9, 32 * S, whole=True)
    assert dead.observed == [False] * 8
    coarse = intervals_of(DCGM, times, [0, 0, 0, 9, 9, 9, 18, 18, 18], 32 * S, whole=True)
    assert coarse.observed == [True] * 8
    assert intervals_of(DCGM, times, [5.0] * 9, 32 * S, whole=False).observed == [True] * 8


def test_zero_watts_of_a_share_is_a_reading() -> None:
    """An idle pod draws nothing; a whole GPU that draws nothing is a sensor without a reading."""
    assert intervals_of(POWER, [0, S], [0.0, 0.0], 2 * S, whole=False).observed == [True]
    assert intervals_of(POWER, [0, S], [0.0, 0.0], 2 * S, whole=True).observed == [False]


def test_nan_in_a_counter_breaks_only_its_own_stretch() -> None:
    """Before and after it the counter counts."""
    found = intervals_of(DCGM, [0, S, 2 * S, 3 * S], [0.0, math.nan, 2000.0, 3000.0], 3 * S, whole=True)
    assert (found.start_us, found.observed, found.energy_uj) == ([0, 2 * S], [False, True], [0, S])


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 10**9)), min_size=1, max_size=20), st.data())
def test_a_sum_on_a_finer_grid_conserves_every_microjoule(
    steps: list[tuple[int, int]], data: st.DataObject
) -> None:
    """Whatever the edges of the other series."""
    part, at = Intervals(), 0
    for length, uj in steps:
        part.add(at, at + length, uj)
        at += length
    cuts = sorted({0, at, *data.draw(st.lists(st.integers(0, at), max_size=10))})
    other = Intervals()
    for a, b in pairwise(cuts):
        other.add(a, b, 1)
    total = added_up([part, other], all_needed=True)
    assert sum(total.energy_uj) == sum(part.energy_uj) + sum(other.energy_uj)
    assert all(a < b for a, b in zip(total.start_us, total.end_us, strict=True))
    assert all(b == a for b, a in zip(total.end_us, total.start_us[1:], strict=False))


def test_parts_of_a_whole_need_each_other_and_shares_do_not() -> None:
    """dynamic without idle is no package; one pod without the other is a pod."""
    dynamic, idle = a_series((0, 10, 5), (10, 20, 5)), a_series((0, 10, 7), (10, 20, None))
    whole = added_up([dynamic, idle], all_needed=True)
    assert list(zip(whole.energy_uj, whole.observed, strict=True)) == [(12 * S, True), (0, False)]
    shares = added_up([dynamic, idle], all_needed=False)
    assert list(zip(shares.energy_uj, shares.observed, strict=True)) == [(12 * S, True), (5 * S, True)]


def test_work_of_several_series_adds_up_on_one_grid() -> None:
    """A series that missed a scrape is prorated; a restart is not known."""
    one = counts_of([0, S, 2 * S], [0, 10, 30], 1)
    late = counts_of([0, 2 * S], [0, 8], 1)
    total = counts_added_up([one, late])
    assert (total.count, total.observed) == ([14, 24], [True, True])
    assert counts_of([0, S, 2 * S], [5, 1, 3], 1) == Counts([0, S], [S, 2 * S], [0.0, 2], [False, True])
    assert counts_added_up([]) == Counts([], [], [], [])


def test_the_other_replica_fills_holes_only() -> None:
    """Before the first sample, in between, and after the last."""
    first = Scraped("x", {}, [t * S for t in (10, 20, 60, 70)], [1.0] * 4)
    other = Scraped("x", {}, [t * S for t in (5, 15, 35, 45, 75, 95, 105)], [2.0] * 7)
    times, values = one_of_replicas([first, other], -1, 21 * S)
    assert [t // S for t in times] == [10, 20, 35, 45, 60, 70, 75, 95, 105]
    assert values.count(2.0) == 5
    times, _ = one_of_replicas([Scraped("x", {}, [], []), other], 0, 21 * S)
    assert [t // S for t in times] == [5, 15, 35, 45, 75, 95, 105]


def test_energy_is_compared_where_both_looked() -> None:
    """Pieces are prorated; gaps of either do not count."""
    a, b = a_series((0, 10, 100), (10, 20, None), (20, 30, 100)), a_series((5, 25, 400))
    assert common_energy(a, b) == (100 * S, 200 * S, 10 * S)


def test_only_what_nobody_better_saw_is_kept() -> None:
    """An interval of power counts where the counter has a gap over all of it."""
    counter = a_series((0, 10, 1), (10, 20, None), (20, 30, 1))
    power = a_series((0, 5, 1), (8, 12, 1), (12, 18, 1), (18, 22, 1), (30, 40, 1))
    assert outside_of(power, counter) == [False, False, True, False, True]


def test_a_raw_counter_read_too_seldom_is_not_known() -> None:
    """Five minutes at 1000 W are more than its range: it may have gone round."""
    seldom = intervals_of(replace(RAPL), [0, 300 * S], [0.0, 100.0], 700 * S, whole=True)
    assert seldom.observed == [False]
