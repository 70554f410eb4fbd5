"""SCI for AI: two scores, each of its own runs and units, never added and never compared."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.kpis.builders import EMBODIED, done, joules, some_facts
from wattmark.core.carbon import Intensity
from wattmark.core.errors import NotComparable
from wattmark.core.facts import Facts
from wattmark.core.figure import Figure, Missing, require_same_terms, total
from wattmark.core.sci_ai import Stated, score_for, with_parameters

SERVING = some_facts(embodied=EMBODIED)
TRAINING = replace(
    SERVING,
    energy_by_stage={"training": joules()},
    work=done("training_tokens", 1000),
    functional_unit="training_tokens",
)
CONSUMER = Stated(persona="consumer", normalisation="gross", assumptions=("one site",))
PROVIDER = replace(CONSUMER, persona="provider")


def known(facts: Facts, stated: Stated) -> Figure:
    """The score."""
    answer = score_for(facts, stated)
    assert isinstance(answer, Figure), answer
    return answer


def missing(facts: Facts, stated: Stated) -> str:
    """Why there is none."""
    answer = score_for(facts, stated)
    assert isinstance(answer, Missing)
    return str(answer)


def test_the_consumer_pays_for_serving() -> None:
    """(150 g + 100 g) / 100 inferences."""
    score = known(SERVING, CONSUMER)
    assert (score.value, score.unit) == (pytest.approx(2.5), "gCO2e/inference")
    assert (score.terms["persona"], score.terms["normalisation"]) == ("consumer", "gross")


def test_the_provider_pays_for_making() -> None:
    """250 g / 1000 tokens of training; or per billion parameters, 250 g / 7."""
    assert known(TRAINING, PROVIDER).value == pytest.approx(0.25)
    sized = replace(TRAINING, work={}, functional_unit=None)
    score = known(sized, replace(PROVIDER, parameters_billion=7.0))
    assert (score.value, score.unit) == (pytest.approx(250 / 7), "gCO2e/billion parameter")


def test_a_models_size_is_the_providers_unit_only_where_no_other_was_chosen() -> None:
    """The tokens that were asked for stay; a consumer has no such unit."""
    sized = replace(PROVIDER, parameters_billion=7.0)
    assert with_parameters(TRAINING, sized).functional_unit == "training_tokens"
    assert with_parameters(SERVING, replace(sized, persona="consumer")) is SERVING


def test_the_two_scores_are_never_added_or_compared() -> None:
    """Persona, unit and normalisation are terms."""
    consumer, provider = known(SERVING, CONSUMER), known(TRAINING, PROVIDER)
    with pytest.raises(NotComparable, match="persona"):
        total([consumer, replace(provider, unit=consumer.unit)])
    effective = known(SERVING, replace(CONSUMER, normalisation="effective"))
    with pytest.raises(NotComparable, match="normalisation"):
        require_same_terms(consumer, effective)


def test_training_is_never_shared_out_over_what_is_served() -> None:
    """Runs of both are refused in either score, not divided."""
    both = replace(SERVING, energy_by_stage={"inference": joules(), "training": joules()})
    assert "training belongs to the other score" in missing(both, CONSUMER)
    assert "inference belongs to the other score" in missing(both, PROVIDER)


@pytest.mark.parametrize(
    ("facts", "stated", "field"),
    [
        (SERVING, replace(CONSUMER, normalisation=None), "normalisation"),
        (SERVING, replace(CONSUMER, assumptions=()), "assumptions"),
        (replace(SERVING, energy_by_stage={"unstaged": joules()}), CONSUMER, "stage"),
        (replace(SERVING, work={}), CONSUMER, "work"),
        (TRAINING, replace(CONSUMER, persona="consumer"), "runs of the consumer alone"),
        (replace(SERVING, work=done("flop", 9), functional_unit="flop"), CONSUMER, "a functional unit"),
        (
            replace(TRAINING, work=done("images", 9), functional_unit="images"),
            PROVIDER,
            "unit of the provider",
        ),
        (replace(SERVING, intensity=Missing("grid intensity")), CONSUMER, "grid intensity"),
        (some_facts(), CONSUMER, "embodied"),
    ],
)
def test_what_is_not_stated_or_not_known_is_missing(facts: Facts, stated: Stated, field: str) -> None:
    """Required by the specification, never guessed."""
    assert field in missing(facts, stated)


def test_certificates_and_hours_in_use_are_refused() -> None:
    """It extends the SCI."""
    market = Intensity(grams_per_kwh=1, zone="XX", source="c", accounting="market").figure()
    assert "certificates never lower it" in missing(replace(SERVING, intensity=market), CONSUMER)
    used = replace(EMBODIED, mode="utilised", utilisation=0.5, utilised_hours=1.0)
    assert "mode reserved" in missing(replace(SERVING, embodied=used), CONSUMER)
