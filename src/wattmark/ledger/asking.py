"""The small tables of one question: whose energy is in which group, where it was, and how it is known.

They are made here, in plain Python, so that the queries that join them need nothing but integers and ids;
those that say when are in ledger.asking_times.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from wattmark.core.known import Grade
from wattmark.core.rollup import HowKnown
from wattmark.core.site import MEASURED, Site, layered
from wattmark.ledger.bought import Bought
from wattmark.ledger.columns import BUCKET_US, DAY_US, TAGS, TEXT, WHOLE
from wattmark.ledger.engine import Engine
from wattmark.ledger.factors import (
    Course,
    Factors,
    GridFactor,
    RateFactor,
    SitePue,
    course,
    grid_courses,
    pue_courses,
)
from wattmark.ledger.question import (
    COUNTED_KEYS,
    KNOWN_KEYS,
    LABEL,
    MICRO,
    PLACE_KEYS,
    ROW_KEYS,
    Question,
)
from wattmark.ledger.rates import Rates, rates_over

ROUNDING = 1e-6
"""A PUE that lies below 1 by so little is 1."""
NOWHERE = Site(name="")
"""A site that nobody describes."""


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
            site_pue = sites.get(said[0]) or (OFFICE if said[0] == OFFICE_SITE else None)
            pue_keys[said] = pues.setdefault(_declared(stated, kind, site_pue), len(pues))
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


OFFICE_SITE = "office"
OFFICE: Course[SitePue] = Course("PUE 1 (office)", (), SitePue(site=OFFICE_SITE, pue=1.0, kind="office"))
"""What runs declare that state this site: no cooling plant behind the socket, as in a configuration
(docs/grid/places.md). A ``[[site]]`` of that name goes before it."""


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


def _wanted(question: Question, mine: Callable[[str], bool]) -> dict[str, frozenset[str]]:
    return {key: frozenset(values) for key, values in question.where.items() if mine(key)}


def _fits(told: Mapping[str, str], wanted: Mapping[str, frozenset[str]]) -> bool:
    return all(told.get(key, "") in allowed for key, allowed in wanted.items())
