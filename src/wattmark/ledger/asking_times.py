"""The small tables of one question that say when: stretches of time, periods, and which factor holds in each.

They are made here, in plain Python, so that the queries that join them need nothing but integers.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from wattmark.ledger.asking import Places
from wattmark.ledger.columns import BUCKET_US, DAY_US, REAL, WHOLE
from wattmark.ledger.engine import Engine
from wattmark.ledger.factors import (
    Course,
    Expanded,
    GridFactor,
    RateFactor,
    SitePue,
    Stretch,
    expanded,
    intensity_of,
    moment,
    pue_of,
)
from wattmark.ledger.question import Question, period_of, zone_named

HOUR_US = 3_600_000_000
_DAY = re.compile(r"[/\\]day=(\d{4}-\d{2}-\d{2})[/\\][^/\\]+$")


@dataclass(frozen=True, slots=True)
class Times:
    """What ``asked_slots`` and ``asked_buckets`` number, and which factors hold in them."""

    periods: tuple[str, ...]
    """Names, in the order of time."""
    grid: Expanded
    pue: Expanded
    findings: tuple[str, ...]
    rates: tuple[Expanded, ...] = ()
    """One for each kind of rate that is joined."""


def granule_of(question: Question, places: Places, days: Iterable[str] | None) -> int:
    """How long the stretches may be that energy is added up over before anything is joined, microseconds.

    The longest of a day, an hour and a quarter of an hour at whose edges alone factors and calendar periods
    change. ``days`` are the UTC days that there is energy of; None: not known.
    """
    edges = _edges(places)
    zone = zone_named(question.time_zone)
    if _all_on(edges, DAY_US) and (question.period is None or (zone is UTC and question.period != "hour")):
        return DAY_US
    if _all_on(edges, HOUR_US) and (question.period is None or _in_whole_hours(zone, days)):
        return HOUR_US
    return BUCKET_US


def _edges(places: Places) -> list[int]:
    """Where some factor changes."""
    grids = {at for grid in places.grids if grid for at in grid.edges()}
    rates = {at for courses in places.rates for one in courses if one for at in one.edges()}
    return sorted(grids | rates | {at for pue in places.pues if pue for at in pue.edges()})


def _all_on(edges: Sequence[int], granule: int) -> bool:
    return all(at % granule == 0 for at in edges)


def _in_whole_hours(zone: tzinfo, days: Iterable[str] | None) -> bool:
    """Whether the zone is whole hours from UTC on all of these days, and does not change on any."""
    if zone is UTC:
        return True
    if days is None:
        return False
    for day in set(days):
        noon = datetime.fromisoformat(day).replace(hour=12, tzinfo=UTC)
        offsets = {(noon + timedelta(hours=h)).astimezone(zone).utcoffset() for h in (-12, 0, 12)}
        if any(offset is None or offset % timedelta(hours=1) for offset in offsets):
            return False
        if len(offsets) > 1 and not _changes_on_the_hour(zone, noon):
            return False
    return True


def _changes_on_the_hour(zone: tzinfo, noon: datetime) -> bool:
    """Whether the clocks of a day are put forward or back at an edge of an hour."""
    hours = [noon + timedelta(hours=h) for h in range(-12, 12)]
    last = timedelta(minutes=45)
    return all(h.astimezone(zone).utcoffset() == (h + last).astimezone(zone).utcoffset() for h in hours)


def bucket_sql(granule: int, prefix: str = "") -> str:
    """The start of the stretch that a row stands in."""
    column = f"{prefix}bucket_us"
    return column if granule == BUCKET_US else f"{column} - {column} % {granule}"


def days_of(files: Sequence[str]) -> list[str] | None:
    """The days that stand in the paths of a table's files; None where one has none."""
    found = [_DAY.search(file) for file in files]
    return None if None in found else [match[1] for match in found if match is not None]


