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
    rows = _sound_rows(facts)
    if not isinstance(rows, list):
        return rows
    first = rows[0]
    if max(len(r.windows_300s) for r in rows) * WINDOW_SECONDS < SUSTAINED_SECONDS:
        return Missing(
            "utilisation over an hour",
            f"sustained use needs {SUSTAINED_SECONDS // WINDOW_SECONDS} windows of five minutes; "
            f"the mean so far is {_mean(facts, rows):.0%} ({first.signal})",
        )
    value = nearest_rank((u, r.provisioned_devices) for r in rows for u in r.windows_300s)
    return _figure(facts, rows, value, "p10 of 300 s windows", f"mean {_mean(facts, rows):.0%}")


def mean_utilisation(facts: Facts) -> Answer:
    """Mean over provisioned devices and time, 0 to 1. It hides hours without work."""
    rows = _sound_rows(facts)
    return _figure(facts, rows, _mean(facts, rows), "mean") if isinstance(rows, list) else rows


def _sound_rows(facts: Facts) -> list[Utilisation] | Missing | Undefined:
    """The rows of one class of device and one signal, when they make sense."""
    rows = _one_kind(facts.utilisation)
    if not rows:
        return Missing("utilisation", "no meter read it; `wattmark doctor` says what is readable here")
    if any(not 0 <= u <= 1 for row in rows for u in (row.mean, *row.windows_300s)):
        return Undefined(f"a utilisation outside 0 to 1 in {rows[0].signal}: the reading is nonsense")
    if math.fsum(r.provisioned_devices for r in rows) <= 0:
        return Undefined("no device was provisioned, so there is no utilisation")
    return rows


def _figure(facts: Facts, rows: Sequence[Utilisation], value: float, statistic: str, *notes: str) -> Figure:
    first = rows[0]
    return Figure(
        value=value,
        unit="1",
        coverage=facts.utilisation_coverage.get((first.component, first.signal), 1.0),
        terms={"component": first.component, "signal": first.signal, "statistic": statistic},
        sources=(first.signal,),
        notes=(*notes, f"signal: {first.signal.replace('_', ' ')}"),
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


def _mean(facts: Facts, rows: Sequence[Utilisation]) -> float:
    """Mean over provisioned devices and time; a row's time is its run's, else its number of whole windows."""
    told = dict(zip(map(id, facts.utilisation), facts.utilisation_seconds, strict=False))
    seconds = [told.get(id(r), max(1, len(r.windows_300s)) * WINDOW_SECONDS) for r in rows]
    weights = [r.provisioned_devices * s for r, s in zip(rows, seconds, strict=True)]
    whole = math.fsum(weights)
    if whole <= 0:  # no time passed in any of the runs
        weights = [r.provisioned_devices for r in rows]
        whole = math.fsum(weights)
    return math.fsum(r.mean * w for r, w in zip(rows, weights, strict=True)) / whole


KPI = Kpi(
    id="hardware_utilisation_efficiency",
    title="Hardware Utilisation Efficiency",
    unit="1",
    better=Better.HIGHER,
    formula="10th percentile of five-minute windows of sum u c dt / sum provisioned c dt",
    of=hardware_utilisation_efficiency,
    statistics={"p10": hardware_utilisation_efficiency, "mean": mean_utilisation},
)
