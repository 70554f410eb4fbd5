"""Estimates name their assumptions, stay at grade D, and meet the actual afterwards."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.carbon import Intensity, Pue
from wattmark.core.errors import NotComparable, UsageError
from wattmark.core.estimate import Terms, beside, energy_from, from_flop, from_pilot, stored
from wattmark.core.facts import PeakHardware
from wattmark.core.figure import Figure, Missing
from wattmark.core.known import Grade
from wattmark.core.rate import MetRate, Rate

PEAK = PeakHardware(name="unit", flops_per_second=1e12, tdp_watts=360.0, precision="bf16", source="test")
UNKNOWN = Terms(pue=Missing("pue"), intensity=Missing("grid intensity"))
STATED = Terms(
    pue=Pue(value=1.5).figure(),
    intensity=Intensity(grams_per_kwh=100, zone="X", source="test").figure(),
    price_per_kwh=0.30,
)


def measured(joules: float, boundary: str = "node", relative: float = 0.0) -> Figure:
    return Figure(
        joules,
        "J",
        errors={"gain": relative * joules},
        grades={Grade.B: joules},
        terms={"boundary": boundary, "scope": "whole", "attribution_rule": "whole_device"},
    )


def test_flop_over_rate_times_power() -> None:
    """5e15 FLOP at half of 1e12 FLOP/s take 10,000 s; at 360 W that is 3.6 MJ, 1 kWh."""
    made = from_flop(5e15, PEAK, 0.5, UNKNOWN)
    assert made.energy.value == pytest.approx(3.6e6)
    assert made.device_hours == pytest.approx(10_000 / 3600)


def test_it_is_grade_d_with_an_interval() -> None:
    """50 % either way, in logarithms because that is more than 30 %."""
    low, high = from_flop(5e15, PEAK, 0.5, UNKNOWN).energy.interval
    assert from_flop(5e15, PEAK, 0.5, UNKNOWN).energy.grade is Grade.D
    assert low == pytest.approx(3.6e6 / 1.6487, rel=1e-3)
    assert high == pytest.approx(3.6e6 * 1.6487, rel=1e-3)


def test_without_the_rest_of_the_node_no_pue_is_applied() -> None:
    """1 kWh at device boundary at 100 g/kWh are 100 g, and the note says what is left out."""
    made = from_flop(5e15, PEAK, 0.5, STATED)
    assert made.facility is None
    assert isinstance(made.carbon, Figure)
    assert made.carbon.value == pytest.approx(100)
    assert made.carbon.notes
    assert any("PUE is not applied" in line for line in made.assumptions)


def test_with_the_rest_of_the_node_the_pue_is_applied_once() -> None:
    """2 kWh at node boundary x 1.5 are 3 kWh: 300 g, 0.90 EUR."""
    made = from_flop(5e15, PEAK, 0.5, STATED, rest_watts=360.0)
    assert made.facility is not None
    assert made.facility.value == pytest.approx(3 * 3.6e6)
    assert isinstance(made.carbon, Figure)
    assert isinstance(made.cost, Figure)
    assert made.carbon.value == pytest.approx(300)
    assert (made.cost.value, made.cost.unit) == (pytest.approx(0.90), "EUR")


def test_what_was_not_stated_is_missing_and_not_zero() -> None:
    """No grid, no price: neither carbon nor cost."""
    made = from_flop(1.0, PEAK, 1.0, UNKNOWN)
    assert isinstance(made.carbon, Missing)
    assert isinstance(made.cost, Missing)


@pytest.mark.parametrize(
    ("flop", "mfu", "rest"), [(0.0, 0.5, None), (1.0, 0.0, None), (1.0, 1.2, None), (1.0, 0.5, -1.0)]
)
def test_what_cannot_be_is_refused(flop: float, mfu: float, rest: float | None) -> None:
    """No FLOP, no utilisation above 1, no negative watts."""
    with pytest.raises(UsageError, match="give"):
        from_flop(flop, PEAK, mfu, UNKNOWN, rest_watts=rest)


def test_a_negative_price_is_refused() -> None:
    """Somebody mistyped."""
    with pytest.raises(UsageError, match="price"):
        from_pilot(measured(10.0), 0.5, Terms(pue=UNKNOWN.pue, intensity=UNKNOWN.intensity, price_per_kwh=-1))


def test_a_pilot_scales() -> None:
    """72 kJ for 2 % are 3.6 MJ for the whole."""
    made = from_pilot(measured(72_000.0), 0.02, STATED)
    assert made.energy.value == pytest.approx(3.6e6)
    assert made.energy.grade is Grade.D


def test_an_estimate_says_how_little_was_observed() -> None:
    """Nothing of it from FLOP; 2 % of it from a pilot of 2 %."""
    assert from_flop(5e15, PEAK, 0.5, UNKNOWN).energy.coverage == 0.0
    assert from_pilot(measured(72_000.0), 0.02, UNKNOWN).energy.coverage == pytest.approx(0.02)


@given(st.floats(min_value=0.01, max_value=0.99), st.floats(min_value=0.001, max_value=0.009))
def test_a_longer_pilot_is_never_less_certain(fraction: float, more: float) -> None:
    """The interval shrinks as the pilot grows."""
    short = from_pilot(measured(100.0, relative=0.05), fraction, UNKNOWN).energy.relative
    longer = from_pilot(measured(100.0, relative=0.05), fraction + more, UNKNOWN).energy.relative
    assert longer <= short


def test_a_pilot_of_the_whole_keeps_only_the_meters_error() -> None:
    """Nothing is extrapolated, and it is an estimate all the same."""
    made = from_pilot(measured(100.0, relative=0.05), 1.0, UNKNOWN)
    assert made.energy.relative == pytest.approx(0.05)
    assert made.energy.grade is Grade.D


@pytest.mark.parametrize("fraction", [0.0, -1.0, 1.1])
def test_a_pilot_beyond_the_whole_is_refused(fraction: float) -> None:
    """Nothing, or more than all."""
    with pytest.raises(UsageError, match="pilot"):
        from_pilot(measured(1.0), fraction, UNKNOWN)


def test_the_actual_beside_the_estimate() -> None:
    """120 J against 100 J: 1.2 times, inside an interval of 50 %."""
    seen = beside(from_pilot(measured(50.0), 0.5, UNKNOWN).energy, measured(120.0))
    assert seen.ratio.value == pytest.approx(1.2)
    assert seen.inside
    assert not beside(from_pilot(measured(50.0), 0.5, UNKNOWN).energy, measured(900.0)).inside


def test_another_boundary_is_no_actual() -> None:
    """Device energy does not tell whether an estimate of the node held."""
    with pytest.raises(NotComparable, match="boundary: node against device"):
        beside(from_pilot(measured(50.0), 0.5, UNKNOWN).energy, measured(120.0, boundary="device"))


def test_a_stored_estimate_comes_back_the_same() -> None:
    """Value, interval and boundary survive; grade D stays D."""
    made = from_flop(5e15, PEAK, 0.5, UNKNOWN)
    again = energy_from(stored(made))
    assert again.value == made.energy.value
    assert again.interval == pytest.approx(made.energy.interval)
    assert (again.grade, again.terms) == (Grade.D, made.energy.terms)


def test_a_tariff_prices_what_no_price_was_given_for() -> None:
    """1 kWh of devices at 0.25 EUR on average; a price that is given goes before it."""
    rate = Rate(kind="price", per_kwh=0.25, unit="EUR", name="office", source="contract")
    by_tariff = replace(UNKNOWN, price=MetRate(rate, 1.0, by_time=True))
    made = from_flop(5e15, PEAK, 0.5, by_tariff)
    assert isinstance(made.cost, Figure)
    assert made.cost.value == pytest.approx(0.25)
    assert "when it will run is not known: the mean price of the year to come" in made.cost.notes
    assert "0.25 EUR per kWh: office (contract)" in made.assumptions
    flat = from_flop(5e15, PEAK, 0.5, replace(UNKNOWN, price=MetRate(rate, 1.0)))
    assert isinstance(flat.cost, Figure)
    assert not any("year to come" in note for note in flat.cost.notes)
    given_too = from_flop(5e15, PEAK, 0.5, replace(by_tariff, price_per_kwh=0.30))
    assert isinstance(given_too.cost, Figure)
    assert given_too.cost.value == pytest.approx(0.30)
    assert not any("office" in line for line in given_too.assumptions)


def test_a_tariff_of_machines_does_not_price_a_building() -> None:
    """The pilot was read at the facility's meter."""
    rate = Rate(kind="price", per_kwh=0.25, unit="EUR", meter="it", source="contract")
    terms = replace(UNKNOWN, price=MetRate(rate, 1.0))
    made = from_pilot(measured(50.0, boundary="facility"), 0.5, terms)
    assert str(made.cost).startswith("missing: energy of the machines alone")
