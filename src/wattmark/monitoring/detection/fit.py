"""Fit a baseline to the rows of a good time: robustly, with its noise, and a threshold from its own past.

The mean is a robust regression (scipy.optimize.least_squares with the loss of P. J. Huber, Robust estimation
of a location parameter, Annals of Mathematical Statistics 35:73, 1964), so that a bad hour moves it little.
The threshold is what the test itself reached in that past, prolonged: peaks of a reflected random walk have
an exponential tail (D. L. Iglehart, Extreme values in the GI/G/1 queue, Annals of Mathematical Statistics
43:627, 1972), whatever the noise and however long it lasts, and so the mean of what exceeds a high quantile
says which height is reached once in ten years.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from wattmark.core.errors import MissingExtra
from wattmark.monitoring.detection.baseline import Baseline
from wattmark.monitoring.detection.cusum import Cusum
from wattmark.monitoring.detection.features import covariates, features, figure
from wattmark.monitoring.detection.row import Row
from wattmark.monitoring.detection.settings import DAY, Settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

OUTERMOST = 0.005
"""Share of the rows at either end that do not widen what a baseline knows."""
SLOW_SECONDS = 3600.0
SLOW_FACTOR = 5.0
"""The test is made for effects of so many standard deviations of hourly means, if that is above the least."""
LOWEST_THRESHOLD = 10.0
"""A likelihood ratio of e^10 at the least, 1 to 22 000."""
YOUNG_DAYS = 1.0
"""A past of one day has not seen what a week has: it asks for twice the height, ten days for 1.1 times."""
HUBER = 1.345
"""Standard deviations from which on rows count less (95 % efficiency for normal noise)."""
RIDGE = 1e-3
"""Holds coefficients that nothing tells of at zero, without moving the others."""


def fitted(rows: Sequence[Row], metric: str, settings: Settings) -> Baseline | None:
    """The baseline of these rows; None when they are too few. Raises MissingExtra without scipy."""
    good = [row for row in rows if figure(row, metric) is not None]
    if len(good) < settings.learn_rows:
        return None
    try:
        import numpy as np
        from scipy.optimize import least_squares  # noqa: F401  (is it there?)
    except ImportError:
        raise MissingExtra("fitting a baseline", "detect") from None

    x = [covariates(row) for row in good]
    centre = tuple(float(value) for value in np.median(np.asarray(x), axis=0))
    seasonal = good[-1].end - good[0].start >= 2.0 * DAY
    design = np.asarray([features(at, centre, row.end, seasonal) for at, row in zip(x, good, strict=True)])
    y = np.asarray([math.log(figure(row, metric) or 1.0) for row in good])
    requests = np.asarray([max(row.requests, 1.0) for row in good])
    spread = np.ones(len(good))
    for _ in range(2):  # the second time with the weights that the first one found
        coefficients = _regression(design, y, spread)
        residuals = y - design @ coefficients
        noise = _noise(residuals, requests)
        spread = np.sqrt(noise[0] + noise[1] / requests)
    slow = _slow(good, residuals, spread)
    effect = max(math.log1p(settings.least), SLOW_FACTOR * slow)
    low, high = np.quantile(np.asarray(x), [OUTERMOST, 1.0 - OUTERMOST], axis=0)
    return Baseline(
        metric=metric,
        terms=good[-1].terms,
        since=good[0].start,
        until=good[-1].end,
        rows=len(good),
        releases=tuple(dict.fromkeys(row.version for row in good)),
        centre=centre,
        seasonal=seasonal,
        coefficients=tuple(coefficients.tolist()),
        floor_variance=noise[0],
        request_variance=noise[1],
        low=tuple(low.tolist()),
        high=tuple(high.tolist()),
        effect=effect,
        threshold=threshold(good, residuals.tolist(), spread.tolist(), effect, settings),
        fall_threshold=threshold(good, (-residuals).tolist(), spread.tolist(), effect, settings),
        slow_deviation=slow,
    )


def threshold(
    rows: Sequence[Row],
    residuals: Sequence[float],
    spread: Sequence[float],
    effect: float,
    settings: Settings,
) -> float:
    """How high the test may rise by chance, once in ``years_between``, as these rows tell."""
    test, peaks, peak = Cusum(effect), [], 0.0
    for row, residual, deviation in zip(rows, residuals, spread, strict=True):
        value = test.add(row.start, residual, deviation)
        if value <= 0.0 < peak:
            peaks.append(peak)
        peak = max(peak, value) if value > 0.0 else 0.0
    peaks = sorted([*peaks, peak])
    above = peaks[int(0.9 * len(peaks)) :]
    excess = sum(above) / len(above) - above[0]
    days = (rows[-1].end - rows[0].start) / DAY
    wanted = len(above) / days * settings.years_between * 365.25
    height = max(LOWEST_THRESHOLD, peaks[-1], above[0] + excess * math.log(max(wanted, 1.0)))
    return height * (1.0 + YOUNG_DAYS / days)


def _regression(design: Floats, y: Floats, spread: Floats) -> Floats:
    import numpy as np
    from scipy.optimize import least_squares

    held = math.sqrt(RIDGE * len(y)) * np.eye(design.shape[1])
    held[0, 0] = 0.0
    start = np.linalg.lstsq(
        np.vstack([design / spread[:, None], held]),
        np.concatenate([y / spread, np.zeros(len(held))]),
        rcond=None,
    )[0]
    residual = (y - design @ start) / spread
    scale = spread * max(1.4826 * float(np.median(np.abs(residual - np.median(residual)))), 1e-9)
    jacobian = np.vstack([-design / scale[:, None], held])
    found = least_squares(
        lambda b: np.concatenate([(y - design @ b) / scale, held @ b]),
        start,
        jac=lambda b: jacobian,
        loss="huber",
        f_scale=HUBER,
    )
    return np.asarray(found.x)


def _noise(residuals: Floats, requests: Floats) -> tuple[float, float]:
    """Variance of the residuals: a part that stays, and a part that shrinks with the number of requests."""
    import numpy as np

    squares = residuals**2
    squares = np.minimum(squares, np.quantile(squares, 0.98))
    mean = max(float(squares.mean()), 1e-8)
    weights = 1.0 / requests
    if float(weights.std()) < 1e-9 * float(weights.mean()):
        return mean, 0.0
    slope, floor = np.polyfit(weights, squares, 1)
    if slope <= 0.0:
        return mean, 0.0
    if floor <= 0.05 * mean:
        return 0.05 * mean, float(0.95 * mean / weights.mean())
    return float(floor), float(slope)


def _slow(rows: Sequence[Row], residuals: Floats, spread: Floats) -> float:
    """Standard deviation of hourly means beyond what the noise of single rows explains."""
    hours: dict[int, list[int]] = {}
    for index, row in enumerate(rows):
        hours.setdefault(int(row.end // SLOW_SECONDS), []).append(index)
    means = [float(residuals[which].mean()) for which in hours.values()]
    noise = [float((spread[which] ** 2).mean()) / len(which) for which in hours.values()]
    middle = sorted(abs(mean) for mean in means)[len(means) // 2] * 1.4826
    return math.sqrt(max(middle**2 - sum(noise) / len(noise), 0.0))
