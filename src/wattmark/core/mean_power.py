"""Means of power over successive periods as energy: what services keep that do not keep single samples.

A mean over a period is its energy over its length, so energy is mean x period. A trapezoid over means would
shift every step by half a period, and lose half of the first period and of the last.
"""

from __future__ import annotations

from collections.abc import Sequence

from wattmark.core.intervals import MOST_WATTS, Intervals

HOLE = 2
"""Two means whose periods begin so many periods apart cover the time between (kpis.md, coverage)."""


def from_means(
    starts_us: Sequence[int],
    watts: Sequence[float],
    period_us: int,
    max_watts: float | None = None,
    *,
    skip: int = 0,
) -> Intervals:
    """Energy of periods that begin at these rising moments; W x us = uJ.

    One period that is missing between two means is taken as the mean of both; more is a gap. A mean below 0,
    not a number or above ``max_watts`` is a gap of its period. The first ``skip`` means were handed on
    before and say only what lies between them and the next.
    """
    most = MOST_WATTS if max_watts is None else min(max_watts, MOST_WATTS)
    found = Intervals()
    before: tuple[int, float | None] | None = None
    for n, (start, mean) in enumerate(zip(starts_us, watts, strict=True)):
        power = mean if 0 <= mean <= most else None  # what is no number is in no range
        if before is not None:
            if start < before[0] + period_us:
                found.remarks.append((start, "the period begins before the one before it has ended"))
                continue
            _between(found, before, (start, power), period_us)
        if n >= skip:
            _period(found, start, power, period_us)
        before = start, power
    return found


def _period(found: Intervals, start: int, power: float | None, period_us: int) -> None:
    if power is None:
        found.add(start, start + period_us, None, "the mean is not possible")
    else:
        found.add(start, start + period_us, round(power * period_us))


def _between(
    found: Intervals, before: tuple[int, float | None], after: tuple[int, float | None], period_us: int
) -> None:
    """What lies between the end of one period and the begin of the next."""
    (last, one), (start, other) = before, after
    left = last + period_us
    if start == left:
        return
    if one is None or other is None or start - last > HOLE * period_us:
        found.add(left, start, None, f"no mean for {(start - left) / 1e6:g} s")
    else:
        found.add(left, start, round((one + other) / 2 * (start - left)))
