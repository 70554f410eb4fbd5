"""The Carbon Intensity API of NESO: Great Britain and its regions every half hour, no key, direct CO2.

A zone is ``GB``, a region by its number (``1`` to ``17``) or a postcode (``RG10``). API:
https://carbon-intensity.github.io/api-definitions. Traps: ``actual`` is null until it is known (the forecast
then stands in, as a forecast), regions have forecasts alone, and a range also brings the half hour that ends
at its start.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import msgspec

from wattmark.core.grid_series import ESTIMATED, FORECAST, GridPoint, GridSeries
from wattmark.grid.failures import SchemaDrift, UnknownZone, unknown_zone
from wattmark.grid.http import Web, accepted, decoded
from wattmark.grid.provider import DAY_US, HOUR_US, iso, made, micros

NAME = "neso"
BASE = "https://api.carbonintensity.org.uk"
ZONE = "GB"
REGIONS: Mapping[str, str] = {
    "1": "North Scotland",
    "2": "South Scotland",
    "3": "North West England",
    "4": "North East England",
    "5": "Yorkshire",
    "6": "North Wales and Merseyside",
    "7": "South Wales",
    "8": "West Midlands",
    "9": "East Midlands",
    "10": "East England",
    "11": "South West England",
    "12": "South England",
    "13": "London",
    "14": "South East England",
    "15": "England",
    "16": "Scotland",
    "17": "Wales",
}
"""Number -> name, as their definitions list them (Region IDs)."""
OUTWARD = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]?")
"""First half of a postcode: the API takes no more of it."""


class _Intensity(msgspec.Struct):
    forecast: float | None = None
    actual: float | None = None


class _Half(msgspec.Struct):
    start: str = msgspec.field(name="from")
    end: str = msgspec.field(name="to")
    intensity: _Intensity


class _Document(msgspec.Struct):
    data: list[_Half]


class _Region(msgspec.Struct):
    data: list[_Half]
    regionid: int | None = None
    postcode: str | None = None


class _Regional(msgspec.Struct):
    data: _Region


class Neso:
    """The provider. What it calls actual is itself worked out from the generation mix: estimated."""

    name = NAME
    signal = "direct"
    longest_us = 13 * DAY_US
    """They take 31 days of the whole, and less than 14 of a region."""

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

    def zones(self) -> Mapping[str, str]:
        """The whole and its regions; any postcode is a zone as well."""
        return {ZONE: "Great Britain", **REGIONS}

    def _ask(self, zone: str, path: str, start_us: int, end_us: int, *, forecast: bool = False) -> GridSeries:
        where = _path_of(zone)
        answer = accepted(NAME, self._web.get(NAME, f"{self._base}/{where[0]}{path}{where[1]}"))
        if zone == ZONE:
            halves = decoded(NAME, answer, _Document).data
        else:
            region = decoded(NAME, answer, _Regional).data
            _check(zone, where[1], region)
            halves = region.data
        points = [
            point
            for number, half in enumerate(halves)
            if (point := _point(number, half, forecast=forecast)) is not None
            and point.start_us < end_us
            and point.end_us > start_us
        ]
        series = GridSeries(
            zone=zone,
            points=(),
            basis="direct",
            source="NESO Carbon Intensity API",
            licence="CC BY 4.0, National Energy System Operator",
        )
        return made(NAME, series, points)


def _path_of(zone: str) -> tuple[str, str]:
    """What goes before and after the times of an address."""
    if zone == ZONE:
        return "", ""
    if zone in REGIONS:
        return "regional/", f"/regionid/{zone}"
    outward = zone.upper().split()[0] if zone.strip() else ""
    if OUTWARD.fullmatch(outward):
        return "regional/", f"/postcode/{outward}"
    raise unknown_zone(
        NAME, zone, [ZONE, *REGIONS], "It knows GB, regions 1 to 17 and postcodes such as RG10."
    )


def _check(zone: str, asked: str, region: _Region) -> None:
    """Raise UnknownZone for the answer of another region, SchemaDrift for one that does not say."""
    kind, _, wanted = asked.strip("/").partition("/")
    said = str(region.regionid or "") if kind == "regionid" else (region.postcode or "").upper()
    if not said:
        raise SchemaDrift(NAME, f"field data.{kind} is missing: whose figures are these?")
    if said != wanted:
        raise UnknownZone(NAME, f"answered for {said!r}, not {zone!r}: it is not used")


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
