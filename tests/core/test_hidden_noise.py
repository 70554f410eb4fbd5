"""How much repeats can have differed had their gaps been seen, held against trying everything."""

from __future__ import annotations

import itertools
import math
import statistics

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from wattmark.core.hidden_noise import Ends, least_sd, most_sd, widest_welch
from wattmark.core.stats import Spread, welch

NUMBERS = st.floats(min_value=-3.0, max_value=3.0)
SEVERAL = st.lists(
    st.tuples(NUMBERS, NUMBERS).map(lambda ends: (min(ends), max(ends))), min_size=2, max_size=7
)
SHARES = st.floats(min_value=0.0, max_value=1.0)
SLACK = 1e-9


def test_two_values_differ_by_what_lies_between_their_far_ends() -> None:
    """0 to 1 and 2 to 4: they are 1 to 4 apart, and the standard deviation of two is that over root 2."""
    values = [(0.0, 1.0), (2.0, 4.0)]
    assert least_sd(values) == pytest.approx(1.0 / math.sqrt(2.0))
    assert most_sd(values) == pytest.approx(4.0 / math.sqrt(2.0))


def test_what_was_seen_has_one_spread() -> None:
    """Least and most are the standard deviation itself."""
    values = [(v, v) for v in (1.0, 2.0, 6.0)]
    assert least_sd(values) == pytest.approx(most_sd(values)) == pytest.approx(math.sqrt(7.0))


def test_values_that_may_be_equal_need_not_differ() -> None:
    """All hold 1; at their ends half of them lie at 0 and half at 2: the square root of 4 / 3."""
    values = [(0.0, 2.0)] * 4
    assert least_sd(values) == pytest.approx(0.0, abs=1e-12)
    assert most_sd(values) == pytest.approx(math.sqrt(4.0 / 3.0))


@for_all(SEVERAL, st.data())
def test_every_spread_between_the_ends_lies_between_least_and_most(
    values: list[Ends], data: st.DataObject
) -> None:
    """At all combinations of ends, and anywhere within."""
    least, most = least_sd(values), most_sd(values)
    for corner in itertools.product(*values):
        assert least - SLACK <= statistics.stdev(corner) <= most + SLACK
    inside = [low + data.draw(SHARES) * (high - low) for low, high in values]
    assert least - SLACK <= statistics.stdev(inside) <= most + SLACK


@for_all(SEVERAL)
def test_the_most_is_hardly_more_than_what_can_be(values: list[Ends]) -> None:
    """One value may have to lie at both of its ends at once: no more than that is given away."""
    reached = max(statistics.variance(corner) for corner in itertools.product(*values))
    widest = max(high - low for low, high in values)
    assert most_sd(values) ** 2 <= reached + widest**2 / (len(values) - 1) + SLACK


@for_all(SEVERAL, st.data())
def test_less_observed_never_brings_the_bounds_together(values: list[Ends], data: st.DataObject) -> None:
    """Wider ends: the least falls, the most rises."""
    wider = [(low - data.draw(SHARES), high + data.draw(SHARES)) for low, high in values]
    assert least_sd(wider) <= least_sd(values) + SLACK
    assert most_sd(wider) >= most_sd(values) - SLACK


def test_more_noise_may_narrow_the_interval_of_welch_and_never_that_of_the_widest() -> None:
    """Two runs without noise beside two with it leave one degree of freedom; noise in both leaves two."""
    quiet, loud = Spread(2, 0.0, 0.0), Spread(2, 0.0, 1.0)
    assert welch(loud, loud).half_width() < welch(quiet, loud).half_width()
    widest = widest_welch(loud, loud, (0.0, 1.0))
    assert widest.half_width() == welch(quiet, loud).half_width()
    assert widest_welch(loud, loud, (1.0, 1.0)) == welch(loud, loud)


COUNTS = st.sampled_from([2, 3, 4, 5, 6, 8, 10, 15, 20, 50, 200])


SDS = st.floats(min_value=1e-6, max_value=1.0)


@for_all(st.tuples(COUNTS, COUNTS), st.tuples(SDS, SDS), st.tuples(SHARES, SHARES), st.tuples(SHARES, SHARES))
def test_no_noise_between_least_and_most_has_a_wider_interval_of_welch(
    runs: tuple[int, int], most: tuple[float, float], least: tuple[float, float], at: tuple[float, float]
) -> None:
    """Tried anywhere between both sides' least and most."""
    low = least[0] * most[0], least[1] * most[1]
    widest = widest_welch(Spread(runs[0], 0.0, most[0]), Spread(runs[1], 0.0, most[1]), low)
    base, candidate = (
        Spread(n, 0.0, lowest + share * (highest - lowest))
        for n, lowest, highest, share in zip(runs, low, most, at, strict=True)
    )
    assert welch(base, candidate).half_width() <= widest.half_width() * (1 + SLACK)
