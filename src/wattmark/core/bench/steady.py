"""How even power was: per second, over the middle of a window, and what failed looks may have hidden.

Where a look failed, nobody knows how power went just then. What it may have been at the worst, from nothing
to the most that the device draws, is part of every number here, so that taking readings away can
never make power look more even than it was.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from wattmark.core.bench.lines import LONGEST_STEP, Line, most_watts, slack_us

MIDDLE = 0.8
"""The part of a window that is looked at (kpis.md; MLPerf Power's logs show ramps at both ends)."""
BIN_US = 1_000_000
"""Power is taken once a second, as MLPerf Power's analysers do (1 Hz, ``Go,1000``)."""
TICKS_A_BIN, MOST_BIN_US = 20, 2_000_000
"""A counter that ticks every 0.1 s shows a second's energy as nine ticks or eleven by nothing but when it
was looked at: up to 8 % of variation at constant power. Over two seconds it is half of that."""
LEAST_BINS = 3


@dataclass(frozen=True, slots=True)
class Steadiness:
    """How power went over the middle of a window."""

    cv: float
    """Standard deviation over mean; at the worst where looks failed, infinite where that has no bound."""
    slope: float
    """Change of the fitted line from the first to the last moment, as a share of the mean; at the worst."""
    bins: int
    bin_seconds: float


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a line: how much energy is in it, at least and at most."""

    start_us: int
    end_us: int
    energy_uj: float | None
    """Known for the whole of it; None where only limits of the power are."""
    even: bool
    """Whether the energy may be divided evenly within it."""
    least_watts: float
    most_watts: float
    slack_us: int = 0

    def share(self, start_us: int, end_us: int) -> tuple[float, float]:
        """Least and most microjoules of it between two moments."""
        inside = min(end_us, self.end_us) - max(start_us, self.start_us)
        whole = self.end_us - self.start_us
        if self.energy_uj is None:
            return self.least_watts * inside, self.most_watts * inside
        if self.even:
            used = self.energy_uj * inside / whole
            return used, used
        elsewhere = self.most_watts * (whole - inside + self.slack_us) if inside < whole else 0.0
        most = self.most_watts * (inside + self.slack_us)
        return max(0.0, self.energy_uj - elsewhere), min(self.energy_uj, most)


def _most(line: Line) -> float:
    most = most_watts(line.device)
    return math.inf if most is None else most


def _counted(line: Line) -> list[Part]:
    """A counter that was not read meanwhile knows the energy, and not how it was divided."""
    tried = [at for at, e in zip(line.looks.at_us, line.looks.energy_uj, strict=True) if e is None]
    most, slack, found = _most(line), slack_us(line.device), []
    columns = line.intervals
    for start, end, energy, seen in zip(
        columns.start_us, columns.end_us, columns.energy_uj, columns.observed, strict=True
    ):
        after = bisect_right(tried, start)
        failed = after < len(tried) and tried[after] < end
        even = not failed and end - start <= line.longest_us
        found.append(Part(start, end, energy if seen else None, even, 0.0, most, slack))
    return found


def _sampled(line: Line) -> list[Part]:
    """Between two looks power is taken to go straight; a look that failed may have shown anything."""
    most, found = _most(line), []
    looks = list(zip(line.looks.at_us, line.looks.watts, strict=True))
    for (start, before), (end, after) in pairwise(looks):
        if end <= start:
            continue
        ends = [w if w is not None and 0.0 <= w <= most else None for w in (before, after)]
        if end - start > line.longest_us:
            ends = [None, None]
        low = sum(0.0 if w is None else w for w in ends) / 2
        high = sum(most if w is None else w for w in ends) / 2
        found.append(Part(start, end, None, True, low, high))
    return found


@dataclass(frozen=True, slots=True)
class Watched:
    """A line in parts, so that many windows can be asked of it."""

    most_watts: float
    step_us: int
    """The least time over which its power says something: how often it was to be looked at, or some ticks."""
    parts: tuple[Part, ...]
    starts: tuple[int, ...]


def watched(line: Line) -> Watched:
    """A line, ready to be asked."""
    parts = _counted(line) if line.looks.energy_uj else _sampled(line)
    step = line.longest_us // LONGEST_STEP
    if line.looks.energy_uj:
        step = max(step, min(TICKS_A_BIN * round(line.device.update_seconds * 1e6), MOST_BIN_US))
    return Watched(_most(line), step, tuple(parts), tuple(p.start_us for p in parts))


def limits(devices: Sequence[Watched], start_us: int, end_us: int) -> tuple[float, float]:
    """Least and most joules that these devices can have used from one moment to another."""
    found = [_within(device, [start_us, end_us])[0] for device in devices]
    return math.fsum(low for low, _ in found), math.fsum(high for _, high in found)


def _within(device: Watched, edges: Sequence[int]) -> list[tuple[float, float]]:
    """Least and most joules between each two edges; time outside of the looks may hold anything."""
    return [_share(device, left, right) for left, right in pairwise(edges)]


def _share(device: Watched, left: int, right: int) -> tuple[float, float]:
    low = high = 0.0
    known = 0
    at = max(0, bisect_right(device.starts, left) - 1)
    while at < len(device.parts) and device.starts[at] < right:
        part = device.parts[at]
        inside = min(right, part.end_us) - max(left, part.start_us)
        if inside > 0:
            least, most = part.share(left, right)
            low, high, known = low + least, high + most, known + inside
        at += 1
    if known < right - left:
        high += device.most_watts * (right - left - known)
    return low / 1e6, high / 1e6


def steadiness(devices: Sequence[Watched], start_us: int, end_us: int) -> Steadiness | None:
    """How even the power of these devices together was; None where the window is too short to tell."""
    cut = round((end_us - start_us) * (1 - MIDDLE) / 2)
    first, last = start_us + cut, end_us - cut
    count = (last - first) // max([BIN_US, *(d.step_us for d in devices)])
    if not devices or count < LEAST_BINS:
        return None
    edges = [first + (last - first) * i // count for i in range(count + 1)]
    each = [_within(device, edges) for device in devices]
    spans = [(b - a) / 1e6 for a, b in pairwise(edges)]
    low = [math.fsum(e[i][0] for e in each) / spans[i] for i in range(count)]
    high = [math.fsum(e[i][1] for e in each) / spans[i] for i in range(count)]
    return Steadiness(cv_at_worst(low, high), _slope(low, high), count, spans[0])


def cv_at_worst(low: Sequence[float], high: Sequence[float]) -> float:
    """The largest coefficient of variation that values within these limits can have, or a bit more.

    The variance is no larger than the mean square distance from any one value; the best such value is sought,
    which is the mean where every value is known. Divided by n - 1, as everywhere.
    """
    least = math.fsum(low) / len(low)
    if not all(map(math.isfinite, high)) or least <= 0.0:
        return math.inf
    left = right = least
    if list(low) != list(high):
        left, right = min(low), max(high)
    while right - left > 1e-12 * right:
        a, b = left + (right - left) / 3, right - (right - left) / 3
        if _squares(low, high, a) <= _squares(low, high, b):
            right = b
        else:
            left = a
    return math.sqrt(_squares(low, high, (left + right) / 2) / (len(low) - 1)) / least


def _squares(low: Sequence[float], high: Sequence[float], middle: float) -> float:
    return math.fsum(max(h - middle, middle - lo) ** 2 for lo, h in zip(low, high, strict=True))


def _slope(low: Sequence[float], high: Sequence[float]) -> float:
    """The steepest least-squares line that powers within these limits allow: its rise over the mean."""
    n = len(low)
    least = math.fsum(low) / n
    if not all(map(math.isfinite, high)) or least <= 0.0:
        return math.inf
    away = [i - (n - 1) / 2 for i in range(n)]
    scale = n / math.fsum(x * x for x in away)  # watts per bin, times the number of bins
    pairs = list(zip(away, low, high, strict=True))
    up = scale * math.fsum(x * (h if x > 0 else lo) for x, lo, h in pairs)
    down = scale * math.fsum(x * (lo if x > 0 else h) for x, lo, h in pairs)
    return (up if abs(up) >= abs(down) else down) / least
