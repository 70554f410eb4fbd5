"""Does a calibration still hold? New points against the interval that the fit gives for them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from wattmark.core.calibration import Z95, Calibration, Point

LIKELY_SCATTER = 0.025
"""Scatter (one sigma) that is allowed where a fit of two points could show none: half of the 5 % that
lifts a grade (kpis.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """A new point that lies outside the interval of the fit."""

    point: Point
    foretold_watts: float
    allowed_watts: float
    """Half width of the interval at 95 %."""

    def __str__(self) -> str:
        name = f"{self.point.name}: " if self.point.name else ""
        return (
            f"{name}{self.point.wall_watts:.4g} W at the wall, {self.foretold_watts:.4g} W foretold "
            f"(allowed: {self.allowed_watts:.3g} W either way)"
        )


def allowed_error_watts(calibration: Calibration, point: Point) -> float:
    """Half width at 95 % within which a new point must lie.

    It is made of the line's own error, its scatter and the meter's step. The gain of the wall meter is
    left out: the same meter errs the same way both times.
    """
    line, held = calibration.fit.line, calibration.fit.hold_out
    foretold = line.at(point.readings_watts)
    scatter = held.rms_error if held is not None else LIKELY_SCATTER
    return math.hypot(
        line.level_error_watts,
        line.gain_error * (point.readings_watts - line.centre_watts),
        Z95 * scatter * foretold,
        Z95 * point.sigma_watts,
    )


def departures(calibration: Calibration, points: Sequence[Point]) -> tuple[Departure, ...]:
    """The new points that lie outside the fit's interval."""
    found: list[Departure] = []
    for point in points:
        foretold = calibration.fit.line.at(point.readings_watts)
        allowed = allowed_error_watts(calibration, point)
        if abs(point.wall_watts - foretold) > allowed:
            found.append(Departure(point=point, foretold_watts=foretold, allowed_watts=allowed))
    return tuple(found)


def has_drifted(calibration: Calibration, points: Sequence[Point]) -> bool:
    """True when more points leave the 95 % interval than chance allows (one in twenty; none below twenty)."""
    return len(departures(calibration, points)) > len(points) // 20


def checked(calibration: Calibration, points: Sequence[Point], at: str) -> Calibration:
    """The calibration after a check at a time (UTC, ISO 8601): marked as drifted, or as holding."""
    if not has_drifted(calibration, points):
        return replace(calibration, checked_at=at, drifted=None)
    worst = max(departures(calibration, points), key=lambda d: abs(d.point.wall_watts - d.foretold_watts))
    return replace(calibration, checked_at=at, drifted=str(worst))