def put_times(engine: Engine, question: Question, places: Places, granule: int, more_from: str = "") -> Times:
    """Stretches in which no factor and no period changes, and what holds in each of them.

    ``more_from`` is a table whose energy is not in the cells and needs its periods too.
    """
    found = sorted(
        (int(bucket), int(start), int(end))
        for bucket, start, end in engine.rows("SELECT DISTINCT bucket_us, from_us, until_us FROM cells")
    )
    buckets = {bucket for bucket, _, _ in found}
    if more_from:
        asked = f"SELECT DISTINCT {bucket_sql(granule)} FROM {more_from}"
        buckets |= {int(row[0]) for row in engine.rows(asked)}
    periods = _put_buckets(engine, question, buckets)
    edges = _edges(places)
    slots: dict[tuple[int, ...], tuple[int, Stretch]] = {}
    rows = []
    for bucket, start, end in found:
        is_long = start >= 0
        stretch = (start, end) if is_long else (bucket, bucket + granule)
        segment = _segment(stretch, edges)
        period = periods.of[bucket]
        slot, _ = slots.setdefault((period, *segment), (len(slots), stretch))
        rows.append((bucket, start, end, slot, period, int(is_long)))
    names = ("bucket_us", "from_us", "until_us", "slot", "period", "is_long")
    engine.put("asked_slots", dict.fromkeys(names, WHOLE), rows)
    stretches = [stretch for _, stretch in slots.values()]
    grid = expanded(places.grids, stretches, lambda f: f.grams_per_kwh, intensity_of, _grid_table, 0.0)
    pue = expanded(places.pues, stretches, lambda f: f.pue, pue_of, _pue_table, 1.0)
    engine.put("asked_grid", {"grid_key": WHOLE, "slot": WHOLE, "grid": WHOLE, "grams": REAL}, grid.rows)
    engine.put("asked_pue", {"pue_key": WHOLE, "slot": WHOLE, "pue": WHOLE, "times": REAL}, pue.rows)
    rates = tuple(_put_rates(engine, n, courses, stretches) for n, courses in enumerate(places.rates))
    findings = [*_holes(places.grids, grid), *_holes(places.pues, pue)]
    for courses, one in zip(places.rates, rates, strict=True):
        findings += _holes(courses, one)
    return Times(periods.names, grid, pue, tuple(findings), rates)


def _put_rates(
    engine: Engine, number: int, courses: Sequence[Course[RateFactor] | None], stretches: Sequence[Stretch]
) -> Expanded:
    """The table ``asked_rate_<number>``: what holds for each key and slot."""
    found = expanded(courses, stretches, lambda f: f.rate.per_kwh, _rate_of, _rate_table, 0.0)
    columns = {"rate_key": WHOLE, "slot": WHOLE, "rate": WHOLE, "per_kwh": REAL}
    engine.put(f"asked_rate_{number}", columns, found.rows)
    return found


@dataclass(frozen=True, slots=True)
class _Periods:
    names: tuple[str, ...]
    of: Mapping[int, int]
    """Bucket -> number of its period."""


def _put_buckets(engine: Engine, question: Question, buckets: set[int]) -> _Periods:
    """Periods of the energy's quarters of an hour, and of those of work and runs between start and end."""
    told = engine.rows(
        "SELECT DISTINCT bucket_us FROM work "
        f"UNION SELECT DISTINCT start_us - start_us % {BUCKET_US} AS bucket_us FROM runs"
    )
    others = {int(row[0]) for row in told if row[0] is not None and question.holds(int(row[0]))}
    zone = zone_named(question.time_zone)
    numbers: dict[str, int] = {}
    of: dict[int, int] = {}
    for bucket in sorted(buckets | others):
        name = period_of(bucket, question.period, zone)
        of[bucket] = numbers.setdefault(name, len(numbers))
    engine.put("asked_buckets", {"bucket_us": WHOLE, "period": WHOLE}, of.items())
    return _Periods(tuple(numbers), of)


def _segment(stretch: Stretch, edges: Sequence[int]) -> tuple[int, ...]:
    """Equal for stretches between the same two edges; one of its own for a stretch that crosses one."""
    first = bisect_right(edges, stretch[0])
    return (first,) if first == bisect_left(edges, stretch[1]) else (first, *stretch)


def _holes(courses: Sequence[Course[Any] | None], found: Expanded) -> Iterator[str]:
    for key, (start, _) in sorted(found.holes.items()):
        one = courses[key]
        if one is not None:
            yield f"{one.name} has no factor at {moment(start)}: give one that holds then"


def _grid_table(factor: GridFactor) -> object:
    told = (factor.source, factor.year, factor.accounting, factor.basis, factor.inventory)
    return (*told, factor.granularity, factor.relative_error, factor.note)


def _pue_table(factor: SitePue) -> object:
    return factor.kind, factor.relative_error, factor.source


def _rate_of(factor: RateFactor) -> object:
    return factor.rate


def _rate_table(factor: RateFactor) -> object:
    return factor.rate.family
