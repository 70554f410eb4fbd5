"""When did the level of a figure change? Looked for in all that is kept, after the fact, by ruptures.

The residuals of a baseline are cut where their mean changes: PELT with a squared cost (R. Killick,
P. Fearnhead, I. Eckley, Optimal detection of changepoints with a linear computational cost, JASA 107:1590,
2012), by the library ruptures (C. Truong, L. Oudre, N. Vayatis, Selective review of offline change point
detection methods, Signal Processing 167:107299, 2020). It dates what the running test has found, and shows
older changes beside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from wattmark.core.errors import MissingExtra
from wattmark.monitoring.detection.baseline import Baseline
from wattmark.monitoring.detection.row import Row

LEAST_ROWS = 4
"""A level has so many rows at the least."""
MOST_ROWS = 6000
"""Beyond that, neighbours are averaged: the time that PELT takes grows with the rows of a level."""


@dataclass(frozen=True, slots=True)
class Level:
    """A stretch of time with one level."""

    start: float
    end: float
    ratio: float
    """The figure over what it should be under the same load."""


def levels(rows: Sequence[Row], baseline: Baseline, least: float) -> tuple[Level, ...]:
    """The levels of a figure in order of time; neighbours differ by ``least`` (relative) or more.

    Raises MissingExtra without ruptures.
    """
    kept = [row for row in rows if row.terms == baseline.terms and not baseline.outside(row)]
    found = [(row, residual) for row in kept if (residual := baseline.residual(row)) is not None]
    if len(found) < 2 * LEAST_ROWS:
        return ()
    try:
        import numpy as np
        import ruptures
    except ImportError:
        raise MissingExtra("dating changes", "detect") from None
    step = max(1, len(found) // MOST_ROWS)
    values = np.asarray([residual for _, residual in found])
    means = np.add.reduceat(values, range(0, len(values), step)) / np.diff(
        [*range(0, len(values), step), len(values)]
    )
    # A change must pay for itself: Bayes' information criterion, with the variance that slow noise has.
    slow = max(baseline.effect / 5.0, 0.5 * least) ** 2
    penalty = 3.0 * slow * math.log(len(means)) * max(1.0, 4.0 / step)
    search = ruptures.Pelt(model="l2", min_size=LEAST_ROWS, jump=1).fit(means.reshape(-1, 1))
    ends = [min(end * step, len(found)) for end in search.predict(pen=penalty)]
    return _merged(found, values.tolist(), ends, math.log1p(least))


def _merged(
    found: Sequence[tuple[Row, float]], values: Sequence[float], ends: Sequence[int], least: float
) -> tuple[Level, ...]:
    """Neighbours that hardly differ are one level."""
    pieces: list[tuple[int, int]] = []
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        if pieces and abs(_mean(values, pieces[-1]) - _mean(values, (start, end))) < least:
            pieces[-1] = (pieces[-1][0], end)
        else:
            pieces.append((start, end))
    return tuple(
        Level(found[a][0].start, found[b - 1][0].end, math.exp(_mean(values, (a, b)))) for a, b in pieces
    )


def _mean(values: Sequence[float], piece: tuple[int, int]) -> float:
    return sum(values[piece[0] : piece[1]]) / (piece[1] - piece[0])
