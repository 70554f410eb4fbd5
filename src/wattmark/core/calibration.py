"""Fit a machine's readings to a wall meter: ``wall = gain x readings + offset``.

Readings of processors and accelerators leave out fans, disks, the board and the losses of the power
supply. On one machine these are close to an offset plus a share of what is read, so one straight line
per machine brings most of them back. The line is a weighted least-squares fit; its uncertainty is
stated at the centre of the fitted readings, where gain and level are independent of each other
(weighted linear regression, e.g. Bevington and Robinson, Data Reduction and Error Analysis, ch. 6).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from wattmark.core.errors import RefusedError
from wattmark.core.known import Method
from wattmark.core.stats import t_quantile

LIFTS_BELOW = 0.05
"""A calibration lifts a grade when its hold-out residual is at most this (kpis.md, Grades)."""
WALL_METER_ERROR = 0.02
"""Relative error of a wall meter at 95 % unless its data sheet says otherwise (kpis.md, Uncertainty)."""
PROCESS_NOISE = 0.01
"""Share by which a steady power still wanders; keeps a fine meter from making one point all-important."""
LEAST_SPAN = 0.10
"""Readings must differ by at least this share of their mean, or the gain is a guess."""
Z95 = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A stretch of time in which both the wall power and our readings are known."""

    name: str = ""
    readings_watts: float
    """Mean of our readings, all input devices together."""
    wall_watts: float
    """Mean power at the plug."""
    resolution_watts: float = 0.0
    """The wall meter's smallest step; for a kWh meter, its step divided by the length of the stretch."""

    @property
    def sigma_watts(self) -> float:
        """Standard uncertainty of the point: the step (uniform, step / sqrt 12) and the usual wandering."""
        return math.hypot(self.resolution_watts / math.sqrt(12), PROCESS_NOISE * self.wall_watts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A fitted line. Its two uncertainties are independent because the level is stated at the centre."""

    gain: float
    offset_watts: float
    centre_watts: float
    """Readings at which the line is known best."""
    gain_error: float
    """Half width of the gain at 95 %, in watts per watt."""
    level_error_watts: float
    """Half width of the line at its centre, at 95 %."""

    def at(self, readings_watts: float) -> float:
        """Wall power that the line gives for so much read power, in watts."""
        return self.gain * readings_watts + self.offset_watts


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldOut:
    """How well the line foretells points that it has not seen."""

    kind: str
    """``leave-one-out`` or ``last-third``."""
    mean_error: float
    """Mean absolute error, as a share of the wall power."""
    rms_error: float
    """Root of the mean squared error, as a share of the wall power."""
    worst_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A line with all that says how good it is."""

    line: Line
    points: tuple[Point, ...]
    kind: str
    """``points`` (steady, typed in) or ``series`` (a recording of a wall meter)."""
    raw_error: float
    """Mean absolute error of the readings as they are against the wall, as a share."""
    fit_error: float
    """The same after the fit, on the points it was made of."""
    hold_out: HoldOut | None = None
    """None when there are too few points to leave any out."""
    lag_seconds: float | None = None
    """For a series: how far the meter's clock is ahead of ours."""
    correlation: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def readings_range_watts(self) -> tuple[float, float]:
        """Least and most read power that the fit has seen."""
        readings = [p.readings_watts for p in self.points]
        return min(readings), max(readings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A fit that belongs to one machine and one set of readings."""

    id: str
    host_id: str
    host_fingerprint: str
    """The machine's hardware; on any other the calibration is refused."""
    created_at: str
    """UTC, ISO 8601 with a trailing Z."""
    inputs: Mapping[str, Method]
    """Device id -> method of the readings that were fitted. Others may not be put in their place."""
    fit: Fit
    meter_error: float = WALL_METER_ERROR
    """Relative error of the wall meter itself at 95 %."""
    meter_name: str = ""
    drifted: str | None = None
    """Why it no longer holds; None while it does."""
    checked_at: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def lifts_grade(self) -> bool:
        """True when unseen points were foretold within 5 % and the calibration has not drifted."""
        held = self.fit.hold_out
        return held is not None and held.mean_error <= LIFTS_BELOW and self.drifted is None


def fit_points(points: Sequence[Point]) -> Fit:
    """Fit steady points, e.g. one idle and one under load; from three on with leave-one-out residuals.

    Raises RefusedError when the points cannot carry a line, with what to do about it.
    """
    line = fit_line(points)
    notes: list[str] = []
    if len(points) < 3:
        notes.append(
            "two points always fit a line: how well it foretells other loads is not known, so no grade is "
            "lifted; add a point in between"
        )
    return Fit(
        line=line,
        points=tuple(points),
        kind="points",
        raw_error=mean_error([p.readings_watts for p in points], points),
        fit_error=mean_error([line.at(p.readings_watts) for p in points], points),
        hold_out=leave_one_out(points),
        notes=(*notes, *_remarks(line)),
    )


def fit_series(points: Sequence[Point], *, lag_seconds: float, correlation: float) -> Fit:
    """Fit a recording cut into stretches, in the order of time.

    The residual comes from a line through the first two thirds, tested on the last third; the line
    that is kept is made of all. Neighbouring stretches resemble each other, so the uncertainty is
    widened by their correlation. Raises RefusedError when the recording cannot carry a line.
    """
    if len(points) < 6:
        raise RefusedError(
            f"the two recordings share only {len(points)} stretches of time: record both for longer, "
            "idle and under load"
        )
    line = fit_line(points, correlated=True)
    return Fit(
        line=line,
        points=tuple(points),
        kind="series",
        raw_error=mean_error([p.readings_watts for p in points], points),
        fit_error=mean_error([line.at(p.readings_watts) for p in points], points),
        hold_out=last_third(points),
        lag_seconds=lag_seconds,
        correlation=correlation,
        notes=_remarks(line),
    )


def fit_line(points: Sequence[Point], *, correlated: bool = False) -> Line:
    """The weighted least-squares line through the points, with its uncertainty at 95 %.

    Each point weighs 1 / sigma^2. When the points scatter more than their sigmas say, the
    uncertainty is widened to the scatter seen (and by Student's t for the few points it rests on).
    """
    _require_span(points)
    weights = [1.0 / p.sigma_watts**2 for p in points]
    total = math.fsum(weights)
    centre = math.fsum(w * p.readings_watts for w, p in zip(weights, points, strict=True)) / total
    level = math.fsum(w * p.wall_watts for w, p in zip(weights, points, strict=True)) / total
    spread = math.fsum(w * (p.readings_watts - centre) ** 2 for w, p in zip(weights, points, strict=True))
    shared = math.fsum(
        w * (p.readings_watts - centre) * (p.wall_watts - level) for w, p in zip(weights, points, strict=True)
    )
    gain = shared / spread
    if gain <= 0:
        raise RefusedError(
            "the wall power does not rise with our readings: check that the points are not swapped and that "
            "the meter feeds this machine alone"
        )
    offset = level - gain * centre
    residuals = [p.wall_watts - gain * p.readings_watts - offset for p in points]
    widen = _widening(residuals, weights, correlated=correlated)
    return Line(
        gain=gain,
        offset_watts=offset,
        centre_watts=centre,
        gain_error=widen / math.sqrt(spread),
        level_error_watts=widen / math.sqrt(total),
    )


def mean_error(foretold: Sequence[float], points: Sequence[Point]) -> float:
    """Mean absolute error against the wall power, as a share (MAPE / 100)."""
    shares = [abs(f - p.wall_watts) / p.wall_watts for f, p in zip(foretold, points, strict=True)]
    return math.fsum(shares) / len(shares)


def leave_one_out(points: Sequence[Point]) -> HoldOut | None:
    """Each point foretold by a line through the others; None when too few remain to make one."""
    errors: list[float] = []
    for i, point in enumerate(points):
        others = [p for j, p in enumerate(points) if j != i]
        try:
            line = fit_line(others)
        except RefusedError:
            # The others lie too close together for a line: this point cannot be foretold, so there is no
            # honest residual for the whole.
            return None
        errors.append((line.at(point.readings_watts) - point.wall_watts) / point.wall_watts)
    return _hold_out("leave-one-out", errors)


def last_third(points: Sequence[Point]) -> HoldOut | None:
    """The last third foretold by a line through the first two; None when these cannot carry a line."""
    cut = len(points) - len(points) // 3
    try:
        line = fit_line(points[:cut])
    except RefusedError:
        return None  # the first two thirds were steady: there is nothing to foretell from
    return _hold_out(
        "last-third", [(line.at(p.readings_watts) - p.wall_watts) / p.wall_watts for p in points[cut:]]
    )


def _hold_out(kind: str, errors: Sequence[float]) -> HoldOut:
    return HoldOut(
        kind=kind,
        mean_error=math.fsum(abs(e) for e in errors) / len(errors),
        rms_error=math.sqrt(math.fsum(e * e for e in errors) / len(errors)),
        worst_error=max(abs(e) for e in errors),
    )


def _require_span(points: Sequence[Point]) -> None:
    if len(points) < 2:
        raise RefusedError("one point cannot tell gain from offset: give at least idle and load")
    for p in points:
        if not (math.isfinite(p.wall_watts) and math.isfinite(p.readings_watts)) or p.wall_watts <= 0:
            raise RefusedError(
                f"the wall power of point {p.name!r} must be above zero and ours must be known, not "
                f"{p.wall_watts:g} W and {p.readings_watts:g} W"
            )
    readings = [p.readings_watts for p in points]
    span = max(readings) - min(readings)
    mean = math.fsum(readings) / len(readings)
    if span <= LEAST_SPAN * mean or span <= 0:
        raise RefusedError(
            f"our readings span only {span:.3g} W around {mean:.3g} W: add a point at another load"
        )


def _widening(residuals: Sequence[float], weights: Sequence[float], *, correlated: bool) -> float:
    """Standard errors to half widths at 95 %: Student's t, the scatter seen, and its correlation."""
    freedom = len(residuals) - 2
    if freedom <= 0:
        return Z95
    scatter = math.fsum(w * r * r for w, r in zip(weights, residuals, strict=True)) / freedom
    if scatter <= 1.0:
        return Z95
    inflation = math.sqrt(scatter)
    if correlated:
        rho = min(0.99, max(0.0, _neighbours(residuals)))
        inflation *= math.sqrt((1 + rho) / (1 - rho))
    return inflation * t_quantile(0.975, freedom)


def _neighbours(residuals: Sequence[float]) -> float:
    """Correlation of each residual with the next one (lag-1 autocorrelation); some residual is not zero."""
    return math.fsum(a * b for a, b in pairwise(residuals)) / math.fsum(r * r for r in residuals)


def _remarks(line: Line) -> tuple[str, ...]:
    notes: list[str] = []
    if line.offset_watts < 0:
        notes.append(
            f"the offset is negative ({line.offset_watts:.3g} W): our readings hold something that the meter "
            "does not see, or a point is off"
        )
    if line.gain > 2:
        notes.append(f"a gain of {line.gain:.3g} is unusual: part of the load is not in our readings")
    return tuple(notes)
