"""Carbon per Inference: what failed and what idled in the numerator, what succeeded below."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.kpis.builders import EMBODIED, KWH, done, joules, of, some_facts
from wattmark.core.figure import Missing, Undefined, differing_terms

OPERATIONAL = "carbon_per_inference_operational"
TOTAL = "carbon_per_inference_total"


def test_150_grams_for_100_inferences_are_one_and_a_half_each() -> None:
    """1 kWh x 1.5 x 100 g/kWh / 100."""
    answer = of(OPERATIONAL, some_facts())
    assert (answer.value, answer.unit) == (pytest.approx(1.5), "gCO2e/inference")
    assert answer.terms["functional_unit"] == "inferences"


def test_it_is_service_carbon_and_says_so() -> None:
    """Idle, load and failures are in it."""
    assert of(OPERATIONAL, some_facts()).terms["attribution"] == "service"


def test_the_share_of_a_shared_machine_is_attributed_carbon_and_says_so() -> None:
    """Idle energy is not in a share, so it never passes for service carbon."""
    answer = of(OPERATIONAL, some_facts(energy=joules(scope="share", attribution_rule="cpu_time")))
    assert answer.terms["attribution"] == "attributed"
    assert any("only what it was charged" in note for note in answer.notes)
    differing = differing_terms(answer, of(OPERATIONAL, some_facts()))
    assert {name for name, _, _ in differing} == {"attribution", "attribution_rule", "scope"}


def test_failed_inferences_stay_in_the_numerator_and_leave_the_divisor() -> None:
    """50 of 100 failed: the 150 g fall on the 50 that succeeded."""
    answer = of(OPERATIONAL, some_facts(work=done("inferences", 50, failed=50)))
    assert answer.value == pytest.approx(3.0)
    assert "energy of 50 failed inferences is included" in answer.notes


def test_idle_time_outside_any_stage_stays_in_the_numerator() -> None:
    """1 kWh served and 1 kWh idled: 3 g each."""
    stages = {"inference": joules(KWH), "unstaged": joules(KWH)}
    answer = of(OPERATIONAL, some_facts(energy=joules(2 * KWH), energy_by_stage=stages))
    assert answer.value == pytest.approx(3.0)


def test_training_is_not_in_it() -> None:
    """9 kWh of training beside 1 kWh of inference leave 1.5 g each."""
    stages = {"inference": joules(KWH), "training": joules(9 * KWH)}
    answer = of(OPERATIONAL, some_facts(energy=joules(10 * KWH), energy_by_stage=stages))
    assert answer.value == pytest.approx(1.5)


def test_a_run_without_stages_is_taken_whole() -> None:
    """Somebody logged inferences and named no stage."""
    answer = of(OPERATIONAL, some_facts(energy_by_stage={"unstaged": joules()}))
    assert answer == of(OPERATIONAL, some_facts())


def test_a_training_run_has_no_carbon_per_inference() -> None:
    """Its energy was not spent on serving."""
    answer = of(OPERATIONAL, some_facts(energy_by_stage={"training": joules()}))
    assert answer.field == "energy of the inference stage"


def test_stages_measured_on_different_terms_are_not_added() -> None:
    """Device and node energy never make one numerator."""
    stages = {"inference": joules(), "unstaged": joules(boundary="device")}
    answer = of(OPERATIONAL, some_facts(energy_by_stage=stages))
    assert answer.field == "stages measured on equal terms"
    assert "boundary" in answer.hint


def test_a_declared_count_is_said_to_be_declared() -> None:
    """Nobody counted it."""
    answer = of(OPERATIONAL, some_facts(work=done("inferences", 100, declared=True)))
    assert "the number of inferences was declared, not counted" in answer.notes


def test_tokens_and_inferences_are_never_compared() -> None:
    """The functional unit is a term, and it is in the unit."""
    per_token = of(OPERATIONAL, some_facts(work=done("output_tokens", 100), functional_unit="output_tokens"))
    assert per_token.unit == "gCO2e/output token"
    differing = differing_terms(per_token, of(OPERATIONAL, some_facts()))
    assert {name for name, _, _ in differing} == {"unit", "functional_unit"}


@pytest.mark.parametrize("kpi", [OPERATIONAL, TOTAL])
def test_no_successful_inference_makes_it_undefined(kpi: str) -> None:
    """All hundred failed: there is nothing to divide by, and it is not zero."""
    answer = of(kpi, some_facts(work=done("inferences", 0, failed=100), embodied=EMBODIED))
    assert answer == Undefined("no successful inferences (100 failed): nothing to divide by")


@pytest.mark.parametrize("kpi", [OPERATIONAL, TOTAL])
def test_without_work_energy_or_grid_it_is_missing(kpi: str) -> None:
    """Each names what to give."""
    assert of(kpi, some_facts(functional_unit=None)).field == "work (a functional unit)"
    assert of(kpi, some_facts(work={})).field == "work (inferences)"
    assert of(kpi, some_facts(energy=Missing("energy"))) == Missing("energy")
    assert of(kpi, some_facts(intensity=Missing("grid intensity"))) == Missing("grid intensity")


def test_the_total_adds_the_embodied_share_in_the_open() -> None:
    """150 g of electricity and 100 g of hardware over 100 inferences: 2.5 g each, product-only."""
    answer = of(TOTAL, some_facts(embodied=EMBODIED))
    assert answer.value == pytest.approx(2.5)
    assert answer.terms["inventory"] == "product-only"
    assert answer.terms["embodied_mode"] == "reserved"
    assert any(note.startswith("product view") for note in answer.notes)


def test_the_total_is_missing_without_embodied_data() -> None:
    """It never falls back to the operational figure."""
    assert of(TOTAL, some_facts(embodied=Missing("embodied carbon"))) == Missing("embodied carbon")


def test_the_total_is_undefined_with_impossible_embodied_data() -> None:
    """A life of no hours."""
    answer = of(TOTAL, some_facts(embodied=replace(EMBODIED, lifespan_hours=0.0)))
    assert isinstance(answer, Undefined)


def test_operational_and_total_are_never_compared() -> None:
    """One may enter Scope 2, the other enters no inventory."""
    facts = some_facts(embodied=EMBODIED)
    differing = differing_terms(of(OPERATIONAL, facts), of(TOTAL, facts))
    assert {name for name, _, _ in differing} == {"inventory", "embodied_mode"}
