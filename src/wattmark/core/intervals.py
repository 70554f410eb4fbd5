"""Readings in time as energy per interval: sampled power and counters, with gaps where nothing is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from operator import sub

from wattmark.core.sound import MOST_UJ

MOST_WATTS = 1e12
"""Forty times what the largest power station gives (22.5 GW): no sensor shows more."""


@dataclass(slots=True)
class Intervals:
    """Columns of intervals: microseconds since 1970 and microjoules; a gap holds no energy."""

    start_us: list[int] = field(default_factory=list)
    end_us: list[int] = field(default_factory=list)
    energy_uj: list[int] = field(default_factory=list)
    observed: list[bool] = field(default_factory=list)
    remarks: list[tuple[int, str]] = field(default_factory=list)
    """Moment and reason of each gap and each reading that was left out."""

    def add(self, start_us: int, end_us: int, energy_uj: int | None, reason: str = "") -> None:
        """One interval; None for its energy makes it a gap, with its reason; so does more than can be."""
        if energy_uj is not None and energy_uj > MOST_UJ:
            reason = f"{energy_uj / 1e6:g} J in one interval cannot be"
            energy_uj = None
        self.start_us.append(start_us)
        self.end_us.append(end_us)
        self.energy_uj.append(energy_uj or 0)
        self.observed.append(energy_uj is not None)
        if energy_uj is None:
            self.remarks.append((start_us, reason))


def from_power(
    times_us: Sequence[int], watts: Sequence[float], longest_gap_us: int, max_watts: float | None = None
) -> Intervals:
    """Energy between successive samples of a power sensor, by the trapezoidal rule; W x us = uJ.

    Times must rise; a sample that does not come after the one before it is left out and remarked. Readings
    below 0, not a number, or above ``max_watts`` are gaps, and so is a stretch longer than ``longest_gap_us``
    (two sampling periods: kpis.md, coverage).
    """
    most = MOST_WATTS if max_watts is None else min(max_watts, MOST_WATTS)
    spans = list(map(sub, times_us[1:], times_us))
    if (
        _even(spans, watts, longest_gap_us)
        and isfinite(sum(watts))
        and min(watts) >= 0
        and max(watts) <= most
    ):
        used = [round((a + b) / 2 * span) for a, b, span in zip(watts, watts[1:], spans, strict=False)]
        if max(used) <= MOST_UJ:
            return _all_observed(times_us, used)
    found = Intervals()
    before: tuple[int, float | None] | None = None
    for at, power in zip(times_us, watts, strict=True):
        if before is not None and at <= before[0]:
            found.remarks.append((at, "the sample does not come after the one before it"))
            continue
        now = power if 0 <= power <= most else None  # what is no number is in no range
        if before is not None:
            start, last = before
            if now is None or last is None:
                found.add(start, at, None, "the power at one of its ends was not readable or not possible")
            elif at - start > longest_gap_us:
                found.add(start, at, None, f"no sample for {(at - start) / 1e6:g} s")
            else:
                found.add(start, at, round((last + now) / 2 * (at - start)))
        before = at, now
    return found


def from_counter(
    times_us: Sequence[int],
    totals_uj: Sequence[int],
    longest_gap_us: int | None,
    *,
    wraps_at_uj: int | None = None,
    max_watts: float | None = None,
    slack_us: int = 0,
) -> Intervals:
    """Energy between successive looks at a counter of energy, in microjoules.

    A counter that went backwards has wrapped when its range is known, the looks lie closer together than it
    could wrap in, and the result is physically possible; else it was reset, which is a gap. So is a
    stretch longer than ``longest_gap_us`` and one with more energy than ``max_watts`` allows. None for
    ``longest_gap_us``: a counter that was read at both ends has seen everything between (kpis.md, coverage);
    a limit is for counters that may have been reset meanwhile without showing it. ``slack_us``: a counter
    that ticks every so often may show so much more time's energy than lies between two looks.
    """
    spans = list(map(sub, times_us[1:], times_us))
    rises = list(map(sub, totals_uj[1:], totals_uj))
    if wraps_at_uj is None and _even(spans, totals_uj, longest_gap_us):
        most = MOST_UJ if max_watts is None else min(MOST_UJ, max_watts * (min(spans) + slack_us))
        if min(rises) >= 0 and max(rises) <= most:
            return _all_observed(times_us, rises)
    found = Intervals()
    before: tuple[int, int] | None = None
    for at, total in zip(times_us, totals_uj, strict=True):
        if before is not None and at <= before[0]:
            found.remarks.append((at, "the sample does not come after the one before it"))
            continue
        if before is not None:
            start, last = before
            used, reason = _used(total - last, at - start, wraps_at_uj, max_watts, slack_us)
            if used is not None and longest_gap_us is not None and at - start > longest_gap_us:
                used, reason = None, f"no sample for {(at - start) / 1e6:g} s"
            found.add(start, at, used, reason)
        before = at, total
    return found


def _even(spans: Sequence[int], values: Sequence[float], longest_gap_us: int | None) -> bool:
    """Times rise and leave no gap. What is possible as a whole need then not be looked at one by one: most
    series are, and fleets send millions of points."""
    return (
        len(spans) == len(values) - 1 > 0
        and min(spans) > 0
        and (longest_gap_us is None or max(spans) <= longest_gap_us)
    )


def _all_observed(times_us: Sequence[int], energy_uj: list[int]) -> Intervals:
    return Intervals(list(times_us[:-1]), list(times_us[1:]), energy_uj, [True] * len(energy_uj))


def _used(
    rise_uj: int, lasted_us: int, wraps_at_uj: int | None, max_watts: float | None, slack_us: int
) -> tuple[int | None, str]:
    most = None if max_watts is None else max_watts * lasted_us
    if wraps_at_uj is not None and most is not None and most >= wraps_at_uj:
        return None, "not read for longer than the counter's range lasts"
    if rise_uj < 0:
        if wraps_at_uj is None:
            return None, "the counter was reset"
        rise_uj += wraps_at_uj
        if rise_uj < 0 or most is None:
            return None, "the counter was reset"
    if max_watts is not None and rise_uj > max_watts * (lasted_us + slack_us):
        return None, f"{rise_uj / lasted_us:g} W is more than the {max_watts:g} W that are possible"
    return rise_uj, ""
