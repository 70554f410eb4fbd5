"""Tariffs and figures of water as people read them: what holds when, and a day drawn hour by hour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from wattmark.core.rate import RateCourse, RatePoint
from wattmark.core.tariff import DAYS, EVERYWHERE, MICRO, NOT_IN_IT, Band, Tariff, clock
from wattmark.core.water import WaterFactor
from wattmark.reports.as_text import bar, table
from wattmark.reports.quantities import number

WIDTH = 36
HOUR_US = 3600 * MICRO


@dataclass(frozen=True, slots=True, kw_only=True)
class TariffView:
    """The tariffs that were asked for, and one day of each."""

    file: str
    """Where they are stated."""
    day: date
    tariffs: tuple[Tariff, ...]
    courses: tuple[RateCourse, ...] = ()
    """The day of each tariff, in its own zone."""
    water: tuple[WaterFactor, ...] = ()
    drawn: bool = True
    """Whether the days are drawn."""


def tariffs_text(view: TariffView, *, ascii_only: bool = False) -> str:
    """A table of what is stated, then a bar for each hour of the day."""
    return "\n".join(_lines(view, ascii_only))


def _lines(view: TariffView, ascii_only: bool) -> Iterator[str]:
    if not view.tariffs and not view.water:
        yield f"{view.file} states no [[tariff]] and no [[water]]"
        return
    if view.tariffs:
        heads = ("tariff", "place", "price", "from", "to", "paid at", "includes", "source")
        yield table(heads, [_row(tariff) for tariff in view.tariffs])
        yield NOT_IN_IT
    if view.drawn:
        for tariff, course in zip(view.tariffs, view.courses, strict=True):
            yield ""
            yield from _day(tariff, course, view.day, ascii_only)
    if view.water:
        yield ""
        columns = ("water of", "where", "kind", "L/kWh", "from", "to", "source")
        yield table(columns, [_water_row(one) for one in view.water])


def _row(tariff: Tariff) -> tuple[str, ...]:
    return (
        tariff.name,
        "everywhere" if tariff.place == EVERYWHERE else tariff.place,
        _prices(tariff),
        _moment(tariff.start_us, tariff),
        _moment(tariff.end_us, tariff),
        "the facility" if tariff.pays == "facility" else "the machines",
        "+".join(tariff.includes),
        tariff.source,
    )


def _prices(tariff: Tariff) -> str:
    prices = _all_prices(tariff)
    low, high = min(prices), max(prices)
    span = number(low) if low == high else f"{number(low)} to {number(high)}"
    how = "" if tariff.flat else " by time" if tariff.bands else f", {len(tariff.listed)} prices"
    return f"{span} {tariff.currency}/kWh{how}"


def _all_prices(tariff: Tariff) -> list[float]:
    if tariff.listed:
        return [point.per_kwh + tariff.added_per_kwh for point in tariff.listed]
    base = [] if tariff.per_kwh is None else [tariff.per_kwh]
    return [*base, *(band.per_kwh for band in tariff.bands)]


def _moment(at_us: int | None, tariff: Tariff) -> str:
    return "always" if at_us is None else _local(at_us, tariff).strftime("%Y-%m-%d")


def _local(at_us: int, tariff: Tariff) -> datetime:
    return datetime.fromtimestamp(at_us / MICRO, UTC).astimezone(tariff.zone)


def _day(tariff: Tariff, course: RateCourse, day: date, ascii_only: bool) -> Iterator[str]:
    """One line an hour; a day has 23 or 25 where clocks change. A price below zero is drawn as nothing."""
    counts = "; it counts as a holiday" if day in tariff.holidays else ""
    zone = getattr(tariff.zone, "key", None) or str(tariff.zone)
    yield f"{tariff.name}, {DAYS[day.weekday()]} {day.isoformat()} ({zone}){counts}, {tariff.currency}/kWh"
    hours = list(_hourly(course.points, *day_of(tariff, day)))
    top = max((point.per_kwh for point in hours if point is not None), default=0.0)
    for at, point in zip(range(len(hours)), hours, strict=True):
        start = _local(day_of(tariff, day)[0] + at * HOUR_US, tariff).strftime("%H:%M")
        if point is None:
            yield f"{start}  no price"
            continue
        drawn = bar(max(0.0, point.per_kwh / top) if top > 0 else 0.0, WIDTH, ascii_only=ascii_only)
        yield f"{start} {number(point.per_kwh):>9} {drawn:<{WIDTH}} {point.label}".rstrip()


def day_of(tariff: Tariff, day: date) -> tuple[int, int]:
    """The first moment of a day in the zone of a tariff and that of the next, microseconds since 1970."""
    edges = (datetime(d.year, d.month, d.day, tzinfo=tariff.zone) for d in (day, day + timedelta(days=1)))
    start, end = (round(at.timestamp()) * MICRO for at in edges)
    return start, end


def _hourly(points: Sequence[RatePoint], start: int, end: int) -> Iterator[RatePoint | None]:
    """The mean of each hour of a stretch; None where no price holds for all of it."""
    for at in range(start, end, HOUR_US):
        until = min(at + HOUR_US, end)
        inside = [p for p in points if p.start_us < until and p.end_us > at]
        lasted = [min(p.end_us, until) - max(p.start_us, at) for p in inside]
        if sum(lasted) < until - at:
            yield None
            continue
        mean = sum(p.per_kwh * n for p, n in zip(inside, lasted, strict=True)) / sum(lasted)
        labels = dict.fromkeys(p.label for p in inside if p.label)
        price = inside[0].per_kwh if len(inside) == 1 else mean
        yield RatePoint(at, until, price, ", ".join(labels))


def _water_row(one: WaterFactor) -> tuple[str, ...]:
    place = "everywhere" if one.place == EVERYWHERE else one.place
    return (place, one.where, one.kind, number(one.litres_per_kwh), *_days(one), one.source)


def _days(one: WaterFactor) -> tuple[str, str]:
    told = (
        None if at is None else datetime.fromtimestamp(at / MICRO, UTC) for at in (one.start_us, one.end_us)
    )
    start, end = ("always" if at is None else at.strftime("%Y-%m-%d") for at in told)
    return start, end


def tariffs_body(view: TariffView) -> dict[str, Any]:
    """For JSON: every tariff with its bands, and the day point by point."""
    courses: Sequence[RateCourse | None] = view.courses or [None] * len(view.tariffs)
    return {
        "file": view.file,
        "day": view.day.isoformat(),
        "tariffs": [_body(t, c) for t, c in zip(view.tariffs, courses, strict=True)],
        "water": [
            {
                "place": one.place,
                "where": one.where,
                "kind": one.kind,
                "litres_per_kwh": one.litres_per_kwh,
                "valid_from": _iso(one.start_us),
                "valid_to": _iso(one.end_us),
                "source": one.source,
                "relative_error": one.relative_error,
            }
            for one in view.water
        ],
    }


def _body(tariff: Tariff, course: RateCourse | None) -> dict[str, Any]:
    return {
        "name": tariff.name,
        "place": tariff.place,
        "currency": tariff.currency,
        "per_kwh": tariff.per_kwh,
        "added_per_kwh": tariff.added_per_kwh,
        "bands": [_band(band) for band in tariff.bands],
        "listed": len(tariff.listed),
        "time_zone": getattr(tariff.zone, "key", None) or str(tariff.zone),
        "holidays": sorted(day.isoformat() for day in tariff.holidays),
        "valid_from": _iso(tariff.start_us),
        "valid_to": _iso(tariff.end_us),
        "pays": tariff.pays,
        "includes": list(tariff.includes),
        "source": tariff.source,
        "relative_error": tariff.relative_error,
        "points": []
        if course is None
        else [
            {"from": _iso(p.start_us), "to": _iso(p.end_us), "per_kwh": p.per_kwh, "band": p.label or None}
            for p in course.points
        ],
    }


def _band(band: Band) -> dict[str, Any]:
    return {
        "name": band.name,
        "per_kwh": band.per_kwh,
        "days": [DAYS[day] for day in band.days],
        "hours": f"{clock(band.start_minute)}-{clock(band.end_minute)}",
        "season": None
        if band.season is None
        else "..".join(f"{month:02d}-{day:02d}" for month, day in band.season),
    }


def _iso(at_us: int | None) -> str | None:
    if at_us is None:
        return None
    return datetime.fromtimestamp(at_us / MICRO, UTC).isoformat().replace("+00:00", "Z")
