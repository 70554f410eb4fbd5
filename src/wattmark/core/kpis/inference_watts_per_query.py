"""Inference Watts per Query: the power that a thousand queries per second need."""

from __future__ import annotations

from wattmark.core.facts import Answer, Facts
from wattmark.core.figure import Missing, exact
from wattmark.core.kpis.kpi import Better, Kpi
from wattmark.core.kpis.model_efficiency_ratio import inferences
from wattmark.core.kpis.per_unit import no_work, work_notes
from wattmark.core.kpis.stages import serving_energy, serving_work

QUERIES = 1000


def inference_watts_per_query(facts: Facts) -> Answer:
    """Average power over queries per second, shown for 1000 of them: 1000 x joules per query.

    Power includes idle replicas and everything else that drew it while serving. Source: kpis.md.
    """
    energy = serving_energy(facts)
    if isinstance(energy, Missing):
        return energy
    work = inferences(facts, serving_work(facts))
    if isinstance(work, Missing):
        return work
    if work.count <= 0:
        return no_work(work)
    figure = energy.over(exact(work.count / QUERIES, "1k queries"), "W/kQPS")
    figure = figure.with_terms(functional_unit=work.unit).with_notes(*work_notes(work))
    return figure.with_terms(workload_class=facts.workload_class) if facts.workload_class else figure


KPI = Kpi(
    id="inference_watts_per_query",
    title="Inference Watts per Query",
    unit="W/kQPS",
    better=Better.LOWER,
    formula="1000 x average power / queries per second = 1000 x energy / queries",
    of=inference_watts_per_query,
)
