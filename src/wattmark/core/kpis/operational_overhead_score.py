"""Operational Overhead Score: how little work it is to know all this."""

from __future__ import annotations

import math

from wattmark.core.facts import Answer, Facts, Operations
from wattmark.core.figure import Figure, Missing, Undefined
from wattmark.core.kpis.kpi import Better, Kpi

WEIGHT = 0.25
MAX_LATENCY_SECONDS = 3600.0
MAX_CPU_SHARE = 0.10
MAX_MANUAL_STEPS = 10.0
MAX_DECLARED_SHARE = 1.0


def operational_overhead_score(facts: Facts) -> Answer:
    """100 x (1 - sum of 0.25 x min(1, x / max)) over latency, own CPU, manual steps and declared share.

    All four must be known: a missing part never spreads its weight over the others. Source: kpis.md.
    """
    ops = facts.operations
    latency, own, workload = ops.latency_p95_seconds, ops.own_cpu_seconds, ops.workload_cpu_seconds
    steps, declared = ops.manual_steps, ops.declared_share
    if latency is None or own is None or workload is None or steps is None or declared is None:
        return _missing(ops)
    if min(latency, own, steps, declared) < 0:
        return Undefined("a negative latency, CPU time, number of steps or share: give 0 or more")
    if workload <= 0:
        return Undefined("the workload used no CPU time, so the overhead has no share of it")
    parts = {
        "latency": latency / MAX_LATENCY_SECONDS,
        "own CPU": own / workload / MAX_CPU_SHARE,
        "manual steps": steps / MAX_MANUAL_STEPS,
        "declared figures": declared / MAX_DECLARED_SHARE,
    }
    lost = {name: 100 * WEIGHT * min(1.0, x) for name, x in parts.items()}
    return Figure(
        value=100 - math.fsum(lost.values()),
        unit="points",
        notes=("points lost: " + ", ".join(f"{name} {points:.3g}" for name, points in lost.items()),),
    )


def _missing(ops: Operations) -> Missing:
    """Names all parts that are not known, not only the first."""
    asked = {
        "latency from window end to ledger": ops.latency_p95_seconds,
        "own CPU seconds": ops.own_cpu_seconds,
        "workload CPU seconds": ops.workload_cpu_seconds,
        "manual steps per report": ops.manual_steps,
        "share of declared figures": ops.declared_share,
    }
    unknown = [name for name, value in asked.items() if value is None]
    return Missing(", ".join(unknown), "the score needs all of its four parts")


KPI = Kpi(
    id="operational_overhead_score",
    title="Operational Overhead Score",
    unit="points",
    better=Better.HIGHER,
    formula="100 x (1 - sum of 0.25 x min(1, x_k / max_k)): latency, own CPU, manual steps, declared share",
    of=operational_overhead_score,
)
