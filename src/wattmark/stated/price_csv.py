"""Prices of electricity from a CSV file: the columns ``start``, and ``per_mwh`` or ``per_kwh``."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo

from wattmark.core.currency import checked_prices
from wattmark.core.errors import ConfigError, UsageError
from wattmark.core.grid_series import KWH_PER_MWH
from wattmark.core.rate import RatePoint
from wattmark.core.tariff import EPOCH, listed_prices
from wattmark.stated.csv_rows import csv_rows, micros

PER = {"per_kwh": 1.0, "per_mwh": 1.0 / KWH_PER_MWH}
HEADS = "start and per_kwh or per_mwh"


def parse_price_csv(data: bytes, file: str, currency: str, zone: tzinfo) -> tuple[RatePoint, ...]:
    """The prices of a file in order of time, per kWh. A start without an offset from UTC is in ``zone``.

    Each price holds until the next start. Raises ConfigError that names the file and the line.
    """
    rows = csv_rows(data, file)
    heads = [head.strip().lower() for head in rows[0][1]] if rows else []
    units = [head for head in heads if head in PER]
    if heads.count("start") != 1 or len(units) != 1:
        raise ConfigError(file, "line 1", f"must name {HEADS}, not {', '.join(heads) or 'nothing'}")
    at, price = heads.index("start"), heads.index(units[0])
    starts = list(_starts(rows[1:], (at, price, len(heads)), file, zone))
    if not starts:
        raise ConfigError(file, "line 2", "is not there: a file of prices holds at least one")
    per_kwh = [(start, value * PER[units[0]]) for start, value in starts]
    try:
        checked_prices([value for _, value in per_kwh], currency)
        return listed_prices(per_kwh)
    except UsageError as error:
        raise ConfigError(file, "", str(error)) from None


def _starts(
    rows: list[tuple[int, list[str]]], columns: tuple[int, int, int], file: str, zone: tzinfo
) -> Iterator[tuple[int, float]]:
    at, price, width = columns
    before: int | None = None
    for number, row in rows:
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != width:
            problem = f"has {len(row)} columns, not {width}: is this the whole file?"
            raise ConfigError(file, f"line {number}", problem)
        try:
            start = _moment(row[at].strip(), zone, before)
        except ValueError:
            problem = f"{row[at]!r:.40} is no time: write 2026-05-03T14:00+02:00"
            raise ConfigError(file, f"line {number} start", problem) from None
        yield start, _number(row[price].strip(), file, number)
        before = start


def _moment(text: str, zone: tzinfo, before: int | None) -> int:
    """Microseconds since 1970. Of an hour that comes twice, the second is meant where the first was named."""
    first = micros(text, zone)
    told = datetime.fromisoformat(text)
    if told.tzinfo is not None:
        return first
    again = told.replace(tzinfo=zone, fold=1)
    moments = [first, (again - EPOCH) // timedelta(microseconds=1)]
    return moments[0] if before is None or moments[0] > before else max(moments)


def _number(text: str, file: str, line: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        said = f"{text!r:.40} is no price" if text else "there is no price"
        raise ConfigError(file, f"line {line}", f"{said}: write a number such as 84.30 or -5.2")
    return value
