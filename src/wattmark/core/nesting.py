"""Devices inside devices: above which boundary a reading is hidden by a wider one, moment by moment.

A meter of the whole machine or the site holds every narrower reading of that machine; anything else holds
only what names it as ``part_of``, and what stands in for it (core.standins; core.merge has the same rules).
Nothing is dropped: a total at a boundary takes the readings at or below it that nothing at or below it holds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby, islice, takewhile
from typing import NamedTuple

from wattmark.core.claims import Line
from wattmark.core.contest import Loss, Moment
from wattmark.core.standins import Standing, holds, outer_by_name

NEVER_HIDDEN = 3
"""No wider reading holds it."""
NEVER_READ = "never read"
"""How the reason begins why a device is not counted for which some of its parts stand."""


class Stretch(NamedTuple):
    """A time in which a device counts, as one kind of reading."""

    start_us: int
    end_us: int
    boundary: int
    place: int
    """0 for a model, else the boundary."""
    component: str
    standing: Standing

    @property
    def models_node(self) -> bool:
        """A model of the whole machine."""
        return self.component == "node" and self.boundary == 1 and self.place == 0


def stretch_of(start_us: int, end_us: int, line: Line) -> Stretch:
    """A time in which a device counts as this line says."""
    return Stretch(start_us, end_us, line.boundary, line.place, line.component, line.standing)


class Steps(NamedTuple):
    """What holds for a line from each of these moments on."""

    at_us: list[int]
    holds: list[tuple[int, int]]
    """Boundary from which it is hidden, and what the readings of the machine cover together just then
    (core.boundary): 0 devices only, 1 the node, 2 the facility."""

    def cut(self, start_us: int, end_us: int) -> list[tuple[int, int, int, int]]:
        """A stretch in pieces of which each has one answer: start, end, hidden_from, reach."""
        if len(self.at_us) == 1:
            return [(start_us, end_us, *self.holds[0])]
        at = bisect_right(self.at_us, start_us) - 1
        found: list[tuple[int, int, int, int]] = []
        while start_us < end_us:
            until = min(self.at_us[at + 1], end_us) if at + 1 < len(self.at_us) else end_us
            found.append((start_us, until, *self.holds[at]))
            start_us, at = until, at + 1
        return found


Lives = Mapping[tuple[str, str], Sequence[Stretch]]
"""Device and party (empty: the whole device) -> when it counts."""


def stretches(
    moments: Mapping[str, Sequence[Moment]], *, unread: bool = False
) -> dict[tuple[str, str], list[Stretch]]:
    """When each device counts, as a whole or as the lone share of a party; neighbours joined.

    A device that its record never read does not count, for its parts stand for it; ``unread`` asks for these.
    """
    found: dict[tuple[str, str], list[Stretch]] = {}
    for device_id, line in moments.items():
        for m in line:
            for claim in (m.whole,) if m.whole is not None else m.shares:
                if (claim.line.silent and not claim.observed_us) is unread:
                    key = device_id, claim.line.party if claim.line.share else ""
                    _extend(found.setdefault(key, []), m, claim.line)
    return found


def _extend(line: list[Stretch], m: Moment, of: Line) -> None:
    new = stretch_of(m.start_us, m.end_us, of)
    if line and line[-1].end_us == new.start_us and line[-1][2:] == new[2:]:
        line[-1] = line[-1]._replace(end_us=new.end_us)
    else:
        line.append(new)


def named_by(lines: Iterable[Line]) -> dict[str, set[str]]:
    """What readings name as lying around their devices, also those that others won over: a device lies
    where it lies, whoever reads it."""
    outer: dict[str, set[str]] = {}
    for line in lines:
        names = line.part_of, outer_by_name(line.device_id)
        outer.setdefault(line.device_id, set()).update(name for name in names if name is not None)
    return outer


def ancestors(outer: Mapping[str, set[str]]) -> dict[str, frozenset[str]]:
    """Every device around each one.

    Of two that name each other, the one with the lower id is the outer one.
    """
    above = {device_id: _reachable(device_id, outer) for device_id in outer}
    return {
        device_id: frozenset(
            a for a in found if a != device_id and (device_id not in above.get(a, ()) or a < device_id)
        )
        for device_id, found in above.items()
    }


def _reachable(device_id: str, outer: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    todo = [device_id]
    while todo:
        new = outer.get(todo.pop(), set()) - found
        found |= new
        todo.extend(new)
    return found


class Nesting:
    """Which readings of one machine lie inside which."""

    def __init__(self, moments: Mapping[str, Sequence[Moment]], lines: Iterable[Line]) -> None:
        """``lines`` are those of all readings, the ones that do not count among them."""
        self._lives = stretches(moments)
        self._unread: Lives = {}
        self._above = ancestors(named_by(lines))
        self._known: dict[object, Steps] = {}

    def steps(self, line: Line) -> Steps:
        """What hides a line, over time; what is said first holds from the beginning.

        To be asked after :meth:`given_way`.
        """
        party = line.party if line.share else ""
        kind = line.standing, line.component, line.place, line.silent, party
        if kind not in self._known:
            self._known[kind] = self._steps_of(line, {"", party})
        return self._known[kind]

    def _steps_of(self, line: Line, parties: Collection[str]) -> Steps:
        lives = [s for (_, party), found in self._lives.items() if party in parties for s in found]
        hiding = [s for s in lives if self.holds(s, line)]
        if line.silent:  # what was never read is one gap with what it lies in
            unread = (s for (_, party), found in self._unread.items() if party in parties for s in found)
            hiding += [s for s in unread if self.holds(s, line)]
        return _steps(hiding, lives)

    def holds(self, s: Stretch, line: Line) -> bool:
        """Whether a device that counts holds what a line says of another."""
        device_id = s.standing.device_id
        if device_id == line.device_id:
            return False
        around = s.place >= line.place and device_id in self._above.get(line.device_id, ())
        return (
            around
            or s.place > line.place
            or holds(s.standing, s.component, s.models_node, line.standing, line.component)
        )

    def given_way(
        self, moments: Mapping[str, Sequence[Moment]]
    ) -> tuple[dict[str, list[Moment]], list[Loss]]:
        """The moments without those of devices that were never read while some part of them was."""
        kept: dict[str, list[Moment]] = {}
        losses: list[Loss] = []
        for device_id, line in moments.items():
            kept[device_id] = []
            parts: dict[int, list[tuple[int, int, str]]] = {}
            for m in line:
                if m.whole is None or m.shares or m.whole.observed_us or not m.whole.line.silent:
                    kept[device_id].append(m)
                    continue
                of = m.whole.line
                if of.place not in parts:
                    parts[of.place] = self._parts(of)
                stays, gone = _without(m, of, parts[of.place])
                kept[device_id].extend(stays)
                losses.extend(gone)
        self._unread = stretches(kept, unread=True)
        return kept, losses

    def _parts(self, line: Line) -> list[tuple[int, int, str]]:
        """When some part of a device counts, and which: each moment once."""
        parts = sorted(
            (s.start_us, s.end_us, device_id)
            for (device_id, party), lives in self._lives.items()
            if not party and device_id != line.device_id
            for s in lives
            if line.device_id in self._above.get(device_id, ()) or s.place < line.place
        )
        found: list[tuple[int, int, str]] = []
        at = 0
        for start, end, device_id in parts:
            if end > at:
                found.append((max(start, at), end, device_id))
                at = end
        return found


def _without(m: Moment, of: Line, parts: Sequence[tuple[int, int, str]]) -> tuple[list[Moment], list[Loss]]:
    stays: list[Moment] = []
    gone: list[Loss] = []
    at = m.start_us
    first = bisect_right(parts, m.start_us, key=lambda part: part[1])
    for start, end, part in takewhile(lambda part: part[0] < m.end_us, islice(parts, first, None)):
        left, right = max(start, at), min(end, m.end_us)
        if left > at:
            stays.append(m._replace(start_us=at, end_us=left))
        at = right
        reason = f"{NEVER_READ}; {part} stands for it"
        gone.append(Loss(left, right, of.device_id, of.record_id, 0, "", reason))
    if at < m.end_us:
        stays.append(m._replace(start_us=at))
    return stays, gone


def _kinds(s: Stretch) -> list[int]:
    """0 a CPU, 1 the rest of its node, 2 the whole node, 3 the facility."""
    if s.boundary == 2 or s.component == "facility":
        return [3]
    if s.boundary == 1 or s.component == "node":
        return [2]
    return [("cpu", "rest_of_node").index(s.component)] if s.component in ("cpu", "rest_of_node") else []


def _reach(counts: Sequence[int]) -> int:
    cpu, rest, node, facility = counts
    if facility:
        return 2
    return 1 if node or (cpu and rest) else 0


def _first(counts: Sequence[int]) -> int:
    return next((boundary for boundary, count in enumerate(counts) if count), NEVER_HIDDEN)


def _steps(hiding: Iterable[Stretch], lives: Iterable[Stretch]) -> Steps:
    marks = [("hide", s, s.boundary) for s in hiding]
    marks += [("reach", s, kind) for s in lives for kind in _kinds(s)]
    edges = [(s.start_us, what, n, 1) for what, s, n in marks]
    edges += [(s.end_us, what, n, -1) for what, s, n in marks]
    counts = {"hide": [0, 0, 0], "reach": [0, 0, 0, 0]}
    found = Steps([0], [(NEVER_HIDDEN, 0)])
    for at, together in groupby(sorted(edges), key=lambda edge: edge[0]):
        for _, what, n, change in together:
            counts[what][n] += change
        now = _first(counts["hide"]), _reach(counts["reach"])
        if now != found.holds[-1]:
            found.at_us.append(at)
            found.holds.append(now)
    return found
