"""Electricity Maps, versions 3 and 4: hourly, flow-traced, lifecycle or direct (a key is needed).

A zone is one of theirs, a cloud region (``aws:us-east-1``, ``gcp:europe-west1``) or coordinates
(``48.85,2.35``): they tell in which zone those lie. Traps that are handled here: an unknown zone answers for
the caller's own place unless the look-up is switched off; sandbox keys give made-up figures; a spent quota
answers 401; ranges are capped.
API: https://app.electricitymaps.com/docs/reference/carbon-intensity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import msgspec

from wattmark.core.errors import GridError, UsageError
from wattmark.core.grid_series import ESTIMATED, FORECAST, MEASURED, GridPoint, GridSeries
from wattmark.grid.failures import (
    NoData,
    QuotaSpent,
    SandboxData,
    SchemaDrift,
    UnknownZone,
    WrongKey,
    unknown_zone,
)
from wattmark.grid.http import Answer, Web, accepted, decoded
from wattmark.grid.keys import Secret
from wattmark.grid.places import find_place
from wattmark.grid.provider import DAY_US, HOUR_US, coordinates, iso, made, micros
from wattmark.grid.zones import alpha2

NAME = "electricity-maps"
KEY = "ELECTRICITYMAPS_API_KEY"
BASE = "https://api.electricitymaps.com"
VERSIONS = ("v3", "v4")
HORIZONS = (6, 24, 48, 72)
SANDBOX = "SANDBOX"
CLOUDS = {"aws": "aws", "google": "gcp", "gcp": "gcp", "azure": "azure", "ovh": "ovh"}
"""Prefix of a cloud region -> dataCenterProvider."""
LENGTHS = {"5_minutes": HOUR_US // 12, "15_minutes": HOUR_US // 4, "hourly": HOUR_US}


class _Point(msgspec.Struct):
    carbonIntensity: float
    datetime: str
    emissionFactorType: str | None = None
    isEstimated: bool | None = None
    estimationMethod: str | None = None
    zone: str | None = None


class _Document(msgspec.Struct):
    zone: str
    history: list[_Point] | None = None
    data: list[_Point] | None = None
    forecast: list[_Point] | None = None
    temporalGranularity: str | None = None
    updatedAt: str | None = None
    disclaimer: str | None = msgspec.field(name="_disclaimer", default=None)


class _Zone(msgspec.Struct):
    zoneName: str = ""
    countryName: str | None = None
    displayName: str | None = None

    @property
    def named(self) -> str:
        return self.displayName or ", ".join(filter(None, (self.zoneName, self.countryName)))


class ElectricityMaps:
    """The provider. ``signal`` is the basis: lifecycle (their default) or direct."""

    name = NAME
    longest_us = 10 * DAY_US
    """past-range takes ten days of hours at a time."""

    def __init__(
        self,
        web: Web,
        key: Secret,
        now_us: Callable[[], int],
        *,
        basis: str = "lifecycle",
        version: str = "v3",
        base: str = BASE,
    ) -> None:
        if version not in VERSIONS:
            raise UsageError(f"{NAME}: {version!r} is no version of its API: {', '.join(VERSIONS)}")
        if basis not in ("lifecycle", "direct"):
            raise UsageError(f"{NAME}: {basis!r} is no basis: lifecycle or direct")
        self.signal = basis
        self._web, self._key, self._now = web, key, now_us
        self._base, self._version = base.rstrip("/"), version
        self._worked = False

    def history(self, zone: str, start_us: int, end_us: int) -> GridSeries:
        """From ``/history`` within the last 24 hours, which free keys may ask for, else ``/past-range``."""
        if start_us >= self._now() - DAY_US + HOUR_US // 2:
            document = self._ask("history", zone, [])
            points, field = document.history, "history"
        else:
            span = [("start", iso(start_us)), ("end", iso(end_us))]
            document = self._ask("past-range", zone, span)
            points, field = document.data, "data"
        series = self._series(zone, document, points, field)
        inside = [p for p in series.points if p.start_us < end_us and p.end_us > start_us]
        return made(NAME, series, inside)

    def forecast(self, zone: str, hours: int) -> GridSeries:
        """From now on, for as many hours as the plan allows (up to 72)."""
        horizon = next((h for h in HORIZONS if h >= hours), HORIZONS[-1])
        document = self._ask("forecast", zone, [("horizonHours", str(horizon))])
        until = self._now() + hours * HOUR_US
        series = self._series(zone, document, document.forecast or document.data, "forecast", kind=FORECAST)
        if document.updatedAt is not None:
            series = replace(series, issued_us=micros(NAME, "updatedAt", document.updatedAt))
        return made(NAME, series, [p for p in series.points if p.start_us < until])

    def zones(self) -> Mapping[str, str]:
        """Zones that exist, with their names. Raises GridError."""
        answer = self._get("zones", [])
        if answer.status == 404:  # version 4 need not have a list of its own
            answer = self._get("zones", [], "v3")
        told = decoded(NAME, accepted(NAME, answer, [self._key.text]), dict[str, _Zone])
        return {code: zone.named for code, zone in told.items()}

    def _ask(self, what: str, zone: str, query: list[tuple[str, str]]) -> _Document:
        asked = _place(zone)
        common = [
            *asked,
            ("disableCallerLookup", "true"),
            ("emissionFactorType", self.signal),
            ("temporalGranularity", "hourly"),
        ]
        if self._version == "v4":
            common.append(("flowTraced", "true"))
        answer = self._get(f"carbon-intensity/{what}", [*common, *query])
        if answer.status in (400, 404) and asked[0][0] != "zone":
            raise UnknownZone(NAME, f"{answer.place} knows no zone for {zone!r}: set one of their zones")
        if answer.status in (400, 404) and (zones := self._zones()) and zone not in zones:
            raise unknown_zone(
                NAME, zone, zones, "`wattmark grid zones --source electricity-maps` lists them"
            )
        if answer.status == 401 and self._worked:
            raise QuotaSpent(NAME, f"{answer.place} answered 401 to a key that worked: the quota is spent")
        if answer.status == 401:
            raise WrongKey(
                NAME, f"{answer.place} answered 401: the key in {KEY} is wrong, or its quota is spent"
            )
        document = decoded(NAME, accepted(NAME, answer, [self._key.text]), _Document)
        self._worked = True
        if document.disclaimer and SANDBOX in document.disclaimer.upper():
            raise _sandbox()
        if asked[0][0] != "zone":
            _check_country(zone, document.zone)
        elif document.zone != zone:
            raise unknown_zone(
                NAME, zone, self._zones(), f"It answered for {document.zone!r} instead, which is not used."
            )
        return document

    def _get(self, path: str, query: list[tuple[str, str]], version: str = "") -> Answer:
        root = f"{self._base}/{version or self._version}"
        return self._web.get(NAME, f"{root}/{path}", query, {"auth-token": self._key.text})

    def _zones(self) -> list[str]:
        """Zones that exist; none when they cannot be listed: this only helps a message."""
        try:
            return sorted(self.zones())
        except GridError:
            return []

    def _series(
        self,
        zone: str,
        document: _Document,
        points: list[_Point] | None,
        field: str,
        kind: str | None = None,
    ) -> GridSeries:
        if points is None:
            raise SchemaDrift(NAME, f"the document has no field {field!r}: wattmark may need an upgrade")
        if not points:
            raise NoData(NAME, f"has nothing for zone {document.zone!r} at this time")
        granularity = document.temporalGranularity or "hourly"
        if granularity not in LENGTHS:
            raise SchemaDrift(NAME, f"field temporalGranularity is {granularity!r}, not hourly")
        found = []
        for number, point in enumerate(points):
            place = f"{field}[{number}]"
            if SANDBOX in (point.estimationMethod or "").upper():
                raise _sandbox()
            if point.emissionFactorType not in (None, self.signal):
                raise SchemaDrift(
                    NAME,
                    f"{place}.emissionFactorType is {point.emissionFactorType!r}, not {self.signal}",
                )
            start = micros(NAME, f"{place}.datetime", point.datetime)
            found.append(
                GridPoint(
                    start_us=start,
                    end_us=start + LENGTHS[granularity],
                    grams_per_kwh=point.carbonIntensity,
                    kind=kind or (ESTIMATED if point.isEstimated else MEASURED),
                )
            )
        series = GridSeries(
            zone=zone,
            points=(),
            note="" if zone == document.zone else f"Electricity Maps puts it in zone {document.zone}",
            basis=self.signal,
            source="Electricity Maps",
            licence="Electricity Maps terms; free keys are for non-commercial use",
        )
        return made(NAME, series, found)


def _place(zone: str) -> list[tuple[str, str]]:
    """What says the place: a zone, coordinates, or provider and region of a data centre."""
    where = coordinates(NAME, zone)
    if where is not None:
        return [("lat", f"{where[0]:g}"), ("lon", f"{where[1]:g}")]
    cloud, sign, region = zone.partition(":")
    if not sign:
        return [("zone", zone)]
    if cloud.lower() not in CLOUDS:
        raise UnknownZone(NAME, f"{zone!r}: a cloud region begins with one of {', '.join(CLOUDS)}")
    return [("dataCenterProvider", CLOUDS[cloud.lower()]), ("dataCenterRegion", region)]


def _check_country(asked: str, answered: str) -> None:
    """A cloud region that we know lies in the country of the zone that was answered."""
    place = find_place(asked)
    code = alpha2(place.country) if place is not None else None
    if code is not None and answered.partition("-")[0] != code:
        raise UnknownZone(NAME, f"answered for {answered!r}, and {asked!r} lies in {code}: it is not used")


def _sandbox() -> SandboxData:
    return SandboxData(
        NAME,
        f"the key in {KEY} is a sandbox key: its figures are made up and are not used; take a key of a plan",
    )
