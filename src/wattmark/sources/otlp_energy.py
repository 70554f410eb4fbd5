"""Points of power and of counters of energy as intervals of energy."""

from __future__ import annotations

from math import isfinite, nan

from wattmark.core.intervals import Intervals, from_counter, from_power
from wattmark.core.sound import MOST_UJ
from wattmark.core.telemetry import Samples
from wattmark.sources.otlp_names import Series
from wattmark.sources.otlp_state import SHARED, Kept, Paired, Read, State, points_of, rising, uncovered

_UNRECORDED = "the counter was not recorded"
_UNKNOWN = "what the counter held when it was first read is not known"


def of_power(read: Read, state: State, longest: int, found: Paired) -> Samples:
    """A sensor of power."""
    series = read.series
    kept = state.kept.get(series.key)
    read = rising(read, kept, found)
    times, watts = read.time_us, read.values
    found.taken += len(times)
    if kept:
        times = [kept.time_us, *times]
        watts = [kept.value, *watts]
    state.kept[series.key] = Kept(times[-1], 0, watts[-1])
    return _energy(series, from_power(times, watts, longest, series.most_watts), found)


def of_total(read: Read, state: State, longest: int, found: Paired) -> Samples:
    """A cumulative counter of energy."""
    series = read.series
    kept = state.kept.get(series.key)
    look = _Looks(series, kept, longest)
    read = rising(read, kept, found)
    if kept and look.all_at(read):
        found.taken += len(read)
    else:
        for at, begun, total in points_of(read):
            if begun < look.start:
                found.late[SHARED] += 1
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
        _bounded(made, begun, at, used, series, _UNKNOWN)


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


def of_portions(read: Read, state: State, longest: int, found: Paired) -> Samples:
    """A delta counter of energy."""
    series = read.series
    kept, new = uncovered(read, state, found)
    made = Intervals()
    last = kept.time_us if kept else -1
    for at, begun, used in new:
        if 0 <= last < begun:
            made.add(last, begun, None, "nothing was sent for this stretch")
        whole = round(used) if isfinite(used) else None
        if whole is None:
            made.add(begun, at, None, _UNRECORDED)
        elif last < 0 and not series.from_start:
            made.add(begun, at, None, _UNKNOWN)
        else:
            _bounded(made, begun, at, whole, series, "")
        last = max(last, at)
    return _energy(series, made, found)


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
