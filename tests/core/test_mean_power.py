"""Means of periods become energy: exactly, where they follow each other."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.mean_power import from_means

MINUTE = 60_000_000


def test_a_mean_times_its_period_is_its_energy() -> None:
    """100 W and 200 W for a minute each: 6000 and 12 000 J; a trapezoid would give 9000 J in all."""
    found = from_means([0, MINUTE], [100, 200], MINUTE)
    assert found.energy_uj == [6_000_000_000, 12_000_000_000]
    assert (found.start_us, found.end_us) == ([0, MINUTE], [MINUTE, 2 * MINUTE])


def test_one_missing_mean_lies_between_its_neighbours() -> None:
    """100 W, nothing, 200 W: 150 W between, observed (two periods apart)."""
    found = from_means([0, 2 * MINUTE], [100, 200], MINUTE)
    assert found.energy_uj == [6_000_000_000, 9_000_000_000, 12_000_000_000]
    assert all(found.observed)


def test_two_missing_means_are_a_gap() -> None:
    """Of two minutes nothing is known, and it is said."""
    found = from_means([0, 3 * MINUTE], [100, 200], MINUTE)
    assert found.observed == [True, False, True]
    assert found.energy_uj[1] == 0
    assert found.remarks == [(MINUTE, "no mean for 120 s")]


@pytest.mark.parametrize("nonsense", [-1.0, math.nan, math.inf, 3000.0])
def test_a_mean_that_cannot_be_is_a_gap(nonsense: float) -> None:
    """And fills nothing beside it."""
    found = from_means([0, MINUTE, 3 * MINUTE], [100, nonsense, 100], MINUTE, 2000)
    assert found.observed == [True, False, False, True]


def test_a_period_that_begins_too_early_is_left_out() -> None:
    """No moment is there twice."""
    found = from_means([0, MINUTE // 2, MINUTE], [100, 900, 100], MINUTE)
    assert found.end_us == [MINUTE, 2 * MINUTE]
    assert found.remarks[0][0] == MINUTE // 2


def test_what_was_handed_on_before_only_joins() -> None:
    """The last mean of the portion before: what lies between it and the next is told now."""
    found = from_means([0, 2 * MINUTE], [100, 200], MINUTE, skip=1)
    assert found.start_us == [MINUTE, 2 * MINUTE]


@given(
    watts=st.lists(st.floats(0, 1000), min_size=1, max_size=30),
    cut=st.integers(0, 30),
)
def test_portions_give_what_the_whole_gives(watts: list[float], cut: int) -> None:
    """Cut anywhere, with the last mean before the cut handed over."""
    times = [n * MINUTE for n in range(len(watts))]
    whole = from_means(times, watts, MINUTE)
    first = from_means(times[:cut], watts[:cut], MINUTE)
    back = max(0, min(cut, len(watts)) - 1)
    rest = from_means(times[back:], watts[back:], MINUTE, skip=min(1, cut, len(watts)))
    assert first.energy_uj + rest.energy_uj == whole.energy_uj
    assert sum(whole.energy_uj) == pytest.approx(sum(watts) * MINUTE, abs=len(watts))
