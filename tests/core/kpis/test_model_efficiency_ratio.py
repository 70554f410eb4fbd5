"""Model Efficiency Ratio: quality over the energy of making and of using a model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.kpis.builders import KWH, PEAK, done, full_facts, joules, of
from wattmark.core.facts import Facts
from wattmark.core.figure import Missing, Undefined, differing_terms, exact
from wattmark.core.known import Grade

N_REF = "model_efficiency_ratio"
PROJECT = "model_efficiency_ratio_project"
FACTS = full_facts(
    energy=joules(10 * KWH),
    energy_by_stage={"training": joules(8 * KWH), "inference": joules(2 * KWH)},
    work=done("inferences", 1000),
    lifetime_inferences=4000.0,
    quality=exact(0.8, "1", quality="accuracy"),
)
"""8 kWh of training over 4000 inferences are 2 kWh per 1000; with 2 kWh to serve them: 4 kWh."""


def test_a_thousand_inferences_carry_their_share_of_training() -> None:
    """0.8 / (8 kWh x 1000 / 4000 + 2 kWh) = 0.2 per kWh."""
    answer = of(N_REF, FACTS)
    assert (answer.value, answer.unit) == (pytest.approx(0.2), "1/kWh")
    assert (answer.terms["form"], answer.terms["lifetime_inferences"]) == ("n_ref=1000", "4000")


def test_the_project_form_counts_everything_so_far() -> None:
    """0.8 / (8 kWh + 2 kWh) = 0.08 per kWh."""
    answer = of(PROJECT, FACTS)
    assert (answer.value, answer.unit) == (pytest.approx(0.08), "1/kWh")
    assert answer.terms["form"] == "project"


def test_the_two_forms_are_never_compared() -> None:
    """One unit, two meanings."""
    assert "form" in {name for name, _, _ in differing_terms(of(N_REF, FACTS), of(PROJECT, FACTS))}


def test_tuning_evaluation_data_and_unstaged_time_count_as_training() -> None:
    """Four parts of 2 kWh are the 8 kWh; all attempts count, and the note names them."""
    parts = ("data_preparation", "fine_tuning", "evaluation", "unstaged")
    stages = {name: joules(2 * KWH) for name in (*parts, "inference")}
    answer = of(PROJECT, replace(FACTS, energy_by_stage=stages))
    assert answer.value == pytest.approx(0.08)
    assert any(
        n == "training energy: data_preparation + evaluation + fine_tuning + unstaged" for n in answer.notes
    )


def test_quality_is_named_and_so_is_the_task() -> None:
    """Accuracy on digits is not F1 on anything else."""
    terms = of(N_REF, FACTS).terms
    assert (terms["quality"], terms["task"]) == ("accuracy", "digits")
    assert "task" not in of(N_REF, replace(FACTS, task=None)).terms
    assert of(N_REF, replace(FACTS, quality_name=None)).terms["quality"] == "not named"


def test_requests_count_as_inferences_where_no_inferences_were_logged() -> None:
    """And where both were, the functional unit decides."""
    only = replace(FACTS, work=done("requests", 1000))
    assert of(N_REF, only).terms["functional_unit"] == "requests"
    both = replace(FACTS, work={**done("requests", 500), **done("inferences", 1000)})
    assert of(N_REF, both).terms["functional_unit"] == "inferences"
    assert of(N_REF, replace(both, functional_unit="requests")).terms["functional_unit"] == "requests"


def test_an_unknown_lifetime_is_missing() -> None:
    """It is never guessed; the project form does not need it."""
    unknown = replace(FACTS, lifetime_inferences=None)
    assert of(N_REF, unknown).field == "lifetime inferences"
    assert of(PROJECT, unknown).value == pytest.approx(0.08)


def test_a_lifetime_of_nothing_is_undefined() -> None:
    """Training cannot be spread over zero inferences."""
    assert isinstance(of(N_REF, replace(FACTS, lifetime_inferences=0.0)), Undefined)


@pytest.mark.parametrize("kpi", [N_REF, PROJECT])
def test_an_unknown_quality_or_stage_is_missing(kpi: str) -> None:
    """Quality, training energy, inference energy: each by its name."""
    assert of(kpi, replace(FACTS, quality=Missing("quality"))) == Missing("quality")
    no_training = replace(FACTS, energy_by_stage={"inference": joules(), "unstaged": joules()})
    assert of(kpi, no_training).field == "energy of the training stages"
    no_inference = replace(FACTS, energy_by_stage={"training": joules()})
    assert of(kpi, no_inference).field == "energy of the inference stage"


@pytest.mark.parametrize("kpi", [N_REF, PROJECT])
def test_a_quality_outside_zero_to_one_is_undefined(kpi: str) -> None:
    """93 percent is 0.93, and a perplexity needs a mapping."""
    assert "--quality-map" in of(kpi, replace(FACTS, quality=exact(93, "1"))).reason


def test_stages_on_different_terms_are_missing_equal_terms() -> None:
    """Two training stages at two boundaries do not add up."""
    stages = {
        "training": joules(),
        "evaluation": joules(boundary="device"),
        "inference": joules(),
    }
    assert of(PROJECT, replace(FACTS, energy_by_stage=stages)).field == "stages measured on equal terms"


def test_training_and_inference_at_two_boundaries_are_refused_with_the_reason() -> None:
    """The refusal names the boundary."""
    stages = {"training": joules(boundary="device"), "inference": joules()}
    for kpi in (N_REF, PROJECT):
        assert "boundary: device against node" in of(kpi, replace(FACTS, energy_by_stage=stages)).reason


@pytest.mark.parametrize("kpi", [N_REF, PROJECT])
def test_no_energy_at_all_is_undefined(kpi: str) -> None:
    """No infinity."""
    stages = {"training": joules(0), "inference": joules(0)}
    assert isinstance(of(kpi, replace(FACTS, energy_by_stage=stages)), Undefined)


def test_the_n_ref_form_needs_inferences() -> None:
    """Not counted is missing, none is undefined."""
    assert of(N_REF, replace(FACTS, work={})).field == "work (inferences)"
    assert isinstance(of(N_REF, replace(FACTS, work=done("inferences", 0))), Undefined)


def flop_facts(**changes: Any) -> Facts:
    """Inference measured at device boundary, training known by its FLOP only."""
    energy = joules(2 * KWH, boundary="device")
    known: dict[str, Any] = {
        "energy": energy,
        "energy_by_stage": {"inference": energy},
        "training_flop": 8 * KWH * 50,
        "mfu": 0.5,
        "peak": PEAK,
    }
    return replace(FACTS, **{**known, **changes})


def test_training_of_which_only_the_flop_are_known_is_modelled_at_grade_d() -> None:
    """1000 FLOP/s x 0.5 at 10 W are 50 FLOP/J, so that 8 kWh come out and the ratio is 0.2 again."""
    answer = of(N_REF, flop_facts())
    assert answer.value == pytest.approx(0.2)
    assert answer.grade is Grade.D
    assert "training energy modelled from its FLOP, not measured" in answer.notes


def test_modelled_device_energy_is_refused_beside_node_energy() -> None:
    """The model knows the accelerators only."""
    node = {"inference": joules(2 * KWH)}
    assert isinstance(of(N_REF, flop_facts(energy_by_stage=node)), Undefined)


def test_the_model_from_flop_names_what_it_needs() -> None:
    """Hardware, MFU, and both possible."""
    assert of(N_REF, flop_facts(peak=None)).field.startswith("peak FLOP/s")
    assert of(N_REF, flop_facts(mfu=None)).field.startswith("model FLOP util")
    assert isinstance(of(N_REF, flop_facts(mfu=1.5)), Undefined)
    assert isinstance(of(N_REF, flop_facts(peak=replace(PEAK, flops_per_second=0.0))), Undefined)


@given(st.floats(1, 1e12))
def test_a_longer_life_never_makes_a_model_look_worse(lifetime: float) -> None:
    """More inferences share the same training."""
    shorter = of(N_REF, replace(FACTS, lifetime_inferences=lifetime))
    longer = of(N_REF, replace(FACTS, lifetime_inferences=2 * lifetime))
    assert longer.value >= shorter.value
