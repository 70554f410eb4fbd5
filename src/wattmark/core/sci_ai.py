"""SCI for AI: two scores of one model, for who uses it and for who makes it; they are never added.

Source: Green Software Foundation, SCI for AI specification, SPEC.md, 2026 (it extends ISO/IEC 21031:2024),
https://github.com/Green-Software-Foundation/sci-ai. The consumer's boundary is operation and monitoring, per
token, image, second, page, execution, inference or character. The provider's is everything before and after
that (inception, design and development, deployment, retirement; in earlier drafts data engineering, training,
system integration, end of life), per FLOP, training token or billion parameters. Training is never shared out
over what is served.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from wattmark.core.carbon import product_view
from wattmark.core.facts import UNSTAGED, Answer, Facts, WorkDone
from wattmark.core.figure import Figure, Missing
from wattmark.core.kpis.carbon_to_solution import carbon_of
from wattmark.core.kpis.embodied_carbon_amortisation import RESERVED, amortised
from wattmark.core.kpis.per_unit import per_unit
from wattmark.core.kpis.stages import named

STANDARD = "SCI for AI"
CONSUMER, PROVIDER = "consumer", "provider"
PERSONAS = (CONSUMER, PROVIDER)
NORMALISATIONS = ("gross", "effective")
"""Whether units are all that were processed, or those that did something useful: the provider says which."""
CONSUMER_UNITS = (
    "output_tokens",
    "input_tokens",
    "tokens",
    "images",
    "video_seconds",
    "audio_seconds",
    "pages",
    "executions",
    "inferences",
    "requests",
    "characters",
)
PROVIDER_UNITS = ("flop", "training_tokens", "billion_parameters")
UNITS: Mapping[str, tuple[str, ...]] = {CONSUMER: CONSUMER_UNITS, PROVIDER: PROVIDER_UNITS}
PROVIDER_STAGES = frozenset(
    ("data_preparation", "training", "fine_tuning", "evaluation", "deployment", "retirement", "tuning")
)
"""Stages of making a model; every other named stage is its operation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What the specification asks to be stated."""

    persona: str
    normalisation: str | None = None
    assumptions: tuple[str, ...] = ()
    parameters_billion: float | None = None


def with_parameters(facts: Facts, stated: Stated) -> Facts:
    """The facts with the model's size among its work, where it is stated and is the unit."""
    if stated.parameters_billion is None or stated.persona != PROVIDER:
        return facts
    size = WorkDone(unit="billion_parameters", count=stated.parameters_billion, declared=True)
    unit = facts.functional_unit if facts.functional_unit in PROVIDER_UNITS else size.unit
    return replace(facts, work={**facts.work, size.unit: size}, functional_unit=unit)


def score_for(facts: Facts, stated: Stated) -> Answer:
    """The score of one persona, in gCO2e per its unit; what is missing or refused otherwise.

    Its terms hold persona, unit and normalisation: scores that differ in one of them are never compared or
    added.
    """
    facts = with_parameters(facts, stated)
    lacking = _not_stated(stated) or _other_stages(facts, stated.persona)
    if lacking is not None:
        return lacking
    work = facts.unit_work
    if isinstance(work, Missing):
        return work
    if work.unit not in UNITS[stated.persona]:
        units = ", ".join(UNITS[stated.persona])
        return Missing(
            f"a functional unit of the {stated.persona}",
            f"{work.unit} is none: choose with --functional-unit, one of {units}",
        )
    carbon = carbon_of(facts, facts.energy)
    if isinstance(carbon, Missing):
        return carbon
    if carbon.terms.get("accounting") not in ("location", "marginal"):
        return Missing(
            "location-based or marginal intensity", f"{STANDARD} extends the SCI: certificates never lower it"
        )
    made = amortised(facts)
    if not isinstance(made, Figure):
        return made
    if made.terms["embodied_mode"] != RESERVED:
        return Missing("embodied carbon in mode reserved", f"{STANDARD} shares it out by reserved time")
    whole = product_view(carbon, made).with_terms(
        standard=STANDARD, persona=stated.persona, normalisation=stated.normalisation or ""
    )
    return per_unit(whole, work)


def _not_stated(stated: Stated) -> Missing | None:
    if stated.normalisation not in NORMALISATIONS:
        return Missing("normalisation", "gross or effective, under [sci] in wattmark.toml")
    if not stated.assumptions:
        return Missing("assumptions", "what the score rests on, as a list under [sci] in wattmark.toml")
    return None


def _other_stages(facts: Facts, persona: str) -> Missing | None:
    """Runs of the other persona are refused: without their energy, their hardware would still be in it."""
    stages = named(facts.energy_by_stage)
    if not stages:
        return Missing("stage", "mark what the runs did: --stage inference, --stage training")
    wrong = [s for s in stages if (s in PROVIDER_STAGES) is (persona == CONSUMER) and s != UNSTAGED]
    if wrong:
        return Missing(
            f"runs of the {persona} alone",
            f"{', '.join(sorted(wrong))} belongs to the other score: the two are never mixed",
        )
    return None
