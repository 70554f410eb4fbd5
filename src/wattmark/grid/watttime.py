"""WattTime v3: the marginal intensity (MOER), which is for scheduling and SCI and never for Scope 2.

A zone is one of their regions or coordinates (``37.77,-122.42``), which they place in a region. Logging in
gives a token for 30 minutes; it is renewed before it ends and once when it is refused.
API: https://docs.watttime.org.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import msgspec

from wattmark.core.errors import UsageError
from wattmark.core.grid_series import ESTIMATED, FORECAST, MEASURED, GridPoint, GridSeries, grams_per_kwh
from wattmark.grid.failures import SchemaDrift, UnknownZone, WrongKey
from wattmark.grid.http import Answer, Web, accepted, decoded
from wattmark.grid.keys import Secret
from wattmark.grid.provider import DAY_US, HOUR_US, coordinates, iso, made, micros

NAME = "watttime"
USER, PASSWORD = "WATTTIME_USER", "WATTTIME_PASSWORD"
BASE = "https://api.watttime.org"
SIGNALS = {"co2_moer": "marginal", "co2_aoer": "location"}
"""Signal -> accounting. health_damage is no carbon."""
UNIT = "lbs_co2_per_mwh"
TOKEN_US = HOUR_US * 25 // 60
"""A token is good for 30 minutes; we take a new one after 25."""
MOST_HOURS = 72


class _Token(msgspec.Struct):
    token: str


class _Point(msgspec.Struct):
    point_time: str
    value: float
    imputed_data_used: bool | None = None


class _Model(msgspec.Struct):
    date: str


class _Meta(msgspec.Struct):
    region: str
    signal_type: str
    units: str
    data_point_period_seconds: int
    model: _Model | None = None
    generated_at: str | None = None


class _Located(msgspec.Struct):
    region: str
    signal_type: str


class _Region(msgspec.Struct):
    region: str
    region_full_name: str = ""


class _SignalAccess(msgspec.Struct):
    signal_type: str
    regions: list[_Region]


class _Access(msgspec.Struct):
    signal_types: list[_SignalAccess]


class _Document(msgspec.Struct):
    data: list[_Point]
    meta: _Meta


class WattTime:
    """The provider. ``signal`` is co2_moer (marginal) or co2_aoer (average)."""

    name = NAME
    longest_us = 31 * DAY_US
    """They take 32 days at a time."""

    def __init__(
        self,
        web: Web,
        user: Secret,
        password: Secret,
        now_us: Callable[[], int],
        *,
        signal: str = "co2_moer",
        base: str = BASE,
    ) -> None:
        if signal not in SIGNALS:
            raise UsageError(f"{NAME}: {signal!r} is no carbon signal: {', '.join(SIGNALS)}")
        self.signal = signal
        self._web, self._user, self._password, self._now = web, user, password, now_us
        self._base = base.rstrip("/")
        self._token: tuple[str, int] | None = None
        self._located: dict[str, str] = {}

    def history(self, zone: str, start_us: int, end_us: int) -> GridSeries:
        """Every five minutes; imputed values are estimated."""
        query = [("start", iso(start_us)), ("end", iso(end_us)), ("include_imputed_marker", "true")]
        document = self._ask("historical", zone, query)
        series = self._series(zone, document)
        return made(NAME, series, [p for p in series.points if p.start_us < end_us and p.end_us > start_us])

    def forecast(self, zone: str, hours: int) -> GridSeries:
        """Up to 72 hours. There is none of the average signal."""
        if self.signal != "co2_moer":
            raise UsageError(f"{NAME}: {self.signal} has no forecast; co2_moer has")
        document = self._ask("forecast", zone, [("horizon_hours", str(min(hours, MOST_HOURS)))])
        series = self._series(zone, document, FORECAST)
        made_at = document.meta.generated_at
        return (
            series
            if made_at is None
            else replace(series, issued_us=micros(NAME, "meta.generated_at", made_at))
        )

    def zones(self) -> Mapping[str, str]:
        """Regions that the account may ask for, of this signal. Raises GridError."""
        access = decoded(NAME, accepted(NAME, self._renewed("my-access", []), self._secrets()), _Access)
        ours = [one.regions for one in access.signal_types if one.signal_type == self.signal]
        return {region.region: region.region_full_name for regions in ours for region in regions}

    def _ask(self, what: str, zone: str, query: list[tuple[str, str]]) -> _Document:
        region = self._region(zone)
        answer = self._renewed(what, [("region", region), ("signal_type", self.signal), *query])
        if answer.status == 403:
            raise WrongKey(
                NAME, f"{answer.place} answered 403: the plan does not hold {self.signal} of {zone!r}"
            )
        if answer.status == 400 and b"region" in answer.body.lower():
            raise UnknownZone(NAME, f"knows no region {zone!r}; theirs look like CAISO_NORTH")
        document = decoded(NAME, accepted(NAME, answer, self._secrets()), _Document)
        self._check(document.meta, region)
        return document

    def _region(self, zone: str) -> str:
        """The region of coordinates, asked for once; any other zone is one."""
        where = coordinates(NAME, zone)
        if where is None:
            return zone
        if zone not in self._located:
            query = [
                ("signal_type", self.signal),
                ("latitude", f"{where[0]:g}"),
                ("longitude", f"{where[1]:g}"),
            ]
            answer = self._renewed("region-from-loc", query)
            if answer.status in (400, 404):
                raise UnknownZone(NAME, f"{answer.place} knows no region at {zone}: name one instead")
            told = decoded(NAME, accepted(NAME, answer, self._secrets()), _Located)
            if told.signal_type != self.signal:
                raise SchemaDrift(NAME, f"field signal_type is {told.signal_type!r}, not {self.signal!r}")
            self._located[zone] = told.region
        return self._located[zone]

    def _renewed(self, what: str, query: Sequence[tuple[str, str]]) -> Answer:
        answer = self._get(what, query)
        if answer.status != 401:
            return answer
        self._token = None  # a token can end early
        return self._get(what, query)

    def _check(self, meta: _Meta, zone: str) -> None:
        if meta.region != zone:
            raise UnknownZone(NAME, f"answered for {meta.region!r}, not {zone!r}: it is not used")
        for field, said, wanted in (
            ("meta.signal_type", meta.signal_type, self.signal),
            ("meta.units", meta.units, UNIT),
        ):
            if said != wanted:
                raise SchemaDrift(NAME, f"field {field} is {said!r}, not {wanted!r}")
        if not 0 < meta.data_point_period_seconds <= 3600:
            raise SchemaDrift(
                NAME, f"field meta.data_point_period_seconds is {meta.data_point_period_seconds}"
            )

    def _get(self, what: str, query: Sequence[tuple[str, str]]) -> Answer:
        bearer = {"Authorization": f"Bearer {self._login()}"}
        return self._web.get(NAME, f"{self._base}/v3/{what}", query, bearer)

    def _login(self) -> str:
        if self._token and self._now() - self._token[1] < TOKEN_US:
            return self._token[0]
        pair = base64.b64encode(f"{self._user.text}:{self._password.text}".encode()).decode()
        answer = self._web.get(NAME, f"{self._base}/login", (), {"Authorization": f"Basic {pair}"})
        if answer.status in (401, 403):
            raise WrongKey(NAME, f"{answer.place} answered {answer.status}: {USER} or {PASSWORD} is wrong")
        token = decoded(NAME, accepted(NAME, answer, self._secrets()), _Token).token
        if not token.isprintable() or not token.isascii() or not token:
            raise SchemaDrift(NAME, f"{answer.place}: field token holds characters that no token has")
        self._token = token, self._now()
        return token

    def _secrets(self) -> list[str]:
        return [self._user.text, self._password.text, self._token[0] if self._token else ""]

    def _series(self, zone: str, document: _Document, kind: str | None = None) -> GridSeries:
        meta = document.meta
        points = []
        for number, point in enumerate(document.data):
            start = micros(NAME, f"data[{number}].point_time", point.point_time)
            points.append(
                GridPoint(
                    start_us=start,
                    end_us=start + meta.data_point_period_seconds * 1_000_000,
                    grams_per_kwh=grams_per_kwh(point.value, "lb/MWh"),
                    kind=kind or (ESTIMATED if point.imputed_data_used else MEASURED),
                )
            )
        model = f", model {meta.model.date}" if meta.model else ""
        said = "marginal: what one more kWh emits; for no Scope 2 figure" if "moer" in self.signal else ""
        there = "" if zone == meta.region else f"WattTime puts it in region {meta.region}"
        series = GridSeries(
            zone=zone,
            points=(),
            accounting=SIGNALS[self.signal],
            basis="direct",
            source=f"WattTime {self.signal}{model}",
            licence="WattTime terms: for own use, not to be passed on",
            note="; ".join(filter(None, (said, there))),
        )
        return made(NAME, series, points)
