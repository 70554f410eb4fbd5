"""Lay a wall meter's recording over ours: find the lag between the clocks, then cut common stretches.

The lag is where the two powers correlate best, searched within bounds on a grid. The recordings must
show the same ups and downs: a flat one cannot be aligned, and is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from wattmark.core.calibration import Point
from wattmark.core.errors import RefusedError
from wattmark.core.readings import Gap

PowerBetween = Callable[[float, float], "float | Gap"]
"""Mean watts of our readings between two moments of our clock, or why they are not known."""

LEAST_CORRELATION = 0.6
MOST_BINS = 1000
"""The search uses no more bins than this; a longer recording is looked at more coarsely."""
CELLS_PER_BIN = 4
"""The lag is found to a quarter of a bin."""
FIT_STRETCHES = 120
LEAST_STRETCHES = 6


@dataclass(frozen=True, slots=True)
class WallSample:
    """One line of a wall meter's recording."""

    at: float
    """Seconds on the meter's clock, put on the run's scale (0 is the run's start)."""
    watts: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """How two recordings lie over each other."""

    lag_seconds: float
    """The meter's clock minus ours."""
    correlation: float
    points: tuple[Point, ...]
    """Common stretches in the order of time."""
    resolution_watts: float
    """The meter's step."""


def align(
    wall: Sequence[WallSample],
    ours: PowerBetween,
    our_end_seconds: float,
    *,
    max_lag_seconds: float = 120.0,
    resolution_watts: float | None = None,
) -> Alignment:
    """Find the lag between the clocks and cut the time that both saw into stretches.

    Raises RefusedError when there is too little in common, when the powers do not move together, or
    when the best lag lies on the bound.
    """
    samples = sorted(wall, key=lambda s: s.at)
    if len(samples) < LEAST_STRETCHES:
        raise RefusedError(
            f"the meter's recording has {len(samples)} lines: at least {LEAST_STRETCHES} are needed"
        )
    interval = median(b.at - a.at for a, b in pairwise(samples))
    step = max(interval, 1.0, our_end_seconds / MOST_BINS)
    lag, correlation = _best_lag(samples, ours, our_end_seconds, step, max_lag_seconds)
    resolution = smallest_step(samples) if resolution_watts is None else resolution_watts
    return Alignment(
        lag_seconds=lag,
        correlation=correlation,
        points=_stretches(samples, ours, our_end_seconds, step, lag=lag, resolution=resolution),
        resolution_watts=resolution,
    )


def smallest_step(samples: Sequence[WallSample]) -> float:
    """The meter's resolution in watts: the largest step of which every value is a multiple (to 1 mW)."""
    return math.gcd(*(round(s.watts * 1000) for s in samples)) / 1000


def _best_lag(
    samples: Sequence[WallSample], ours: PowerBetween, end: float, step: float, bound: float
) -> tuple[float, float]:
    cell = step / CELLS_PER_BIN
    known = [ours(k * cell, (k + 1) * cell) for k in range(int(end / cell))]
    cells = [None if isinstance(p, Gap) else p for p in known]
    if all(c is None for c in cells):
        reason = next((p.reason for p in known if isinstance(p, Gap)), "the run is shorter than one stretch")
        raise RefusedError(f"our readings cannot be used: {reason}; measure again with a sampling interval")
    # Samples first, so that each lag only slides them over the same cells.
    places = [(s.at / cell, s.watts) for s in samples]
    most = int(bound / cell)
    scored = [(c, k) for k in range(-most, most + 1) if (c := _correlation_at(k, places, cells)) is not None]
    if not scored:
        raise RefusedError(
            f"the two recordings have no time in common within {bound:g} s: check time zone and date of the "
            "meter's file, or allow more with --max-lag"
        )
    best, at = max(scored, key=lambda s: (s[0], -abs(s[1])))
    if best < LEAST_CORRELATION:
        raise RefusedError(
            f"the wall power and our readings do not move together (correlation {best:.2f} at best): record "
            "a time with clear changes of load, on this machine alone"
        )
    if abs(at) == most and most > 0:
        raise RefusedError(
            f"the best lag lies at the bound of {bound:g} s: check the meter's clock, or raise --max-lag"
        )
    return at * cell, best


def _correlation_at(
    lag_cells: int, places: Sequence[tuple[float, float]], cells: Sequence[float | None]
) -> float | None:
    """Pearson's correlation with the meter's clock moved by so many cells; None with too little in common.

    A sample stands for the bin around it: the mean of the cells at both its sides.
    """
    xs: list[float] = []
    ys: list[float] = []
    half = CELLS_PER_BIN // 2
    for place, watts in places:
        first = math.floor(place) - lag_cells - half
        if first < 0 or first + CELLS_PER_BIN > len(cells):
            continue
        around = [c for c in cells[first : first + CELLS_PER_BIN] if c is not None]
        if len(around) == CELLS_PER_BIN:
            xs.append(sum(around) / CELLS_PER_BIN)
            ys.append(watts)
    least = max(LEAST_STRETCHES, min(len(places), len(cells) // CELLS_PER_BIN) // 2)
    return pearson(xs, ys) if len(xs) >= least else None


def pearson(xs: Sequence[float], ys: Sequence[float]) -> float | None:
    """Pearson's correlation; None when either does not vary."""
    n = len(xs)
    mx, my = math.fsum(xs) / n, math.fsum(ys) / n
    sxx = math.fsum((x - mx) ** 2 for x in xs)
    syy = math.fsum((y - my) ** 2 for y in ys)
    if sxx <= 0 or syy <= 0:
        return None
    return math.fsum((x - mx) * (y - my) for x, y in zip(xs, ys, strict=True)) / math.sqrt(sxx * syy)


def _stretches(
    samples: Sequence[WallSample],
    ours: PowerBetween,
    end: float,
    step: float,
    *,
    lag: float,
    resolution: float,
) -> tuple[Point, ...]:
    """Common stretches; those in which the load jumps are left out as long as enough steady ones remain."""
    length = max(2 * step, end / FIT_STRETCHES)
    binned: dict[int, list[float]] = {}
    for s in samples:
        binned.setdefault(math.floor((s.at - lag) / length), []).append(s.watts)
    levels = [s.watts for s in samples]
    jump = 0.25 * (max(levels) - min(levels))
    steady: list[Point] = []
    every: list[Point] = []
    for k, watts in sorted(binned.items()):
        power = ours(k * length, (k + 1) * length) if 0 <= k < int(end / length) else Gap("outside the run")
        if isinstance(power, Gap):
            continue
        mean = math.fsum(watts) / len(watts)
        point = Point(
            name=f"{k * length:.0f} s", readings_watts=power, wall_watts=mean, resolution_watts=resolution
        )
        every.append(point)
        if max(watts) - min(watts) <= jump:
            steady.append(point)
    return tuple(steady if len(steady) >= 2 * LEAST_STRETCHES else every)
