"""What a period will come to if it goes on as before: a mean or a straight line, with its interval.

Ordinary least squares over blocks of equal length; a prediction of the sum of m future blocks has the
variance s^2 (m + m^2 / n + D^2 / Sxx), D being the sum of their distances from the mean time (the textbook
variance of a new observation, summed over independent ones). What was not read in a block widens the interval
by its worst case, such that taking readings away never lowers the upper end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from wattmark.core.figure import GAP_PREFIX, Figure
from wattmark.core.stats import LEVEL, t_quantile

TREND_FROM = 8
"""Fewer blocks than this tell no trend: their mean goes on."""
RUN_RATE, TREND, COMPLETE, NONE = "run-rate", "trend", "complete", "none"


@dataclass(frozen=True, slots=True)
class Projection:
    """An amount at the end of a period."""

    value: float
    low: float
    high: float
    method: str
    """complete: the period is over; run-rate: the mean of the blocks goes on; trend: a straight line does."""
    blocks: int
    """How many blocks it rests on."""
    gaps: float = 0.0
    """How far what was not read may have moved it: with all of it read, the value lies within so much, and
    either end within twice as much."""

    @property
    def words(self) -> str:
        """The method as people read it."""
        match self.method:
            case "complete":
                return "the period is over"
            case "run-rate":
                return f"run-rate: the mean of {self.blocks} blocks goes on; interval from their spread"
            case "trend":
                return f"trend: a straight line through {self.blocks} blocks; 95 % prediction interval"
            case _:
                return "none: fewer than two whole blocks so far"


def projection(so_far: Figure, blocks: Sequence[Figure], left: float) -> Projection:
    """The amount so far and what ``left`` more blocks may add.

    ``blocks`` are the whole blocks so far, in order of time, each as long as the others; ``left`` need not be
    whole. With fewer than two blocks the upper end is unknown, and infinite.
    """
    low, high = so_far.interval
    n = len(blocks)
    if left <= 0:
        return Projection(so_far.value, low, high, COMPLETE, n)
    if n < 2:
        return Projection(so_far.value, max(0.0, low), math.inf, NONE, n)
    weights, parameters = _weights(n, left)
    more = math.fsum(w * b.value for w, b in zip(weights, blocks, strict=True))
    hidden = [_hidden(block) for block in blocks]
    bound = math.fsum(abs(w) * h for w, h in zip(weights, hidden, strict=True))
    unread = math.fsum(hidden)
    noise, least = (_noise(blocks, part, left, parameters) for part in (unread, -unread))
    gains = math.hypot(*_gains(so_far, blocks, weights).values())
    half = _hidden(so_far) + bound + noise + gains
    line = so_far.value + more
    value = max(so_far.value, line)  # a line that falls below zero adds nothing: what was used is used
    method = TREND if parameters == 2 else RUN_RATE
    gaps = _hidden(so_far) + bound + (noise - least) / 2
    return Projection(value, max(0.0, low, line - half), max(high, line + half), method, n, gaps)


def _weights(n: int, left: float) -> tuple[list[float], int]:
    """What each block counts in the sum of those to come, and how many parameters were fitted."""
    if n < TREND_FROM:
        return [left / n] * n, 1
    middle, spread = (n - 1) / 2, n * (n * n - 1) / 12
    ahead = left * (n - 0.5 + left / 2 - middle)
    return [left / n + (i - middle) / spread * ahead for i in range(n)], 2


def _noise(blocks: Sequence[Figure], hidden: float, left: float, parameters: int) -> float:
    """Half of the prediction interval that the scatter of the blocks makes.

    Residuals are at most as much larger, or smaller, as what was not read adds up to (``hidden``, with its
    sign).
    """
    n = len(blocks)
    values = [b.value for b in blocks]
    mean, middle = math.fsum(values) / n, (n - 1) / 2
    spread = n * (n * n - 1) / 12
    slope = 0.0
    factor = left + left * left / n
    if parameters == 2:
        slope = math.fsum((i - middle) * v for i, v in enumerate(values)) / spread
        factor += (left * (n - 0.5 + left / 2 - middle)) ** 2 / spread
    residual = math.hypot(*(v - mean - slope * (i - middle) for i, v in enumerate(values)))
    deviation = max(0.0, residual + hidden) / math.sqrt(n - parameters)
    return t_quantile(0.5 + LEVEL / 2, n - parameters) * deviation * math.sqrt(factor)


def _hidden(figure: Figure) -> float:
    """Worst-case bound of what was not read in it."""
    return math.fsum(abs(e) for name, e in figure.errors.items() if name.startswith(GAP_PREFIX))


def _gains(so_far: Figure, blocks: Sequence[Figure], weights: Sequence[float]) -> dict[str, float]:
    """Named errors of meters and factors: the same one in every block, with its sign."""
    found = {name: e for name, e in so_far.errors.items() if not name.startswith(GAP_PREFIX)}
    for weight, block in zip(weights, blocks, strict=True):
        for name, error in block.errors.items():
            if not name.startswith(GAP_PREFIX):
                found[name] = found.get(name, 0.0) + weight * error
    return found
