"""Which machine a run was on, when, and for how long its devices were provisioned."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from wattmark.core.run import Run

ACCELERATORS = ("gpu", "module", "tpu", "npu")


def clock_of(run: Run) -> str:
    """The machine and its boot, whose monotonic clock its runs share; else the machine's wall clock."""
    shared = run.host.boot_id if run.started_monotonic_seconds is not None else None
    return f"{run.host.id}:{shared or 'utc'}"


def start_of(run: Run) -> float:
    """Start on the machine's monotonic clock when there is one, else in seconds since 1970."""
    if run.host.boot_id is not None and run.started_monotonic_seconds is not None:
        return run.started_monotonic_seconds
    return datetime.fromisoformat(run.started_at).timestamp()


def device_hours(runs: Sequence[Run]) -> float | None:
    """Provisioned device-hours: of accelerators, of CPUs where there are none, None where nothing is listed.

    Runs side by side on one machine have the same devices, so that each hour of it counts once.
    """
    counts: dict[str, float] = {}
    for run in runs:
        accelerators = [h for h in run.place.hardware if h.component in ACCELERATORS]
        devices = accelerators or [h for h in run.place.hardware if h.component == "cpu"]
        if devices:
            counts[run.record_id] = math.fsum(h.count for h in devices)
    return _hours((r for r in runs if r.record_id in counts), counts) if counts else None


def machine_hours(runs: Sequence[Run]) -> float:
    """Hours for which machines were taken: each machine's once, however many runs were on it."""
    return _hours(runs, dict.fromkeys((r.record_id for r in runs), 1.0))


def _hours(runs: Iterable[Run], counts: Mapping[str, float]) -> float:
    machines: dict[str, list[tuple[float, float, float]]] = {}
    for run in runs:
        start = start_of(run)
        span = (start, start + run.duration_seconds, counts[run.record_id])
        machines.setdefault(clock_of(run), []).append(span)
    return math.fsum(_most_at_once(spans) for spans in machines.values()) / 3600


def _most_at_once(spans: Sequence[tuple[float, float, float]]) -> float:
    """Seconds times the largest count at each moment."""
    edges = sorted({edge for start, end, _ in spans for edge in (start, end)})
    return math.fsum(
        (right - left) * max((n for start, end, n in spans if start <= left and right <= end), default=0.0)
        for left, right in pairwise(edges)
    )
