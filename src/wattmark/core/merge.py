"""Counted once: many observers of one device give one energy.

Ranks of one job, a notebook beside a service, parallel CI jobs: each may have watched the same
device. Their rows are cut at all end points; in each piece one row wins by grade, coverage, source
name and record id, and its energy is prorated by time. The losers are named.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from wattmark.core.run import EnergyRow

ROUNDING = 1e-6
"""Seconds by which neighbouring rows may overlap through rounding alone."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One row of one run, on a clock shared by all runs of its machine and boot."""

    row: EnergyRow
    start: float
    record_id: str
    clock: str
    """Which clock ``start`` is on: rows on different clocks are never compared in time."""
    stage: str

    @property
    def end(self) -> float:
        """Where the row ends on the same clock."""
        return self.start + self.row.duration_seconds


@dataclass(frozen=True, slots=True)
class Merged:
    """The pieces that count, and who also watched but was not counted."""

    kept: tuple[Observation, ...]
    losers: tuple[str, ...]
    """Sentences that name each row that lost, and to whom."""


def counted_once(observations: Iterable[Observation]) -> Merged:
    """Resolve whole-device rows so that each moment of each device is counted once."""
    by_device: dict[tuple[str, str], list[Observation]] = {}
    for o in observations:
        by_device.setdefault((o.clock, o.row.device_id), []).append(o)
    kept: list[Observation] = []
    losers: dict[str, None] = {}
    for (_, device_id), group in by_device.items():
        pieces, lost = _resolve(sorted(group, key=lambda o: (o.start, o.end)))
        kept.extend(pieces)
        for loser, winner in lost:
            losers[f"{device_id}: also watched by run {loser}, counted from run {winner}"] = None
    return Merged(tuple(kept), tuple(losers))


def _resolve(group: Sequence[Observation]) -> tuple[list[Observation], list[tuple[str, str]]]:
    if all(a.end <= b.start + ROUNDING for a, b in pairwise(group)):
        return list(group), []
    pieces: list[Observation] = []
    lost: list[tuple[str, str]] = []
    cuts = sorted({edge for o in group for edge in (o.start, o.end)})
    active: list[Observation] = []
    waiting = list(reversed(group))
    for left, right in pairwise(cuts):
        while waiting and waiting[-1].start <= left:
            active.append(waiting.pop())
        active = [o for o in active if o.end > left]
        if not active:
            continue
        winner = min(active, key=_rank)
        lost.extend((o.record_id, winner.record_id) for o in active if o.record_id != winner.record_id)
        pieces.append(_piece(winner, left, right))
    return pieces, lost


def _rank(o: Observation) -> tuple[str, float, str, str]:
    return (o.row.grade.value, -o.row.coverage, o.row.source.name, o.record_id)


def _piece(o: Observation, left: float, right: float) -> Observation:
    if (left, right) == (o.start, o.end):
        return o
    share = (right - left) / o.row.duration_seconds
    row = replace(
        o.row,
        t0_seconds=o.row.t0_seconds + left - o.start,
        duration_seconds=right - left,
        energy_joules=o.row.energy_joules * share,
        observed_seconds=o.row.observed_seconds * share,
        gaps=(),
    )
    return replace(o, row=row, start=left)


def without_parts(observations: Sequence[Observation]) -> tuple[Observation, ...]:
    """Drop every row whose energy is already inside another row that was observed.

    The highest observed node of each ``part_of`` chain stays; a parent that was never observed
    hands over to its parts.
    """
    parent = {(o.clock, o.row.device_id): o.row.part_of for o in observations}
    observed = {(o.clock, o.row.device_id) for o in observations if o.row.observed_seconds > 0}
    ids = {key for key in parent if key in observed}
    if not ids:
        ids = set(parent)

    def inside_another(clock: str, device_id: str) -> bool:
        seen = {device_id}
        above = parent.get((clock, device_id))
        while above is not None and above not in seen:
            if (clock, above) in ids:
                return True
            seen.add(above)
            above = parent.get((clock, above))
        return False

    return tuple(
        o
        for o in observations
        if not inside_another(o.clock, o.row.device_id) and not _is_unobserved_parent(o, parent, ids)
    )


def _is_unobserved_parent(
    o: Observation, parent: dict[tuple[str, str], str | None], ids: set[tuple[str, str]]
) -> bool:
    """True for a parent that was never observed while some part of it was."""
    me = (o.clock, o.row.device_id)
    return me not in ids and any(
        above == o.row.device_id and clock == o.clock and (clock, child) in ids
        for (clock, child), above in parent.items()
    )
