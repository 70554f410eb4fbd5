"""Compute Hours per Business Outcome: device-hours held for each result that somebody wanted."""

from __future__ import annotations

from wattmark.core.facts import Answer, Facts
from wattmark.core.figure import Missing, Undefined, exact
from wattmark.core.kpis.kpi import Better, Kpi
from wattmark.core.kpis.per_unit import no_work, work_notes

OUTCOMES = "outcomes"


def compute_hours_per_outcome(facts: Facts) -> Answer:
    """Provisioned device-hours over declared outcomes; in reference-device hours where a factor is given.

    Idle and failed hours count: they were provisioned. Source: kpis.md.
    """
    if facts.device_hours is None:
        return Missing("provisioned device-hours", "the runs name no hardware: `wattmark doctor`")
    work = facts.work.get(OUTCOMES)
    if work is None:
        return Missing("work (outcomes)", "say how many were reached: --work outcomes=1")
    if work.count <= 0:
        return no_work(work)
    raw = exact(facts.device_hours / work.count, "h/outcome", normalised_to="none").with_notes(
        *work_notes(work)
    )
    factor = facts.reference_device_factor
    if factor is None:
        return raw
    if factor <= 0:
        return Undefined(f"a reference device factor of {factor:g}: give the throughput ratio, above 0")
    return (
        raw.scaled(factor, "h/outcome")
        .with_terms(normalised_to="reference device")
        .with_notes(f"raw {raw.value:.4g} h/outcome, times {factor:g} for the reference device")
    )


KPI = Kpi(
    id="compute_hours_per_outcome",
    title="Compute Hours per Business Outcome",
    unit="h/outcome",
    better=Better.LOWER,
    formula="provisioned device-hours / declared outcomes (x throughput over the reference device's)",
    of=compute_hours_per_outcome,
)
