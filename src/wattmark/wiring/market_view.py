"""What ``wattmark market show`` tells: both matchings of a ledger side by side."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

from wattmark.core.instruments import ANNUAL, HOUR_US, HOURLY, MATCHINGS, SUPPLIER, Instrument
from wattmark.core.market import Loads, Matching, Use
from wattmark.ledger.factors import Course, Factors, GridFactor, grid_courses
from wattmark.reports.market import DayHour, InstrumentRow, MarketRow, MarketView
from wattmark.wiring.market import Surveyed, basis_of, findings, market_factors, matched, survey

if TYPE_CHECKING:
    from wattmark.ledger.engine import Engine
    from wattmark.ledger.settings import LedgerSettings
    from wattmark.ledger.snapshot import Snapshot

HOURS = 24


def market_view(
    settings: LedgerSettings, snapshot: Snapshot, engine: Engine, name: str, basis: str | None
) -> MarketView:
    """Everything that is stated, met and left over. Without a ``basis`` that of what is stated."""
    basis = basis or basis_of(settings.instruments, settings.residual_mixes)
    surveyed = survey(settings, snapshot, engine, basis)
    told = settings.instruments
    answers = {m: matched(surveyed, told, m, settings.zone, basis) for m in MATCHINGS}
    factors = {
        m: market_factors(surveyed, answers[m], told, settings.residual_mixes, basis) for m in MATCHINGS
    }
    said = [line for m in MATCHINGS for line in findings(surveyed, answers[m], told)]
    rows = tuple(_markets(surveyed, answers, factors, told))
    said += [
        f"some load of {row.market} has no location-based factor on a {basis} basis: [[grid]] gives it one"
        for row in rows
        if row.location_grams is None
    ]
    return MarketView(
        ledger=name,
        version=snapshot.version,
        basis=basis,
        time_zone=settings.time_zone,
        instruments=tuple(_instruments(told, answers)),
        residual_mixes=settings.residual_mixes,
        markets=rows,
        days={
            market: _day(market, surveyed.loads, answers[HOURLY], told, settings.zone)
            for market in surveyed.loads
            if any(one.market == market and one.timed for one in told)
        },
        findings=tuple(dict.fromkeys(said)),
    )


def _instruments(told: Sequence[Instrument], answers: Mapping[str, Matching]) -> Iterator[InstrumentRow]:
    for one in told:
        reasons = {m: next((r.reason for r in a.refused if r.id == one.id), "") for m, a in answers.items()}
        uses = {
            (m, use.year): use for m, answer in answers.items() for use in answer.uses if use.id == one.id
        }
        years = sorted({year for _, year in uses})
        for year in years or [""]:
            annual, hourly = uses.get((ANNUAL, year)), uses.get((HOURLY, year))
            known = annual or hourly
            yield InstrumentRow(
                instrument=one,
                year=year,
                offered_kwh=known.offered_kwh if known else one.amount,
                annual_kwh=_used(annual),
                hourly_kwh=_used(hourly),
                remark=reasons[ANNUAL] or (annual.reason if annual else "") or reasons[HOURLY],
            )


def _used(use: Use | None) -> float | None:
    return None if use is None else use.used_kwh


def _markets(
    surveyed: Surveyed,
    answers: Mapping[str, Matching],
    factors: Mapping[str, Factors],
    told: Sequence[Instrument],
) -> Iterator[MarketRow]:
    courses = {m: grid_courses(factors[m].grid) for m in MATCHINGS}
    years = {(met.market, met.year) for met in answers[ANNUAL].met}
    for market, year in sorted(years):
        pieces = [m for m in answers[ANNUAL].met if (m.market, m.year) == (market, year)]
        bounds = min(p.start_us for p in pieces), max(p.end_us for p in pieces)
        grams = {m: _grams(surveyed, market, bounds, courses[m], factors[m]) for m in MATCHINGS}
        yield MarketRow(
            market=market,
            year=year,
            load_kwh=answers[ANNUAL].load_kwh(market, year),
            annual_kwh=answers[ANNUAL].matched_kwh(market, told, year),
            hourly_kwh=answers[HOURLY].matched_kwh(market, told, year),
            location_grams=_grams(surveyed, market, bounds),
            annual_grams=grams[ANNUAL],
            hourly_grams=grams[HOURLY],
        )


def _grams(
    surveyed: Surveyed,
    market: str,
    bounds: tuple[int, int],
    courses: Mapping[str, Course[GridFactor]] | None = None,
    factors: Factors | None = None,
) -> float | None:
    """Grams of the load of one market and year; location-based without courses. None where one is missing."""
    found = []
    for own in surveyed.own:
        if own.market != market:
            continue
        course = own.average
        if courses is not None and factors is not None:
            course = courses.get(factors.placed[own.place])
        for at, kwh in own.hours.items():
            if not (bounds[0] <= at < bounds[1]) or kwh == 0:
                continue
            met = course.over((at, at + HOUR_US), _value) if course is not None else None
            if met is None:
                return None
            found.append(kwh * met[1])
    return math.fsum(found)


def _value(factor: GridFactor) -> float:
    return factor.grams_per_kwh


def _day(
    market: str, loads: Loads, hourly: Matching, told: Sequence[Instrument], zone: tzinfo
) -> tuple[DayHour, ...]:
    """Load, generation and what matched by the hour of the day, over the days that have load."""
    kinds = [one for one in told if one.market == market and one.timed and one.kind != SUPPLIER]
    usable = [one for one in kinds if all(r.id != one.id for r in hourly.refused)]
    ids = {one.id for one in usable}
    shares = {m.start_us: m for m in hourly.met if m.market == market}
    sums = [[0.0, 0.0, 0.0] for _ in range(HOURS)]
    days = {_local(at, zone).date() for at in loads[market]}
    for at, kwh in loads[market].items():
        row = sums[_local(at, zone).hour]
        row[0] += kwh
        met = shares.get(at)
        row[2] += kwh * math.fsum(s for i, s in met.shares.items() if i in ids) if met else 0.0
    for day in days:
        first = datetime(day.year, day.month, day.day, tzinfo=zone)
        for hour in range(HOURS):
            at = round(first.replace(hour=hour).timestamp()) * 1_000_000
            sums[hour][1] += math.fsum(one.delivered_in_hour(at - at % HOUR_US) for one in usable)
    return tuple(
        DayHour(hour=h, load_kwh=row[0], generation_kwh=row[1], matched_kwh=row[2])
        for h, row in enumerate(sums)
    )


def _local(at_us: int, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(at_us / 1e6, UTC).astimezone(zone)
