"""Measured PUE: facility energy over IT energy, stretch by stretch, from the readings of two meters.

Power usage effectiveness is a ratio of energies over the same time (ISO/IEC 30134-2, "Power usage
effectiveness (PUE)"), so energies are added up and divided once: a mean of ratios is never taken. Of less
than a year it is what that standard calls interim.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from wattmark.core.carbon import Pue
from wattmark.core.errors import RefusedError
from wattmark.core.figure import Undefined
from wattmark.core.site import MEASURED, SitePue

HOUR_US = 3_600_000_000
ROUNDING = 1e-9
"""Sums of floating-point numbers in another order differ by less."""
LEAST_COVERED = 0.9
"""An interval of which both meters saw less tells no PUE."""
LONG = 1.5
"""A reading over more than so many intervals is not cut into them: they become one interval."""

CATEGORIES: Mapping[int, str] = {
    1: "IT energy at the outputs of the UPS",
    2: "IT energy at the outputs of the PDUs",
    3: "IT energy at the inputs of the IT equipment",
}
"""PUE1 to PUE3, basic, intermediate and advanced: ISO/IEC 30134-2, after The Green Grid, white paper 49,
"PUE: A Comprehensive Examination of the Metric", 2012. Not re-read: neither text was at hand."""
CATEGORY_ERRORS: Mapping[int, float] = {1: 0.05, 2: 0.02, 3: 0.0}
"""Our allowance (95 %) for what is lost between that meter and the machines: it counts as IT energy there."""
METER_ERROR = 0.02
"""The gain of a meter of which nothing is stated: class 2, the widest of IEC 62053-21 (static meters for
active energy, classes 0.5, 1 and 2; 2020)."""

Sample = tuple[int, float]
"""A moment (microseconds since 1970 UTC) and what a meter showed."""
Stretch = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Metered:
    """Energy that one meter saw in one stretch of time."""

    start_us: int
    end_us: int
    kwh: float
    reading: Stretch = (0, 0)
    """The stretch of the reading that it is cut from; the power within is not known."""

    @property
    def read_over(self) -> Stretch:
        """The longer of the two."""
        longer = self.reading[1] - self.reading[0] > self.end_us - self.start_us
        return self.reading if longer else (self.start_us, self.end_us)


@dataclass(frozen=True, slots=True)
class MeterSeries:
    """What one meter saw, in order of time, without overlaps; there may be gaps."""

    pieces: tuple[Metered, ...]
    notes: tuple[str, ...] = ()

    @property
    def kwh(self) -> float:
        """All of it."""
        return math.fsum(p.kwh for p in self.pieces)


def from_counter(samples: Sequence[Sample], name: str) -> MeterSeries:
    """A meter that counts kWh up: what lies between two readings. A counter that fell leaves a gap."""
    found, fell = [], 0
    for (start, before), (end, after) in pairwise(_ordered(samples, name)):
        if after < before:
            fell += 1
        else:
            found.append(Metered(start, end, after - before))
    said = f"{name}: the counter fell {fell} times (reset or exchanged): a gap each" if fell else ""
    return MeterSeries(tuple(found), (said,) if said else ())


def from_power(samples: Sequence[Sample], name: str, reach_us: int | None = None) -> MeterSeries:
    """Power in kW at moments: straight between two that lie at most ``reach_us`` apart.

    Without ``reach_us`` it is three times the usual distance: farther apart is a gap.
    """
    ordered = _ordered(samples, name)
    reach = 3 * _usual(ordered) if reach_us is None else reach_us
    found, far = [], 0
    for (start, before), (end, after) in pairwise(ordered):
        if end - start > reach:
            far += 1
        else:
            found.append(Metered(start, end, (before + after) / 2 * (end - start) / HOUR_US))
    said = f"{name}: {far} times not read for longer than {reach / 1e6:g} s: a gap each" if far else ""
    return MeterSeries(tuple(found), (said,) if said else ())


def from_intervals(
    samples: Sequence[Sample], name: str, lasted_us: int | None = None, *, at_end: bool = False
) -> MeterSeries:
    """Energies in kWh of stretches that each begin (or end) at their moment.

    They last ``lasted_us``; without it, the usual distance between two. Raises RefusedError when one begins
    before the one before it has ended.
    """
    ordered = _ordered(samples, name)
    length = lasted_us or _usual(ordered)
    found = [
        Metered(at - length if at_end else at, at if at_end else at + length, kwh) for at, kwh in ordered
    ]
    if any(after.start_us < before.end_us for before, after in pairwise(found)):
        raise RefusedError(
            f"{name}: two intervals of {length / 1e6:g} s overlap: say how long they are, or that the values "
            "are of a counter"
        )
    return MeterSeries(tuple(found))


def added(meters: Sequence[MeterSeries]) -> MeterSeries:
    """Several meters as one, over the time in which every one of them was read: a part is not the whole."""
    whole = meters[0]
    for other in meters[1:]:
        pieces = tuple(
            Metered(start, end, one + two, reading) for start, end, one, two, reading in _joint(whole, other)
        )
        whole = MeterSeries(pieces, (*whole.notes, *other.notes))
    return whole


@dataclass(frozen=True, slots=True, kw_only=True)
class PueInterval:
    """One stretch of time, and the energy of both meters over the time in which both were read."""

    start_us: int
    end_us: int
    facility_kwh: float
    it_kwh: float
    covered_us: int
    problem: str = ""
    """Why it tells no PUE; empty: it does."""

    @property
    def pue(self) -> float | None:
        """Facility energy over IT energy; None where there is a problem."""
        return None if self.problem else max(1.0, self.facility_kwh / self.it_kwh)


@dataclass(frozen=True, slots=True, kw_only=True)
class PueSeries:
    """The measured PUE of one site over time."""

    site: str
    intervals: tuple[PueInterval, ...]
    category: int | None = None
    """1, 2 or 3 (CATEGORIES); None: nobody said where IT energy was measured."""
    relative_error: float = 0.0
    """Half width at 95 %, as a share: gains of the two meters, and what the category leaves out."""
    source: str = ""
    notes: tuple[str, ...] = ()

    @property
    def used(self) -> tuple[PueInterval, ...]:
        """Those that tell a PUE."""
        return tuple(i for i in self.intervals if not i.problem)

    @property
    def facility_kwh(self) -> float:
        """Of the intervals that tell a PUE."""
        return math.fsum(i.facility_kwh for i in self.used)

    @property
    def it_kwh(self) -> float:
        """Of the intervals that tell a PUE."""
        return math.fsum(i.it_kwh for i in self.used)

    @property
    def pue(self) -> float | Undefined:
        """Sum of facility energy over sum of IT energy, of all that tell one."""
        if not self.used:
            return Undefined("no interval tells a PUE")
        return max(1.0, self.facility_kwh / self.it_kwh)

    def over(self, start_us: int, end_us: int) -> tuple[float | Undefined, float]:
        """The PUE of a stretch, and which share of it was measured: sums, cut by time at both ends."""
        facility, it, seen = [], [], 0
        first = bisect_right(self.intervals, start_us, key=lambda i: i.end_us)
        for interval in self.intervals[first:]:
            lasted = min(end_us, interval.end_us) - max(start_us, interval.start_us)
            if lasted <= 0:
                break
            if not interval.problem:
                share = lasted / (interval.end_us - interval.start_us)
                facility.append(interval.facility_kwh * share)
                it.append(interval.it_kwh * share)
                seen += lasted
        if not seen:
            return Undefined("nothing was measured in this time"), 0.0
        return max(1.0, math.fsum(facility) / math.fsum(it)), seen / (end_us - start_us)

    def as_pue(self, value: float) -> Pue:
        """A value of it as core.carbon knows it."""
        return Pue(value=value, kind=MEASURED, relative_error=self.relative_error, source=self.said)

    @property
    def said(self) -> str:
        """The source, with the category."""
        where = f"PUE{self.category}" if self.category else "category not stated"
        return f"{self.source}, {where}" if self.source else where

    def site_pues(self) -> tuple[SitePue, ...]:
        """As a ledger's totals meet it."""
        said = self.said
        return tuple(
            SitePue(
                site=self.site,
                start_us=i.start_us,
                end_us=i.end_us,
                pue=max(1.0, i.facility_kwh / i.it_kwh),
                kind=MEASURED,
                relative_error=self.relative_error,
                source=said,
            )
            for i in self.used
        )


