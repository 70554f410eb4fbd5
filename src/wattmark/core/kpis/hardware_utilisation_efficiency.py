"""Hardware Utilisation Efficiency: how much of what was provisioned did work, for how long."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from wattmark.core.facts import Answer, Facts
from wattmark.core.figure import Figure, Missing, Undefined
from wattmark.core.kpis.kpi import Better, Kpi
from wattmark.core.run import Utilisation

SIGNALS = ("tensor_activity", "sm_activity", "nvml_busy_time", "gpu_busy_time", "cpu_busy_time")
"""Best first: activity of the units that compute, then time in which anything ran."""

COMPONENTS = ("module", "gpu", "tpu", "npu", "cpu")
"""Accelerators before CPUs; only one class is ever looked at."""

WINDOW_SECONDS = 300
SUSTAINED_SECONDS = 3600
PERCENTILE = 0.10


def hardware_utilisation_efficiency(facts: Facts) -> Answer:
    """10th percentile (nearest rank) of five-minute windows over at least an hour, 0 to 1.

    One class of device and one signal, both in the terms: busy time and SM activity are different
    quantities. Capacity is the device count within the class. Source: kpis.md.
    """
    rows = _one_kind(facts.utilisation)
    if not rows:
        return Missing("utilisation", "no meter read it; `wattmark doctor` says what is readable here")
    first = rows[0]
    if any(not 0 <= u <= 1 for row in rows for u in (row.mean, *row.windows_300s)):
        return Undefined(f"a utilisation outside 0 to 1 in {first.signal}: the reading is nonsense")
    capacity = math.fsum(r.provisioned_devices for r in rows)
    if capacity <= 0:
        return Undefined("no device was provisioned, so there is no utilisation")
    if max(len(r.windows_300s) for r in rows) * WINDOW_SECONDS < SUSTAINED_SECONDS:
        return Missing(
            "utilisation over an hour",
            f"sustained use needs {SUSTAINED_SECONDS // WINDOW_SECONDS} windows of five minutes; "
            f"the mean so far is {_mean(rows):.0%} ({first.signal})",
        )
    return Figure(
        value=nearest_rank((u, r.provisioned_devices) for r in rows for u in r.windows_300s),
        unit="1",
        coverage=facts.utilisation_coverage.get((first.component, first.signal), 1.0),
        terms={"component": first.component, "signal": first.signal, "statistic": "p10 of 300 s windows"},
        sources=(first.signal,),
        notes=(f"mean {_mean(rows):.0%}", f"signal: {first.signal.replace('_', ' ')}"),
    )


def nearest_rank(weighted: Iterable[tuple[float, float]], share: float = PERCENTILE) -> float:
    """The smallest value at or below which lies at least this share of the weight.

    With equal weights it is the nearest-rank percentile (rank = ceil(share x n)).
    """
    values = sorted((value, weight) for value, weight in weighted if weight > 0)
    needed = share * math.fsum(weight for _, weight in values)
    reached = 0.0
    for value, weight in values:
        reached += weight
        if reached >= needed * (1 - 1e-12):
            return value
    raise ValueError("no value has any weight")


def _one_kind(rows: Sequence[Utilisation]) -> list[Utilisation]:
    """The rows of the first class of device that was seen, by its best signal."""
    kinds = sorted({(r.component, r.signal) for r in rows}, key=_preference)
    return [r for r in rows if (r.component, r.signal) == kinds[0]] if kinds else []


def _preference(kind: tuple[str, str]) -> tuple[int, int, str, str]:
    component, signal = kind
    return _place(component, COMPONENTS), _place(signal, SIGNALS), component, signal


def _place(name: str, order: Sequence[str]) -> int:
    return order.index(name) if name in order else len(order)


def _mean(rows: Sequence[Utilisation]) -> float:
    """Mean over provisioned devices and time, a row's time being its number of whole windows."""
    weights = [r.provisioned_devices * max(1, len(r.windows_300s)) for r in rows]
    return math.fsum(r.mean * w for r, w in zip(rows, weights, strict=True)) / math.fsum(weights)


KPI = Kpi(
    id="hardware_utilisation_efficiency",
    title="Hardware Utilisation Efficiency",
    unit="1",
    better=Better.HIGHER,
    formula="10th percentile of five-minute windows of sum u c dt / sum provisioned c dt",
    of=hardware_utilisation_efficiency,
)
