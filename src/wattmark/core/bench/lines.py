"""The looks at one device as energy in time, ready to be cut at the edges of phases."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from wattmark.core.bench.evidence import DeviceLooks, Evidence
from wattmark.core.intervals import Intervals, from_counter, from_power
from wattmark.core.known import SIMULATED, Grade, Method
from wattmark.core.readings import Device
from wattmark.core.rows import Stretch
from wattmark.core.run import GapSpan
from wattmark.core.units import Energy

LONGEST_STEP = 2
"""Looks at a power sensor further apart than so many periods leave a gap (kpis.md, coverage)."""
NOT_MEASURED = "simulated: clock and meters follow a formula, nothing was measured"
NEVER = "never looked at"
EDGE_UNREAD = "not looked at near the edge, so that what was used cannot be divided there"


@dataclass(frozen=True, slots=True)
class Line:
    """What one device said, in intervals that follow each other."""

    device: Device
    looks: DeviceLooks
    intervals: Intervals
    longest_us: int
    """Two periods: a longer step is not divided, and leaves a gap in sampled power."""
    clock_error_us: int
    reasons: Mapping[int, str]
    """Start of an interval without energy -> why."""
    used_uj: tuple[int, ...]
    """Observed energy before each interval, and after the last."""


@dataclass(frozen=True, slots=True)
class _Edge:
    """How a line is cut at one moment."""

    used_uj: int
    """Observed energy before it."""
    away_us: int
    """Distance to the nearest look, where the energy between two is divided."""
    lost: tuple[int, int] | None
    """Start and end of an observed interval around the moment that is too long to be divided."""


def lines_of(evidence: Evidence) -> tuple[Line, ...]:
    """Every device of the evidence; one that nobody looked at has a line without intervals."""
    looks = {said.device_id: said for said in evidence.looks}
    devices = [as_simulated(d) for d in evidence.devices] if evidence.simulated else evidence.devices
    return tuple(_line(d, _whole(looks.get(d.id)), evidence) for d in devices)


def as_simulated(device: Device) -> Device:
    """The device as nobody measured it: its energy is declared (grade E), whatever it says of itself."""
    return replace(device, source=SIMULATED, method=Method.DECLARED, grade=Grade.E, note=NOT_MEASURED)


def _whole(looks: DeviceLooks | None) -> DeviceLooks:
    """With a column to read, where every look failed or there was none."""
    if looks is None:
        return DeviceLooks(device_id="", at_us=())
    if looks.energy_uj or looks.watts:
        return looks
    return replace(looks, watts=(None,) * len(looks.at_us))


def _line(device: Device, looks: DeviceLooks, evidence: Evidence) -> Line:
    longest = LONGEST_STEP * max(evidence.period_us, round(device.update_seconds * 1e6))
    found = counted(device, looks) if looks.energy_uj else sampled(device, looks, longest)
    used = [e if seen else 0 for e, seen in zip(found.energy_uj, found.observed, strict=True)]
    reasons = _reasons(found, looks)
    return Line(device, looks, found, longest, evidence.clock_error_us, reasons, (0, *accumulate(used)))


def counted(device: Device, looks: DeviceLooks) -> Intervals:
    """A counter, read where it could be: it has seen everything between two looks that gave something."""
    good = [(at, e) for at, e in zip(looks.at_us, looks.energy_uj, strict=True) if e is not None]
    return from_counter(
        [at for at, _ in good],
        [e for _, e in good],
        None,
        wraps_at_uj=_microjoules(device.wraps_at),
        max_watts=most_watts(device),
        slack_us=slack_us(device),
    )


def sampled(device: Device, looks: DeviceLooks, longest_us: int) -> Intervals:
    """A power sensor, between looks that gave something possible and lie close enough together."""
    good = [
        (at, watts)
        for at, watts in zip(looks.at_us, looks.watts, strict=True)
        if watts is not None and 0.0 <= watts <= device.max_power.watts
    ]
    return from_power([at for at, _ in good], [w for _, w in good], longest_us, most_watts(device))


def most_watts(device: Device) -> float | None:
    """The most power a device can draw; None where nothing is known of it."""
    return device.max_power.watts if math.isfinite(device.max_power.watts) else None


def slack_us(device: Device) -> int:
    """Energy of so much time before a look may show in it: one refresh, a millisecond at least."""
    return max(round(device.update_seconds * 1e6), 1000)


def _microjoules(energy: Energy | None) -> int | None:
    return None if energy is None else round(energy.joules * 1e6)


def _reasons(found: Intervals, looks: DeviceLooks) -> dict[int, str]:
    """Why nothing is known of an interval: what the failed looks in it said, else the rule that it broke."""
    said = sorted((looks.at_us[int(index)], why) for index, why in looks.gaps.items())
    moments = [at for at, _ in said]
    rules = dict(found.remarks)
    reasons = {}
    for start, end, seen in zip(found.start_us, found.end_us, found.observed, strict=True):
        if not seen:
            at = bisect_right(moments, start)
            failed = at < len(said) and said[at][0] < end
            reasons[start] = said[at][1] if failed else rules[start]
    return reasons


def stretch(line: Line, start_us: int, end_us: int, origin_us: int = 0) -> Stretch:
    """What the device showed from one moment to another, in seconds from the origin.

    Between two looks energy is divided evenly, by whole microjoules and so that parts add up to their whole.
    """
    begin, finish = _edge(line, start_us), _edge(line, end_us)
    lost = _lost(line, start_us, end_us, begin, finish)
    gaps = _gaps(line, start_us, end_us, lost)
    unseen = sum(end - start for start, end, _ in gaps)
    away = math.hypot(begin.away_us, finish.away_us, line.clock_error_us) / 1e6
    return Stretch(
        t0_seconds=(start_us - origin_us) / 1e6,
        seconds=(end_us - start_us) / 1e6,
        joules=(finish.used_uj - begin.used_uj - sum(uj for _, _, uj in lost)) / 1e6,
        observed_seconds=(end_us - start_us - unseen) / 1e6,
        gaps=tuple(
            GapSpan(t0_seconds=(a - origin_us) / 1e6, duration_seconds=(b - a) / 1e6, reason=why)
            for a, b, why in gaps
        ),
        edge_seconds=away,
    )


def _edge(line: Line, at_us: int) -> _Edge:
    intervals = line.intervals
    index = bisect_right(intervals.start_us, at_us) - 1
    if index < 0:
        return _Edge(0, 0, None)
    start, end = intervals.start_us[index], intervals.end_us[index]
    if at_us >= end:  # behind the last interval: the others follow each other
        return _Edge(line.used_uj[index + 1], 0, None)
    into = at_us - start
    used = line.used_uj[index] + intervals.energy_uj[index] * into // (end - start)
    if not intervals.observed[index] or into == 0:
        return _Edge(used, 0, None)
    if end - start > line.longest_us:
        return _Edge(used, 0, (start, end))
    return _Edge(used, min(into, end - at_us), None)


def _lost(line: Line, start_us: int, end_us: int, begin: _Edge, finish: _Edge) -> list[tuple[int, int, int]]:
    """Stretches around edges that cannot be divided, with what was counted of them so far."""
    found = []
    if begin.lost is not None:
        until = min(end_us, begin.lost[1])
        found.append((start_us, until, _edge(line, until).used_uj - begin.used_uj))
    if finish.lost is not None and finish.lost != begin.lost:
        since = finish.lost[0]
        found.append((since, end_us, finish.used_uj - _edge(line, since).used_uj))
    return found


def _gaps(
    line: Line, start_us: int, end_us: int, lost: Sequence[tuple[int, int, int]]
) -> list[tuple[int, int, str]]:
    """Every part of the stretch that was not observed, in order, and why."""
    intervals = line.intervals
    if not intervals.start_us:
        why = next(iter(line.looks.gaps.values()), NEVER)
        return [(start_us, end_us, why)]
    first, last = intervals.start_us[0], intervals.end_us[-1]
    found = [(a, b, EDGE_UNREAD) for a, b, _ in lost]
    if start_us < first:
        found.append((start_us, min(first, end_us), "no look before"))
    if end_us > last:
        found.append((max(last, start_us), end_us, "no look after"))
    at = max(0, bisect_right(intervals.start_us, start_us) - 1)
    while at < len(intervals.start_us) and intervals.start_us[at] < end_us:
        a, b = max(intervals.start_us[at], start_us), min(intervals.end_us[at], end_us)
        if not intervals.observed[at] and a < b:
            found.append((a, b, line.reasons[intervals.start_us[at]]))
        at += 1
    return sorted(found)
