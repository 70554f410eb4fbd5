"""``[[instrument]]``: certificates, contracts and tariffs for electricity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo

from wattmark.core.carbon import BASES
from wattmark.core.errors import ConfigError, RefusedError
from wattmark.core.instruments import KINDS, SUPPLIER, Instrument, check_instrument, check_instruments
from wattmark.core.market import Markets
from wattmark.fields import EPOCH, Fields
from wattmark.stated.generation_csv import generation

Read = Callable[[str], bytes]
"""The bytes of a file that lies beside the settings. Raises FileNotFoundError."""
MOST_KWH = 1e15
KEYS = (
    "id",
    "kind",
    "market",
    "from",
    "to",
    "vintage",
    "kwh",
    "file",
    "flat",
    "share",
    "grams_per_kwh",
    "basis",
    "renewable",
    "technology",
    "source",
    "reference",
    "bundles",
    "certificates",
)


def instruments(
    tables: Sequence[Fields], zone: tzinfo, read: Read, markets: Markets
) -> tuple[Instrument, ...]:
    """What tables state, in their order. ``read`` gets the CSV that one names; days begin in ``zone``.

    Raises ConfigError, naming the file and the table, for what cannot be and for what is claimed twice.
    """
    found: list[Instrument] = []
    for table in tables:
        one = _instrument(table, zone, read)
        try:
            check_instrument(one)
            markets.check(one.market)
            check_instruments([*found, one])
        except RefusedError as error:
            raise ConfigError(table.file, table.place, str(error)) from None
        found.append(one)
    return tuple(found)


def _instrument(table: Fields, zone: tzinfo, read: Read) -> Instrument:
    table.only(*KEYS)
    kind = table.choice("kind", KINDS)
    if not kind:
        raise table.wrong("kind", f"is missing: give one of {', '.join(KINDS)}")
    start, end, vintage = _time(table, zone)
    hours = _hours(table, zone, read)
    kwh = table.amount("kwh", 0.0, MOST_KWH) if "kwh" in table.values else None
    share = table.amount("share", 0.0, 1.0) if "share" in table.values else None
    if share is None and kind == SUPPLIER and kwh is None and not hours:
        share = 1.0
    return Instrument(
        id=table.named("id"),
        kind=kind,
        market=table.named("market"),
        start_us=start,
        end_us=end,
        vintage=vintage,
        kwh=kwh,
        hours=hours,
        flat=_truth(table, "flat"),
        share=share,
        grams_per_kwh=table.amount("grams_per_kwh", 0.0, 1e6),
        basis=table.choice("basis", BASES, "direct"),
        renewable=_truth(table, "renewable"),
        technology=table.text("technology", ""),
        source=table.text("source", ""),
        reference=table.text("reference", "").strip(),
        bundles=table.texts("bundles"),
        sold=table.choice("certificates", ("kept", "sold"), "kept") == "sold",
    )


def _time(table: Fields, zone: tzinfo) -> tuple[int, int, int | None]:
    """From, to and vintage. The year of generation says both ends where they are not said."""
    vintage = table.whole("vintage", 1990, 2200)
    start, end = table.moment("from", zone), table.moment("to", zone)
    if vintage is None:
        if start is None or end is None:
            lacks = "from" if start is None else "to"
            raise table.wrong(lacks, "is missing: give from and to, or the year of generation as vintage")
        return start, end, None
    first, after = new_year(vintage, zone), new_year(vintage + 1, zone)
    start, end = first if start is None else start, after if end is None else end
    if start < first or end > after:
        raise table.wrong(
            "vintage",
            f"is {vintage}, and from and to reach beyond that year: what was generated in one year meets no "
            "other year's load",
        )
    return start, end, vintage


def new_year(year: int, zone: tzinfo) -> int:
    """The first moment of a year, microseconds since 1970."""
    return round((datetime(year, 1, 1, tzinfo=zone) - EPOCH).total_seconds()) * 1_000_000


def _hours(table: Fields, zone: tzinfo, read: Read) -> dict[int, float]:
    named = table.beside("file")
    if not named:
        return {}
    try:
        data = read(named)
    except (OSError, ValueError) as error:
        raise table.wrong("file", f"{named} cannot be read: put it beside {table.file} ({error})") from None
    return generation(data, named, zone)


def _truth(table: Fields, key: str) -> bool:
    value = table.values.get(key, False)
    if not isinstance(value, bool):
        raise table.wrong(key, f"must be true or false, not {value!r:.40}")
    return value
