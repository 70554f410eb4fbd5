"""How much repeats can have differed, had their gaps been seen.

A repeat with a gap lies somewhere between two ends. The spread of several such repeats has a least and a most
over everything that they can have been, and so has the interval of a difference of two means. Less observed
means wider ends, and then both bounds can only move apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from wattmark.core.stats import Difference, Spread, welch

Ends = tuple[float, float]
"""Least and most that one value can be."""


def least_sd(values: Sequence[Ends]) -> float:
    """The least standard deviation (n - 1) of two or more values that lie anywhere between their ends.

    The sum of squares around any centre, each value as near to it as it can lie, is least at one centre.
    """
    return _sd_around(values, lambda centre, low, high: min(max(centre, low), high))


def most_sd(values: Sequence[Ends]) -> float:
    """No less than the largest standard deviation (n - 1) of values that lie anywhere between their ends.

    The sum of squares around the mean is the least around any centre; so with each value as far from a centre
    as it can lie, the least over all centres is a bound. The largest itself takes trying all combinations of
    ends (Ferson and others 2002, ACM SIGACT News 33:108).
    """
    return _sd_around(values, lambda centre, low, high: high if 2 * centre < low + high else low)


def _sd_around(values: Sequence[Ends], place: Callable[[float, float, float], float]) -> float:
    # Both sums are convex in the centre: bisect where its pull to the left meets that to the right.
    left, right = min(low for low, _ in values), max(high for _, high in values)
    while left < (centre := (left + right) / 2) < right:
        if centre * len(values) < math.fsum(place(centre, *ends) for ends in values):
            left = centre
        else:
            right = centre
    squares = math.fsum((place(centre, *ends) - centre) ** 2 for ends in values)
    return math.sqrt(squares / (len(values) - 1))


def widest_welch(base: Spread, candidate: Spread, least: tuple[float, float]) -> Difference:
    """Welch's difference with the widest interval, where the spreads given are the most that they can be.

    ``least`` are the least standard deviations. More noise on one side is more degrees of freedom at times,
    and then a narrower interval: along either side it first falls and then rises, so that the widest lies
    where both are most, or one of them is least.
    """
    quiet = Spread(base.n, base.mean, least[0]), Spread(candidate.n, candidate.mean, least[1])
    corners = welch(base, candidate), welch(quiet[0], candidate), welch(base, quiet[1])
    return max(corners, key=Difference.half_width)
