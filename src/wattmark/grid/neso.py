"""The Carbon Intensity API of NESO: Great Britain every half hour, no key, direct CO2 of generation.

API: https://carbon-intensity.github.io/api-definitions. Two traps: ``actual`` is null until it is known
(the forecast then stands in, as a forecast), and a range also brings the half hour that ends at its start.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from wattmark.core.grid_series import ESTIMATED, FORECAST, GridPoint, GridSeries
from wattmark.grid.failures import unknown_zone
from wattmark.grid.http import Web, accepted, decoded
from wattmark.grid.provider import DAY_US, HOUR_US, iso, made, micros

NAME = "neso"
BASE = "https://api.carbonintensity.org.uk"
ZONE = "GB"


class _Intensity(msgspec.Struct):
    forecast: float | None = None
    actual: float | None = None


class _Half(msgspec.Struct):
    start: str = msgspec.field(name="from")
    end: str = msgspec.field(name="to")
    intensity: _Intensity


class _Document(msgspec.Struct):
    data: list[_Half]


class Neso:
    """The provider. What it calls actual is itself worked out from the generation mix: estimated."""

    name = NAME
    signal = "direct"
    longest_us = 14 * DAY_US

    def __init__(self, web: Web, now_us: Callable[[], int], *, base: str = BASE) -> None:
        self._web, self._now = web, now_us
        self._base = base.rstrip("/")

    def history(self, zone: str, start_us: int, end_us: int) -> GridSeries:
        """Actual values where they are known, forecasts where not."""
        return self._ask(zone, f"intensity/{_minute(start_us)}/{_minute(end_us)}", start_us, end_us)

    def forecast(self, zone: str, hours: int) -> GridSeries:
        """Up to 48 hours from now."""
        now = self._now()
        return self._ask(zone, f"intensity/{_minute(now)}/fw48h", now, now + hours * HOUR_US, forecast=True)

    def _ask(self, zone: str, path: str, start_us: int, end_us: int, *, forecast: bool = False) -> GridSeries:
        if zone != ZONE:
            raise unknown_zone(NAME, zone, [ZONE], "It knows Great Britain alone: GB.")
        url = f"{self._base}/{path}"
        document = decoded(NAME, accepted(NAME, self._web.get(NAME, url)), _Document)
        points = [
            point
            for number, half in enumerate(document.data)
            if (point := _point(number, half, forecast=forecast)) is not None
            and point.start_us < end_us
            and point.end_us > start_us
        ]
        series = GridSeries(
            zone=ZONE,
            points=(),
            basis="direct",
            source="NESO Carbon Intensity API",
            licence="CC BY 4.0, National Energy System Operator",
        )
        return made(NAME, series, points)


def _point(number: int, half: _Half, *, forecast: bool) -> GridPoint | None:
    actual = None if forecast else half.intensity.actual
    value = half.intensity.forecast if actual is None else actual
    if value is None:
        return None
    return GridPoint(
        start_us=micros(NAME, f"data[{number}].from", half.start),
        end_us=micros(NAME, f"data[{number}].to", half.end),
        grams_per_kwh=value,
        kind=FORECAST if actual is None else ESTIMATED,
    )


def _minute(at_us: int) -> str:
    return iso(at_us)[:16] + "Z"
