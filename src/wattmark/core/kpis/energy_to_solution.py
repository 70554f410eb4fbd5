"""Energy-to-Solution: what it took to get there, failed attempts included."""

from __future__ import annotations

from wattmark.core.facts import Answer, Facts
from wattmark.core.figure import Figure, Missing, NotReached
from wattmark.core.kpis.kpi import Better, Kpi
from wattmark.core.kpis.stages import named
from wattmark.core.units import JOULES_PER_KWH


def energy_to_solution(facts: Facts) -> Answer:
    """Energy of all stages and all attempts, in kWh, once the declared outcome holds.

    Source: kpis.md; the sum over attempts follows Energy-to-Solution as used for HPC procurement.
    """
    if isinstance(facts.energy, Missing):
        return to_solution(facts, facts.energy)
    return to_solution(facts, facts.energy.scaled(1 / JOULES_PER_KWH, "kWh"))


def to_solution(facts: Facts, spent: Figure | Missing) -> Answer:
    """What was spent on all attempts, if the declared outcome holds; else why there is no figure."""
    if facts.condition is None:
        return Missing("outcome", "declare when the solution is reached: --outcome 'accuracy>=0.95'")
    if isinstance(spent, Figure):
        spent = spent.with_notes(attempts_note(facts), *_stages_note(facts))
    if facts.reached is None:
        how = "log the quality it names: run.log(quality={...}) or --quality-from FILE:KEY"
        return Missing(f"value for the outcome {facts.condition}", how)
    if not facts.reached:
        return NotReached(facts.condition, spent)
    return spent if isinstance(spent, Missing) else spent.with_terms(outcome=facts.condition)


def attempts_note(facts: Facts) -> str:
    """How many attempts the figure holds, and how many of them got there where that is known."""
    if facts.attempts_reached is not None:
        return f"{facts.attempts_reached} of {facts.attempts} attempts reached the outcome; all are counted"
    return f"sum of {facts.attempts} attempt{'' if facts.attempts == 1 else 's'}"


def _stages_note(facts: Facts) -> tuple[str, ...]:
    stages = named(facts.energy_by_stage)
    return ("stages: " + ", ".join(sorted(stages)),) if stages else ()


KPI = Kpi(
    id="energy_to_solution",
    title="Energy-to-Solution",
    unit="kWh",
    better=Better.LOWER,
    formula="sum over declared stages and all attempts of energy, if the outcome holds",
    of=energy_to_solution,
)
