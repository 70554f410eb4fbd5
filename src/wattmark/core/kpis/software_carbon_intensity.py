"""Software Carbon Intensity: the standard's grams per functional unit."""

from __future__ import annotations

from wattmark.core.carbon import product_view
from wattmark.core.facts import Answer, Facts
from wattmark.core.figure import Figure, Missing
from wattmark.core.kpis.carbon_to_solution import carbon_of
from wattmark.core.kpis.embodied_carbon_amortisation import RESERVED, amortised
from wattmark.core.kpis.kpi import Better, Kpi
from wattmark.core.kpis.per_unit import per_unit
from wattmark.core.kpis.stages import energy_of_work, unit_work

STANDARD = "ISO/IEC 21031:2024"


def software_carbon_intensity(facts: Facts) -> Answer:
    """(E x I + M) / R in gCO2e per functional unit, as in ISO/IEC 21031:2024.

    The standard takes location-based or marginal intensity and leaves market-based measures out, and
    shares embodied carbon out by reserved time; anything else is refused.
    """
    work = unit_work(facts)
    if isinstance(work, Missing):
        return work
    carbon = carbon_of(facts, energy_of_work(facts))
    if isinstance(carbon, Missing):
        return carbon
    if carbon.terms.get("accounting") not in ("location", "marginal"):
        return Missing(
            "location-based or marginal intensity",
            f"{STANDARD} leaves market-based measures out: certificates never lower the SCI",
        )
    embodied = amortised(facts)
    if not isinstance(embodied, Figure):
        return embodied
    if embodied.terms["embodied_mode"] != RESERVED:
        return Missing("embodied carbon in mode reserved", f"{STANDARD} shares it out by reserved time")
    return per_unit(product_view(carbon, embodied).with_terms(standard=STANDARD), work)


KPI = Kpi(
    id="software_carbon_intensity",
    title="Software Carbon Intensity",
    unit="gCO2e/unit",
    better=Better.LOWER,
    formula="(E x I + M) / R",
    of=software_carbon_intensity,
)
