"""Power over time from the cumulative energies of a run, with what was not seen kept apart.

Every device's cumulative energy is cut into equal bins; the energy of a bin over its *observed*
time is the power shown, so that the areas add up to the observed energy. A bin that was mostly
not observed is None. Devices that contain others are shown as their parts and a remainder.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from wattmark.core.run import EnergyRow, Run, Series

MOST_BINS = 480
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class SeenGap:
    """A stretch in which one component was not observed."""

    component: str
    device_id: str
    t0_seconds: float
    duration_seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """Mean power per bin and component, in watts; None where it was not seen."""

    edges: tuple[float, ...]
    """Seconds; one more than there are bins."""
    power: Mapping[str, tuple[float | None, ...]]
    """Component -> watts per bin, in drawing order."""

    @property
    def total(self) -> tuple[float | None, ...]:
        """Sum of the components; None where any of them was not seen."""
        columns = zip(*self.power.values(), strict=True)
        return tuple(None if None in column else sum(filter(None, column)) for column in columns)

    def mean_of(self, values: Sequence[float | None], t0: float, t1: float) -> float | None:
        """Mean of the bins that were seen between two moments; None when none was."""
        watts = seconds = 0.0
        for value, (left, right) in zip(values, pairwise(self.edges), strict=True):
            inside = min(right, t1) - max(left, t0)
            if value is not None and inside > 0:
                watts += value * inside
                seconds += inside
        return watts / seconds if seconds > 0 else None


def gaps_of(run: Run) -> list[SeenGap]:
    """Every gap of a run in order of time; devices of one component that share a gap are told once."""
    found = {
        (row.component, g.t0_seconds, g.duration_seconds): SeenGap(
            row.component, row.device_id, g.t0_seconds, g.duration_seconds, g.reason
        )
        for row in run.energies
        for g in row.gaps
    }
    return sorted(found.values(), key=lambda g: (g.t0_seconds, g.component))


def timeline(run: Run) -> Timeline | None:
    """Power of each component over the run, or None when the run keeps no series."""
    usable = [s for s in run.series if len(s.t_seconds) >= 2 and s.t_seconds[-1] > s.t_seconds[0]]
    if not usable:
        return None
    start = min(s.t_seconds[0] for s in usable)
    end = max(s.t_seconds[-1] for s in usable)
    bins = min(MOST_BINS, max(len(s.t_seconds) for s in usable) - 1)
    edges = tuple(start + (end - start) * i / bins for i in range(bins + 1))
    by_device = {s.device_id: _power(s, edges, _gap_spans(run, s.device_id)) for s in usable}
    return Timeline(edges, _by_component(by_device, usable, _parents(run.energies)))


def total_power(run: Run) -> tuple[float | None, ...]:
    """Power of all components together over the run; empty when the run keeps no series."""
    line = timeline(run)
    return line.total if line else ()


def _power(series: Series, edges: Sequence[float], gaps: Sequence[Span]) -> list[float | None]:
    """Watts per bin: energy of the bin over the time in it that was observed."""
    span = (series.t_seconds[0], series.t_seconds[-1])
    powers: list[float | None] = []
    for left, right in pairwise(edges):
        low, high = max(left, span[0]), min(right, span[1])
        seen = _observed(low, high, gaps) if high > low else 0.0
        if seen < 0.5 * (right - left):
            powers.append(None)
        else:
            powers.append((_energy_at(series, high, gaps) - _energy_at(series, low, gaps)) / seen)
    return powers


def _energy_at(series: Series, t: float, gaps: Sequence[Span]) -> float:
    """Cumulative energy at a moment, straight between two points along the time that was observed."""
    times, energies = series.t_seconds, series.energy_joules
    i = min(max(bisect_right(times, t) - 1, 0), len(times) - 2)
    whole = _observed(times[i], times[i + 1], gaps)
    part = _observed(times[i], min(t, times[i + 1]), gaps)
    return energies[i] + (energies[i + 1] - energies[i]) * (part / whole if whole > 0 else 0.0)


def _observed(low: float, high: float, gaps: Sequence[Span]) -> float:
    hidden = sum(max(0.0, min(high, end) - max(low, start)) for start, end in gaps)
    return max(0.0, high - low - hidden)


def _gap_spans(run: Run, device_id: str) -> list[Span]:
    """The gaps of one device, merged so that no moment counts twice."""
    spans = sorted(
        (g.t0_seconds, g.t0_seconds + g.duration_seconds)
        for row in run.energies
        if row.device_id == device_id
        for g in row.gaps
    )
    merged: list[Span] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _parents(rows: Iterable[EnergyRow]) -> dict[str, str]:
    return {row.device_id: row.part_of for row in rows if row.part_of is not None}


def _by_component(
    by_device: Mapping[str, Sequence[float | None]], series: Sequence[Series], parents: Mapping[str, str]
) -> dict[str, tuple[float | None, ...]]:
    """Sum per component; a device that contains others counts with what they leave of it."""
    shown: dict[str, list[float | None]] = {}
    for s in series:
        parts = [by_device[d] for d in by_device if parents.get(d) == s.device_id]
        name = f"rest of {s.component}" if parts else s.component
        own = list(by_device[s.device_id])
        for part in parts:
            own = [
                None if a is None or b is None else max(0.0, a - b) for a, b in zip(own, part, strict=True)
            ]
        before = shown.get(name)
        shown[name] = own if before is None else [_plus(a, b) for a, b in zip(before, own, strict=True)]
    return {name: tuple(values) for name, values in shown.items()}


def _plus(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a + b
