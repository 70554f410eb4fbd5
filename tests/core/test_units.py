"""Units as types: what adds, what converts, and what comes back unchanged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.units import Energy, Power, digits_apart, short_of, singular

amounts = st.floats(min_value=-1e15, max_value=1e15)


def test_one_kilowatt_hour_is_3_600_000_joules() -> None:
    """1 kWh = 1000 W x 3600 s."""
    assert Energy.from_kwh(1.0) == Energy(3_600_000.0)


@given(amounts)
def test_joules_to_kilowatt_hours_and_back_are_the_same_joules(joules: float) -> None:
    """J -> kWh -> J is the same J."""
    assert Energy.from_kwh(Energy(joules).kwh).joules == pytest.approx(joules, rel=1e-12)


def test_energies_add_subtract_and_scale() -> None:
    """2 J + 3 J = 5 J, 2 J - 3 J = -1 J, twice 2 J = 4 J on either side."""
    assert Energy(2) + Energy(3) == Energy(5)
    assert Energy(2) - Energy(3) == Energy(-1)
    assert Energy(2) * 2 == 2 * Energy(2) == Energy(4)


def test_powers_add_and_scale() -> None:
    """2 W + 3 W = 5 W, and three times 2 W are 6 W."""
    assert Power(2) + Power(3) == Power(5)
    assert Power(2) * 3 == 3 * Power(2) == Power(6)


def test_power_over_time_is_energy_and_energy_over_time_is_power() -> None:
    """10 W for 3 s are 30 J, and 30 J in 3 s are 10 W."""
    assert Power(10).during(3) == Energy(30)
    assert Energy(30).over(3) == Power(10)


def test_energies_have_an_order() -> None:
    """1 J is less than 2 J."""
    assert Energy(1) < Energy(2)


@pytest.mark.parametrize(
    ("unit", "one"),
    [
        ("inferences", "inference"),
        ("output_tokens", "output token"),
        ("queries", "query"),
        ("flop", "flop"),
        ("loss", "loss"),
    ],
)
def test_one_of_a_counted_unit_reads_as_a_person_writes_it(unit: str, one: str) -> None:
    """Plural names of work become the singular that follows 'per'."""
    assert singular(unit) == one


@pytest.mark.parametrize(
    ("share", "needed", "told"),
    [
        (0.9, 0.95, ("90.0%", "95%")),
        (0.9496, 0.95, ("94.96%", "95%")),
        (0.9949, 0.995, ("99.49%", "99.5%")),
        (0.0, 1.0, ("0.0%", "100%")),
        (0.95 - 1e-12, 0.95, ("just below 95%", "95%")),
    ],
)
def test_a_share_that_is_too_small_never_reads_as_the_one_it_needs(
    share: float, needed: float, told: tuple[str, str]
) -> None:
    """95.0 % was observed, 95 % is needed helps nobody."""
    assert short_of(share, needed) == told


@pytest.mark.parametrize(
    ("value", "digits"), [(1.0, 3), (1.2, 3), (1.0004, 5), (0.9996, 4), (1.0 + 1e-9, 10), (1.0 + 1e-16, 3)]
)
def test_a_value_beside_a_bound_has_the_digits_that_tell_the_two_apart(value: float, digits: int) -> None:
    """1.0004 beside 1 takes five digits, and what is the bound takes no more than any other."""
    assert digits_apart(1.0, value) == digits
