"""Electricity Maps, versions 3 and 4: hourly, flow-traced, lifecycle or direct (a key is needed).

Traps that are handled here: an unknown zone answers for the caller's own place unless the look-up is
switched off; sandbox keys give made-up figures; a spent quota answers 401; ranges are capped.
API: https://app.electricitymaps.com/docs/reference/carbon-intensity.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from wattmark.core.errors import GridError, UsageError
from wattmark.core.grid_series import ESTIMATED, FORECAST, MEASURED, GridPoint, GridSeries
from wattmark.grid.failures import NoData, QuotaSpent, SandboxData, SchemaDrift, WrongKey, unknown_zone
from wattmark.grid.http import Answer, Web, accepted, decoded
from wattmark.grid.keys import Secret
from wattmark.grid.provider import DAY_US, HOUR_US, iso, made, micros

NAME = "electricity-maps"
KEY = "ELECTRICITYMAPS_API_KEY"
BASE = "https://api.electricitymaps.com"
VERSIONS = ("v3", "v4")
HORIZONS = (6, 24, 48, 72)
SANDBOX = "SANDBOX"
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
    disclaimer: str | None = msgspec.field(name="_disclaimer", default=None)


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
        self._root = f"{base.rstrip('/')}/{version}"
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
        series = self._series(document, points, field)
        inside = [p for p in series.points if p.start_us < end_us and p.end_us > start_us]
        return made(NAME, series, inside)

    def forecast(self, zone: str, hours: int) -> GridSeries:
        """From now on, for as many hours as the plan allows (up to 72)."""
        horizon = next((h for h in HORIZONS if h >= hours), HORIZONS[-1])
        document = self._ask("forecast", zone, [("horizonHours", str(horizon))])
        until = self._now() + hours * HOUR_US
        series = self._series(document, document.forecast or document.data, "forecast", kind=FORECAST)
        return made(NAME, series, [p for p in series.points if p.start_us < until])

    def _ask(self, what: str, zone: str, query: list[tuple[str, str]]) -> _Document:
        common = [
            ("zone", zone),
            ("disableCallerLookup", "true"),
            ("emissionFactorType", self.signal),
            ("temporalGranularity", "hourly"),
        ]
        answer = self._get(f"carbon-intensity/{what}", [*common, *query])
        if answer.status in (400, 404) and (zones := self._zones()) and zone not in zones:
            raise unknown_zone(NAME, zone, zones, "Their map names them: app.electricitymaps.com")
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
        if document.zone != zone:
            raise unknown_zone(
                NAME, zone, self._zones(), f"It answered for {document.zone!r} instead, which is not used."
            )
        return document

    def _get(self, path: str, query: list[tuple[str, str]]) -> Answer:
        return self._web.get(NAME, f"{self._root}/{path}", query, {"auth-token": self._key.text})

    def _zones(self) -> list[str]:
        """Zones that exist; none when they cannot be listed: this only helps a message."""
        try:
            return sorted(decoded(NAME, accepted(NAME, self._get("zones", [])), dict[str, object]))
        except GridError:
            return []

    def _series(
        self, document: _Document, points: list[_Point] | None, field: str, kind: str | None = None
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
            zone=document.zone,
            points=(),
            basis=self.signal,
            source="Electricity Maps",
            licence="Electricity Maps terms; free keys are for non-commercial use",
        )
        return made(NAME, series, found)


def _sandbox() -> SandboxData:
    return SandboxData(
        NAME,
        f"the key in {KEY} is a sandbox key: its figures are made up and are not used; take a key of a plan",
    )
