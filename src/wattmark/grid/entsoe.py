"""ENTSO-E Transparency Platform: generation by kind of plant (A75), times factors by kind. A token is needed.

It gives no intensity. Ours is that of generation in the zone: imports are not in it, and every point is
estimated. API: https://transparencyplatform.zendesk.com (RESTful API, 16.1.B&C aggregated generation).
Consumption of pumped storage (``outBiddingZone_Domain``) is no generation. Under curve type A03 a point that
is left out repeats the one before; under A01 nobody knows it, and no intensity is told of that time
(https://transparencyplatform.zendesk.com/hc/en-us/articles/30262342482961-CurveType-A01-vs-CurveType-A03).
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.parsers import expat

from wattmark.core.grid_series import GridPoint, GridSeries
from wattmark.grid.failures import HalfDocument, NoData, ProviderDown, SchemaDrift, WrongKey, unknown_zone
from wattmark.grid.http import Answer, Web, accepted, without_keys
from wattmark.grid.keys import Secret
from wattmark.grid.mix import UNKNOWN_AT_MOST, Factors, factors_of, point_of
from wattmark.grid.provider import DAY_US, HOUR_US, iso, made, micros

NAME = "entsoe"
KEY = "ENTSOE_API_KEY"
BASE = "https://web-api.tp.entsoe.eu/api"
REPEATING = "A03"
LONGEST_PERIOD_US = 366 * DAY_US
"""Of one document, whatever was asked: documents are about a year at most."""
RESOLUTIONS = {"PT15M": HOUR_US // 4, "PT30M": HOUR_US // 2, "PT60M": HOUR_US, "PT1H": HOUR_US}

PLANTS = {
    "B01": "biomass",
    "B02": "lignite",
    "B03": "coal gas",
    "B04": "gas",
    "B05": "coal",
    "B06": "oil",
    "B07": "oil shale",
    "B08": "peat",
    "B09": "geothermal",
    "B10": "hydro",
    "B11": "hydro",
    "B12": "hydro",
    "B13": "marine",
    "B14": "nuclear",
    "B15": "other renewable",
    "B16": "solar",
    "B17": "waste",
    "B18": "wind",
    "B19": "wind",
    "B20": "other",
    "B25": "storage",
}
"""psrType -> kind of plant."""

ZONES = {
    "AT": "10YAT-APG------L",
    "BE": "10YBE----------2",
    "BG": "10YCA-BULGARIA-R",
    "CH": "10YCH-SWISSGRIDZ",
    "CZ": "10YCZ-CEPS-----N",
    "DE": "10Y1001A1001A83F",
    "ES": "10YES-REE------0",
    "FI": "10YFI-1--------U",
    "FR": "10YFR-RTE------C",
    "GR": "10YGR-HTSO-----Y",
    "HR": "10YHR-HEP------M",
    "HU": "10YHU-MAVIR----U",
    "NL": "10YNL----------L",
    "PL": "10YPL-AREA-----S",
    "PT": "10YPT-REN------W",
    "RO": "10YRO-TEL------P",
    "SI": "10YSI-ELES-----O",
    "SK": "10YSK-SEPS-----K",
}
"""Country -> EIC code of its area; any other area is named by its own code."""


class Entsoe:
    """The provider. ``signal`` is the basis of the factors: direct or lifecycle."""

    name = NAME
    longest_us = 30 * DAY_US

    def __init__(
        self, web: Web, key: Secret, *, basis: str = "direct", base: str = BASE, own: Path | None = None
    ) -> None:
        self._factors = factors_of(basis, own)
        self.signal = self._factors.signal
        self._web, self._key, self._base = web, key, base

    def history(self, zone: str, start_us: int, end_us: int) -> GridSeries:
        """Points of a quarter of an hour, or an hour, as the zone reports."""
        code = ZONES.get(zone, zone)
        if len(code) != 16:
            raise unknown_zone(NAME, zone, ZONES, "Or give the EIC code of the area, 16 characters.")
        query = [
            ("securityToken", self._key.text),
            ("documentType", "A75"),
            ("processType", "A16"),
            ("in_Domain", code),
            ("periodStart", _stamp(start_us // HOUR_US * HOUR_US)),
            ("periodEnd", _stamp(-(-end_us // HOUR_US) * HOUR_US)),
        ]
        answer = self._web.get(NAME, self._base, query)
        root = _document(answer, self._key, zone)
        points = [
            p for p in points_of(root, code, self._factors) if p.start_us < end_us and p.end_us > start_us
        ]
        series = GridSeries(
            zone=zone,
            points=(),
            basis=self._factors.basis,
            source=f"ENTSO-E generation x {self._factors.source}",
            licence="ENTSO-E Transparency Platform, CC BY 4.0 where the list of data says so",
            note="generation in the zone: imports are not in it",
        )
        return made(NAME, series, points)

    def zones(self) -> Mapping[str, str]:
        """Countries that it is asked for by; any EIC code of an area is a zone as well."""
        return dict(ZONES)


def points_of(root: ET.Element, code: str, factors: Factors) -> Iterator[GridPoint]:
    """One point for each stretch of the document for which all plants report that should."""
    plants: dict[str, list[tuple[_Span, float]]] = defaultdict(list)
    unknown: list[_Span] = []
    for number, series in enumerate(root.iterfind("{*}TimeSeries"), 1):
        domain = series.findtext("{*}inBiddingZone_Domain.mRID")
        if domain is None:
            continue  # consumption, such as pumping
        if domain.strip() != code:
            raise SchemaDrift(NAME, f"TimeSeries {number} is of area {domain.strip()!r}, not {code!r}")
        psr = _text(series, "MktPSRType/psrType", number)
        repeats = (series.findtext("{*}curveType") or REPEATING).strip() == REPEATING
        for period in series.iterfind("{*}Period"):
            for span, megawatts in _amounts(period, number, repeats=repeats):
                if megawatts is None:
                    unknown.append(span)
                else:
                    plants[psr].append((span, megawatts))
    for (start, end), found in sorted(_complete(plants).items()):
        if any(first < end and last > start for first, last in unknown):
            continue
        mix: dict[str, float] = defaultdict(float)
        for psr, amount in found.items():
            mix[PLANTS.get(psr, psr)] += amount
        point = point_of(NAME, start, end, mix, factors)
        if point is not None:
            yield point


_Span = tuple[int, int]


def _complete(plants: Mapping[str, list[tuple[_Span, float]]]) -> dict[_Span, dict[str, float]]:
    """All in the longest step that occurs: a plant that reports hours cannot be told by quarters.

    Steps that plants of more than UNKNOWN_AT_MOST of the generation report in part, or not yet, are left out:
    what runs would be taken for the whole. Solar may be left out at night.
    """
    step = max((end - start for spans in plants.values() for (start, end), _ in spans), default=1)
    amounts: dict[_Span, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    seen: dict[_Span, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    power: dict[str, float] = {}
    for psr, spans in plants.items():
        for (start, end), megawatts in spans:
            at = start // step * step, start // step * step + step
            amounts[at][psr] += megawatts * (end - start)
            seen[at][psr] += end - start
        lasted = sum(end - start for (start, end), _ in spans)
        power[psr] = sum(max(0.0, mw) * (end - start) for (start, end), mw in spans) / lasted
    most = UNKNOWN_AT_MOST * sum(power.values())
    expected = [psr for psr in power if PLANTS.get(psr) != "solar"]
    return {
        at: mix
        for at, mix in amounts.items()
        if sum(power[psr] for psr in expected if seen[at][psr] < step) <= most
    }


def _amounts(
    period: ET.Element, number: int, *, repeats: bool
) -> Iterator[tuple[tuple[int, int], float | None]]:
    resolution = _text(period, "resolution", number)
    if resolution not in RESOLUTIONS:
        raise SchemaDrift(NAME, f"TimeSeries {number}: field resolution is {resolution!r}")
    step = RESOLUTIONS[resolution]
    place = f"TimeSeries {number} timeInterval"
    start = micros(NAME, place, _text(period, "timeInterval/start", number))
    end = micros(NAME, place, _text(period, "timeInterval/end", number))
    if not 0 < end - start <= LONGEST_PERIOD_US:
        raise SchemaDrift(NAME, f"{place} is {(end - start) / DAY_US:g} days long: no document is about that")
    told: dict[int, float] = {}
    for point in period.iterfind("{*}Point"):
        try:
            told[int(_text(point, "position", number))] = float(_text(point, "quantity", number))
        except ValueError:
            raise SchemaDrift(NAME, f"TimeSeries {number}: a position or quantity is no number") from None
    last: float | None = None
    for position in range(1, (end - start) // step + 1):
        last = told.get(position, last if repeats else None)
        if last is not None or not repeats:
            yield (start + (position - 1) * step, start + position * step), last


def _document(answer: Answer, key: Secret, zone: str) -> ET.Element:
    if answer.status == 401:
        raise WrongKey(NAME, f"{answer.place} answered 401: the token in {KEY} is wrong")
    if answer.status == 400:
        answer = Answer(answer.place, 200, answer.body, answer.headers)  # it says why in a document
    body = accepted(NAME, answer, [key.text]).body
    head = body[:4096].lower()
    if b"<!doctype" in head or b"<html" in head or b"<!ENTITY" in body:
        raise ProviderDown(NAME, f"{answer.place} answered with a web page: is a proxy or login between?")
    try:
        root = ET.fromstring(body)
    except ET.ParseError as error:
        half = error.code in (3, 5)  # no element found, unclosed token
        said = expat.ErrorString(error.code)
        if half:
            raise HalfDocument(NAME, f"{answer.place} ended in the middle: try again") from None
        raise SchemaDrift(NAME, f"{answer.place} is not XML: {said}") from None
    except (LookupError, ValueError):
        raise SchemaDrift(NAME, f"{answer.place} is in an encoding that nobody knows") from None
    tag = root.tag.rpartition("}")[2]
    if tag == "Acknowledgement_MarketDocument":
        reason = without_keys(root.findtext("{*}Reason/{*}text") or "", [key.text])
        raise NoData(NAME, f"has nothing for zone {zone!r} at this time ({' '.join(reason.split())[:200]})")
    if tag != "GL_MarketDocument":
        raise SchemaDrift(NAME, f"{answer.place} sent a {tag}, not a GL_MarketDocument")
    return root


def _text(element: ET.Element, path: str, number: int) -> str:
    found = element.findtext("/".join("{*}" + part for part in path.split("/")))
    if not found or not found.strip():
        raise SchemaDrift(NAME, f"TimeSeries {number}: field {path} is missing")
    return found.strip()


def _stamp(at_us: int) -> str:
    return iso(at_us).translate({ord(sign): None for sign in "-T:Z"})[:12]
