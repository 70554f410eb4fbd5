"""Samples of scraped series as intervals: raw counters that wrap, powers, sums of several series."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from wattmark.core.intervals import Intervals, from_counter, from_power
from wattmark.sources.metrics import COUNTER, Metric

PERIODS = 2
JITTER = 1.05
"""Two samples may lie two periods apart (kpis.md, coverage), and a scrape is a little late."""
LONGEST_UNKNOWN_US = 600_000_000
"""Two samples alone tell no period: so far apart at most they count (twice the five minutes after which
Prometheus calls a series stale)."""
STILL_US = 60_000_000
STILL_STEPS = 5
"""A device that is on uses energy: a counter that stands still for so long and so many samples is dead."""


@dataclass(slots=True)
class Scraped:
    """One series as it was stored: labels without the name, samples in order of time."""

    name: str
    labels: Mapping[str, str]
    times_us: list[int]
    values: list[float]
    """NaN where the exporter had no reading."""

    def __str__(self) -> str:
        inside = ",".join(f'{k}="{v}"' for k, v in sorted(self.labels.items()))
        return f"{self.name}{{{inside}}}"


def period_us(times_us: Sequence[int]) -> int | None:
    """The usual distance between samples; None where fewer than three distances tell."""
    spacings = [b - a for a, b in pairwise(times_us)]
    return round(median(spacings)) if len(spacings) >= 3 else None


def longest_gap_us(period: int | None) -> int:
    """So far apart two samples of a series still cover the time between them."""
    return round(PERIODS * JITTER * period) if period else LONGEST_UNKNOWN_US


def one_of_replicas(
    replicas: Sequence[Scraped], after_us: int, longest_us: int
) -> tuple[list[int], list[float]]:
    """The samples of the first replica; where it has none for longer than usual, those of the others.

    ``after_us`` is the sample before all of these.
    """
    times, values = replicas[0].times_us, replicas[0].values
    for other in replicas[1:]:
        holes = [(a, b) for a, b in pairwise([after_us, *times]) if b - a > longest_us and a >= 0]
        last = times[-1] if times else after_us
        if other.times_us and other.times_us[-1] > last + longest_us:
            holes.append((last, other.times_us[-1] + 1))
        if not holes:
            continue
        more = _within(other, holes)
        merged = sorted([*zip(times, values, strict=True), *more])
        times, values = [t for t, _ in merged], [v for _, v in merged]
    return times, values


def _within(series: Scraped, holes: Sequence[tuple[int, int]]) -> list[tuple[int, float]]:
    found: list[tuple[int, float]] = []
    waiting = iter(holes)
    hole = next(waiting, None)
    for at, value in zip(series.times_us, series.values, strict=True):
        while hole is not None and at >= hole[1]:
            hole = next(waiting, None)
        if hole is None:
            break
        if at > hole[0]:
            found.append((at, value))
    return found


def intervals_of(
    metric: Metric, times_us: Sequence[int], values: Sequence[float], longest_us: int, *, whole: bool
) -> Intervals:
    """Energy between the samples of one energy or power series.

    For a whole device a reading of 0 W, and a counter that stands still, are no readings: the sensor is dead.
    """
    if metric.kind == COUNTER:
        found = _from_totals(metric, times_us, values, longest_us)
        if whole:
            _leave_out_still(found)
        return found
    watts = [_watts(metric, v, whole) for v in values]
    return from_power(times_us, watts, longest_us, metric.most_watts)


def _watts(metric: Metric, value: float, whole: bool) -> float:
    watts = value * metric.factor
    if metric.or_factor is not None and metric.most_watts is not None and watts > metric.most_watts:
        watts = value * metric.or_factor
    return math.nan if whole and watts == 0 else watts


def in_other_unit(metric: Metric, values: Iterable[float]) -> bool:
    """True when some of the values are taken by the row's other factor."""
    if metric.or_factor is None or metric.most_watts is None:
        return False
    return any(v * metric.factor > metric.most_watts for v in values)


def _from_totals(
    metric: Metric, times_us: Sequence[int], values: Sequence[float], longest_us: int
) -> Intervals:
    """Between looks at a counter; where the exporter had no reading in between, a gap."""
    scale = metric.factor * 1e6
    unread = [t for t, v in zip(times_us, values, strict=True) if not math.isfinite(v)]
    if unread:
        kept = [(t, v) for t, v in zip(times_us, values, strict=True) if math.isfinite(v)]
        times_us, values = [t for t, _ in kept], [v for _, v in kept]
    totals = [round(v * scale) for v in values]
    found = from_counter(
        times_us, totals, longest_us, wraps_at_uj=_range_uj(metric, totals), max_watts=metric.most_watts
    )
    if unread:
        _break(found, unread)
    return found


def _range_uj(metric: Metric, totals: Sequence[int]) -> int | None:
    """After how much a raw counter starts again: the smallest range that holds all values, if it ever fell.

    Exporters do not say it; of the ranges that exist one too small is noticed by its values.
    """
    ranges = sorted(round(w * 1e6) for w in metric.wraps_at_joules)
    if not ranges or not totals:
        return None
    if all(a <= b for a, b in pairwise(totals)):
        return ranges[-1]
    highest = max(totals)
    return next((r for r in ranges if r >= highest), None)


