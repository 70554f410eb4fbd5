"""Any JSON API by declaration: a TOML file says where the points lie and in which unit.

Keys are named in headers or the query as ``$NAME`` and come from the environment or the keyring.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from wattmark.core.carbon import ACCOUNTINGS, BASES
from wattmark.core.errors import ConfigError
from wattmark.core.grid_series import (
    ESTIMATED,
    FORECAST,
    MEASURED,
    UNITS,
    GridPoint,
    GridSeries,
    grams_per_kwh,
)
from wattmark.grid.failures import SchemaDrift, UnknownZone
from wattmark.grid.http import Web, accepted, decoded
from wattmark.grid.keys import Secret
from wattmark.grid.provider import DAY_US, iso, made, micros

REQUIRED = ("name", "url", "points", "time", "value", "unit", "accounting", "basis", "source", "step_minutes")
OPTIONAL = (
    *("query", "headers", "zone", "zones", "estimated", "forecast"),
    *("longest_days", "licence", "end_time"),
)
MEANING = (
    *("url", "points", "time", "value", "unit", "step_minutes", "end_time"),
    *("zone", "estimated", "forecast"),
)
"""What makes a number of a document a point of a series."""
KEY_NAME = re.compile(r"\$([A-Z][A-Z0-9_]*)")
PLACES = re.compile(r"\{([^{}]*)\}")
KNOWN_PLACES = ("zone", "start", "end", "start_seconds", "end_seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """One API as its file declares it."""

    file: str
    name: str
    url: str
    """With {zone}, {start}, {end} (ISO 8601) or {start_seconds}, {end_seconds} (since 1970)."""
    points: str
    """Path of the list of points, such as ``data.series``; empty: the document itself."""
    time: str
    """Path of the start of a point, within it; ISO 8601 with an offset, or seconds since 1970."""
    value: str
    unit: str
    accounting: str
    basis: str
    source: str
    step_minutes: float
    """How long a point holds when it has no ``end_time``."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    zone: str
    """Path of the zone in the document: it must be the one that was asked for. Empty: it names none."""
    estimated: str
    """Path of a true or false in each point."""
    forecast: str
    end_time: str
    longest_days: float
    licence: str
    zones: Mapping[str, str]
    """Cloud region, zone or country (ISO 3166 alpha-3) -> the zone that this API has for it."""

    def zone_of(self, *places: str | None) -> str | None:
        """The zone of the first place that has one, the nearest being named first; None: none of them has."""
        return next((self.zones[place] for place in places if place and place in self.zones), None)

    @property
    def signal(self) -> str:
        """As the cache names it: declared otherwise it is another series, and no old point answers for it."""
        said = [getattr(self, name) for name in MEANING]
        told = json.dumps([*said, sorted(self.query.items())])
        return f"{self.accounting} {self.basis} {hashlib.sha256(told.encode()).hexdigest()[:16]}"

    def key_names(self) -> tuple[str, ...]:
        """Names of the keys that it needs."""
        texts = (*self.query.values(), *self.headers.values())
        return tuple(dict.fromkeys(name for text in texts for name in KEY_NAME.findall(text)))


