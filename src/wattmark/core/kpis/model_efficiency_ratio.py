"""Model Efficiency Ratio: quality for the energy of making a model and of using it.

Two KPIs: the ``n_ref`` form spreads training over the inferences of a lifetime and counts a
thousand of them; the ``project`` form sets the quality against all energy so far.
"""

from __future__ import annotations

from collections.abc import Mapping

from wattmark.core.errors import NotComparable, UsageError
from wattmark.core.estimate import Terms, from_flop
from wattmark.core.facts import INFERENCE, Answer, Facts, WorkDone
from wattmark.core.figure import Figure, Missing, Undefined, total
from wattmark.core.kpis.kpi import Better, Kpi
from wattmark.core.kpis.stages import (
    development_energy,
    inference_energy,
    not_served,
    serving_work,
)
from wattmark.core.units import JOULES_PER_KWH

N_REF = 1000
"""Inferences that the n_ref form counts (kpis.md)."""

NO_TERMS = Terms(pue=Missing("pue"), intensity=Missing("grid intensity"))
"""For an estimate of energy alone."""

INFERENCE_UNITS = ("inferences", "requests")
"""Work that counts as inferences, in the order in which it is looked for."""


def model_efficiency_ratio(facts: Facts) -> Answer:
    """Q / (E_train x n_ref / N_life + E_inf(n_ref)), n_ref = 1000, in 1/kWh. Source: kpis.md."""
    quality = quality_in_range(facts)
    if not isinstance(quality, Figure):
        return quality
    training = _training_energy(facts)
    serving = _energy_of_n_ref(facts)
    if not isinstance(training, Figure):
        return training
    if not isinstance(serving, Figure):
        return serving
    lifetime = facts.lifetime_inferences
    if lifetime is None:
        return Missing("lifetime inferences", "say how many the model will serve: --lifetime-inferences 1e6")
    if lifetime <= 0:
        return Undefined(f"a lifetime of {lifetime:g} inferences: nothing to spread the training over")
    share = training.scaled(N_REF / lifetime, "J")
    return _ratio(quality, share, serving, form=f"n_ref={N_REF}", lifetime_inferences=f"{lifetime:g}")


def model_efficiency_ratio_project(facts: Facts) -> Answer:
    """Q / (E_train + E_inf) over everything measured, in 1/kWh. Source: kpis.md."""
    quality = quality_in_range(facts)
    if not isinstance(quality, Figure):
        return quality
    training = _training_energy(facts)
    if not isinstance(training, Figure):
        return training
    serving = inference_energy(facts)
    if isinstance(serving, Missing):
        return serving
    return _ratio(quality, training, serving, form="project")


def quality_in_range(facts: Facts) -> Figure | Missing | Undefined:
    """Q with its name and task among its terms; undefined outside [0, 1]."""
    quality = facts.quality
    if isinstance(quality, Missing):
        return quality
    if not 0 <= quality.value <= 1:
        return Undefined(f"a quality of {quality.value:g} is outside [0, 1]: map it with --quality-map")
    named = quality.with_terms(quality=facts.quality_name or "not named")
    return named.with_terms(task=facts.task) if facts.task else named


def _training_energy(facts: Facts) -> Figure | Missing | Undefined:
    """Measured energy of all that is not inference; modelled from FLOP where nothing was measured."""
    measured = development_energy(facts)
    if isinstance(measured, Figure) or facts.training_flop is None:
        return measured
    if facts.peak is None:
        return Missing(
            "peak FLOP/s and power of the training hardware", "[project] hardware in wattmark.toml"
        )
    if facts.mfu is None:
        return Missing("model FLOP utilisation (MFU)", "[project] mfu: the share of peak that was achieved")
    if facts.peak.flops_per_second <= 0:
        return Undefined(f"a peak of {facts.peak.flops_per_second:g} FLOP/s for {facts.peak.name}")
    try:
        estimate = from_flop(facts.training_flop, facts.peak, facts.mfu, NO_TERMS)
    except UsageError as error:
        return Undefined(str(error))
    energy = estimate.energy.with_terms(scope="whole", attribution_rule="whole_device")
    return energy.with_notes("training energy modelled from its FLOP, not measured", *estimate.assumptions)


def _energy_of_n_ref(facts: Facts) -> Figure | Missing | Undefined:
    energy = inference_energy(facts)
    if isinstance(energy, Missing):
        return energy
    work = inferences(facts, serving_work(facts, INFERENCE))
    if isinstance(work, Missing):  # logged beside the windows of the stage
        work = inferences(facts, serving_work(facts))
    if isinstance(work, Missing):
        return work
    if work.count <= 0:
        return Undefined("no successful inference: the energy of 1000 of them does not exist")
    return energy.scaled(N_REF / work.count, "J").with_terms(functional_unit=work.unit)


def inferences(facts: Facts, done: Mapping[str, WorkDone]) -> WorkDone | Missing:
    """The work that counts as inferences: the functional unit if it is one, else the first there is.

    ``done`` is what of the work was served.
    """
    units = sorted(INFERENCE_UNITS, key=lambda u: u != facts.functional_unit)
    served = next((done[unit] for unit in units if unit in done), None)
    if served is not None:
        return served
    elsewhere = next((unit for unit in units if unit in facts.work), None)
    if elsewhere is not None:
        return not_served(elsewhere)
    return Missing("work (inferences)", "run.log(work={'inferences': n}) or --work inferences=n")


def _ratio(quality: Figure, training: Figure, serving: Figure, **terms: str) -> Answer:
    try:
        energy = total([training.with_terms(**_added(training, serving)), serving])
    except NotComparable as error:
        return Undefined(f"training and inference were measured on different terms: {error}")
    if energy.value <= 0:
        return Undefined("no energy was used, so there is no quality per kWh")
    kwh = energy.scaled(1 / JOULES_PER_KWH, "kWh")
    return quality.over(kwh, "1/kWh").with_terms(**terms)


def _added(training: Figure, serving: Figure) -> dict[str, str]:
    """The functional unit, which only the serving side states and which is no difference between them."""
    return {k: v for k, v in serving.terms.items() if k == "functional_unit" and k not in training.terms}


N_REF_FORM = Kpi(
    id="model_efficiency_ratio",
    title="Model Efficiency Ratio",
    unit="1/kWh",
    better=Better.HIGHER,
    formula="Q / (E_train x n_ref / N_life + E_inf(n_ref)), n_ref = 1000 inferences",
    of=model_efficiency_ratio,
)
PROJECT_FORM = Kpi(
    id="model_efficiency_ratio_project",
    title="Model Efficiency Ratio, project",
    unit="1/kWh",
    better=Better.HIGHER,
    formula="Q / (E_train + E_inf)",
    of=model_efficiency_ratio_project,
)
