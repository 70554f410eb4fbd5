"""Carbon-to-Solution: Energy-to-Solution, counted in grams."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.kpis.builders import joules, of, some_facts
from wattmark.core.figure import Figure, Missing, NotReached

KPI = "carbon_to_solution"
REACHED = some_facts(condition="accuracy>=0.9", reached=True)


def test_one_kilowatt_hour_at_pue_1_5_and_100_grams_is_150_grams() -> None:
    """Node energy x PUE x intensity."""
    answer = of(KPI, REACHED)
    assert (answer.value, answer.unit) == (pytest.approx(150), "gCO2e")
    assert answer.terms["boundary"] == "facility"


def test_an_unknown_pue_leaves_it_at_node_boundary() -> None:
    """100 g, and it says that the building is not in it."""
    answer = of(KPI, replace(REACHED, pue=Missing("pue")))
    assert answer.value == pytest.approx(100)
    assert answer.terms["boundary"] == "node"
    assert any("PUE is unknown" in note for note in answer.notes)


def test_device_energy_never_meets_the_pue() -> None:
    """100 g at device boundary, although a PUE of 1.5 is known."""
    answer = of(KPI, replace(REACHED, energy=joules(boundary="device")))
    assert answer.value == pytest.approx(100)
    assert answer.terms["boundary"] == "device"
    assert any("device energy only" in note for note in answer.notes)


def test_an_unknown_grid_is_missing_and_never_a_world_average() -> None:
    """The hint comes from whoever knows how to give it."""
    unknown = Missing("grid intensity", "--country FRA")
    assert of(KPI, replace(REACHED, intensity=unknown)) == unknown


def test_an_outcome_that_was_not_reached_tells_the_carbon_spent() -> None:
    """150 g, in vain."""
    answer = of(KPI, replace(REACHED, reached=False))
    assert isinstance(answer, NotReached)
    assert isinstance(answer.spent, Figure)
    assert answer.spent.unit == "gCO2e"


def test_without_energy_or_its_boundary_it_is_missing() -> None:
    """No energy, no carbon; energy that does not say what it counts, no carbon either."""
    assert of(KPI, replace(REACHED, energy=Missing("energy"))) == Missing("energy")
    unstated = Figure(1.0, "J")
    assert of(KPI, replace(REACHED, energy=unstated)).field == "boundary of the energy"
