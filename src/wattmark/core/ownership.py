"""Whose the energy of a wide meter is that belongs to nobody: a controller that a fleet asks, a reader of all
processors.

Where one attempt alone was on the machine, it is that attempt's: its own readings are held by the wide one
and would otherwise leave it without any. Where there were several, it stays nobody's.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from wattmark.core.claims import Line
from wattmark.core.contest import Moment
from wattmark.core.nesting import Nesting, stretch_of
from wattmark.core.standins import Standing

Sitter = tuple[int, int, Line]
"""From when to when a run was on the machine, by one of its readings."""


def with_owners(moments: Mapping[str, Sequence[Moment]], nesting: Nesting) -> dict[str, Sequence[Moment]]:
    """The moments of a machine's devices, those of nobody's wide meters cut where their owner changes."""
    sitters = [sitter for line in moments.values() for m in line for sitter in _sitters(m)]
    if not sitters:
        return dict(moments)
    courses: dict[tuple[Standing, int], _Course] = {}
    found: dict[str, Sequence[Moment]] = {}
    for device_id, line in moments.items():
        kept: list[Moment] = []
        for m in line:
            if m.whole is None or m.owner is None or m.owner.party or m.shares:
                kept.append(m)
                continue
            kind = m.whole.line.standing, m.whole.line.place
            if kind not in courses:
                wide = stretch_of(m.start_us, m.end_us, m.whole.line)
                courses[kind] = _Course(s for s in sitters if nesting.holds(wide, s[2]))
            kept.extend(courses[kind].cut(m))
        found[device_id] = kept
    return found


def _sitters(m: Moment) -> Iterator[Sitter]:
    lines = [share.line for share in m.shares]
    if m.owner is not None:
        lines.append(m.owner)
    for line in lines:
        if line.of_run:
            yield m.start_us, m.end_us, line


class _Course:
    """Who was there alone, from each of these moments on."""

    def __init__(self, sitters: Iterable[Sitter]) -> None:
        edges = [(at, step, line) for start, end, line in sitters for at, step in ((start, 1), (end, -1))]
        self._at: list[int] = []
        self._alone: list[Line | None] = []
        there: dict[Line, int] = {}
        for at, changes in groupby(sorted(edges, key=lambda edge: edge[0]), key=lambda edge: edge[0]):
            for _, step, line in changes:
                there[line] = there.get(line, 0) + step
                if not there[line]:
                    del there[line]
            parties = {line.party for line in there}
            self._at.append(at)
            self._alone.append(min(there, key=_order) if len(parties) == 1 else None)

    def cut(self, m: Moment) -> Iterator[Moment]:
        """A moment in pieces, each with its owner."""
        at = bisect_right(self._at, m.start_us) - 1
        start = m.start_us
        while start < m.end_us:
            until = self._at[at + 1] if at + 1 < len(self._at) else m.end_us
            alone = self._alone[at] if at >= 0 else None
            end = min(until, m.end_us)
            yield m._replace(start_us=start, end_us=end, owner=alone or m.owner)
            start, at = end, at + 1


def _order(line: Line) -> tuple[object, ...]:
    return line.rank, line.subject_id, line.place_id
