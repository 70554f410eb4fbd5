"""Software Carbon Intensity: (E x I + M) / R, and what the standard leaves out is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.core.kpis.builders import EMBODIED, KWH, done, joules, of, some_facts
from wattmark.core.carbon import Intensity
from wattmark.core.figure import Missing, Undefined

KPI = "software_carbon_intensity"
FACTS = some_facts(embodied=EMBODIED)


def grid(accounting: str) -> Any:
    """100 g/kWh of one accounting."""
    return Intensity(grams_per_kwh=100, zone="XX", source="table", accounting=accounting).figure()


def test_electricity_and_hardware_over_the_functional_unit() -> None:
    """(1 kWh x 1.5 x 100 g + 100 g) / 100 = 2.5 g."""
    answer = of(KPI, FACTS)
    assert (answer.value, answer.unit) == (pytest.approx(2.5), "gCO2e/inference")
    assert answer.terms["standard"] == "ISO/IEC 21031:2024"
    assert answer.terms["inventory"] == "product-only"


def test_marginal_intensity_is_allowed_and_named() -> None:
    """The standard takes average and marginal."""
    assert of(KPI, replace(FACTS, intensity=grid("marginal"))).terms["accounting"] == "marginal"


def test_market_based_intensity_is_refused() -> None:
    """Certificates never lower the SCI."""
    answer = of(KPI, replace(FACTS, intensity=grid("market")))
    assert isinstance(answer, Missing)
    assert answer.field == "location-based or marginal intensity"
    assert "certificates" in answer.hint


def test_embodied_carbon_shared_out_by_use_is_refused() -> None:
    """The standard shares it out by reserved time."""
    utilised = replace(EMBODIED, mode="utilised", utilisation=0.5, utilised_hours=10.0)
    assert of(KPI, replace(FACTS, embodied=utilised)).field == "embodied carbon in mode reserved"


def test_a_training_run_has_an_sci_too() -> None:
    """Per sample of training: all its energy counts."""
    facts = replace(
        FACTS,
        energy_by_stage={"training": joules(KWH)},
        work=done("samples", 100),
        functional_unit="samples",
    )
    answer = of(KPI, facts)
    assert (answer.value, answer.terms["stage"]) == (pytest.approx(2.5), "training")


def test_what_is_not_known_is_missing() -> None:
    """R, E, I and M, each by its name."""
    assert of(KPI, replace(FACTS, work={})).field == "work (inferences)"
    no_energy = some_facts(energy=Missing("energy"), embodied=EMBODIED)
    assert of(KPI, no_energy) == Missing("energy")
    assert of(KPI, replace(FACTS, intensity=Missing("grid intensity"))) == Missing("grid intensity")
    assert of(KPI, replace(FACTS, embodied=Missing("embodied carbon"))) == Missing("embodied carbon")


def test_no_work_makes_it_undefined() -> None:
    """R is zero."""
    assert isinstance(of(KPI, replace(FACTS, work=done("inferences", 0))), Undefined)
