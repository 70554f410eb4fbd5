"""Carbon-to-Solution: the carbon of getting there, failed attempts included, for carbon budgets."""

from __future__ import annotations

from wattmark.core.carbon import energy_for_carbon, operational_carbon
from wattmark.core.facts import Answer, Facts
from wattmark.core.figure import Figure, Missing
from wattmark.core.kpis.energy_to_solution import to_solution
from wattmark.core.kpis.kpi import Better, Kpi


def carbon_to_solution(facts: Facts) -> Answer:
    """Operational carbon of all stages and all attempts, in gCO2e, once the declared outcome holds.

    Source: kpis.md; activity x factor as in the GHG Protocol Scope 2 Guidance.
    """
    return to_solution(facts, carbon_of(facts, facts.energy))


def carbon_of(facts: Facts, energy: Figure | Missing) -> Figure | Missing:
    """Operational carbon of an energy in the facts' place: x PUE where it may be, x grid intensity."""
    if isinstance(energy, Missing):
        return energy
    if isinstance(facts.intensity, Missing):
        return facts.intensity
    widest = energy_for_carbon(energy, facts.pue)
    return widest if isinstance(widest, Missing) else operational_carbon(widest, facts.intensity)


KPI = Kpi(
    id="carbon_to_solution",
    title="Carbon-to-Solution",
    unit="gCO2e",
    better=Better.LOWER,
    formula="sum over declared stages and all attempts of energy x PUE x intensity, if the outcome holds",
    of=carbon_to_solution,
)
