"""Carbon per Inference: grams for each thing served well, with what failed and what idled inside.

Two KPIs: ``operational`` counts electricity, ``total`` adds the amortised carbon of making the
hardware and is Missing without it. They are never the same figure under one name.
"""

from __future__ import annotations

from wattmark.core.carbon import product_view
from wattmark.core.facts import Answer, Facts
from wattmark.core.figure import Figure, Missing
from wattmark.core.kpis.carbon_to_solution import carbon_of
from wattmark.core.kpis.embodied_carbon_amortisation import amortised
from wattmark.core.kpis.kpi import Better, Kpi
from wattmark.core.kpis.per_unit import per_unit
from wattmark.core.kpis.stages import serving_energy, unit_work

SHARE_ONLY = "share of a shared machine: of what it uses idle only what it was charged is in it"


def carbon_per_inference_operational(facts: Facts) -> Answer:
    """Operational gCO2e per successful functional unit; failed, retried and idle energy included.

    Source: kpis.md; activity x factor as in the GHG Protocol Scope 2 Guidance.
    """
    work = unit_work(facts)
    if isinstance(work, Missing):
        return work
    carbon = _service_carbon(facts)
    return carbon if isinstance(carbon, Missing) else per_unit(carbon, work)


def carbon_per_inference_total(facts: Facts) -> Answer:
    """Operational plus embodied gCO2e per successful functional unit: a product view.

    Source: kpis.md; the embodied share as in ISO/IEC 21031:2024. Missing without embodied data.
    """
    work = unit_work(facts)
    if isinstance(work, Missing):
        return work
    carbon = _service_carbon(facts)
    if isinstance(carbon, Missing):
        return carbon
    embodied = amortised(facts)
    if not isinstance(embodied, Figure):
        return embodied
    return per_unit(product_view(carbon, embodied), work)


def _service_carbon(facts: Facts) -> Figure | Missing:
    """Carbon of serving, named ``service`` where whole devices are in it and ``attributed`` where not."""
    energy = serving_energy(facts)
    carbon = carbon_of(facts, energy)
    if isinstance(carbon, Missing):
        return carbon
    if carbon.terms.get("scope") == "share":
        return carbon.with_terms(attribution="attributed").with_notes(SHARE_ONLY)
    return carbon.with_terms(attribution="service")


OPERATIONAL = Kpi(
    id="carbon_per_inference_operational",
    title="Carbon per Inference, operational",
    unit="gCO2e/unit",
    better=Better.LOWER,
    formula="sum of node energy x PUE x intensity / successful functional units",
    of=carbon_per_inference_operational,
)
TOTAL = Kpi(
    id="carbon_per_inference_total",
    title="Carbon per Inference, total",
    unit="gCO2e/unit",
    better=Better.LOWER,
    formula="(sum of node energy x PUE x intensity + embodied share) / successful functional units",
    of=carbon_per_inference_total,
)
