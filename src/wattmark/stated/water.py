"""``[[water]]``: litres per kilowatt-hour of a place, on site or at the power plants."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from wattmark.core.errors import ConfigError, UsageError
from wattmark.core.tariff import EVERYWHERE
from wattmark.core.water import HIGHEST, KINDS, WHERE, WaterFactor
from wattmark.fields import Fields

KEYS = (
    "place",
    "where",
    "kind",
    "litres_per_kwh",
    "valid_from",
    "valid_to",
    "source",
    "relative_error",
    "note",
)


def water(tables: Sequence[Fields], zone: tzinfo) -> tuple[WaterFactor, ...]:
    """The figures of water that tables state; days begin in ``zone``.

    Raises ConfigError, naming the file and the table, also for two of one kind and place that hold at once.
    """
    found: list[WaterFactor] = []
    for table in tables:
        one = _water(table, zone)
        for number, other in enumerate(found, 1):
            if _clash(one, other):
                problem = f"holds at {one.place!r} at the same time as [[water]] {number}"
                raise ConfigError(table.file, table.place, f"{problem}: `valid_to` ends one before the next")
        found.append(one)
    return tuple(found)


def _clash(a: WaterFactor, b: WaterFactor) -> bool:
    if (a.place, a.where, a.kind) != (b.place, b.where, b.kind):
        return False
    bounds = [(w.start_us, w.end_us) for w in (a, b)]
    if (None, None) in bounds and bounds[0] != bounds[1]:
        return False
    first = a.start_us is None or b.end_us is None or a.start_us < b.end_us
    return first and (b.start_us is None or a.end_us is None or b.start_us < a.end_us)


def _water(table: Fields, zone: tzinfo) -> WaterFactor:
    table.only(*KEYS)
    start, end = table.moment("valid_from", zone), table.moment("valid_to", zone)
    if start is not None and end is not None and end <= start:
        raise table.wrong("valid_to", "must lie after `valid_from`; it is the first moment that is not meant")
    for key, allowed in (("where", WHERE), ("kind", KINDS)):
        if key not in table.values:
            raise table.wrong(key, f"is missing: give one of {', '.join(allowed)}")
    try:
        return WaterFactor(
            place=table.text("place", EVERYWHERE).strip() or EVERYWHERE,
            where=table.choice("where", WHERE),
            kind=table.choice("kind", KINDS),
            litres_per_kwh=table.amount("litres_per_kwh", 0.0, HIGHEST),
            start_us=start,
            end_us=end,
            source=table.named("source"),
            relative_error=table.amount("relative_error", 0.0, 10.0, 0.0),
            note=table.text("note", ""),
        )
    except ConfigError:
        raise
    except UsageError as error:
        raise table.refused(error) from None
