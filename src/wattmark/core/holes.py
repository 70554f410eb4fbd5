"""What no row speaks of is a gap: a device that was read in one part of a run exists in all of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from wattmark.core.run import EnergyRow, Run

EDGE_SECONDS = 0.05
"""First and last readings are taken within this of the run's edges; meters take a moment to read."""
ROUNDING_SECONDS = 1e-6
"""Rows that follow each other may be so far apart through rounding alone."""


def with_holes(run: Run) -> Run:
    """The run with an unobserved row for each stretch in which a device it knows has no row.

    Without it, leaving a row out would take its energy away and leave the coverage as it was.
    """
    lines: dict[tuple[str, str, str | None], list[EnergyRow]] = {}
    for row in run.energies:
        lines.setdefault((row.device_id, row.scope.value, row.party), []).append(row)
    # Cut at the edges of windows, so that what was not seen stays with the stage it belongs to.
    edges = {e for w in run.windows for e in (w.t0_seconds, w.t0_seconds + w.duration_seconds)}
    added = [
        _unobserved(like, start, end)
        for rows in lines.values()
        for like, left, right in _holes(rows, run.duration_seconds)
        for start, end in pairwise([left, *sorted(e for e in edges if left < e < right), right])
    ]
    return replace(run, energies=(*run.energies, *added)) if added else run


def _holes(rows: Sequence[EnergyRow], duration: float) -> list[tuple[EnergyRow, float, float]]:
    edge = min(EDGE_SECONDS, 0.01 * duration)
    found: list[tuple[EnergyRow, float, float]] = []
    at = 0.0
    ordered = sorted(rows, key=lambda r: r.t0_seconds)
    for row in ordered:
        tolerance = edge if at == 0.0 else ROUNDING_SECONDS
        if row.t0_seconds - at > tolerance:
            found.append((row, at, row.t0_seconds))
        at = max(at, row.t0_seconds + row.duration_seconds)
    if duration - at > edge:
        found.append((ordered[-1], at, duration))
    return found


def _unobserved(like: EnergyRow, start: float, end: float) -> EnergyRow:
    return replace(
        like,
        t0_seconds=start,
        duration_seconds=end - start,
        energy_joules=0.0,
        observed_seconds=0.0,
        raw_energy_joules=None,
        gaps=(),
        note="no row for this stretch",
    )


def unread_components(runs: Iterable[Run]) -> list[str]:
    """What the runs say they had and of which no energy was read: processors, and devices with a series.

    A reading of the whole node holds all processors; a share counts as a reading.
    """
    found: dict[str, None] = {}
    for run in runs:
        rows = {row.device_id for row in run.energies}
        found.update(dict.fromkeys(s.device_id for s in run.series if s.device_id not in rows))
        read = {row.component for row in run.energies}
        if read & {"node", "facility"}:
            continue
        for item in run.place.hardware:
            if item.component not in READABLE or _inside(item.component, read):
                continue
            if item.component not in read:
                found[f"{item.component} ({item.name})"] = None
        found.update(dict.fromkeys(_too_few(run)))
    return list(found)


def _too_few(run: Run) -> Iterator[str]:
    """Accelerators of which some were read and others were not."""
    listed: dict[str, float] = {}
    for item in run.place.hardware:
        listed[item.component] = listed.get(item.component, 0.0) + item.count
    for component, count in listed.items():
        read = len({row.device_id for row in run.energies if row.component == component})
        if component in COUNTED and 0 < read < count:
            yield f"{count - read:g} of {count:g} {component} devices"


READABLE = ("cpu", "gpu", "module", "tpu", "npu")
"""Components whose energy matters and whose absence would flatter a total."""
COUNTED = ("gpu", "module", "tpu", "npu")
"""Components of which each has a reading of its own; one model or counter may stand for all CPUs."""


def _inside(component: str, read: set[str]) -> bool:
    """True when a larger part that was read contains it: a GH200's module holds its GPU and CPU."""
    return component in ("cpu", "gpu") and bool(read & {"module", "psys"})
