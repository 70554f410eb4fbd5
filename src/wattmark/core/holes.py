"""What no row speaks of is a gap: a device that was read in one part of a run exists in all of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    """Processors that the runs say they had and of which no energy was read, by component and name.

    A reading of the whole node holds them all; a share counts as a reading.
    """
    found: dict[str, None] = {}
    for run in runs:
        read = {row.component for row in run.energies}
        if read & {"node", "facility"}:
            continue
        for item in run.place.hardware:
            if (
                item.component in READABLE
                and item.component not in read
                and not _inside(item.component, read)
            ):
                found[f"{item.component} ({item.name})"] = None
    return list(found)


READABLE = ("cpu", "gpu", "module", "tpu", "npu")
"""Components whose energy matters and whose absence would flatter a total."""


def _inside(component: str, read: set[str]) -> bool:
    """True when a larger part that was read contains it: a GH200's module holds its GPU and CPU."""
    return component in ("cpu", "gpu") and bool(read & {"module", "psys"})
