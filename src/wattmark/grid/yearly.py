"""The yearly tables of grid intensity: which there are, and their rows in one shape.

A user's own table of the same name (``wattmark data update``) takes the place of the one that is shipped,
and every figure out of it says so. Rows are gCO2e/kWh.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from wattmark import tables
from wattmark.core.carbon import BASES, Intensity
from wattmark.core.errors import ConfigError

YEARLY_RELATIVE_ERROR = 0.10
"""A yearly mean stands for hours that differ; 10 % is our allowance for the factor itself."""
WORLD = "WORLD"
EU = "EU"


@dataclass(frozen=True, slots=True)
class YearlyTable:
    """One table of yearly figures."""

    name: str
    """In ``data/``, without ending."""
    what: str
    """What its zones are."""
    source: str
    """As figures name it."""
    zone: str = "zone"
    """Column of the zone."""


EMBER = YearlyTable("ember_yearly_country", "country", "Ember yearly", "iso3")
GOOGLE = YearlyTable("grid/google_regions", "Google Cloud region", "Google Cloud region carbon data")
TABLES = (
    GOOGLE,
    YearlyTable("grid/egrid", "eGRID subregion", "EPA eGRID2023 rev2"),
    YearlyTable("grid/uk_desnz", "country", "DESNZ conversion factors"),
    YearlyTable("grid/eurostat", "country", "worked out from Eurostat"),
    EMBER,
)
"""The finest first: where two know a zone, the first one holds."""
LIFECYCLE = "lifecycle"


@dataclass(frozen=True, slots=True)
class YearlyRow:
    """One figure of one zone and year."""

    table: YearlyTable
    zone: str
    name: str
    intensity: Intensity
    own: bool
    """Out of a table of the user's own."""


def yearly_rows(mine: Path | None = None) -> Iterator[YearlyRow]:
    """Every figure of every table; what a source prints and nobody can believe (0 g) is left out.

    ``mine`` is the folder of the user's own tables. Raises ConfigError for a table that was altered.
    """
    for table in TABLES:
        yield from rows_of(table, mine)


def rows_of(table: YearlyTable, mine: Path | None = None) -> tuple[YearlyRow, ...]:
    """The figures of one table, the user's own where there is one. Raises ConfigError."""
    if mine is None or not mine.joinpath(f"{table.name}.csv").is_file():
        return _shipped(table)
    told = tables.meta(table.name, mine)
    source = f"{table.source}, own table {told.version}"
    return tuple(_rows(table, tables.rows(table.name, mine), source, own=True))


@cache
def _shipped(table: YearlyTable) -> tuple[YearlyRow, ...]:
    return tuple(_rows(table, tables.rows(table.name), table.source, own=False))


def _rows(table: YearlyTable, rows: list[dict[str, str]], source: str, *, own: bool) -> Iterator[YearlyRow]:
    for number, row in enumerate(rows, start=1):
        zone = row[table.zone] or {"World": WORLD, "EU": EU}.get(row["name"], "")
        grams = number_in(row, "gco2e_per_kwh", table.name, number)
        if not zone or grams <= 0:
            continue
        basis = row["basis"].partition("_")[0]
        if basis not in BASES:
            raise ConfigError(f"{table.name}.csv", f"row {number}", f"basis is {row['basis']!r}")
        intensity = Intensity(
            grams_per_kwh=grams,
            zone=zone,
            accounting="location",
            basis=basis,
            granularity="year",
            source=source,
            year=int(number_in(row, "year", table.name, number)),
            relative_error=YEARLY_RELATIVE_ERROR,
            note=row.get("note", ""),
        )
        yield YearlyRow(table, zone, row["name"], intensity, own)


def number_in(row: dict[str, str], column: str, table: str, number: int) -> float:
    """A cell as a number. Raises ConfigError with the row and column."""
    try:
        value = float(row[column])
    except (KeyError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise ConfigError(f"{table}.csv", f"row {number}", f"{column} is {row.get(column)!r}, not a number")
    return value
