"""EIA (form 930): hourly generation by fuel of U.S. balancing authorities, times factors by fuel.

A key is needed. Periods name the hour that they end ("hour ending time reporting convention",
https://www.eia.gov/electricity/gridmonitor/about, time reporting), in UTC. API:
https://www.eia.gov/opendata/documentation.php; 5,000 rows at a time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from wattmark.core.grid_series import GridSeries
from wattmark.grid.failures import NoData, SchemaDrift, UnknownZone
from wattmark.grid.http import Web, accepted, decoded
from wattmark.grid.keys import Secret
from wattmark.grid.mix import factors_of, point_of
from wattmark.grid.provider import DAY_US, HOUR_US, iso, made

NAME = "eia"
KEY = "EIA_API_KEY"
BASE = "https://api.eia.gov"
ROWS = 5000
UNIT = "megawatthours"

FUELS = {
    "COL": "coal",
    "NG": "gas",
    "OIL": "oil",
    "NUC": "nuclear",
    "SUN": "solar",
    "SNB": "solar",
    "WAT": "hydro",
    "WND": "wind",
    "WNB": "wind",
    "GEO": "geothermal",
    "PS": "storage",
    "BAT": "storage",
    "OES": "storage",
    "UES": "storage",
    "OTH": "other",
    "UNK": "other",
}
STORED = ("storage",)
"""What comes out of storage was generated before and counted then: it is in no sum."""


class _Row(msgspec.Struct):
    period: str
    respondent: str
    fueltype: str
    value: str | float | None = None
    units: str | None = msgspec.field(name="value-units", default=None)


class _Response(msgspec.Struct):
    data: list[_Row]
    total: int | str


class _Document(msgspec.Struct):
    response: _Response


class _Facet(msgspec.Struct):
    id: str
    name: str = ""


class _FacetResponse(msgspec.Struct):
    facets: list[_Facet]


class _Facets(msgspec.Struct):
    response: _FacetResponse


class Eia:
    """The provider. Zones are balancing authorities such as CISO, PJM, ERCO; ``signal`` is the basis."""

    name = NAME
    longest_us = 10 * DAY_US
    """240 hours x up to 16 fuels lie below the row limit."""

    def __init__(
        self, web: Web, key: Secret, *, basis: str = "direct", base: str = BASE, own: Path | None = None
    ) -> None:
        self._factors = factors_of(basis, own)
        self.signal = self._factors.signal
        self._web, self._key = web, key
        self._route = f"{base.rstrip('/')}/v2/electricity/rto/fuel-type-data"
        self._url = f"{self._route}/data/"

    def history(self, zone: str, start_us: int, end_us: int) -> GridSeries:
        """Hours for which the authority reported."""
        query = [
            ("api_key", self._key.text),
            ("frequency", "hourly"),
            ("data[0]", "value"),
            ("facets[respondent][]", zone),
            ("start", iso(start_us)[:13]),
            ("end", iso(end_us + HOUR_US)[:13]),
            ("sort[0][column]", "period"),
            ("sort[0][direction]", "asc"),
            ("length", str(ROWS)),
        ]
        answer = accepted(NAME, self._web.get(NAME, self._url, query), [self._key.text])
        response = decoded(NAME, answer, _Document).response
        if not response.data:
            raise NoData(
                NAME, f"has nothing for {zone!r} at this time: is it a balancing authority, e.g. CISO or PJM?"
            )
        if _whole(response.total) > len(response.data):
            raise SchemaDrift(
                NAME, f"sent {len(response.data)} of {response.total} rows: ask for less time at once"
            )
        points = []
        for end, mix in sorted(_mixes(response.data, zone).items()):
            point = point_of(NAME, end - HOUR_US, end, mix, self._factors)
            if point is not None and point.start_us < end_us and point.end_us > start_us:
                points.append(point)
        series = GridSeries(
            zone=zone,
            points=(),
            basis=self._factors.basis,
            source=f"EIA-930 generation x {self._factors.source}",
            licence="U.S. public domain",
            note="generation of the balancing authority: imports are not in it",
        )
        return made(NAME, series, points)

    def zones(self) -> Mapping[str, str]:
        """Balancing authorities and regions that report. Raises GridError."""
        query = [("api_key", self._key.text)]
        answer = self._web.get(NAME, f"{self._route}/facet/respondent/", query)
        told = decoded(NAME, accepted(NAME, answer, [self._key.text]), _Facets)
        return {one.id: one.name for one in told.response.facets}


def _whole(total: int | str) -> int:
    """EIA writes the number of rows as text."""
    text = str(total)
    if not (text.isdecimal() and len(text) < 10):
        raise SchemaDrift(NAME, f"field response.total is {text!r:.30}, and no number of rows")
    return int(text)


def _mixes(rows: list[_Row], zone: str) -> dict[int, dict[str, float]]:
    mixes: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for number, row in enumerate(rows):
        place = f"response.data[{number}]"
        if row.respondent != zone:
            raise UnknownZone(NAME, f"answered for {row.respondent!r}, not {zone!r}: it is not used")
        if row.units is not None and row.units != UNIT:
            raise SchemaDrift(NAME, f"field {place}.value-units is {row.units!r}, not {UNIT!r}")
        kind = FUELS.get(row.fueltype, row.fueltype)
        if row.value is None or kind in STORED:
            continue
        try:
            ended = datetime.strptime(row.period, "%Y-%m-%dT%H").replace(tzinfo=UTC)
            amount = float(row.value)
        except ValueError:
            raise SchemaDrift(
                NAME, f"{place}: period {row.period!r:.30} or value is not as documented"
            ) from None
        mixes[int(ended.timestamp()) * 1_000_000][kind] += amount
    return mixes
