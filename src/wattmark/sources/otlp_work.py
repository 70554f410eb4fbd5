"""Points that count work as intervals of work."""

from __future__ import annotations

from math import nan

from wattmark.core.run import MOST_COUNT
from wattmark.core.telemetry import Samples
from wattmark.sources.otlp_names import Series
from wattmark.sources.otlp_state import SHARED, Kept, Paired, Read, State, points_of, rising, uncovered

Row = tuple[int, int, float]
"""Start, end and count."""


def of_total(read: Read, state: State, longest: int, found: Paired) -> Samples:
    """A cumulative count of work. What lies between two points was done, however far apart they are."""
    series = read.series
    kept = state.kept.get(series.key)
    rows: list[Row] = []
    last, start, done = (kept.time_us, kept.start_us, kept.value) if kept else (-1, -1, nan)
    for at, begun, count in points_of(rising(read, kept, found)):
        if begun < start:
            found.late[SHARED] += 1
            continue
        if not 0 <= count <= MOST_COUNT:
            found.late["was not recorded"] += 1
            continue
        found.taken += 1
        if last < 0:
            if begun and begun < at and at - begun <= longest:
                rows.append((begun, at, count))
            elif count:
                found.gaps["a count of work had begun before anybody listened"] += 1
        elif begun > start:
            rows.append((max(begun, last), at, count))
        elif count >= done:
            rows.append((last, at, count - done))
        else:
            found.gaps["a count of work went backwards"] += 1
        last, start, done = at, begun, count
    if last >= 0:
        state.kept[series.key] = Kept(last, start, done)
    return _done(series, rows)


def of_portions(read: Read, state: State, longest: int, found: Paired) -> Samples:
    """A delta count of work: each point is an interval of its own."""
    _, new = uncovered(read, state, found)
    rows: list[Row] = []
    for at, begun, count in new:
        if 0 <= count <= MOST_COUNT:
            rows.append((begun, at, count))
        else:
            found.gaps["a count of work was not recorded"] += 1
    return _done(read.series, rows)


def _done(series: Series, rows: list[Row]) -> Samples:
    """Rows of start, end and count; stretches in which nothing was done are left out."""
    kept = [row for row in rows if row[2] > 0 and row[0] < row[1]]
    return Samples(
        stream=series.stream,
        start_us=[r[0] for r in kept],
        end_us=[r[1] for r in kept],
        count=[r[2] for r in kept],
    )
