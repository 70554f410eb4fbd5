"""What is known of a series between two deliveries, and which points of the next one are new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import lt

from wattmark.core.telemetry import Samples
from wattmark.sources.otlp_names import Series

REMEMBERED_US = 24 * 3600 * 1_000_000
"""A series that was silent for a day, by the points' own clock, begins anew."""
MOST_KEPT = 2_000_000
"""Of more series than this those that were silent for longest are forgotten."""
MOST_COVERED = 64
"""Stretches that are remembered of a delta series; the oldest ones become one."""
SHARED = (
    "belongs to a run of its counter that began before the newest one: give each sender a "
    "service.instance.id of its own"
)

Point = tuple[int, int, float]
"""Time, start and value."""


@dataclass(slots=True)
class Read:
    """The points of one series in the order of their times, as columns of one length."""

    series: Series
    time_us: list[int]
    start_us: list[int]
    values: list[float]
    """Microjoules, watts or units of work; NaN: not recorded."""

    def __len__(self) -> int:
        return len(self.time_us)


@dataclass(slots=True)
class Kept:
    """What must be known of a series until its next point."""

    time_us: int
    start_us: int
    value: float
    """NaN: not recorded."""
    covered: list[tuple[int, int]] = field(default_factory=list)
    """Of a delta series: what was taken already, in order."""


@dataclass(slots=True)
class State:
    """What must be known between two batches of points."""

    kept: dict[str, Kept] = field(default_factory=dict)
    """By the key of a series."""
    newest_us: int = 0
    """The newest point when silent series were last forgotten."""
    counted_newly: dict[str, int] = field(default_factory=dict)
    """Resources that send the newer counters of tokens, and when they last did."""


@dataclass(slots=True)
class Paired:
    """What a batch of points gave."""

    samples: tuple[Samples, ...] = ()
    taken: int = 0
    """Points that are ends of intervals, now or later."""
    repeated: int = 0
    """Points that were there before, or say what other series say."""
    late: Counter[str] = field(default_factory=Counter)
    """Points that could not be used -> how many."""
    gaps: Counter[str] = field(default_factory=Counter)
    """Why intervals are gaps -> how many."""


def forget(state: State) -> None:
    """Let go of series that were silent for long, by the newest point of all; once an hour."""
    newest = max((k.time_us for k in state.kept.values()), default=0)
    if newest - state.newest_us < REMEMBERED_US // 24 and state.newest_us:
        return
    state.newest_us = newest
    state.kept = {s: k for s, k in state.kept.items() if newest - k.time_us <= REMEMBERED_US}
    if len(state.kept) > MOST_KEPT:
        newest_first = sorted(state.kept.items(), key=lambda pair: -pair[1].time_us)
        state.kept = dict(newest_first[: MOST_KEPT // 2])
    state.counted_newly = {r: t for r, t in state.counted_newly.items() if newest - t <= REMEMBERED_US}


def rising(read: Read, kept: Kept | None, found: Paired) -> Read:
    """The points whose time goes on; the others were there before, or come too late to matter."""
    before = kept.time_us if kept else -1
    times = read.time_us
    if times[0] > before and all(map(lt, times, times[1:])):
        return read
    rising = Read(read.series, [], [], [])
    for at, begun, value in points_of(read):
        if at > before:
            rising.time_us.append(at)
            rising.start_us.append(begun)
            rising.values.append(value)
            before = at
        elif at == before:
            found.repeated += 1
        else:
            found.late["came after later points of its series, whose interval holds this moment"] += 1
    return rising


def points_of(read: Read) -> Iterator[Point]:
    """The points one by one."""
    return zip(read.time_us, read.start_us, read.values, strict=True)


def uncovered(read: Read, state: State, found: Paired) -> tuple[Kept | None, list[Point]]:
    """Points of a delta series whose stretch is new, in whatever order; and what was kept before."""
    key = read.series.key
    before = state.kept.get(key)
    covered = list(before.covered) if before else []
    new: list[Point] = []
    for at, begun, value in points_of(read):
        if begun >= at:
            found.late["has no length in microseconds"] += 1
        elif any(a <= begun and at <= b for a, b in covered):
            found.repeated += 1
        elif any(a < at and begun < b for a, b in covered):
            found.late["overlaps with a stretch that is there already"] += 1
        else:
            new.append((at, begun, value))
            found.taken += 1
            covered = _joined(covered, begun, at)
    if new:
        latest = max(new)
        if before is None or latest[0] > before.time_us:
            state.kept[key] = Kept(latest[0], latest[1], latest[2], covered)
        else:
            state.kept[key] = Kept(before.time_us, before.start_us, before.value, covered)
    return before, new


def _joined(covered: list[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    """Stretches with one more; those that touch are one, and of too many the oldest two are."""
    if covered and covered[-1][1] == start:
        covered[-1] = covered[-1][0], end
        return covered
    joined: list[tuple[int, int]] = []
    for a, b in sorted((*covered, (start, end))):
        if joined and joined[-1][1] >= a:
            joined[-1] = joined[-1][0], max(joined[-1][1], b)
        else:
            joined.append((a, b))
    if len(joined) > MOST_COVERED:
        joined[:2] = [(joined[0][0], joined[1][1])]
    return joined
