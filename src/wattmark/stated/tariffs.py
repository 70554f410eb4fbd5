"""``[[tariff]]``: what electricity costs at a place, flat, by time of use or from a file of prices."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wattmark.core.currency import checked_currency
from wattmark.core.errors import ConfigError, UsageError
from wattmark.core.rate import METERS, RatePoint
from wattmark.core.tariff import DAY_MINUTES, DAYS, EVERYWHERE, INCLUDES, LEAP, Band, Tariff
from wattmark.fields import Fields
from wattmark.stated.price_csv import parse_price_csv

KEYS = (
    "name",
    "place",
    "currency",
    "per_kwh",
    "bands",
    "file",
    "added_per_kwh",
    "time_zone",
    "holidays",
    "holidays_as",
    "valid_from",
    "valid_to",
    "pays",
    "includes",
    "source",
    "relative_error",
    "note",
)
BAND_KEYS = ("name", "per_kwh", "days", "hours", "season")
MOST = 1e6
_HOURS = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_SEASON = re.compile(r"(\d{2})-(\d{2})\s*\.\.\s*(\d{2})-(\d{2})")


def tariffs(tables: Sequence[Fields], zone: tzinfo, read: Callable[[str], bytes]) -> tuple[Tariff, ...]:
    """The tariffs that tables state; days and hours are in ``zone`` where a tariff names no other.

    ``read`` gets the bytes of a file of prices. Raises ConfigError, naming the file and the table, also for
    two tariffs of one place that hold at once.
    """
    found: list[Tariff] = []
    for table in tables:
        one = _tariff(table, zone, read)
        for number, other in enumerate(found, 1):
            if _clash(one, other):
                raise ConfigError(
                    table.file,
                    table.place,
                    f"holds at {one.place!r} at the same time as [[tariff]] {number}: let `valid_to` of one "
                    "be `valid_from` of the other",
                )
        found.append(one)
    return tuple(found)


def _clash(a: Tariff, b: Tariff) -> bool:
    """A tariff without any bounds that is flat holds wherever no other does, as with grid factors."""
    if a.place != b.place:
        return False
    bounds = [(t.start_us, t.end_us) if t.flat else _reach(t) for t in (a, b)]
    if (None, None) in bounds and bounds[0] != bounds[1]:
        always = (a, b)[bounds.index((None, None))]
        if always.flat:
            return False
    first = bounds[0][0] is None or bounds[1][1] is None or bounds[0][0] < bounds[1][1]
    second = bounds[1][0] is None or bounds[0][1] is None or bounds[1][0] < bounds[0][1]
    return first and second


def _reach(tariff: Tariff) -> tuple[int | None, int | None]:
    if not tariff.listed:
        return tariff.start_us, tariff.end_us
    first, last = tariff.listed[0].start_us, tariff.listed[-1].end_us
    start = first if tariff.start_us is None else max(first, tariff.start_us)
    return start, last if tariff.end_us is None else min(last, tariff.end_us)


def _tariff(table: Fields, usual: tzinfo, read: Callable[[str], bytes]) -> Tariff:
    table.only(*KEYS)
    zone = _zone(table, usual)
    start, end = table.moment("valid_from", zone), table.moment("valid_to", zone)
    if start is not None and end is not None and end <= start:
        raise table.wrong("valid_to", "must lie after `valid_from`; it is the first moment that is not meant")
    place = table.text("place", EVERYWHERE).strip() or EVERYWHERE
    try:
        currency = checked_currency(table.named("currency"))
    except ConfigError:
        raise
    except UsageError as error:
        raise table.wrong("currency", str(error)) from None
    listed, file = _listed(table, currency, zone, read)
    try:
        return Tariff(
            name=table.text("name", "").strip() or _named(place),
            place=place,
            currency=currency,
            per_kwh=_price(table, "per_kwh"),
            bands=tuple(band for one in table.tables("bands") for band in _bands(_inside(table, one))),
            listed=listed,
            added_per_kwh=_price(table, "added_per_kwh") or 0.0,
            zone=zone,
            holidays=_holidays(table),
            holidays_as=DAYS.index(table.choice("holidays_as", DAYS, "sun")),
            start_us=start,
            end_us=end,
            pays=table.choice("pays", METERS, METERS[0]),
            includes=_includes(table),
            source=table.text("source", "").strip() or file or "declared",
            relative_error=table.amount("relative_error", 0.0, 10.0, 0.0),
            note=table.text("note", ""),
        )
    except ConfigError:
        raise
    except UsageError as error:
        raise table.refused(error) from None


def _named(place: str) -> str:
    return "electricity" if place == EVERYWHERE else f"electricity {place}"


def _price(table: Fields, key: str) -> float | None:
    return table.amount(key, -MOST, MOST) if key in table.values else None


def _inside(table: Fields, band: Fields) -> Fields:
    return Fields(table.file, f"{table.place} {band.place.replace('[[', '').replace(']]', '')}", band.values)


def _zone(table: Fields, usual: tzinfo) -> tzinfo:
    name = table.text("time_zone", "")
    if not name:
        return usual
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise table.wrong(
            "time_zone",
            f"no time zone {name!r:.40} is known here: give an IANA name such as Europe/Paris "
            "(systems without a time zone database need `pip install tzdata`)",
        ) from None


def _listed(
    table: Fields, currency: str, zone: tzinfo, read: Callable[[str], bytes]
) -> tuple[tuple[RatePoint, ...], str]:
    name = table.beside("file")
    if not name:
        return (), ""
    try:
        data = read(name)
    except OSError as error:
        problem = error.strerror or str(error)
        raise table.wrong("file", f"{name} cannot be read: {problem}; it lies beside {table.file}") from None
    return parse_price_csv(data, name, currency, zone), name


def _includes(table: Fields) -> tuple[str, ...]:
    if "includes" not in table.values:
        return INCLUDES[:1]
    told = table.texts("includes")
    for word in told:
        if word not in INCLUDES:
            raise table.wrong("includes", f"must be some of {', '.join(INCLUDES)}, not {word!r:.40}")
    if not told:
        raise table.wrong("includes", 'is empty: say what the price holds, such as ["energy", "taxes"]')
    return tuple(word for word in INCLUDES if word in told)


def _holidays(table: Fields) -> frozenset[date]:
    told = table.values.get("holidays", [])
    if not isinstance(told, list):
        raise table.wrong("holidays", "must be a list of days such as [2026-12-25]")
    return frozenset(_day(table, one) for one in told)


def _day(table: Fields, told: Any) -> date:
    if isinstance(told, date) and not isinstance(told, datetime):
        return told
    try:
        return date.fromisoformat(told)
    except (TypeError, ValueError):
        raise table.wrong("holidays", f"{told!r:.40} is no day: write 2026-12-25") from None


def _bands(band: Fields) -> Sequence[Band]:
    """One band; two where its hours run over midnight: those after it are of the next day."""
    band.only(*BAND_KEYS)
    name = band.named("name")
    price = band.amount("per_kwh", -MOST, MOST)
    days, (start, end), season = _days(band), _hours(band), _season(band)
    parts: Mapping[tuple[int, int], tuple[int, ...]] = {(start, end): days}
    if end <= start:
        after = tuple(sorted((day + 1) % 7 for day in days))
        parts = {(start, DAY_MINUTES): days, **({(0, end): after} if end else {})}
    return [
        Band(name=name, per_kwh=price, days=on, start_minute=first, end_minute=last, season=season)
        for (first, last), on in parts.items()
    ]


def _days(band: Fields) -> tuple[int, ...]:
    text = band.text("days", "mon-sun").lower()
    found: set[int] = set()
    for word in filter(None, (part.strip() for part in text.split(","))):
        first, _, last = (part.strip() for part in word.partition("-"))
        if first not in DAYS or (last and last not in DAYS):
            raise band.wrong("days", f"{word!r:.40} is no day: write mon-fri, or sat,sun")
        at, until = DAYS.index(first), DAYS.index(last or first)
        found.update((at + n) % 7 for n in range((until - at) % 7 + 1))
    if not found:
        raise band.wrong("days", "names no day: write mon-fri, or sat,sun")
    return tuple(sorted(found))


def _hours(band: Fields) -> tuple[int, int]:
    text = band.text("hours", "00:00-24:00")
    match = _HOURS.fullmatch(text.strip())
    problem = f"{text!r:.40} are no hours: write 08:00-20:00, by the clock on the wall"
    if match is None:
        raise band.wrong("hours", problem)
    h1, m1, h2, m2 = map(int, match.groups())
    start, end = h1 * 60 + m1, h2 * 60 + m2
    if m1 > 59 or m2 > 59 or start >= DAY_MINUTES or end > DAY_MINUTES or start == end:
        raise band.wrong("hours", problem)
    return start, end


def _season(band: Fields) -> tuple[tuple[int, int], tuple[int, int]] | None:
    text = band.text("season", "")
    if not text:
        return None
    match = _SEASON.fullmatch(text.strip())
    problem = f"{text!r:.40} is no season: write 10-01..04-01 (month-day, the last is not meant any more)"
    if match is None:
        raise band.wrong("season", problem)
    m1, d1, m2, d2 = map(int, match.groups())
    try:
        first, last = date(LEAP, m1, d1), date(LEAP, m2, d2)
    except ValueError:
        raise band.wrong("season", problem) from None
    if first == last:
        raise band.wrong("season", problem)
    return (m1, d1), (m2, d2)
