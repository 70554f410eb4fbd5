"""Numbers with units."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.reports.quantities import count, duration, number, percent, quantity, scale_of


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1234, "J", "1.23 kJ"),
        (999.6, "J", "1.00 kJ"),
        (999.4, "J", "999 J"),
        (0.0042, "J", "4.20 mJ"),
        (1.5, "kWh", "1.50 kWh"),
        (0.00042, "kWh", "420 mWh"),
        (0.42, "gCO2e/inference", "420 mgCO2e/inference"),
        (1523.0, "gCO2e", "1.52 kgCO2e"),
        (2.5e6, "gCO2e", "2.50 tCO2e"),
        (250, "W", "250 W"),
        (9.5, "W per 1k QPS", "9.50 W per 1k QPS"),
        (3.2e12, "FLOP/J", "3.20 TFLOP/J"),
        (0.83, "1", "0.830"),
        (0.532, "1/kWh", "0.532 1/kWh"),
        (-1234, "J", "-1.23 kJ"),
        (0, "J", "0 J"),
    ],
)
def test_three_significant_digits_and_a_fitting_prefix(value: float, unit: str, text: str) -> None:
    """The prefix follows the rounded value, so that 999.6 J is 1.00 kJ and never 1000 J."""
    assert quantity(value, unit) == text


def test_counts_keep_all_their_digits() -> None:
    """12 500 inferences are not 12.5 k inferences."""
    assert quantity(12500, "inferences") == "12\u202f500 inferences"
    assert count(1234567.5) == "1\u202f230\u202f000"


def test_extremes_are_powers_of_ten_and_infinity_is_said() -> None:
    """No row of zeros, and no crash for what is not finite."""
    assert number(1e-7) == "1.00e-7"
    assert number(2.5e12) == "2.50e12"
    assert number(float("inf")) == "∞"
    assert number(float("-inf")) == "-∞"
    assert number(float("nan")) == "not a number"


@pytest.mark.parametrize(
    ("share", "text"),
    [(1.0, "100 %"), (0.9999, "99.9 %"), (0.5, "50 %"), (0.003, "0.3 %"), (0.0004, "< 0.1 %"), (0.0, "0 %")],
)
def test_a_percentage_is_never_rounded_to_all_or_nothing(share: float, text: str) -> None:
    """99.99 % observed is not fully observed; a small part is not nothing."""
    assert percent(share) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.42, "420 ms"), (12.34, "12.3 s"), (59.97, "1 min 00 s"), (245, "4 min 05 s"), (11520, "3 h 12 min")],
)
def test_durations_read_as_clocks(seconds: float, text: str) -> None:
    """Seconds below a minute, then minutes, then hours; 59.97 s is a minute, not 60.0 s."""
    assert duration(seconds) == text


@given(st.floats(min_value=1e-12, max_value=1e18), st.sampled_from(["J", "Wh", "kWh", "gCO2e", "W"]))
def test_a_prefix_changes_the_writing_and_not_the_amount(value: float, unit: str) -> None:
    """Number x size of the shown unit is the value again, to three digits."""
    divisor, _ = scale_of(value, unit)
    shown = quantity(value, unit).rsplit(" ", 1)[0].replace("\u202f", "")
    assert float(shown) * divisor == pytest.approx(value, rel=5.1e-3)
