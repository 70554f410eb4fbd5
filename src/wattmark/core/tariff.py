"""What electricity costs: flat, by time of use, or from a list of prices; and from when to when.

A tariff is in local time: bands begin by the clock on the wall, and a day on which clocks are put forward or
back has 23 or 25 hours. Demand charges (per kW of the highest quarter of an hour) and fixed charges are no
price of a kilowatt-hour: they are not in it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import pairwise

from wattmark.core.currency import checked_currency, checked_price
from wattmark.core.errors import UsageError
from wattmark.core.rate import FACILITY, PRICE, Rate, RateCourse, RatePoint

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
INCLUDES = ("energy", "network", "taxes")
EVERYWHERE = "*"
DAY_MINUTES = 24 * 60
LEAP = 2024
"""A year with all days, for checking seasons."""
MICRO = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOT_IN_IT = "electricity by the kWh only: demand charges, fixed charges and rented hardware are not in it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """One price at some hours of some days, by the clock on the wall."""

    name: str
    per_kwh: float
    days: tuple[int, ...] = tuple(range(7))
    """0 is Monday."""
    start_minute: int = 0
    end_minute: int = DAY_MINUTES
    """The first minute of the day that is not meant."""
    season: tuple[tuple[int, int], tuple[int, int]] | None = None
    """(month, day) on which it begins, and the first that is not meant; it may run over the new year."""

    def holds_on(self, day: date, weekday: int) -> bool:
        """Whether it holds on a day that counts as this day of the week."""
        return weekday in self.days and self.in_season(day)

    def in_season(self, day: date) -> bool:
        """Whether the day lies in its season."""
        if self.season is None:
            return True
        begins, ends = self.season
        now = day.month, day.day
        return begins <= now < ends if begins < ends else now >= begins or now < ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """What a kilowatt-hour costs somewhere, over time. Raises UsageError for what no tariff can be."""

    name: str
    place: str = EVERYWHERE
    """A site, a grid zone, a cloud region, a country (ISO 3166 alpha-3), or ``*`` for all others."""
    currency: str
    per_kwh: float | None = None
    """The price wherever no band holds; None: the bands or the list cover all."""
    bands: tuple[Band, ...] = ()
    listed: tuple[RatePoint, ...] = ()
    """Prices of a list, such as a day-ahead market; in order."""
    added_per_kwh: float = 0.0
    """What comes on top of each price of a list: network, taxes."""
    zone: tzinfo = UTC
    """Whose clock the bands go by."""
    holidays: frozenset[date] = frozenset()
    holidays_as: int = 6
    """As which day of the week a holiday counts; 6 is Sunday."""
    start_us: int | None = None
    """Where it begins to hold, microseconds since 1970 UTC; None: it always did."""
    end_us: int | None = None
    """The first moment that is not meant; None: it still holds."""
    pays: str = FACILITY
    """facility: the building's meter is paid for (energy x PUE); it: the machines' own."""
    includes: tuple[str, ...] = ("energy",)
    source: str
    relative_error: float = 0.0
    note: str = ""

    def __post_init__(self) -> None:
        checked_currency(self.currency)
        for price in (self.per_kwh, self.added_per_kwh, *(b.per_kwh for b in self.bands)):
            if price is not None:
                checked_price(price, self.currency)
        if self.listed and (self.bands or self.per_kwh is not None):
            raise UsageError(f"tariff {self.name!r} has a list and a price of its own: leave one out")
        if not (self.listed or self.bands or self.per_kwh is not None):
            raise UsageError(f"tariff {self.name!r} states no price: give per_kwh, bands or a file")
        if self.added_per_kwh and not self.listed:
            raise UsageError(
                f"tariff {self.name!r}: added_per_kwh comes on top of a file's prices, and there is none"
            )
        _check_bands(self)

    @property
    def rate(self) -> Rate:
        """All but the amount."""
        return Rate(
            kind=PRICE,
            per_kwh=0.0,
            unit=self.currency,
            meter=self.pays,
            name=self.name,
            source=self.source,
            relative_error=self.relative_error,
            terms=(("price_includes", "+".join(sorted(self.includes))),),
            note="; ".join(filter(None, (self.note, NOT_IN_IT))),
        )

    @property
    def flat(self) -> bool:
        """Whether it is one price at all times."""
        return not self.bands and not self.listed


def course_of(tariff: Tariff, start_us: int, end_us: int) -> RateCourse:
    """What holds between two moments, in order; where the tariff does not hold there is nothing."""
    begin = max(start_us, tariff.start_us if tariff.start_us is not None else start_us)
    end = min(end_us, tariff.end_us if tariff.end_us is not None else end_us)
    if tariff.listed:
        points = [_with(tariff, p) for p in tariff.listed]
    elif tariff.bands and begin < end:
        points = _banded(tariff, begin, end)
    else:
        points = [RatePoint(begin, end, tariff.per_kwh or 0.0)]
    clipped = (_clipped(p, begin, end) for p in points)
    return RateCourse(rate=tariff.rate, points=tuple(p for p in clipped if p.start_us < p.end_us))


def in_force(tariffs: Iterable[Tariff], places: Sequence[str]) -> tuple[Tariff, ...]:
    """The tariffs of the first of these places that has any; those for everywhere come last."""
    every = list(tariffs)
    for place in (*places, EVERYWHERE):
        found = tuple(t for t in every if t.place == place)
        if place and found:
            return found
    return ()


def listed_prices(starts: Sequence[tuple[int, float]], last_us: int | None = None) -> tuple[RatePoint, ...]:
    """Prices from their beginnings: each holds until the next, the last for as long as the one before it.

    Raises UsageError for two of one moment, for times that run backwards, and for holes: more than an hour
    between two, or more than on both sides of it.
    """
    steps = [after[0] - before[0] for before, after in pairwise(starts)]
    for at, step in enumerate(steps):
        moment = _utc(starts[at + 1][0])
        if step <= 0:
            raise UsageError(
                f"{moment} comes twice or out of order: each price needs one start, in order of time"
            )
        around = [*steps[max(0, at - 1) : at], *steps[at + 1 : at + 2]]
        if step > HOUR_US or (around and step > max(around) and not (at == 0 and step == HOUR_US)):
            raise UsageError(
                f"there is no price between {_utc(starts[at][0] + min([*around, HOUR_US]))} and {moment}"
            )
    ends = [start for start, _ in starts[1:]]
    if starts:
        ends.append(starts[-1][0] + (steps[-1] if steps else HOUR_US) if last_us is None else last_us)
    return tuple(RatePoint(start, end, price) for (start, price), end in zip(starts, ends, strict=True))


HOUR_US = 3600 * MICRO


def _with(tariff: Tariff, point: RatePoint) -> RatePoint:
    return RatePoint(point.start_us, point.end_us, point.per_kwh + tariff.added_per_kwh)


def _clipped(point: RatePoint, begin: int, end: int) -> RatePoint:
    if begin <= point.start_us and point.end_us <= end:
        return point
    return RatePoint(max(point.start_us, begin), min(point.end_us, end), point.per_kwh, point.label)


def _banded(tariff: Tariff, begin: int, end: int) -> list[RatePoint]:
    """Bands day by day, neighbours of one price and name together."""
    found: list[RatePoint] = []
    day = _local(begin, tariff.zone).date() - timedelta(days=1)
    while (first := _midnight(day, tariff.zone)) < end:
        for point in _day(tariff, day, first, _midnight(day + timedelta(days=1), tariff.zone)):
            last = found[-1] if found else None
            if last is not None and (last.per_kwh, last.label) == (point.per_kwh, point.label):
                found[-1] = RatePoint(last.start_us, point.end_us, last.per_kwh, last.label)
            else:
                found.append(point)
        day += timedelta(days=1)
    return found


def _day(tariff: Tariff, day: date, first: int, until: int) -> Iterator[RatePoint]:
    prices = _by_minute(tariff, day)
    if until - first == DAY_MINUTES * 60 * MICRO and _steady(first, until, tariff.zone):
        for start, end, price, label in prices:
            yield RatePoint(first + start * 60 * MICRO, first + end * 60 * MICRO, price, label)
        return
    starts = [start for start, *_ in prices]
    at = first
    while at < until:  # clocks change today: minute by minute, as they stand on the wall
        local = _local(at, tariff.zone)
        _, _, price, label = prices[bisect_right(starts, local.hour * 60 + local.minute) - 1]
        yield RatePoint(at, min(until, at + 60 * MICRO), price, label)
        at += 60 * MICRO


def _by_minute(tariff: Tariff, day: date) -> list[tuple[int, int, float, str]]:
    """From minute, to minute, price and band of one day, without holes."""
    weekday = tariff.holidays_as if day in tariff.holidays else day.weekday()
    found = sorted(
        (b.start_minute, b.end_minute, b.per_kwh, b.name) for b in tariff.bands if b.holds_on(day, weekday)
    )
    filled: list[tuple[int, int, float, str]] = []
    at = 0
    for start, end, price, name in found:
        if start > at:
            filled.append((at, start, _rest(tariff), ""))
        filled.append((start, end, price, name))
        at = end
    if at < DAY_MINUTES:
        filled.append((at, DAY_MINUTES, _rest(tariff), ""))
    return filled


def _rest(tariff: Tariff) -> float:
    assert tariff.per_kwh is not None  # _check_bands saw to it that bands without it cover every minute
    return tariff.per_kwh


def _check_bands(tariff: Tariff) -> None:
    """Every minute of every day of the year has one price."""
    for band in tariff.bands:
        if not 0 <= band.start_minute < band.end_minute <= DAY_MINUTES:
            raise UsageError(f"band {band.name!r} of tariff {tariff.name!r} ends before it begins")
    seen: set[tuple[int, tuple[int, ...]]] = set()
    day = date(LEAP, 1, 1)
    while tariff.bands and day.year == LEAP:
        of_season = tuple(n for n, b in enumerate(tariff.bands) if b.in_season(day))
        for weekday in range(7):
            if (weekday, of_season) not in seen:
                seen.add((weekday, of_season))
                _check_day(tariff, day, weekday)
        day += timedelta(days=1)


def _check_day(tariff: Tariff, day: date, weekday: int) -> None:
    found = sorted((b.start_minute, b.end_minute, b.name) for b in tariff.bands if b.holds_on(day, weekday))
    when = f"on a {DAYS[weekday]} around {day.month:02d}-{day.day:02d}"
    at = 0
    for (start, end, name), before in zip(found, ("", *(n for *_, n in found)), strict=False):
        if start < at:
            raise UsageError(
                f"bands {before!r} and {name!r} of tariff {tariff.name!r} both hold at {clock(start)} "
                f"{when}: let one end where the other begins"
            )
        if start > at and tariff.per_kwh is None:
            break
        at = end
    if at < DAY_MINUTES and tariff.per_kwh is None:
        raise UsageError(
            f"tariff {tariff.name!r} has no price at {clock(at)} {when}: add a band, or per_kwh for the rest"
        )


def clock(minute: int) -> str:
    """A minute of the day as people read it."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _midnight(day: date, zone: tzinfo) -> int:
    """The first moment of a day, microseconds since 1970; where clocks skip midnight, the first there is."""
    at = datetime(day.year, day.month, day.day, tzinfo=zone)
    return (at.astimezone(UTC) - EPOCH) // timedelta(microseconds=1)


def _steady(first: int, until: int, zone: tzinfo) -> bool:
    """Whether no clock changes between two moments: their offsets are the same, and that of noon."""
    middle = (first + until) // 2
    return len({_local(at, zone).utcoffset() for at in (first, middle, until - 1)}) == 1


def _local(at_us: int, zone: tzinfo) -> datetime:
    return (EPOCH + timedelta(microseconds=at_us)).astimezone(zone)


def _utc(at_us: int) -> str:
    return _local(at_us, UTC).isoformat().replace("+00:00", "Z")
