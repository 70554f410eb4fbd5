"""Power over the phases of a benchmark, from its evidence: what drawings of it need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from wattmark.core.bench.evidence import Evidence, Phase
from wattmark.core.bench.lines import Line, lines_of, stretch
from wattmark.core.rows import row_of
from wattmark.core.run import EnergyRow, Run, Series, Status
from wattmark.reports.timeline import SeenGap, Timeline, gaps_of, timeline

NODE = "node"
MOST_POINTS = 4000
"""Of one device's series; drawings have no more columns than some hundreds."""
Band = tuple[str, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerView:
    """Power of each component, what was not seen, and the phases, in seconds since the start."""

    line: Timeline
    gaps: tuple[SeenGap, ...]
    bands: tuple[Band, ...]


def power_of(evidence: Evidence) -> PowerView | None:
    """Power over the whole benchmark; None where no device was seen twice."""
    lines = [line for line in lines_of(evidence) if line.intervals.start_us]
    if not lines:
        return None
    first = min(line.intervals.start_us[0] for line in lines)
    last = max(line.intervals.end_us[-1] for line in lines)
    if last <= first:
        return None
    node = next((line.device.id for line in lines if line.device.component == NODE), None)
    seen = Run(
        record_id=evidence.id,
        status=Status.CLOSED,
        started_at=evidence.started_at,
        duration_seconds=(last - first) / 1e6,
        host=evidence.host,
        energies=tuple(_row(line, first, last, node) for line in lines),
        series=tuple(_series(line) for line in lines),
    )
    shown = timeline(seen)
    if shown is None:
        return None
    return PowerView(line=shown, gaps=tuple(gaps_of(seen)), bands=bands_of(evidence.phases))


def _row(line: Line, first: int, last: int, node: str | None) -> EnergyRow:
    """What a device used in all; a reading of the whole machine has that of its devices in it."""
    row = row_of(line.device, stretch(line, first, last), "")
    inside = row.part_of is None and node is not None and row.device_id != node
    return replace(row, part_of=node) if inside else row


def bands_of(phases: Sequence[Phase]) -> tuple[Band, ...]:
    """Name, start and end of each phase in seconds; repeats with their number."""
    return tuple((phase_name(p), p.start_us / 1e6, p.end_us / 1e6) for p in phases if p.end_us > p.start_us)


def phase_name(phase: Phase) -> str:
    """``idle before``, ``measure 1``: repeats are counted from 1 for people."""
    name = phase.name.value.replace("_", " ")
    return name if phase.repeat is None else f"{name} {phase.repeat + 1}"


def _series(line: Line) -> Series:
    times = [*line.intervals.start_us, line.intervals.end_us[-1]]
    step = max(1, len(times) // MOST_POINTS)
    kept = sorted({*range(0, len(times), step), len(times) - 1})
    return Series(
        device_id=line.device.id,
        component=line.device.component,
        t_seconds=tuple(times[i] / 1e6 for i in kept),
        energy_joules=tuple(line.used_uj[i] / 1e6 for i in kept),
    )