def error_of(category: int | None, facility: float = METER_ERROR, it: float = METER_ERROR) -> float:
    """Relative half width at 95 % of a measured PUE: two gains and the category, independent of each other.

    Where nobody states the category it is the widest one's. Raises RefusedError for one that is none.
    """
    if category is not None and category not in CATEGORIES:
        raise RefusedError(f"{category} is no category of PUE: give 1, 2 or 3 (ISO/IEC 30134-2)")
    return math.hypot(facility, it, CATEGORY_ERRORS[category or 1])


def measured_pue(
    site: str,
    facility: MeterSeries,
    it: MeterSeries,
    edges: Sequence[int],
    *,
    category: int | None = None,
    relative_error: float | None = None,
    source: str = "",
) -> PueSeries:
    """The PUE between each two edges (microseconds, ascending), where both meters were read.

    A reading that is much longer than an interval is not cut into several: these become one. An interval
    with more IT energy than facility energy is impossible: it is kept, with the problem, and tells no PUE.
    Raises RefusedError when no interval tells one, saying why.
    """
    kept = _kept(edges, (*facility.pieces, *it.pieces))
    if len(kept) < 2:
        raise RefusedError(
            f"site {site}: the readings are longer than the time that is asked for: ask for more"
        )
    found = tuple(_checked(i) for i in _intervals(kept, facility, it))
    if not found:
        raise RefusedError(
            f"site {site}: the two meters were never read at the same time: give one stretch of both"
        )
    if all(i.problem for i in found):
        swapped = all(i.it_kwh > i.facility_kwh for i in found)
        hint = "are the two swapped, or in other units?" if swapped else "look at the readings"
        raise RefusedError(f"site {site}: no interval tells a PUE: {found[0].problem}; {hint}")
    return PueSeries(
        site=site,
        intervals=found,
        category=category,
        relative_error=error_of(category) if relative_error is None else relative_error,
        source=source,
        notes=(*facility.notes, *it.notes),
    )


