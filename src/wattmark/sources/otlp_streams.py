"""Points of series -> intervals of streams, across requests and files: each interval once.

An interval lies between two points of a series, so the last point of each series is kept until the next one
comes. The rules for what a point may say are OpenTelemetry's (metrics data model, "Resets and gaps", "Sums");
where they leave open what was used, the interval is a gap.

- A point that was there before adds nothing: time has not gone on. A retried request therefore counts once.
- A cumulative counter whose start time is a new one has begun anew. A counter of energy that an exporter
  merely passes on was not zero then, so that the stretch in between is a gap; a counter of work was.
- The first point of a counter of work counts from its start when that is not longer ago than the longest
  gap. Further back, somebody else may have counted it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite, nan
from operator import le, lt

from wattmark.core.intervals import Intervals, from_counter, from_power
from wattmark.core.sound import MOST_UJ
from wattmark.core.telemetry import Samples
from wattmark.sources.otlp_intake import Points
from wattmark.sources.otlp_names import Role, Series

LONGEST_GAP_US = 120_000_000
"""Two periods of 60 s, which is how often an OpenTelemetry SDK exports unless told otherwise."""
REMEMBERED_US = 24 * 3600 * 1_000_000
"""A series that was silent for a day, by the points' own clock, begins anew."""
MOST_KEPT = 2_000_000
"""Of more series than this those that were silent for longest are forgotten."""
MOST_COVERED = 64
"""Stretches that are remembered of a delta series; the oldest ones become one."""


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


def pair(read: Iterable[Read], state: State, longest_gap_us: int = LONGEST_GAP_US) -> Paired:
    """The intervals that these points end, in a fixed order; ``state`` goes on to what follows them.

    The same points on the same state give the same samples.
    """
    parts = list(read)
    found = Paired()
    for part in parts:
        series = part.series
        if series.stream.unit in ("input_tokens", "output_tokens") and not series.repeats:
            before = state.counted_newly.get(series.resource, 0)
            state.counted_newly[series.resource] = max(before, part.time_us[-1])
    samples = []
    for part in parts:
        series = part.series
        if series.repeats and series.resource in state.counted_newly:
            found.repeated += len(part)
            continue
        made = _PAIRING[series.role, series.delta](part, state, longest_gap_us, found)
        if len(made):
            samples.append(made)
    found.samples = tuple(samples)
    _forget(state)
    return found


def gathered(points: Iterable[Points]) -> list[Read]:
    """The points of each series."""
    found: dict[str, tuple[Series, list[tuple[int, int, float]]]] = {}
    for part in points:
        columns = (part.series, part.time_ns, part.start_ns, part.values)
        for series, time, start, value in zip(*columns, strict=True):
            amount = nan if value is None else value
            found.setdefault(series.key, (series, []))[1].append((time, start, amount))
    return [in_order(series, *map(list, zip(*rows, strict=True))) for series, rows in found.values()]


