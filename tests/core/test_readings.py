"""Energy between two looks at one counter: joules, or a gap with its reason. Never a guess."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.known import Grade, Method
from wattmark.core.readings import (
    CounterReading,
    Device,
    Gap,
    PowerReading,
    energy_between,
    power_plausible,
    wrap_time,
)
from wattmark.core.units import Energy, Power

COUNTER = Device(
    id="cpu:h/package-0",
    component="cpu",
    source="rapl",
    method=Method.HARDWARE_COUNTER,
    grade=Grade.B,
    max_power=Power(10),
    wraps_at=Energy(100),
    relative_error=0.05,
)
"""Starts again at 100 J and never draws more than 10 W: it lasts 10 s at full power."""

ENDLESS = replace(COUNTER, wraps_at=None)


def look(joules: float, at: float) -> CounterReading:
    """One look at the counter."""
    return CounterReading(Energy(joules), at)


def test_a_counter_that_went_up_gives_the_difference() -> None:
    """20 J, then 50 J: 30 J."""
    assert energy_between(look(20, 0), look(50, 5), COUNTER) == Energy(30)


def test_a_counter_that_wrapped_gives_what_went_round() -> None:
    """90 J, wrap at 100 J, then 5 J: 15 J."""
    assert energy_between(look(90, 0), look(5, 5), COUNTER) == Energy(15)


def test_a_counter_that_stood_still_gives_zero() -> None:
    """Two equal looks are an observed 0 J, which is not a gap."""
    assert energy_between(look(20, 0), look(20, 5), COUNTER) == Energy(0)


def test_a_counter_that_was_reset_is_a_gap() -> None:
    """90 J, then 5 J without any wrap: the driver was reloaded."""
    assert energy_between(look(90, 0), look(5, 5), ENDLESS) == Gap("the counter was reset or reads nonsense")


def test_a_reset_that_looks_like_an_impossible_wrap_is_a_gap() -> None:
    """50 J, then 40 J after 5 s would be 90 J round the wrap, and 5 s at 10 W are 50 J at most."""
    assert energy_between(look(50, 0), look(40, 5), COUNTER) == Gap("the counter was reset or reads nonsense")


def test_readings_out_of_order_are_a_gap() -> None:
    """The later look may not come first."""
    assert energy_between(look(20, 5), look(50, 0), COUNTER) == Gap("the readings are out of order")


@pytest.mark.parametrize("later", [5.0, 95.0])
def test_a_counter_left_alone_for_longer_than_a_wrap_is_a_gap_even_if_it_went_up(later: float) -> None:
    """After 10 s at 10 W it may have wrapped any number of times."""
    gap = Gap("not read for longer than the counter's range lasts")
    assert energy_between(look(10, 0), look(later, 10), COUNTER) == gap


def test_more_than_the_hardware_can_draw_is_a_gap() -> None:
    """80 J in 5 s would be 16 W on a 10 W device."""
    assert isinstance(energy_between(look(0, 0), look(80, 5), ENDLESS), Gap)


def test_a_counter_that_ticks_slowly_may_show_one_tick_in_a_short_window() -> None:
    """A tick of 0.1 s holds up to 1 J, which may land whole in a window of 10 ms."""
    slow = replace(ENDLESS, update_seconds=0.1)
    assert energy_between(look(0, 0), look(1.0, 0.01), slow) == Energy(1.0)
    assert isinstance(energy_between(look(0, 0), look(1.2, 0.01), slow), Gap)


def test_a_reading_that_is_no_number_is_a_gap() -> None:
    """NaN compares as neither more nor less, and must not pass."""
    assert isinstance(energy_between(look(0, 0), look(math.nan, 5), COUNTER), Gap)


def test_the_wrap_time_is_the_range_over_the_most_power() -> None:
    """100 J at 10 W last 10 s; without a wrap it is for ever."""
    assert wrap_time(COUNTER) == 10.0
    assert wrap_time(ENDLESS) == math.inf


@pytest.mark.parametrize(("watts", "possible"), [(0, True), (10, True), (10.1, False), (-0.1, False)])
def test_a_power_is_possible_from_zero_to_the_most_of_the_device(watts: float, possible: bool) -> None:
    """Both ends belong to what is possible."""
    assert power_plausible(PowerReading(Power(watts), 0.0), COUNTER) is possible


@given(
    start=st.floats(0, 99.9),
    watts=st.floats(0, 10),
    elapsed=st.floats(0, 9.99),
)
def test_whatever_is_used_within_one_wrap_comes_back(start: float, watts: float, elapsed: float) -> None:
    """A true counter read in time gives the true energy, wrapped or not."""
    used = watts * elapsed
    answer = energy_between(look(start, 0), look((start + used) % 100, elapsed), COUNTER)
    assert isinstance(answer, Energy)
    assert min(abs(answer.joules - used), abs(abs(answer.joules - used) - 100)) < 1e-6


@given(a=st.floats(0, 100), b=st.floats(0, 100), elapsed=st.floats(0, 100))
def test_an_energy_is_never_negative_and_never_more_than_is_possible(
    a: float, b: float, elapsed: float
) -> None:
    """Whatever the counter shows: joules within reach of the hardware, or a gap."""
    answer = energy_between(look(a, 0), look(b, elapsed), COUNTER)
    if isinstance(answer, Energy):
        assert 0 <= answer.joules <= 10 * (elapsed + 1e-3)
    else:
        assert answer.reason
