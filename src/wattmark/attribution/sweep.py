"""Many requests at once: what happens in a stretch of time is sorted once, and energy is divided in a sweep.

With W the weight of all that is active and E the energy of a device, F is the integral of dE / W, which
changes only where a request starts, changes its phase or ends. Each request is its weight times the
difference of F between two of these moments: no loop over requests, none over power samples. The weights
are whole numbers, so W is exactly 0 when nothing is active; F is the sum of two floats with the exact error
of each addition (see core.serving.clock), so that neither long stretches nor odd weights cost digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wattmark.core.errors import UsageError

Longs = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

SORTABLE_BITS = 62


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """All starts, ends and middles of some requests inside one stretch of time, in order."""

    since_us: int
    until_us: int
    count: int
    """Of requests; event i < count is the start of request i, count + i its end."""
    two: Longs
    """Requests of two phases: event 2 count + j is the middle of request two[j]."""
    order: Longs
    """Events as they happen."""
    at_us: Longs
    """When; with the beginning of the stretch first and its end last."""


class Swept(NamedTuple):
    """What requests used of one device: joules in the first and in the second part of each, and idle ones."""

    first: Floats
    second: Floats
    """Of requests of two phases, in the order of ``Moments.two``."""
    idle_joules: float
    energy_joules: float


def moments(start: Longs, middle: Longs, end: Longs, since_us: int, until_us: int) -> Moments:
    """Sort what happens to the requests in a stretch of time; what lies outside is moved to its edges.

    Times and event numbers are packed into one whole number each, which sorts faster than an index of them.
    """
    two = np.flatnonzero((middle > since_us) & (middle < until_us) & (middle < end))
    times = np.concatenate((start, end, middle[two]))
    np.clip(times, since_us, until_us, out=times)
    times -= since_us
    bits = max(1, len(times) - 1).bit_length()
    if int(until_us - since_us).bit_length() + bits <= SORTABLE_BITS:
        times <<= bits
        times |= np.arange(len(times))
        times.sort()
        order = times & ((1 << bits) - 1)
        times >>= bits
    else:
        order = np.argsort(times, kind="stable")
        times = times[order]
    at = np.empty(len(times) + 2, np.int64)
    at[0], at[-1] = since_us, until_us
    np.add(times, since_us, out=at[1:-1])
    return Moments(since_us, until_us, len(start), two, order, at)


def active_weight(happens: Moments, first: Longs, last: Longs, change: Longs) -> Longs:
    """The weight of all that is active after each event: requests add what they weigh at their start, change
    it in their middle and take it away at their end. Raises UsageError when it does not fit 64 bits.
    """
    steps = np.concatenate((first, -last, change))
    weight = np.empty(len(steps) + 1, np.int64)
    weight[0] = 0
    np.cumsum(steps[happens.order], out=weight[1:])
    if weight.size and int(weight.min()) < 0:
        raise UsageError("too many heavy requests are active at once: their weights do not fit 64 bits")
    return weight


def sweep(happens: Moments, joules: Floats, weight: Longs, first: Longs, second: Longs) -> Swept:
    """Divide the energy until each moment among the requests. ``first`` and ``second``: their weights, the
    second ones of the requests of two phases only.
    """
    steps = np.diff(joules)
    busy = weight > 0
    idle = float(steps[~busy].sum())
    np.divide(steps, weight, out=steps, where=busy)
    steps[~busy] = 0.0
    high = np.cumsum(steps)
    low = _lost(high, steps)
    n = happens.count
    shown = np.empty((2, len(happens.order)))
    shown[0, happens.order] = high[:-1]
    shown[1, happens.order] = low[:-1]
    start, end, middle = shown[:, :n], shown[:, n : 2 * n], shown[:, 2 * n :]
    two = happens.two
    stop = end.copy()
    stop[:, two] = middle
    one = first * ((stop[0] - start[0]) + (stop[1] - start[1]))
    other = second * ((end[0, two] - middle[0]) + (end[1, two] - middle[1]))
    return Swept(one, other, idle, float(joules[-1] - joules[0]))


def observed_us(happens: Moments, seen: Longs) -> Longs:
    """How much of each request's time was observed, from what was observed until each moment."""
    n = happens.count
    shown = np.empty(len(happens.order), np.int64)
    shown[happens.order] = seen[1:-1]
    return shown[n : 2 * n] - shown[:n]


def _lost(sums: Floats, steps: Floats) -> Floats:
    """What rounding took from running sums, added up: each addition's exact error (Knuth's TwoSum)."""
    before = np.empty_like(sums)
    before[0] = 0.0
    before[1:] = sums[:-1]
    back = sums - before
    lost = before - (sums - back)
    lost += steps - back
    return np.cumsum(lost, out=lost)
