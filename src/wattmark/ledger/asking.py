"""The small tables of one question: whose energy is in which group, where it was, and which factor held when.

They are made here, in plain Python, so that the queries that join them need nothing but integers and ids.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from importlib.resources import files
from typing import Any, Protocol

from wattmark.core.known import Grade
from wattmark.core.rollup import HowKnown
from wattmark.core.site import MEASURED, Site, layered
from wattmark.ledger.bought import Bought
from wattmark.ledger.columns import BUCKET_US, DAY_US, REAL, TAGS, TEXT, WHOLE
from wattmark.ledger.factors import (
    Course,
    Expanded,
    Factors,
    GridFactor,
    RateFactor,
    SitePue,
    Stretch,
    course,
    expanded,
    grid_courses,
    intensity_of,
    moment,
    pue_courses,
    pue_of,
)
from wattmark.ledger.question import (
    COUNTED_KEYS,
    KNOWN_KEYS,
    LABEL,
    MICRO,
    PLACE_KEYS,
    ROW_KEYS,
    Question,
    period_of,
    zone_named,
)
from wattmark.ledger.rates import Rates, rates_over

HOUR_US = 3_600_000_000
_DAY = re.compile(r"[/\\]day=(\d{4}-\d{2}-\d{2})[/\\][^/\\]+$")
ROUNDING = 1e-6
"""A PUE that lies below 1 by so little is 1."""
NOWHERE = Site(name="")
"""A site that nobody describes."""


class Tables(Protocol):
    """The derived tables of one version of a ledger."""

    @property
    def version(self) -> int:
        """The ledger's version."""
        ...

    def files(self, table: str) -> Sequence[str]:
        """Parquet files of a table, their partition columns in their paths as ``day=2026-11-01``."""
        ...

    def arrow(self, table: str) -> Any:
        """The table as a pyarrow dataset or table, for files that an engine cannot open itself."""
        ...


