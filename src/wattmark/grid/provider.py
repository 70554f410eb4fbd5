"""The port of live grid intensity: a zone and a stretch of time in, points with their provenance out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol, runtime_checkable

from wattmark.core.errors import RefusedError
from wattmark.core.grid_series import GridPoint, GridSeries, checked, ordered
from wattmark.grid.failures import NoData, SchemaDrift, UnknownZone

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US


@runtime_checkable
class GridProvider(Protocol):
    """Knows the carbon intensity of zones in the past, up to now.

    All raise GridError of the fitting kind; no provider answers with another zone, signal or unit than
    was asked for.
    """

    name: str
    """As messages and the cache name it."""
    signal: str
    """What of it is asked, such as ``lifecycle`` or ``co2_moer``: another signal is another series."""
    longest_us: int
    """The longest stretch that one request may ask for."""

    def history(self, zone: str, start_us: int, end_us: int) -> GridSeries:
        """Points that touch the stretch, which is no longer than ``longest_us``."""
        ...


@runtime_checkable
class GridForecaster(Protocol):
    """Also knows what is expected."""

    def forecast(self, zone: str, hours: int) -> GridSeries:
        """Points from now on, all of kind forecast."""
        ...


@runtime_checkable
class ZoneLister(Protocol):
    """Also names its zones."""

    def zones(self) -> Mapping[str, str]:
        """Zone -> its name; "" where it has none."""
        ...


COORDINATES = re.compile(r"(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)")


def coordinates(provider: str, zone: str) -> tuple[float, float] | None:
    """Latitude and longitude in degrees of a zone such as ``48.85,2.35``; None when it is no such text.

    Raises UnknownZone where no such place is on Earth.
    """
    found = COORDINATES.fullmatch(zone.replace(" ", ""))
    if found is None:
        return None
    latitude, longitude = float(found[1]), float(found[2])
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise UnknownZone(
            provider, f"{zone!r} is nowhere: latitude from -90 to 90, longitude from -180 to 180"
        )
    return latitude, longitude


def pieces(start_us: int, end_us: int, longest_us: int) -> Iterator[tuple[int, int]]:
    """A stretch cut into requests that are not too long; together they are the stretch."""
    while start_us < end_us:
        until = min(end_us, start_us + longest_us)
        yield start_us, until
        start_us = until


def made(provider: str, series: GridSeries, points: list[GridPoint]) -> GridSeries:
    """The series with these points in order.

    Raises NoData without any, SchemaDrift for impossible or contradicting ones.
    """
    if not points:
        raise NoData(provider, f"has nothing for zone {series.zone!r} at this time")
    try:
        return checked(replace(series, points=ordered(points)))
    except RefusedError as error:
        raise SchemaDrift(provider, f"gave figures that cannot be: {error}") from None


def micros(provider: str, field: str, text: str) -> int:
    """A moment in microseconds since 1970. Raises SchemaDrift when it is none or states no offset."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SchemaDrift(provider, f"field {field} is no time: {text!r:.40}") from None
    if moment.tzinfo is None:
        raise SchemaDrift(provider, f"field {field} states no offset from UTC: {text!r:.40}")
    return round((moment.timestamp()) * 1_000_000)


def iso(at_us: int) -> str:
    """A moment as providers take it: UTC, to the second."""
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