def in_order(series: Series, time_ns: list[int], start_ns: list[int], values: list[float]) -> Read:
    """Points as they were sent, in any order: in order of time, in microseconds and in our units."""
    if not all(map(le, time_ns, time_ns[1:])):
        rows = sorted(zip(time_ns, start_ns, values, strict=True), key=lambda row: row[:2])
        time_ns, start_ns, values = map(list, zip(*rows, strict=True))
    scale = series.scale
    return Read(
        series,
        [t // 1000 for t in time_ns],
        [t // 1000 for t in start_ns],
        values if scale == 1 else [v * scale for v in values],
    )


def _forget(state: State) -> None:
    newest = max((k.time_us for k in state.kept.values()), default=0)
    if newest - state.newest_us < REMEMBERED_US // 24 and state.newest_us:
        return
    state.newest_us = newest
    state.kept = {s: k for s, k in state.kept.items() if newest - k.time_us <= REMEMBERED_US}
    if len(state.kept) > MOST_KEPT:
        newest_first = sorted(state.kept.items(), key=lambda pair: -pair[1].time_us)
        state.kept = dict(newest_first[: MOST_KEPT // 2])
    state.counted_newly = {r: t for r, t in state.counted_newly.items() if newest - t <= REMEMBERED_US}


def _rising(read: Read, kept: Kept | None, found: Paired) -> Read:
    """The points whose time goes on; the others were there before, or come too late to matter."""
    before = kept.time_us if kept else -1
    times = read.time_us
    if times[0] > before and all(map(lt, times, times[1:])):
        return read
    rising = Read(read.series, [], [], [])
    for at, begun, value in _points(read):
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


def _points(read: Read) -> Iterator[tuple[int, int, float]]:
    return zip(read.time_us, read.start_us, read.values, strict=True)


def _power(read: Read, state: State, longest: int, found: Paired) -> Samples:
    series = read.series
    kept = state.kept.get(series.key)
    read = _rising(read, kept, found)
    times, watts = read.time_us, read.values
    found.taken += len(times)
    if kept:
        times = [kept.time_us, *times]
        watts = [kept.value, *watts]
    state.kept[series.key] = Kept(times[-1], 0, watts[-1])
    return _energy(series, from_power(times, watts, longest, series.most_watts), found)


def _total(read: Read, state: State, longest: int, found: Paired) -> Samples:
    """A cumulative counter of energy."""
    series = read.series
    kept = state.kept.get(series.key)
    look = _Looks(series, kept, longest)
    read = _rising(read, kept, found)
    if kept and look.all_at(read):
        found.taken += len(read)
    else:
        for at, begun, total in _points(read):
            if begun < look.start:
                found.late[_SHARED] += 1
            else:
                found.taken += 1
                look.at(at, begun, total)
    if look.last >= 0:
        state.kept[series.key] = Kept(look.last, look.start, look.value)
    return _energy(series, look.done(), found)


class _Looks:
    """Successive looks at a cumulative counter of energy, cut where it was not recorded or began anew."""

    __slots__ = ("last", "longest", "made", "series", "start", "times", "totals", "value")

    def __init__(self, series: Series, kept: Kept | None, longest: int) -> None:
        self.series = series
        self.longest = longest
        self.made = Intervals()
        self.last, self.start, self.value = (
            (kept.time_us, kept.start_us, kept.value) if kept else (-1, -1, nan)
        )
        known = self.value == self.value
        self.times = [self.last] if known else []
        self.totals = [round(self.value)] if known else []

    def all_at(self, read: Read) -> bool:
        """Looks that go on from the last one; False, and nothing done, when any of them is more than that."""
        totals = read.values
        ordinary = self.times and totals and read.start_us.count(self.start) == len(totals)
        if not ordinary or not isfinite(sum(totals)) or max(map(abs, totals)) > MOST_UJ:
            return False
        self.times += read.time_us
        self.totals += map(round, totals)
        self.last, self.value = read.time_us[-1], totals[-1]
        return True

    def at(self, at: int, begun: int, total: float) -> None:
        """One look; ``begun`` is not before the start that is known."""
        if not abs(total) <= MOST_UJ:
            self._cut()
            if self.last >= 0:
                self.made.add(self.last, at, None, _UNRECORDED)
        else:
            whole = round(total)
            if self.last < 0:
                _first(self.made, begun, at, whole, self.longest, self.series)
            elif begun > self.start:
                self._cut()
                _anew(self.made, self.last, begun, at, whole, self.longest, self.series)
            elif not self.times:
                self.made.add(self.last, at, None, _UNRECORDED)
            self.times.append(at)
            self.totals.append(whole)
        self.last, self.start, self.value = at, begun, total

    def done(self) -> Intervals:
        """All intervals so far."""
        self._cut()
        return self.made

    def _cut(self) -> None:
        """A counter that states its start has seen everything since, however long nobody looked."""
        if len(self.times) > 1:
            limit = None if self.start > 0 else self.longest
            more = from_counter(self.times, self.totals, limit, max_watts=self.series.most_watts)
            self.made = _joined_intervals(self.made, more) if self.made.start_us else more
        self.times, self.totals = [], []


def _joined_intervals(made: Intervals, more: Intervals) -> Intervals:
    made.start_us += more.start_us
    made.end_us += more.end_us
    made.energy_uj += more.energy_uj
    made.observed += more.observed
    made.remarks += more.remarks
    return made


def _first(made: Intervals, begun: int, at: int, total: int, longest: int, series: Series) -> None:
    if begun and begun < at and at - begun <= longest:
        used = total if series.from_start else None
        _bounded(made, begun, at, used, series, "what the counter held when it was first read is not known")


def _anew(made: Intervals, last: int, begun: int, at: int, total: int, longest: int, series: Series) -> None:
    """A counter that has begun anew since its last point."""
    if series.from_start and last <= begun < at and at - begun <= longest:
        if last < begun:
            made.add(last, begun, None, "the counter began anew")
        _bounded(made, begun, at, total, series, "")
    else:
        made.add(last, at, None, "the counter began anew")


def _bounded(made: Intervals, start: int, end: int, used: int | None, series: Series, reason: str) -> None:
    """An interval whose energy must be possible."""
    if used is not None and series.most_watts is not None and used > series.most_watts * (end - start):
        used, reason = None, f"more than the {series.most_watts:g} W that are possible"
    if used is not None and used < 0:
        used, reason = None, "the energy is below 0"
    made.add(start, end, used, reason)


def _portions(read: Read, state: State, longest: int, found: Paired) -> Samples:
    """A delta counter of energy."""
    series = read.series
    kept, new = _uncovered(read, state, found)
    made = Intervals()
    last = kept.time_us if kept else -1
    for at, begun, used in new:
        if 0 <= last < begun:
            made.add(last, begun, None, "nothing was sent for this stretch")
        whole = round(used) if isfinite(used) else None
        if whole is None:
            made.add(begun, at, None, _UNRECORDED)
        elif last < 0 and not series.from_start:
            made.add(begun, at, None, "what the counter held when it was first read is not known")
        else:
            _bounded(made, begun, at, whole, series, "")
        last = max(last, at)
    return _energy(series, made, found)


def _work_total(read: Read, state: State, longest: int, found: Paired) -> Samples:
    """A cumulative count of work. What lies between two points was done, however far apart they are."""
    series = read.series
    kept = state.kept.get(series.key)
    rows: list[tuple[int, int, float]] = []
    last, start, done = (kept.time_us, kept.start_us, kept.value) if kept else (-1, -1, nan)
    for at, begun, count in _points(_rising(read, kept, found)):
        if begun < start:
            found.late[_SHARED] += 1
            continue
        if not (isfinite(count) and count >= 0):
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


def _work_portions(read: Read, state: State, longest: int, found: Paired) -> Samples:
    """A delta count of work: each point is an interval of its own."""
    _, new = _uncovered(read, state, found)
    rows = []
    for at, begun, count in new:
        if isfinite(count) and count >= 0:
            rows.append((begun, at, count))
        else:
            found.gaps["a count of work was not recorded"] += 1
    return _done(read.series, rows)


def _uncovered(read: Read, state: State, found: Paired) -> tuple[Kept | None, list[tuple[int, int, float]]]:
    """Points of a delta series whose stretch is new, in whatever order; and what was kept before."""
    key = read.series.key
    before = state.kept.get(key)
    covered = list(before.covered) if before else []
    new: list[tuple[int, int, float]] = []
    for at, begun, value in _points(read):
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


def _energy(series: Series, made: Intervals, found: Paired) -> Samples:
    for _, reason in made.remarks:
        found.gaps[reason] += 1
    seen = () if all(made.observed) else made.observed
    return Samples(
        stream=series.stream,
        start_us=made.start_us,
        end_us=made.end_us,
        energy_uj=made.energy_uj,
        observed=seen,
    )


def _done(series: Series, rows: list[tuple[int, int, float]]) -> Samples:
    """Stretches in which nothing was done are left out."""
    kept = [row for row in rows if row[2] > 0 and row[0] < row[1]]
    return Samples(
        stream=series.stream,
        start_us=[r[0] for r in kept],
        end_us=[r[1] for r in kept],
        count=[r[2] for r in kept],
    )


_UNRECORDED = "the counter was not recorded"
_SHARED = (
    "belongs to a run of its counter that began before the newest one: give each sender a "
    "service.instance.id of its own"
)
_PAIRING: Mapping[tuple[Role, bool], Callable[[Read, State, int, Paired], Samples]] = {
    (Role.POWER, False): _power,
    (Role.POWER, True): _power,
    (Role.ENERGY, False): _total,
    (Role.ENERGY, True): _portions,
    (Role.WORK, False): _work_total,
    (Role.WORK, True): _work_portions,
}
"""How the points of a series become intervals, by what they are and whether they are deltas."""
