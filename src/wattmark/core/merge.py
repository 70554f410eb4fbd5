"""Counted once: many observers of one device give one energy.

Ranks of one job, a notebook beside a service, parallel CI jobs: each may have watched the same
device. Their rows are cut at all end points; in each piece one row wins by grade, coverage, source
name and record id, and its energy is prorated by time. The losers are named.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile

from wattmark.core.known import Boundary, Method
from wattmark.core.run import EnergyRow
from wattmark.core.standins import INSIDE_A_NODE_MODEL, Standing, holds, outer_by_name, stands_in

ROUNDING = 1e-6
"""Seconds by which neighbouring rows may overlap through rounding alone."""
SPLINTER_SECONDS = 0.05
"""Edges of two devices' rows are this far apart at most, because meters are read one after the other."""


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

    @property
    def standing(self) -> Standing:
        """How good the row is beside other readings of its component."""
        row = self.row
        named = not stands_in(row.device_id, modelled=row.method is Method.MODELLED)
        return Standing(row.grade.value, not named, row.source.name, row.device_id)


@dataclass(frozen=True, slots=True)
class Merged:
    """The pieces that count, and who also watched but was not counted."""

    kept: tuple[Observation, ...]
    losers: tuple[str, ...]
    """Sentences that name each row that lost, and to whom."""
    unread: tuple[str, ...] = ()
    """Devices that were never read in a run, so that their parts stand for them."""


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


def without_parts(
    observations: Sequence[Observation], rows: Sequence[Observation] = ()
) -> tuple[Observation, ...]:
    """Drop whatever energy is already inside another row of the same moments.

    The highest node of each ``part_of`` chain stays; one that was never read in its run, while some
    part of it was, hands over to its parts (:func:`handed_over` names it). A reading that only stands in for
    devices gives way to theirs (core.standins). ``rows`` are all that was seen, the losers of
    :func:`counted_once` too: a device lies where it lies, whoever won.
    """
    family = _Family(observations, rows)
    gone = {id(o) for o in family.silent}
    kept: list[Observation] = []
    for o in observations:
        if id(o) not in gone:
            kept.extend(_outside(o, family.above(o)))
    return tuple(kept)


def handed_over(observations: Sequence[Observation]) -> tuple[str, ...]:
    """Ids of devices that were never read in a run, so that their parts had to stand for them."""
    return tuple(dict.fromkeys(o.row.device_id for o in _Family(observations).silent))


class _Family:
    """Which rows lie inside which, moment by moment."""

    def __init__(self, observations: Sequence[Observation], rows: Sequence[Observation] = ()) -> None:
        self._outer: dict[_Key, set[str]] = {}
        self._rows: dict[_Key, list[Observation]] = {}
        # Clock -> (place of the boundary, device id) of what holds everything narrower on that machine.
        self._wider: dict[str, set[tuple[int, str]]] = {}
        seconds: dict[tuple[_Key, str], float] = {}
        for o in (*observations, *rows):
            names = o.row.part_of, outer_by_name(o.row.device_id)
            outer = self._outer.setdefault((o.clock, o.row.device_id), set())
            outer.update(name for name in names if name is not None)
        for o in observations:
            key = (o.clock, o.row.device_id)
            self._rows.setdefault(key, []).append(o)
            if o.row.boundary is not Boundary.DEVICE and o.row.method is not Method.MODELLED:
                self._wider.setdefault(o.clock, set()).add((_PLACES[o.row.boundary], o.row.device_id))
            seconds[key, o.record_id] = seconds.get((key, o.record_id), 0.0) + o.row.observed_seconds
        read = [o for o in observations if seconds[(o.clock, o.row.device_id), o.record_id] > 0]
        # Outer device -> when some part of it was read.
        parts: dict[_Key, list[tuple[float, float]]] = {}
        for o in read:
            for outer_id in self._ancestors(o):
                parts.setdefault((o.clock, outer_id), []).append((o.start, o.end))
        self.silent = [
            o
            for o in observations
            if seconds[(o.clock, o.row.device_id), o.record_id] == 0
            and _overlap(o, parts.get((o.clock, o.row.device_id), [])) > 0
        ]
        silent = {id(o) for o in self.silent}
        self._stretches = {
            key: sorted((o.start, o.end) for o in rows if id(o) not in silent)
            for key, rows in self._rows.items()
        }
        self._read: dict[_Key, list[Observation]] = {}
        for o in read:
            self._read.setdefault((o.clock, o.row.component), []).append(o)

    def above(self, o: Observation) -> list[tuple[float, float]]:
        """When something that contains this row's device was counted."""
        found: list[tuple[float, float]] = []
        for outer in self._ancestors(o):
            stretches = self._stretches.get((o.clock, outer), [])
            first = max(0, bisect_left(stretches, (o.start, o.start)) - 1)
            found.extend(takewhile(lambda stretch: stretch[0] < o.end, stretches[first:]))
        found.extend((other.start, other.end) for other in self._instead(o))
        return found

    def _instead(self, o: Observation) -> Iterator[Observation]:
        """Rows of other sources that say better what this one says of the same component."""
        mine, component = o.standing, o.row.component
        kinds = {component} if mine.stands_in else set()
        if component in INSIDE_A_NODE_MODEL:
            kinds.add("node")
        near = (other for kind in sorted(kinds) for other in self._read.get((o.clock, kind), ()))
        for other in near:
            row = other.row
            model = row.component == "node" and row.boundary is Boundary.NODE
            model = model and row.method is Method.MODELLED
            together = other.end > o.start and other.start < o.end
            if together and holds(other.standing, row.component, model, mine, component):
                yield other

    def _ancestors(self, o: Observation) -> list[str]:
        """Every device around this one, the device itself never among them.

        A meter of the whole machine holds all its devices, in whichever run and by whichever meter they were
        read, and what a model says of the machine; a model itself holds only what names it.
        """
        device_id = o.row.device_id
        place = 0 if o.row.method is Method.MODELLED else _PLACES[o.row.boundary]
        around = sorted(outer for wider, outer in self._wider.get(o.clock, ()) if wider > place)
        found: dict[str, None] = dict.fromkeys(outer for outer in around if outer != device_id)
        todo = [device_id]
        while todo:
            for outer in sorted(self._outer.get((o.clock, todo.pop()), ())):
                if outer != device_id and outer not in found:
                    found[outer] = None
                    todo.append(outer)
        return list(found)


_Key = tuple[str, str]
"""Clock and device id."""
_PLACES = {boundary: place for place, boundary in enumerate(Boundary)}
"""Device, node, facility: the wider the higher."""


def _overlap(o: Observation, stretches: Sequence[tuple[float, float]]) -> float:
    """Seconds of the row that the stretches cover, each moment once."""
    covered, at = 0.0, o.start
    for start, end in sorted(stretches):
        left, right = max(start, at), min(end, o.end)
        if right > left:
            covered += right - left
            at = right
    return covered


def _outside(o: Observation, stretches: Sequence[tuple[float, float]]) -> list[Observation]:
    """What of a row is not covered; meters are read one after the other, so splinters do not count."""
    covered = _overlap(o, stretches)
    if covered == 0.0:
        return [o]
    splinter = max(SPLINTER_SECONDS, 0.01 * o.row.duration_seconds)
    if o.row.duration_seconds - covered <= splinter:
        return []
    found: list[Observation] = []
    at = o.start
    for start, end in [*sorted(stretches), (o.end, o.end)]:
        if min(start, o.end) - at > splinter:
            found.append(_piece(o, at, min(start, o.end)))
        at = max(at, end)
    return found
