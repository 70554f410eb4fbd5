"""An SCI taken apart: parts that add up, each with how it was found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.core.kpis.builders import EMBODIED, KWH, done, joules, some_facts
from wattmark.core.carbon import Intensity
from wattmark.core.figure import Figure, Missing, NotReached, Undefined
from wattmark.core.known import Grade
from wattmark.core.kpis.software_carbon_intensity import software_carbon_intensity
from wattmark.core.sci import Sci, lacking_in, sci_of, taken_apart

FACTS = some_facts(embodied=EMBODIED)


def parts(told: Sci | Missing | Undefined) -> Sci:
    """The score's parts."""
    assert isinstance(told, Sci)
    return told


def test_the_parts_of_a_score_add_up_to_it() -> None:
    """150 g of electricity and 100 g of hardware over 100 inferences: 1.5 g, 1 g and 2.5 g."""
    told = parts(sci_of(FACTS))
    assert told.score.value == pytest.approx(2.5)
    assert {c.name: c.score for c in told.components} == {
        "electricity: all devices": pytest.approx(1.5),
        "hardware": pytest.approx(1.0),
    }
    assert (told.operational_grams, told.embodied_grams) == (pytest.approx(150), pytest.approx(100))
    assert (told.energy_kwh, told.units) == (pytest.approx(1.5), 100)


def test_electricity_is_told_apart_by_device_where_devices_add_up_to_it() -> None:
    """Three quarters of 1.5 g were the GPU's."""
    facts = replace(FACTS, energy_by_component={"gpu": joules(0.75 * KWH), "cpu": joules(0.25 * KWH)})
    found = {c.name: c.score for c in parts(sci_of(facts)).components}
    assert found["electricity: gpu"] == pytest.approx(1.125)
    assert found["electricity: cpu"] == pytest.approx(0.375)


def test_every_coefficient_has_its_source() -> None:
    """I, PUE, TE, TiR, EL and the share of the resources."""
    told = {c.name: c for c in parts(sci_of(FACTS)).coefficients}
    assert list(told) == ["I", "PUE", "TE", "TiR", "EL", "RR/ToR"]
    assert (told["I"].value, told["I"].source) == (100, "table (XX, year)")
    assert (told["TE"].value, told["TE"].unit, told["TE"].source) == (1.0, "kgCO2e", "maker")
    assert (told["TiR"].value, told["EL"].value, told["RR/ToR"].value) == (10, 100, 1)
    without = parts(sci_of(replace(FACTS, pue=Missing("pue"))))
    assert "PUE" not in {c.name for c in without.coefficients}


@pytest.mark.parametrize(
    ("grades", "method"),
    [
        ({Grade.B: 1.0}, "measured"),
        ({Grade.D: 1.0}, "modelled"),
        ({Grade.E: 1.0}, "sourced"),
        ({}, "modelled"),
    ],
)
def test_energy_is_measured_modelled_or_sourced_by_its_grade(grades: dict[Grade, float], method: str) -> None:
    """A model is not a measurement."""
    energy = replace(joules(), grades=grades)
    told = parts(sci_of(replace(FACTS, energy=energy, energy_by_stage={"inference": energy})))
    assert {m.kind: m.method for m in told.methods}["E"] == method


def test_a_count_is_measured_and_a_declared_one_is_sourced() -> None:
    """The functional unit says how it is known; used-up devices stand in the method of M."""
    declared = replace(
        FACTS,
        work=done("inferences", 100, declared=True),
        embodied=replace(EMBODIED, notes=("node-1 is used up",)),
    )
    methods = {m.kind: m for m in parts(sci_of(declared)).methods}
    assert methods["R"].method == "sourced"
    assert "node-1 is used up" in methods["M"].description
    assert {m.kind: m for m in parts(sci_of(FACTS)).methods}["R"].method == "measured"


def test_market_based_intensity_is_refused() -> None:
    """No certificate enters I."""
    market = Intensity(grams_per_kwh=1, zone="XX", source="c", accounting="market").figure()
    told = sci_of(replace(FACTS, intensity=market))
    assert isinstance(told, Missing)
    assert told.field == "location-based or marginal intensity"


def test_no_score_has_no_parts() -> None:
    """Missing, undefined and not reached stay what they are; energy of no boundary is missing too."""
    score = software_carbon_intensity(FACTS)
    assert isinstance(score, Figure)
    assert isinstance(sci_of(some_facts()), Missing)
    gone = Missing("energy")
    assert taken_apart(FACTS, score, gone, FACTS.unit_work) == gone
    assert isinstance(
        taken_apart(FACTS, NotReached("accuracy>=1", gone), joules(), FACTS.unit_work), Undefined
    )
    assert isinstance(taken_apart(FACTS, score, replace(joules(), terms={}), FACTS.unit_work), Missing)


def a_document(**changes: Any) -> dict[str, Any]:
    """A report that lacks nothing."""
    whole: dict[str, Any] = {
        "summary": "said",
        "sci": 2.5,
        "components": [
            {"name": "a", "sci": 1.5, "calculation": "eim", "methodologies": ["e"]},
            {"name": "b", "sci": 1.0, "calculation": "om", "methodologies": ["m"]},
        ],
        "coefficients": [{"name": "TE", "source": "sheet"}],
        "methodologies": [
            {"kind": k, "name": k.lower(), "method": "measured", "coefficients": ["TE"]} for k in "EIMR"
        ],
    }
    return whole | changes


def test_a_whole_report_lacks_nothing() -> None:
    """Everything that is asked for is there."""
    assert lacking_in(a_document(), ["summary"]) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"summary": ""}, "summary is empty"),
        ({"sci": 3.0}, "components add up to 2.5, and the score is 3"),
        ({"sci": None}, "the score or a component's score is no number"),
        ({"components": []}, "no components: at least one level is asked for"),
        ({"components": None}, "no components: at least one level is asked for"),
        ({"coefficients": [{"name": "TE", "source": ""}]}, "coefficient TE has no source"),
        ({"coefficients": []}, "methodology e: coefficient TE is not in the table"),
        ({"methodologies": []}, "no methodology of E"),
        (
            {"methodologies": [{"kind": "X", "name": "x", "method": "guessed"}]},
            "methodology x: relates to none of",
        ),
        (
            {"methodologies": [{"kind": "E", "name": "x", "method": "guessed"}]},
            "methodology x: method is not one of",
        ),
        (
            {"components": [{"name": "a", "sci": 2.5, "calculation": "z"}]},
            "component a: calculation is not one",
        ),
        (
            {"components": [{"name": "a", "sci": 2.5, "calculation": "c", "methodologies": ["q"]}]},
            "component a: methodology q is not there",
        ),
    ],
)
def test_what_is_missing_or_contradicts_itself_is_named(changes: dict[str, Any], problem: str) -> None:
    """As the template's checklist asks."""
    assert any(problem in found for found in lacking_in(a_document(**changes), ["summary"]))
