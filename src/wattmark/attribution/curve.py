"""The energy of a device until any moment, read off its series."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattmark.attribution.power.series import PowerSeries

Longs = NDArray[np.int64]
Floats = NDArray[np.float64]


class Curve:
    """Energy and observed time until a moment. Between two moments of the series the energy lies on a
    straight line (counters, intervals), or on the parabola that a straight line of power gives (samples).
    """

    def __init__(self, series: PowerSeries, *, held: bool = False) -> None:
        """With ``held`` a sampled power holds until the next sample, in place of the straight line."""
        self._times = series.times_us
        lengths = np.diff(series.times_us)
        self._bend: Floats | None = None
        self._joules = series.joules
        if len(series.watts):
            before, after = series.watts[:-1], series.watts[1:]
            if held:
                steps = np.where(series.observed, before * lengths * 1e-6, 0.0)
                self._joules = np.concatenate(([0.0], np.cumsum(steps)))
            else:
                self._bend = np.where(series.observed, (after - before) * 1e-6 / (2 * lengths), 0.0)
        self._slope = np.diff(self._joules) / lengths
        self._seen_us = np.concatenate(([0], np.cumsum(np.where(series.observed, lengths, 0))))
        self._watched = series.observed

    def between(self, start_us: int, end_us: int) -> tuple[float, int]:
        """Energy and observed microseconds of a stretch of time."""
        joules, seen = self.at(np.array([start_us, end_us], np.int64), start_us)
        return float(joules[1] - joules[0]), int(seen[1] - seen[0])

    def at(self, moments_us: Longs, since_us: int) -> tuple[Floats, Longs]:
        """Joules from ``since_us`` until each of the moments, which rise, and microseconds observed."""
        inside = np.clip(moments_us, self._times[0], self._times[-1])
        index = np.searchsorted(self._times, inside, "right") - 1
        np.minimum(index, len(self._slope) - 1, out=index)
        base = max(0, int(np.searchsorted(self._times, since_us, "right")) - 1)
        passed = inside - self._times[index]
        joules = self._joules[index] - self._joules[base]
        joules += passed * self._slope[index]
        if self._bend is not None:
            left = self._times[index + 1] - inside
            joules -= self._bend[index] * passed * left
        seen = self._seen_us[index] - self._seen_us[base] + np.where(self._watched[index], passed, 0)
        return np.maximum.accumulate(joules), seen
