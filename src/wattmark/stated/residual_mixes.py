"""``[[residual_mix]]``: what unclaimed electricity of a market emits; and ``[[market]]``: who is in a market.

No table of residual mixes is shipped: those of the Association of Issuing Bodies and of Green-e may not be
passed on freely, so whoever reports states the figure of their market and year.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from wattmark.core.carbon import BASES
from wattmark.core.errors import ConfigError, RefusedError
from wattmark.core.instruments import ResidualMix
from wattmark.core.market import Markets
from wattmark.fields import Fields
from wattmark.stated.instruments import new_year

KEYS = ("market", "from", "to", "year", "grams_per_kwh", "basis", "source", "relative_error")


def residual_mixes(tables: Sequence[Fields], zone: tzinfo, markets: Markets) -> tuple[ResidualMix, ...]:
    """What tables state, in their order. Raises ConfigError, also where two hold at once."""
    found: list[ResidualMix] = []
    for table in tables:
        one = _mix(table, zone)
        try:
            markets.check(one.market)
        except RefusedError as error:
            raise ConfigError(table.file, table.place, str(error)) from None
        for number, other in enumerate(found, 1):
            same = (one.market, one.basis) == (other.market, other.basis)
            if same and one.start_us < other.end_us and other.start_us < one.end_us:
                problem = f"holds at once with [[residual_mix]] {number}: let one end where the other begins"
                raise ConfigError(table.file, table.place, problem)
        found.append(one)
    return tuple(found)


def _mix(table: Fields, zone: tzinfo) -> ResidualMix:
    table.only(*KEYS)
    year = table.whole("year", 1990, 2200)
    start, end = table.moment("from", zone), table.moment("to", zone)
    if start is None or end is None:
        if year is None:
            lacks = "from" if start is None else "to"
            raise table.wrong(lacks, "is missing: give from and to, or the year that it holds for")
        start = new_year(year, zone) if start is None else start
        end = new_year(year + 1, zone) if end is None else end
    if end <= start:
        raise table.wrong("to", "must lie after `from`; it is the first moment that is not meant")
    return ResidualMix(
        market=table.named("market"),
        start_us=start,
        end_us=end,
        grams_per_kwh=table.amount("grams_per_kwh", 0.0, 1e6),
        basis=table.choice("basis", BASES, "direct"),
        source=table.named("source"),
        year=year,
        relative_error=table.amount("relative_error", 0.0, 10.0, 0.0),
    )


def markets(tables: Sequence[Fields]) -> Markets:
    """Which zones, sites and countries make a market. Raises ConfigError for a place in two markets."""
    found: dict[str, str] = {}
    for table in tables:
        table.only("name", "zones")
        name, zones = table.named("name"), table.texts("zones")
        if not zones:
            raise table.wrong("zones", "is empty: name grid zones, sites or countries (ISO 3166 alpha-3)")
        for zone in zones:
            if found.get(zone, name) != name:
                raise table.wrong("zones", f"{zone} is in the market {found[zone]} already: leave one out")
            found[zone] = name
    return Markets(found)
