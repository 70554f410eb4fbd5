"""The running test."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wattmark.monitoring.detection.cusum import Cusum


def test_a_shift_of_the_effect_adds_half_its_square_over_the_variance() -> None:
    """An effect of 0.1 at a deviation of 0.1: each row of 0.1 adds 0.1/0.01 x (0.1 - 0.05) = 0.5."""
    test = Cusum(0.1)
    assert [round(test.add(float(i), 0.1, 0.1), 9) for i in range(4)] == [0.5, 1.0, 1.5, 2.0]
    assert (test.since, test.rows) == (0.0, 4)


def test_what_is_as_it_should_be_takes_it_back_to_zero() -> None:
    """The rise begins anew after that."""
    test = Cusum(0.1)
    test.add(0.0, 0.1, 0.1)
    assert test.add(1.0, -0.1, 0.1) == 0.0
    assert test.since is None
    test.add(2.0, 0.1, 0.1)
    assert test.since == 2.0


def test_one_wild_row_counts_for_no_more_than_four_deviations() -> None:
    """A hundredfold minute adds what one of 0.4 does."""
    wild, four = Cusum(0.1), Cusum(0.1)
    assert wild.add(0.0, 100.0, 0.1) == four.add(0.0, 0.4, 0.1)


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(0.01, 1)), max_size=50))
def test_it_is_never_below_zero_and_dated_while_it_is_above(rows: list[tuple[float, float]]) -> None:
    """Whatever comes."""
    test = Cusum(0.05)
    for index, (residual, deviation) in enumerate(rows):
        value = test.add(float(index), residual, deviation)
        assert value >= 0.0
        assert (value > 0.0) == (test.since is not None)