def read_declaration(path: Path) -> Declared:
    """The declaration of a TOML file. Raises ConfigError that names the file and the key."""
    file = str(path)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(file, "", f"cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(file, "", f"is not valid TOML: {error}") from None
    for key in document:
        if key not in (*REQUIRED, *OPTIONAL):
            raise ConfigError(file, key, f"unknown key; known: {', '.join((*REQUIRED, *OPTIONAL))}")
    for key in REQUIRED:
        if key not in document:
            raise ConfigError(file, key, "is missing")
    texts = {key: _text(file, key, document.get(key, "")) for key in TEXTS}
    declared = Declared(
        file=file,
        name=texts["name"],
        url=texts["url"],
        points=texts["points"],
        time=texts["time"],
        value=texts["value"],
        unit=texts["unit"],
        accounting=texts["accounting"],
        basis=texts["basis"],
        source=texts["source"],
        step_minutes=_number(file, "step_minutes", document["step_minutes"], 24 * 60),
        query=_texts(file, "query", document.get("query", {})),
        headers=_texts(file, "headers", document.get("headers", {})),
        zone=texts["zone"],
        estimated=texts["estimated"],
        forecast=texts["forecast"],
        end_time=texts["end_time"],
        longest_days=_number(file, "longest_days", document.get("longest_days", 7), 366),
        licence=texts["licence"],
        zones=_texts(file, "zones", document.get("zones", {})),
    )
    _check(declared)
    return declared


TEXTS = (
    *("name", "url", "points", "time", "value", "unit", "accounting", "basis", "source"),
    *("zone", "estimated", "forecast", "licence", "end_time"),
)


def _check(declared: Declared) -> None:
    for key, value, allowed in (
        ("unit", declared.unit, tuple(UNITS)),
        ("accounting", declared.accounting, ACCOUNTINGS),
        ("basis", declared.basis, BASES),
    ):
        if value not in allowed:
            raise ConfigError(declared.file, key, f"must be one of {', '.join(allowed)}, not {value!r:.40}")
    for key, text in (("url", declared.url), *declared.query.items()):
        for place in PLACES.findall(text):
            if place not in KNOWN_PLACES:
                known = ", ".join(f"{{{p}}}" for p in KNOWN_PLACES)
                raise ConfigError(declared.file, key, f"{{{place}}} is unknown; known: {known}")
    if not declared.url.startswith(("https://", "http://")):
        raise ConfigError(declared.file, "url", "must begin with https:// or http://")
    if KEY_NAME.search(declared.url):
        raise ConfigError(declared.file, "url", "keys belong into [headers] or [query]: addresses are shown")
    for key in ("time", "value", "source", "name"):
        if not getattr(declared, key).strip():
            raise ConfigError(declared.file, key, "is empty")


class JsonApi:
    """The provider of a declaration. ``key`` finds a key by its name."""

    def __init__(self, web: Web, declared: Declared, key: Callable[[str], Secret]) -> None:
        self.name = declared.name
        self.signal = declared.signal
        self.longest_us = round(declared.longest_days * DAY_US)
        self._web, self._declared = web, declared
        self._keys = {name: key(name) for name in declared.key_names()}

    def history(self, zone: str, start_us: int, end_us: int) -> GridSeries:
        """The points that the document holds for the stretch."""
        told = self._declared
        places = {
            "zone": zone,
            "start": iso(start_us),
            "end": iso(end_us),
            "start_seconds": str(start_us // 1_000_000),
            "end_seconds": str(end_us // 1_000_000),
        }
        url = PLACES.sub(lambda m: quote(places[m[1]], safe=""), told.url)
        query = [(k, self._keyed(PLACES.sub(lambda m: places[m[1]], v))) for k, v in told.query.items()]
        headers = {k: self._keyed(v) for k, v in told.headers.items()}
        secrets = [secret.text for secret in self._keys.values()]
        document = decoded(
            self.name, accepted(self.name, self._web.get(self.name, url, query, headers), secrets), object
        )
        if told.zone and (answered := _at(self.name, document, told.zone)) != zone:
            raise UnknownZone(self.name, f"answered for {answered!r:.40}, not {zone!r}: it is not used")
        rows = _at(self.name, document, told.points)
        if not isinstance(rows, list):
            raise SchemaDrift(self.name, f"field {told.points or '(the document)'} is no list of points")
        points = [self._point(number, row) for number, row in enumerate(rows)]
        series = GridSeries(
            zone=zone,
            points=(),
            accounting=told.accounting,
            basis=told.basis,
            source=told.source,
            licence=told.licence,
        )
        return made(self.name, series, [p for p in points if p.start_us < end_us and p.end_us > start_us])

    def _keyed(self, text: str) -> str:
        return KEY_NAME.sub(lambda m: self._keys[m[1]].text, text)

    def _point(self, number: int, row: object) -> GridPoint:
        told = self._declared
        place = f"{told.points or '$'}[{number}]"
        value = _at(self.name, row, told.value, place)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise SchemaDrift(self.name, f"field {place}.{told.value} is no number: {value!r:.40}")
        start = self._moment(row, told.time, place)
        end = self._moment(row, told.end_time, place) if told.end_time else None
        return GridPoint(
            start_us=start,
            end_us=end if end is not None else start + round(told.step_minutes * 60_000_000),
            grams_per_kwh=grams_per_kwh(value, told.unit),
            kind=self._kind(row, place),
        )

    def _kind(self, row: object, place: str) -> str:
        told = self._declared
        if told.forecast and _at(self.name, row, told.forecast, place) is True:
            return FORECAST
        if told.estimated and _at(self.name, row, told.estimated, place) is True:
            return ESTIMATED
        return MEASURED

    def _moment(self, row: object, path: str, place: str) -> int:
        found = _at(self.name, row, path, place)
        if isinstance(found, str):
            return micros(self.name, f"{place}.{path}", found)
        if isinstance(found, int | float) and not isinstance(found, bool) and 0 <= found < 1e11:
            return round(found * 1_000_000)
        raise SchemaDrift(self.name, f"field {place}.{path} is no time: {found!r:.40}")


def _at(name: str, document: object, path: str, place: str = "") -> Any:
    found: Any = document
    for at, part in enumerate(filter(None, path.split("."))):
        try:
            found = found[int(part)] if isinstance(found, list) else found[part]
        except (KeyError, IndexError, TypeError, ValueError):
            missing = ".".join(filter(None, (place, *path.split(".")[: at + 1])))
            raise SchemaDrift(name, f"the document has no field {missing}") from None
    return found


def _text(file: str, key: str, value: object) -> str:
    if not isinstance(value, str):
        raise ConfigError(file, key, f"must be a string, not {value!r:.40}")
    return value


def _texts(file: str, key: str, value: object) -> Mapping[str, str]:
    if not isinstance(value, dict):
        raise ConfigError(file, key, f"must be a table: write [{key}]")
    return {name: _text(file, f"{key}.{name}", text) for name, text in value.items()}


def _number(file: str, key: str, value: object, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
        raise ConfigError(file, key, f"must be a number above 0 and at most {most:g}, not {value!r:.40}")
    return float(value)