def _kept(edges: Sequence[int], pieces: Sequence[Metered]) -> list[int]:
    """The edges without those inside of a reading that is long beside the intervals around it."""
    gone: set[int] = set()
    shortest = min((b - a for a, b in pairwise(edges)), default=0)
    for piece in pieces:
        start, end = piece.read_over
        if end - start <= LONG * shortest:
            continue
        for at in range(bisect_right(edges, start), len(edges)):
            if edges[at] >= end:
                break
            if end - start > LONG * min(b - a for a, b in pairwise(edges[max(0, at - 1) : at + 2])):
                gone.add(edges[at])
    return [edge for edge in edges if edge not in gone]


def _intervals(edges: Sequence[int], facility: MeterSeries, it: MeterSeries) -> Iterator[PueInterval]:
    sums: dict[int, tuple[list[float], list[float], list[int]]] = {}
    for start, end, building, machines, _ in _joint(facility, it):
        at = max(0, bisect_right(edges, start) - 1)
        while at + 1 < len(edges) and edges[at] < end:
            lasted = min(end, edges[at + 1]) - max(start, edges[at])
            share = lasted / (end - start)
            whole = sums.setdefault(at, ([], [], []))
            whole[0].append(building * share)
            whole[1].append(machines * share)
            whole[2].append(lasted)
            at += 1
    for at in sorted(sums):
        buildings, machine_sums, times = sums[at]
        yield PueInterval(
            start_us=edges[at],
            end_us=edges[at + 1],
            facility_kwh=math.fsum(buildings),
            it_kwh=math.fsum(machine_sums),
            covered_us=sum(times),
        )


def _checked(interval: PueInterval) -> PueInterval:
    covered = interval.covered_us / (interval.end_us - interval.start_us)
    problem = ""
    if covered < LEAST_COVERED:
        problem = f"both meters were read for only {covered:.0%} of it"
    elif interval.it_kwh <= 0:
        problem = "no IT energy was metered"
    elif interval.facility_kwh < interval.it_kwh * (1 - ROUNDING):
        problem = f"impossible: {interval.it_kwh:g} kWh of IT energy, {interval.facility_kwh:g} kWh in all"
    return replace(interval, problem=problem)


def _joint(one: MeterSeries, other: MeterSeries) -> Iterator[tuple[int, int, float, float, Stretch]]:
    """Stretches in which both were read, each with its share of both energies, and the longer reading."""
    i = j = 0
    while i < len(one.pieces) and j < len(other.pieces):
        a, b = one.pieces[i], other.pieces[j]
        start, end = max(a.start_us, b.start_us), min(a.end_us, b.end_us)
        if start < end:
            longer = max(a.read_over, b.read_over, key=lambda s: s[1] - s[0])
            yield start, end, _share(a, start, end), _share(b, start, end), longer
        if a.end_us <= b.end_us:
            i += 1
        else:
            j += 1


def _share(piece: Metered, start: int, end: int) -> float:
    """The energy of a part of a stretch, with its power level within."""
    if (start, end) == (piece.start_us, piece.end_us):
        return piece.kwh
    return piece.kwh * ((end - start) / (piece.end_us - piece.start_us))


def _ordered(samples: Sequence[Sample], name: str) -> list[Sample]:
    """In order of time, what comes twice and is the same once. Raises RefusedError otherwise."""
    found = sorted(set(samples))
    for at_us, value in found:
        if not (math.isfinite(value) and value >= 0):
            raise RefusedError(
                f"{name}: {value:g} at {at_us} is impossible: leave out what could not be read"
            )
    for (before, value), (after, other) in pairwise(found):
        if before == after:
            raise RefusedError(f"{name}: shows {value:g} and {other:g} at one moment ({before}): keep one")
    if len(found) < 2:
        raise RefusedError(f"{name}: two readings are needed at least, and there are {len(found)}")
    return found


def _usual(ordered: Sequence[Sample]) -> int:
    """The distance between two readings that is in the middle of all."""
    apart = sorted(b - a for (a, _), (b, _) in pairwise(ordered))
    return apart[(len(apart) - 1) // 2]
