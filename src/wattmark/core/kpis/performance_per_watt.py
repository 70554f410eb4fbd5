"""Performance per Watt: how much is done for each joule."""

from __future__ import annotations

from wattmark.core.facts import Answer, Facts
from wattmark.core.figure import Figure, Missing, Undefined, exact
from wattmark.core.kpis.kpi import Better, Kpi
from wattmark.core.kpis.per_unit import no_work, work_notes
from wattmark.core.kpis.stages import all_energy, energy_of_work, unit_work
from wattmark.core.units import singular

QUALITY = "quality"
"""Asked for as functional unit, it gives quality over mean power in place of throughput over power."""


def performance_per_watt(facts: Facts) -> Answer:
    """Throughput over power, which is successful functional units per joule.

    With ``quality`` as functional unit: quality over mean power, in 1/W. The two differ in unit and
    in their ``performance`` term and are never compared. Source: kpis.md.
    """
    whole = facts.functional_unit == QUALITY  # the time that makes a mean power is that of all stages
    energy = all_energy(facts) if whole else energy_of_work(facts)
    if isinstance(energy, Missing):
        return energy
    if energy.value <= 0:
        return Undefined("no energy was used, so there is no rate per joule")
    if whole:
        return _quality_per_watt(facts, energy)
    work = unit_work(facts)
    if isinstance(work, Missing):
        return work
    if work.count <= 0:
        return no_work(work)
    done = exact(work.count, work.unit)
    return (
        done.over(energy, f"{singular(work.unit)}/J")
        .with_terms(performance="throughput", functional_unit=work.unit)
        .with_notes(*work_notes(work))
    )


def _quality_per_watt(facts: Facts, energy: Figure) -> Answer:
    if isinstance(facts.quality, Missing):
        return facts.quality
    if facts.duration_seconds <= 0:
        return Undefined("no time passed, so there is no mean power")
    power = energy.scaled(1 / facts.duration_seconds, "W")
    return facts.quality.over(power, "1/W").with_terms(
        performance="quality", quality=facts.quality_name or "not named"
    )


KPI = Kpi(
    id="performance_per_watt",
    title="Performance per Watt",
    unit="unit/J",
    better=Better.HIGHER,
    formula="throughput / power = successful functional units / energy",
    of=performance_per_watt,
)
