"""Performance per Watt: units per joule, or quality per watt when asked for."""

from __future__ import annotations

import pytest

from tests.core.kpis.builders import done, joules, of, some_facts
from wattmark.core.figure import Missing, Undefined, differing_terms, exact

KPI = "performance_per_watt"


def test_100_inferences_for_50_joules_are_two_per_joule() -> None:
    """Throughput over power is work over energy."""
    answer = of(KPI, some_facts(energy=joules(50)))
    assert (answer.value, answer.unit) == (2.0, "inference/J")
    assert answer.terms["performance"] == "throughput"
    assert answer.terms["stage"] == "inference"


def test_a_training_run_counts_its_own_energy() -> None:
    """100 samples for 50 J of training; the stage is a term."""
    facts = some_facts(
        energy=joules(50),
        energy_by_stage={"training": joules(50)},
        work=done("samples", 100),
        functional_unit="samples",
    )
    answer = of(KPI, facts)
    assert (answer.value, answer.unit, answer.terms["stage"]) == (2.0, "sample/J", "training")


def test_quality_as_functional_unit_gives_quality_per_watt() -> None:
    """0.8 at 50 J in 10 s, which are 5 W: 0.16 per watt."""
    facts = some_facts(
        energy=joules(50),
        duration_seconds=10.0,
        functional_unit="quality",
        quality=exact(0.8, "1"),
        quality_name="accuracy",
    )
    answer = of(KPI, facts)
    assert (answer.value, answer.unit) == (pytest.approx(0.16), "1/W")
    assert (answer.terms["performance"], answer.terms["quality"]) == ("quality", "accuracy")
    assert differing_terms(answer, of(KPI, some_facts()))[0][0] == "unit"


def test_quality_per_watt_has_the_mean_power_of_all_the_time_that_it_is_over() -> None:
    """900 J of training and 100 J of serving in 100 s are 10 W: 0.8 over it is 0.08 per watt."""
    facts = some_facts(
        energy=joules(1000),
        energy_by_stage={"training": joules(900), "inference": joules(100)},
        duration_seconds=100.0,
        functional_unit="quality",
        quality=exact(0.8, "1"),
    )
    answer = of(KPI, facts)
    assert (answer.value, answer.terms["stage"]) == (pytest.approx(0.08), "inference+training")


def test_quality_per_watt_needs_a_quality_and_a_duration() -> None:
    """Missing, or undefined when no time passed."""
    asked = some_facts(functional_unit="quality")
    assert of(KPI, asked) == Missing("quality")
    assert isinstance(of(KPI, some_facts(functional_unit="quality", quality=exact(0.8, "1"))), Undefined)


def test_without_energy_or_work_it_is_missing() -> None:
    """Each names what to give."""
    assert of(KPI, some_facts(energy=Missing("energy"))) == Missing("energy")
    assert of(KPI, some_facts(work={})).field == "work (inferences)"


def test_no_energy_or_no_work_makes_it_undefined() -> None:
    """Neither an infinity nor a zero."""
    assert isinstance(of(KPI, some_facts(energy=joules(0))), Undefined)
    assert isinstance(of(KPI, some_facts(work=done("inferences", 0))), Undefined)
