"""A board of results: grouped by comparability key, ranked within a group only, ties where intervals meet."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

from wattmark.core.bench.key import MEASURED, UNKNOWN, Key, differing
from wattmark.core.bench.result import Result
from wattmark.core.bench.validity import Status
from wattmark.core.figure import Figure
from wattmark.core.known import Grade
from wattmark.core.stars.rating import Rating

Difference = tuple[str, str | None, str | None]
"""Field of a key, and what the two have there."""


@dataclass(frozen=True, slots=True)
class Rank:
    """The best and the worst place that the intervals allow."""

    first: int
    last: int

    @property
    def shown(self) -> str:
        """``2``, or ``2-3`` where others cannot be told apart from it."""
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One result on the board."""

    result: Result
    rating: Rating | None = None
    energy: Figure | None = None
    """What it is ranked by, joules per query: of the GPUs in mode ``aies`` where it is known."""
    rank: Rank | None = None
    unranked: str = ""
    """Why it has no rank."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Results with one comparability key."""

    key: Key
    rows: tuple[Row, ...]
    differs: tuple[Difference, ...] = ()
    """From the group before it: field, what it was there, what it is here. Empty for the first of a task."""

    @property
    def ranked(self) -> int:
        """How many of its rows have a rank."""
        return sum(row.rank is not None for row in self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskBoard:
    """All groups of one task."""

    task: str
    groups: tuple[Group, ...]

    @property
    def rows(self) -> int:
        """How many results the task has."""
        return sum(len(group.rows) for group in self.groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Everything, by task."""

    tasks: tuple[TaskBoard, ...]
    doubles: int = 0
    """How many results came more than once and are shown once."""


def board_of(pairs: Iterable[tuple[Result, Rating | None]], mode: str = "anchored") -> Board:
    """Group results by task and key, and rank within each group those that may be ranked."""
    seen: dict[tuple[str, str], list[Result]] = {}
    groups: dict[tuple[str, Key], list[Row]] = {}
    doubles = 0
    for result, rating in pairs:
        same = seen.setdefault((result.task, result.id), [])
        if result in same:
            doubles += 1
            continue
        same.append(result)
        row = _row(result, rating, mode)
        groups.setdefault((result.task, result.key), []).append(row)
    tasks = dict.fromkeys(sorted(task for task, _ in groups))
    return Board(
        tasks=tuple(
            TaskBoard(task=task, groups=_ordered([g for (t, _), g in groups.items() if t == task]))
            for task in tasks
        ),
        doubles=doubles,
    )


def ranks(intervals: Sequence[tuple[float, float]]) -> list[Rank]:
    """Places by energy, the lowest first.

    The best place counts those whose whole interval is lower, the worst those whose whole interval is
    higher: two results whose intervals meet share places.
    """
    lows = sorted(low for low, _ in intervals)
    highs = sorted(high for _, high in intervals)
    return [Rank(bisect_left(highs, low) + 1, bisect_right(lows, high)) for low, high in intervals]


def why_unranked(result: Result, energy: Figure | None) -> str:
    """Why a result may not be ranked; empty where it may.

    Ranked are valid results of measured energy (grades A to C) whose key is known in every field. What
    somebody published without evidence, and what was estimated, stands with what is known of it.
    """
    if energy is None:
        return "no energy is known"
    if result.origin.published:
        return "published, evidence not checked"
    if result.simulated:
        return "simulated: nothing was measured"
    if result.key.evidence != MEASURED or energy.grade in (None, Grade.D, Grade.E):
        return "not measured"
    unknown = [f.name for f in fields(Key) if getattr(result.key, f.name) == UNKNOWN]
    if unknown:
        return f"not known: {', '.join(unknown)}"
    if result.validity.status is not Status.VALID:
        return result.validity.status.value
    return ""


def _row(result: Result, rating: Rating | None, mode: str) -> Row:
    energy = result.energy
    if mode == "aies" and result.gpu_energy is not None:
        energy = result.gpu_energy
    return Row(result=result, rating=rating, energy=energy, unranked=why_unranked(result, energy))


def _ordered(groups: list[list[Row]]) -> tuple[Group, ...]:
    """Groups with ranks first, then by key, so that neighbours have much in common."""
    made: list[Group] = []
    for rows in sorted(groups, key=_place):
        key = rows[0].result.key
        differs = tuple(d for d in differing(made[-1].key, key) if d[1] != d[2]) if made else ()
        made.append(Group(key=key, rows=_ranked(rows), differs=differs))
    return tuple(made)


def _place(rows: list[Row]) -> tuple[bool, bool, list[list[tuple[int, str]]]]:
    key = rows[0].result.key
    natural = [_natural(getattr(key, f.name)) for f in fields(Key)]
    return all(row.unranked for row in rows), key.evidence != MEASURED, natural


def _natural(text: str) -> list[tuple[int, str]]:
    """Text in an order in which 32 comes before 128."""
    return [(int(p), "") if p.isdecimal() else (-1, p) for p in re.split(r"([0-9]{1,18})", text)]


def _ranked(rows: list[Row]) -> tuple[Row, ...]:
    """Rows of one group: those with ranks by energy, then the others by energy, then those without any."""
    may = [row for row in rows if not row.unranked]
    places = ranks([row.energy.interval for row in may if row.energy is not None])
    placed = [
        Row(result=row.result, rating=row.rating, energy=row.energy, rank=rank)
        for row, rank in zip(may, places, strict=True)
    ]
    rest = [row for row in rows if row.unranked]
    return (*sorted(placed, key=_by_energy), *sorted(rest, key=_by_energy))


def _by_energy(row: Row) -> tuple[bool, float, str, str]:
    value = row.energy.value if row.energy is not None else 0.0
    return row.energy is None, value, row.result.model.id, row.result.id
