"""The load of a whole ledger by place and hour: what contracts for electricity are matched with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from wattmark.core.known import Boundary
from wattmark.ledger.asking import filters, put_places, put_subjects
from wattmark.ledger.asking_times import bucket_sql as bucket_of
from wattmark.ledger.asking_times import days_of, granule_of, put_times
from wattmark.ledger.engine import Engine, Tables, query
from wattmark.ledger.factors import Factors
from wattmark.ledger.question import Question

HOUR_US = 3_600_000_000
LEVEL_OF = {boundary: level for level, boundary in enumerate(Boundary)}
UJ_PER_KWH = 3.6e12


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceLoad:
    """Facility electricity of one place."""

    zone: str
    country: str
    site: str
    hours: Mapping[int, float]
    """Start of an hour (UTC, microseconds) -> kWh. What states no course is spread evenly over its time."""
    spread_kwh: float = 0.0
    """How much of it states no course: records longer than a day."""


def facility_loads(
    snapshot: Tables, factors: Factors, engine: Engine, boundary: Boundary = Boundary.NODE
) -> tuple[PlaceLoad, ...]:
    """All electricity of a ledger, in the order of its places.

    As totals at this boundary count it: node energy x PUE, and as read where the PUE is not known.
    """
    question = Question(period="hour", boundary=boundary)
    for table in (question.table, "subjects", "places", "knowns", "work", "runs"):
        engine.attach(table, snapshot)
    put_subjects(engine, question)
    places = put_places(engine, question, Factors(pue=factors.pue, sites=factors.sites))
    granule = granule_of(question, places, days_of(snapshot.files(question.table)))
    cells = query(
        "cells",
        source=question.table,
        bucket=bucket_of(granule),
        keys="",
        boundary=str(LEVEL_OF[boundary]),
        filters=filters(engine, question),
    )
    engine.keep("cells", cells)
    put_times(engine, question, places, granule)
    named = {
        place_id: (zone or "", country or "", site or "")
        for place_id, zone, country, site in engine.rows("SELECT place_id, zone, country, site FROM places")
    }
    hours: dict[tuple[str, str, str], dict[int, float]] = {}
    spread: dict[tuple[str, str, str], float] = {}
    for place_id, bucket, start, end, used in sorted(engine.rows(query("loads"))):
        place, kwh = named[place_id], float(used) / UJ_PER_KWH
        found = hours.setdefault(place, {})
        if int(start) >= 0:
            spread[place] = spread.get(place, 0.0) + kwh
        for hour, part in _hours(int(bucket), int(start), int(end), kwh):
            found[hour] = found.get(hour, 0.0) + part
    return tuple(
        PlaceLoad(
            zone=place[0],
            country=place[1],
            site=place[2],
            hours=dict(sorted(hours[place].items())),
            spread_kwh=spread.get(place, 0.0),
        )
        for place in sorted(hours)
    )


def _hours(bucket: int, start: int, end: int, kwh: float) -> Iterator[tuple[int, float]]:
    """An amount by the hours that it was used in; evenly over a stretch that states no course."""
    if start < 0:
        yield bucket - bucket % HOUR_US, kwh
        return
    for hour in range(start - start % HOUR_US, end, HOUR_US):
        lasted = min(end, hour + HOUR_US) - max(start, hour)
        yield hour, kwh * lasted / (end - start)