def _break(found: Intervals, unread: Sequence[int]) -> None:
    waiting = iter(unread)
    at = next(waiting, None)
    for index, (start, end) in enumerate(zip(found.start_us, found.end_us, strict=True)):
        while at is not None and at <= start:
            at = next(waiting, None)
        if at is None:
            return
        if at < end and found.observed[index]:
            _unobserve(found, index, "the exporter had no reading")


def _leave_out_still(found: Intervals) -> None:
    first: int | None = None
    for index in range(len(found.start_us) + 1):
        still = index < len(found.start_us) and found.observed[index] and found.energy_uj[index] == 0
        if still and first is None:
            first = index
        elif not still and first is not None:
            lasted = found.end_us[index - 1] - found.start_us[first]
            if index - first >= STILL_STEPS and lasted >= STILL_US:
                for one in range(first, index):
                    _unobserve(found, one, "the counter stood still")
            first = None


def _unobserve(found: Intervals, index: int, reason: str) -> None:
    found.energy_uj[index] = 0
    found.observed[index] = False
    found.remarks.append((found.start_us[index], reason))


@dataclass(slots=True)
class Counts:
    """Columns of work: amounts between successive looks at a counter."""

    start_us: list[int]
    end_us: list[int]
    count: list[float]
    observed: list[bool]


def counts_of(times_us: Sequence[int], values: Sequence[float], factor: float) -> Counts:
    """Work between looks at a counter that starts again at 0 with its process: then it is not known."""
    found = Counts([], [], [], [])
    for (a, before), (b, after) in pairwise(zip(times_us, values, strict=True)):
        good = math.isfinite(before) and math.isfinite(after) and after >= before
        found.start_us.append(a)
        found.end_us.append(b)
        found.count.append((after - before) * factor if good else 0.0)
        found.observed.append(good)
    return found


def counts_added_up(parts: Sequence[Counts]) -> Counts:
    """The work of several series on the grid of all their samples; what spans several cells is prorated."""
    if len(parts) == 1:
        return parts[0]
    edges = sorted({t for p in parts for times in (p.start_us, p.end_us) for t in times})
    place = {t: i for i, t in enumerate(edges)}
    count, seen, covered = [0.0] * len(edges), [False] * len(edges), [False] * len(edges)
    for part in parts:
        for start, end, amount, observed in zip(
            part.start_us, part.end_us, part.count, part.observed, strict=True
        ):
            for cell in range(place[start], place[end]):
                share = (edges[cell + 1] - edges[cell]) / (end - start)
                count[cell] += amount * share
                seen[cell] = seen[cell] or observed
                covered[cell] = True
    found = Counts([], [], [], [])
    for cell, (start, end) in enumerate(pairwise(edges)):
        if covered[cell]:
            found.start_us.append(start)
            found.end_us.append(end)
            found.count.append(count[cell])
            found.observed.append(seen[cell])
    return found


def added_up(parts: Sequence[Intervals], *, all_needed: bool) -> Intervals:
    """The sum of several series on the grid of all their samples, to the microjoule.

    ``all_needed``: parts of one whole, of which none may be missing. Otherwise they are shares, of which each
    is there or not; stretches in which none is are left out.
    """
    if len(parts) == 1 and (all_needed or all(parts[0].observed)):
        return parts[0]
    edges = sorted({t for p in parts for times in (p.start_us, p.end_us) for t in times})
    place = {t: i for i, t in enumerate(edges)}
    energy, seen = [0] * len(edges), [0] * len(edges)
    covered = [False] * len(edges)
    for part in parts:
        for start, end, uj, observed in zip(
            part.start_us, part.end_us, part.energy_uj, part.observed, strict=True
        ):
            first, last = place[start], place[end]
            for cell in range(first, last):
                covered[cell] = True
            if not observed:
                continue
            given = 0
            for cell in range(first, last):
                until = uj * (edges[cell + 1] - start) // (end - start)
                energy[cell] += until - given
                seen[cell] += 1
                given = until
    found = Intervals()
    for cell, (start, end) in enumerate(pairwise(edges)):
        if seen[cell] and (not all_needed or seen[cell] == len(parts)):
            found.add(start, end, energy[cell])
        elif all_needed and covered[cell]:
            found.add(start, end, None, "a part of the sum was not read")
    return found


def common_energy(a: Intervals, b: Intervals) -> tuple[float, float, int]:
    """Energy of both in the time that both observed, prorated, and that time: uJ, uJ, us."""
    first = second = 0.0
    together = i = j = 0
    while i < len(a.start_us) and j < len(b.start_us):
        left, right = max(a.start_us[i], b.start_us[j]), min(a.end_us[i], b.end_us[j])
        if right > left and a.observed[i] and b.observed[j]:
            first += a.energy_uj[i] * (right - left) / (a.end_us[i] - a.start_us[i])
            second += b.energy_uj[j] * (right - left) / (b.end_us[j] - b.start_us[j])
            together += right - left
        if a.end_us[i] <= b.end_us[j]:
            i += 1
        else:
            j += 1
    return first, second, together


def outside_of(other: Intervals, counted: Intervals) -> list[bool]:
    """For each interval of the other: True where nothing that is counted was observed at any moment of it."""
    keep: list[bool] = []
    j = 0
    for start, end in zip(other.start_us, other.end_us, strict=True):
        while j < len(counted.start_us) and counted.end_us[j] <= start:
            j += 1
        k, free = j, True
        while k < len(counted.start_us) and counted.start_us[k] < end and free:
            free = not counted.observed[k]
            k += 1
        keep.append(free)
    return keep
