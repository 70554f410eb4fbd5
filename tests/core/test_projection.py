"""What a period will come to, with an interval that missing readings can only widen."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.figure import Figure
from wattmark.core.projection import projection
from wattmark.core.stats import t_quantile


def week(value: float, gain: float = 0.0, gap: float = 0.0) -> Figure:
    """A week's joules, with a meter's gain error and the bound of what was not read."""
    errors = {name: e for name, e in (("meter", gain), ("gap:x", gap)) if e}
    return Figure(value, "J", errors=errors)


def test_a_period_that_is_over_is_what_it_was() -> None:
    """The figure with its own interval."""
    told = projection(week(100.0, gain=5.0), [week(50.0), week(50.0)], 0.0)
    assert (told.value, told.low, told.high, told.method) == (100.0, 95.0, 105.0, "complete")
    assert told.words == "the period is over"


@pytest.mark.parametrize("weeks", [0, 1])
def test_one_week_tells_nothing_of_the_others(weeks: int) -> None:
    """The upper end is unknown, and that is infinite."""
    told = projection(week(10.0), [week(10.0)] * weeks, 3.0)
    assert (told.value, told.high, told.method) == (10.0, math.inf, "none")
    assert "fewer than two" in told.words


def test_equal_weeks_go_on() -> None:
    """Four weeks of 10 J so far and six to come: 100 J, and no scatter."""
    told = projection(week(40.0), [week(10.0)] * 4, 6.0)
    assert (told.value, told.low, told.high, told.method) == (100.0, 100.0, 100.0, "run-rate")
    assert told.words.startswith("run-rate: the mean of 4 blocks")


def test_the_scatter_of_weeks_is_the_interval() -> None:
    """9 and 11 J, one week to come: mean 10, s = sqrt 2, variance s^2 (1 + 1/2)."""
    told = projection(week(20.0), [week(9.0), week(11.0)], 1.0)
    half = t_quantile(0.975, 1) * math.sqrt(2.0) * math.sqrt(1.5)
    assert told.value == 30.0
    assert told.high == pytest.approx(30.0 + half)
    assert told.low == 20.0  # what was used is used


def test_a_straight_line_goes_on_from_eight_weeks() -> None:
    """1 to 8 J, then 9 and 10: 36 J so far, 55 in the end, exactly."""
    blocks = [week(float(i)) for i in range(1, 9)]
    told = projection(week(36.0), blocks, 2.0)
    assert told.method == "trend"
    assert told.value == pytest.approx(55.0)
    assert told.high == pytest.approx(55.0)
    assert told.words.startswith("trend: a straight line through 8 blocks")


def test_a_line_that_falls_below_zero_takes_nothing_back() -> None:
    """8 to 1 J, then eight weeks: the line goes to -7, but 36 J that were used are used."""
    blocks = [week(float(i)) for i in range(8, 0, -1)]
    told = projection(week(36.0, gain=1.0), blocks, 8.0)
    assert told.method == "trend"
    assert (told.low, told.value, told.high) == (35.0, 36.0, 37.0)


@given(st.lists(st.floats(0.0, 100.0), min_size=2, max_size=14), st.floats(0.0, 60.0))
def test_a_projection_lies_in_its_interval_and_above_what_was_used(used: list[float], left: float) -> None:
    """Whatever the weeks were."""
    blocks = [week(one, gain=one / 20) for one in used]
    so_far = whole_of(blocks)
    told = projection(so_far, blocks, left)
    assert told.low <= told.value <= told.high
    assert told.value >= so_far.value


def test_the_gain_of_a_meter_does_not_average_out() -> None:
    """5 % off in every week is 5 % off in the end."""
    told = projection(week(40.0, gain=2.0), [week(10.0, gain=0.5)] * 4, 6.0)
    assert told.high == pytest.approx(105.0)


def test_what_was_not_read_is_a_worst_case() -> None:
    """1 J of four weeks may be more: so may the mean be, and the scatter."""
    sure = projection(week(40.0), [week(10.0)] * 4, 6.0)
    less = projection(week(40.0, gap=1.0), [week(10.0)] * 3 + [week(10.0, gap=1.0)], 6.0)
    assert less.high > sure.high + 1.0 + 6.0 / 4


@st.composite
def readings_taken_away(draw: st.DrawFn) -> tuple[list[Figure], list[Figure]]:
    """Weeks, and the same with parts of them not read, each estimated with a bound that holds the truth."""
    gain = draw(st.floats(0.0, 0.2))
    full, less = [], []
    for _ in range(draw(st.integers(2, 14))):
        whole = draw(st.floats(0.0, 100.0))
        lost = whole * draw(st.sampled_from((0.0, 0.0, 0.1, 0.5, 1.0)))
        guess = draw(st.floats(0.0, 50.0)) if lost else 0.0
        bound = abs(lost - guess) + gain * lost
        full.append(week(whole, gain=gain * whole))
        less.append(week(whole - lost + guess, gain=gain * (whole - lost), gap=bound))
    return full, less


def whole_of(weeks: list[Figure]) -> Figure:
    """Their sum."""
    errors: dict[str, float] = {}
    for one in weeks:
        for name, e in one.errors.items():
            errors[name] = errors.get(name, 0.0) + e
    return Figure(math.fsum(w.value for w in weeks), "J", errors=errors)


@given(readings_taken_away(), st.floats(0.0, 60.0))
def test_taking_readings_away_never_lowers_the_upper_end(
    weeks: tuple[list[Figure], list[Figure]], left: float
) -> None:
    """Whatever was not read, and however it was estimated."""
    full, less = weeks
    sure, unsure = (projection(whole_of(w), w, left) for w in (full, less))
    room = 1e-9 * max(1.0, abs(sure.high))
    if left > 0:
        assert unsure.high >= sure.high - room
    else:  # a figure's own interval: logarithmic above 30 %
        assert unsure.value + whole_of(less).half_width >= sure.value + whole_of(full).half_width - room