class Engine(Protocol):
    """Runs the rollup's SQL. Numbers come back as int, float or Decimal."""

    @property
    def name(self) -> str:
        """duckdb or spark."""
        ...

    def attach(self, table: str, snapshot: Tables) -> None:
        """Make a derived table known under its name."""
        ...

    def put(self, table: str, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> None:
        """A small table of our own; columns by the kinds of ledger.columns."""
        ...

    def keep(self, table: str, sql: str) -> None:
        """Work a query out once, and keep its result under a name."""
        ...

    def rows(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """The result of a query; read to its end before the next one."""
        ...


def query(name: str, **parts: str) -> str:
    """A query of ``ledger/sql`` with its parts put in: names and numbers of ours, never what a user wrote."""
    text = (files("wattmark.ledger") / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    return text.format(**parts) if parts else text


@dataclass(frozen=True, slots=True)
class Subjects:
    """What ``asked_subjects`` numbers."""

    tags: tuple[tuple[str, ...], ...]
    """Values of the asked keys."""
    subjects: tuple[tuple[int, str], ...]
    """Number of the tags, and stage."""


def of_subject(key: str) -> bool:
    """True for tags and labels."""
    return key in TAGS or key.startswith(LABEL)


def put_subjects(engine: Engine, question: Question) -> Subjects:
    """Which group each subject belongs to, and its stage."""
    asked = [key for key in question.by if of_subject(key)]
    wanted = _wanted(question, of_subject)
    tags: dict[tuple[str, ...], int] = {}
    subjects: dict[tuple[int, str], int] = {}
    rows = []
    columns = ", ".join(("subject_id", "labels", *TAGS))
    for subject_id, labels, *values in engine.rows(f"SELECT {columns} FROM subjects"):
        told = {tag: value or "" for tag, value in zip(TAGS, values, strict=True)}
        if labels:
            told |= {f"{LABEL}{key}": str(value) for key, value in json.loads(labels).items()}
        if not _fits(told, wanted):
            continue
        tag = tags.setdefault(tuple(told.get(key, "") for key in asked), len(tags))
        rows.append((subject_id, tag, subjects.setdefault((tag, told["stage"]), len(subjects))))
    engine.put("asked_subjects", {"subject_id": TEXT, "tags": WHOLE, "subject": WHOLE}, rows)
    return Subjects(tuple(tags), tuple(subjects))


@dataclass(frozen=True, slots=True)
class Places:
    """What ``asked_places`` numbers."""

    spots: tuple[tuple[str, ...], ...]
    """Values of the asked keys."""
    places: tuple[tuple[int, str], ...]
    """Number of the spot, and grid zone."""
    grids: tuple[Course[GridFactor] | None, ...]
    pues: tuple[Course[SitePue] | None, ...]
    kinds: tuple[str, ...] = ()
    """The kinds of rates that are joined, such as ``price``; none where nobody stated any."""
    rates: tuple[tuple[Course[RateFactor] | None, ...], ...] = ()
    """For each of those kinds, what ``rate_<its number>_key`` numbers."""


def rates_of(engine: Engine, question: Question, factors: Factors) -> Rates:
    """The prices and litres that are stated, over the time that the question has energy of."""
    if not (factors.tariffs or factors.water):
        return Rates()
    conditions = "".join(f" AND {c}" for c in _between(question, "", "bucket_us"))
    ((first, last),) = engine.rows(
        "SELECT MIN(LEAST(bucket_us, COALESCE(period_start_us, bucket_us))), "
        f"MAX(GREATEST(bucket_us + {BUCKET_US}, COALESCE(period_end_us, bucket_us))) "
        f"FROM {question.table} WHERE 1 = 1{conditions}"
    )
    return rates_over(factors, None if first is None else (int(first) - int(first) % DAY_US, int(last)))


def put_places(engine: Engine, question: Question, factors: Factors, rates: Rates | None = None) -> Places:
    """Which group, grid zone, PUE and rates each place has. Raises UsageError for factors that clash."""
    rates = Rates() if rates is None else rates
    asked = [key for key in question.by if key in PLACE_KEYS]
    wanted = _wanted(question, PLACE_KEYS.__contains__)
    zones, sites, bought = grid_courses(factors.grid), pue_courses(factors.pue), Bought()
    stands = {site.name: site for site in factors.sites}
    spots: dict[tuple[str, ...], int] = {}
    places: dict[tuple[int, ...], int] = {}
    named: list[tuple[int, str]] = []
    grids: dict[Course[GridFactor] | None, int] = {}
    pues: dict[Course[SitePue] | None, int] = {}
    pue_keys: dict[tuple[str, float | None, str | None], int] = {}
    zone_numbers: dict[str, int] = {}
    met: list[dict[Course[RateFactor] | None, int]] = [{} for _ in rates.kinds]
    rows = []
    for place_id, told_zone, told_country, site, stated, kind in engine.rows(
        "SELECT place_id, zone, country, site, pue, pue_kind FROM places"
    ):
        where = stands.get(site or "", NOWHERE)
        country = told_country or where.country
        zone = (told_zone if told_zone != country else "") or where.zone or country
        told = {"site": site or "", "country": country or ""}
        if not _fits(told, wanted):
            continue
        spot = spots.setdefault(tuple(told[key] for key in asked), len(spots))
        placed = factors.placed.get((told_zone or "", told_country or "", site or ""))
        grid = zones.get(placed) if placed else grid_met(zones, where, zone, country, site)
        grid = bought.of(grid) if where.bought else grid
        grid_key = grids.setdefault(grid, len(grids))
        said = site or "", stated, kind
        if said not in pue_keys:  # a course may be long, and dear to compare
            pue_keys[said] = pues.setdefault(_declared(stated, kind, sites.get(said[0])), len(pues))
        pue_key = pue_keys[said]
        here = rates.met_at(zone or "", site or "", country or "")
        rate_keys = [known.setdefault(one, len(known)) for known, one in zip(met, here, strict=True)]
        at = zone or country or ""
        identity = (spot, zone_numbers.setdefault(at, len(zone_numbers)), grid_key, pue_key, *rate_keys)
        place = places.setdefault(identity, len(places))
        if place == len(named):
            named.append((spot, at))
        rows.append((place_id, spot, place, grid_key, pue_key, *rate_keys))
    names = ("spot", "place", "grid_key", "pue_key", *(f"rate_{n}_key" for n in range(len(rates.kinds))))
    engine.put("asked_places", {"place_id": TEXT, **dict.fromkeys(names, WHOLE)}, rows)
    numbered = tuple(tuple(known) for known in met)
    return Places(tuple(spots), tuple(named), tuple(grids), tuple(pues), rates.kinds, numbered)


def grid_met(
    zones: Mapping[str, Course[GridFactor]], where: Site, zone: str, country: str, site: str | None
) -> Course[GridFactor] | None:
    """The grid that a place meets: that of its zone, else of its site, its subregion or its country."""
    # a country's name stands in for its zone
    keys = (zone if zone != country else "", site, where.subregion, country)
    return next((zones[key] for key in keys if key and key in zones), None)


def _declared(stated: float | None, kind: str | None, site: Course[SitePue] | None) -> Course[SitePue] | None:
    """The PUE that the runs of a place declare, which goes before the site's.

    What was measured at the site for some time goes before both, unless the runs' own is measured too.
    """
    if stated is None or stated < 1 - ROUNDING:
        return site
    own = SitePue(site="", pue=max(1.0, stated), kind=kind or "declared")
    name = f"PUE {own.pue:g} ({own.kind})"
    if site is None or own.kind == MEASURED:
        return Course(name, (), own)
    measured = [p for p in site.bounded if p.kind == MEASURED and None not in (p.start_us, p.end_us)]
    return course(name, layered((own,), measured))


@dataclass(frozen=True, slots=True)
class Knowns:
    """The rows of ``knowns``, and the values of the asked keys."""

    found: Mapping[str, HowKnown]
    values: Mapping[str, tuple[str, ...]]


def put_knowns(engine: Engine, question: Question) -> Knowns:
    """How each energy is known; a table of those that were asked for, where only some were."""
    asked = [key for key in question.by if key in KNOWN_KEYS]
    wanted = _wanted(question, KNOWN_KEYS.__contains__)
    found: dict[str, HowKnown] = {}
    values: dict[str, tuple[str, ...]] = {}
    for known_id, method, grade, rule, errors, source in engine.rows(
        "SELECT known_id, method, grade, attribution_rule, errors, source FROM knowns"
    ):
        told = {"method": method or "", "grade": grade or "", "source": source or ""}
        if not _fits(told, wanted):
            continue
        values[known_id] = tuple(told[key] for key in asked)
        found[known_id] = HowKnown(
            known_id=known_id,
            grade=Grade(grade or "E"),
            attribution_rule=rule or "",
            errors=json.loads(errors) if errors else {},
            source=source or "",
        )
    if wanted:
        engine.put("asked_knowns", {"known_id": TEXT}, ((known_id,) for known_id in found))
    return Knowns(found, values)


def filters(
    engine: Engine, question: Question, prefix: str = "", *, energy: bool = True, moment: str = "bucket_us"
) -> str:
    """What follows WHERE, as `` AND ...``: what a user wrote stands in small tables, never in the text.

    ``moment`` is the column that says when; without ``energy`` the rows do not say how anything is known.
    """
    found = []
    if any(of_subject(key) for key in question.where):
        found.append(f"{prefix}subject_id IN (SELECT subject_id FROM asked_subjects)")
    if any(key in PLACE_KEYS for key in question.where):
        found.append(f"{prefix}place_id IN (SELECT place_id FROM asked_places)")
    if energy and any(key in KNOWN_KEYS for key in question.where):
        found.append(f"{prefix}known_id IN (SELECT known_id FROM asked_knowns)")
    columns = {**COUNTED_KEYS, **{key: key for key in ROW_KEYS}} if energy else {"run": "record_id"}
    for key, values in question.where.items():
        if key in columns:
            engine.put(f"wanted_{key}", {"value": TEXT}, ((value,) for value in values))
            found.append(f"{prefix}{columns[key]} IN (SELECT value FROM wanted_{key})")
    found.extend(_between(question, prefix, moment))
    return "".join(f" AND {condition}" for condition in found)


def _between(question: Question, prefix: str, moment: str) -> Iterator[str]:
    start, end = question.start_us, question.end_us
    if start is not None:
        yield f"{prefix}{moment} >= {start} AND {prefix}day >= '{_day(start)}'"
    if end is not None:
        yield f"{prefix}{moment} < {end} AND {prefix}day <= '{_day(end)}'"


def _day(at_us: int) -> str:
    return datetime.fromtimestamp(at_us // MICRO, UTC).date().isoformat()


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


def _wanted(question: Question, mine: Callable[[str], bool]) -> dict[str, frozenset[str]]:
    return {key: frozenset(values) for key, values in question.where.items() if mine(key)}


def _fits(told: Mapping[str, str], wanted: Mapping[str, frozenset[str]]) -> bool:
    return all(told.get(key, "") in allowed for key, allowed in wanted.items())
