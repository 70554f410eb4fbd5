"""Calibrations for tests, with numbers that can be checked in the head."""

from __future__ import annotations

from typing import Any

from tests.builders import HOST
from wattmark.core.calibration import Calibration, Point, fit_points
from wattmark.core.known import Method

CPU = f"cpu:{HOST.id}/package-0"


def a_calibration(**changes: Any) -> Calibration:
    """wall = 1.1 x readings + 50 W, seen at 20, 60 and 100 W, foretold without error."""
    points = [Point(name=f"{r} W", readings_watts=r, wall_watts=1.1 * r + 50) for r in (20, 60, 100)]
    fields: dict[str, Any] = {
        "id": "cal-1",
        "host_id": HOST.id,
        "host_fingerprint": HOST.fingerprint,
        "created_at": "2026-11-01T12:00:00Z",
        "inputs": {CPU: Method.HARDWARE_COUNTER},
        "fit": fit_points(points),
    }
    return Calibration(**{**fields, **changes})
