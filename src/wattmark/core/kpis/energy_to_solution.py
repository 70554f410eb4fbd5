"""Energy-to-Solution: what it took to get there, failed attempts included."""

from __future__ import annotations

from wattmark.core.facts import Answer, Facts
from wattmark.core.figure import Missing, NotReached
from wattmark.core.kpis.kpi import Better, Kpi
from wattmark.core.units import JOULES_PER_KWH


def energy_to_solution(facts: Facts) -> Answer:
    """Energy of all stages and all attempts, in kWh, once the declared outcome holds.

    Source: kpis.md; the sum over attempts follows Energy-to-Solution as used for HPC procurement.
    """
    if isinstance(facts.energy, Missing):
        return facts.energy
    spent = facts.energy.scaled(1 / JOULES_PER_KWH, "kWh")
    if facts.condition is None:
        return Missing("outcome", "declare when the solution is reached: --outcome 'accuracy>=0.95'")
    if facts.reached is None:
        return Missing(f"value for the outcome {facts.condition}", "log the quality it names")
    if not facts.reached:
        return NotReached(facts.condition, spent)
    if facts.attempts > 1:
        spent = spent.with_notes(f"sum of {facts.attempts} attempts")
    else:
        spent = spent.with_notes("1 of 1 attempts")
    return spent.with_terms(outcome=facts.condition)


KPI = Kpi(
    id="energy_to_solution",
    title="Energy-to-Solution",
    unit="kWh",
    better=Better.LOWER,
    formula="sum over declared stages and all attempts of energy, if the outcome holds",
    of=energy_to_solution,
)
