"""Money and water of runs: beside their energy, one amount a currency, bills apart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.builders import a_run
from wattmark.core.expenses import MEAN, Expenses, billed, difference, spent
from wattmark.core.figure import Figure, Missing
from wattmark.core.rate import MetRate, Rate
from wattmark.core.run import Statement

RATE = Rate(kind="price", per_kwh=0.25, unit="EUR", name="flat", source="contract")
ENERGY = Figure(value=3.6e6, unit="J", errors={"meter": 3.6e5}, terms={"boundary": "node"})
PUE = Figure(value=1.5, unit="1", terms={"pue_kind": "declared"})
NO_PUE = Missing("pue")


def test_energy_at_the_meter_times_the_rate_that_it_met() -> None:
    """1 kWh x 1.5 x 0.25 EUR."""
    found = spent(ENERGY, PUE, [MetRate(RATE, 1.0)])
    assert found["EUR"].value == pytest.approx(0.375)
    assert found["EUR"].terms["boundary"] == "facility"


def test_two_tariffs_share_the_energy() -> None:
    """Half at 0.25, half at 0.35: together 0.30 EUR."""
    other = replace(RATE, per_kwh=0.35, name="new", terms=(("price_includes", "taxes"),))
    found = spent(ENERGY, NO_PUE, [MetRate(RATE, 0.5), MetRate(other, 0.5)])
    assert found["EUR"].value == pytest.approx(0.30)


def test_a_new_currency_is_another_amount() -> None:
    """Never a sum."""
    found = spent(ENERGY, NO_PUE, [MetRate(RATE, 0.5), MetRate(replace(RATE, unit="USD"), 0.5)])
    assert {unit: f.value for unit, f in found.items()} == pytest.approx({"EUR": 0.125, "USD": 0.125})


def test_what_met_no_rate_is_said() -> None:
    """A quarter of the energy has none."""
    found = spent(ENERGY, NO_PUE, [MetRate(RATE, 0.75, by_time=True)])
    assert found["EUR"].value == pytest.approx(0.75 * 0.25)
    assert "25.0% of the energy met no rate: it is not in it" in found["EUR"].notes
    assert MEAN in found["EUR"].notes


def test_without_energy_or_a_fitting_meter_there_is_no_amount() -> None:
    """Nothing is 0."""
    assert spent(Missing("energy"), PUE, [MetRate(RATE, 1.0)]) == {}
    facility = ENERGY.with_terms(boundary="facility")
    assert spent(facility, PUE, [MetRate(replace(RATE, meter="it"), 1.0)]) == {}


def test_bills_are_found_and_stand_apart() -> None:
    """Only statements of cost."""
    cost = Statement(quantity="cost", value=12.5, unit="USD", period="2026-05")
    carbon = Statement(quantity="emissions", value=3.0, unit="kgCO2e")
    assert billed([a_run(statements=(cost, carbon))]) == (cost,)
    assert Expenses(billed=(cost,)).known
    assert not Expenses().known


def test_a_difference_cancels_what_both_share() -> None:
    """The same meter and tariff: 10 % of 0.50 EUR less 10 % of 0.25 EUR."""
    twice = ENERGY.scaled(2.0, "J")
    mine, theirs = (spent(e, NO_PUE, [MetRate(RATE, 1.0)])["EUR"] for e in (twice, ENERGY))
    found = difference(mine, theirs)
    assert isinstance(found, Figure)
    assert found.value == pytest.approx(0.25)
    assert found.half_width == pytest.approx(0.025)


def test_unequal_terms_make_no_difference() -> None:
    """Energy at another boundary, and another currency."""
    (mine,) = spent(ENERGY, PUE, [MetRate(RATE, 1.0)]).values()
    (theirs,) = spent(ENERGY, NO_PUE, [MetRate(RATE, 1.0)]).values()
    assert "boundary" in str(difference(mine, theirs))
    assert "unit" in str(difference(theirs, replace(theirs, unit="USD")))
