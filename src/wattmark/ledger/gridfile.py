"""Fetched grid intensity in a ledger: CSV files under ``grid/``, which its totals meet hour by hour."""

from __future__ import annotations

import csv
import io
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Protocol

from wattmark.core.carbon import PRODUCT_ONLY
from wattmark.core.errors import ConfigError, RefusedError, UsageError
from wattmark.core.grid_series import ESTIMATED, FORECAST, HIGHEST, GridSeries
from wattmark.core.hourly import ALLOWANCES
from wattmark.ledger.factors import GridFactor, intensity_of, moment
from wattmark.ledger.onewriter import one_writer
from wattmark.ledger.store import Entry
from wattmark.stated.csv_rows import csv_rows, micros

FOLDER = "grid/"
HEADS = ("zone", "from", "to", "grams_per_kwh", "accounting", "basis", "inventory", "kind", "source", "note")
Row = tuple[str, ...]


class GridStore(Protocol):
    """What this needs of a store."""

    url: str

    def names(self, prefix: str) -> Iterator[Entry]:
        """The files below a folder."""
        ...

    def read(self, name: str) -> bytes:
        """A whole file. Raises FileNotFoundError when it is not there."""
        ...

    def replace(self, name: str, data: bytes) -> None:
        """Make a file, or put another in its place."""
        ...

    def put_new(self, name: str, data: bytes) -> bool:
        """Make a file; False when there is one of this name."""
        ...

    def delete(self, name: str) -> None:
        """Remove a file."""
        ...


def fetched_factors(store: GridStore, stated: Sequence[GridFactor] = ()) -> tuple[GridFactor, ...]:
    """The factors of every file, without those at whose time ``stated`` ones hold: these go first.

    Raises ConfigError that names the file and the line.
    """
    names = sorted(entry.name for entry in store.names(FOLDER) if entry.name.endswith(".csv"))
    found = [factor for name in names for factor in _factors(store, name)]
    bounded = [f for f in stated if f.start_us is not None or f.end_us is not None]
    return tuple(f for f in found if not any(_clash(f, other) for other in bounded))


def add_series(
    store: GridStore, series: GridSeries, zone: str, inventory: str | None = None
) -> tuple[str, int]:
    """Keep a series under the zone's name in the ledger; says the file, and how many points it holds now.

    Points of the same moments are replaced. Forecasts are left out: they are no evidence of what was. Raises
    UsageError without others, and for an ``inventory`` that a marginal series may not enter.
    """
    if inventory is not None and series.inventory == PRODUCT_ONLY != inventory:
        raise UsageError(
            f"a marginal series is {PRODUCT_ONLY} and enters no {inventory}: leave --inventory out"
        )
    terms = series.accounting, series.basis
    name = f"{FOLDER}{re.sub(r'[^A-Za-z0-9._-]', '_', '-'.join((zone, *terms)))}.csv"
    fresh = [
        (
            *(zone, moment(p.start_us), moment(p.end_us), repr(p.grams_per_kwh), *terms),
            *(inventory or series.inventory, p.kind, series.source, series.note),
        )
        for p in series.points
        if p.kind != FORECAST
    ]
    if not fresh:
        raise UsageError("there is nothing to keep: forecasts do not go into a ledger")
    with one_writer(store, name):
        try:
            kept = [row for _, row in _rows(store.read(name), f"{store.url}/{name}")]
        except FileNotFoundError:
            kept = []
        spans = [(row[1], row[2]) for row in fresh]
        older = [row for row in kept if row[0] != zone or not _touches(row, spans)]
        rows = sorted([*older, *fresh], key=lambda row: row[1])
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerows([HEADS, *rows])
        store.replace(name, out.getvalue().encode())
    return name, len(rows)


def _touches(row: Row, spans: Sequence[tuple[str, str]]) -> bool:
    """Whether one of the spans, in order, meets it. Moments are written alike: they compare as text."""
    at = bisect_right(spans, row[1], key=lambda span: span[1])
    return at < len(spans) and spans[at][0] < row[2]


def _clash(fetched: GridFactor, stated: GridFactor) -> bool:
    if (fetched.zone, fetched.accounting, fetched.basis) != (stated.zone, stated.accounting, stated.basis):
        return False
    begins, ends = fetched.start_us or 0, fetched.end_us or 0
    return (stated.start_us is None or stated.start_us < ends) and (
        stated.end_us is None or begins < stated.end_us
    )


def _factors(store: GridStore, name: str) -> Iterator[GridFactor]:
    file = f"{store.url}/{name}"
    for number, row in _rows(store.read(name), file):
        zone, start, end, grams, accounting, basis, inventory, kind, source, note = row
        try:
            if kind not in ALLOWANCES:
                raise ValueError(f"kind {kind!r:.40} is none of {', '.join(ALLOWANCES)}")
            if not zone.strip():
                raise ValueError("zone is empty, and would be met by no run")
            start_us, end_us, value = micros(start), micros(end), float(grams)
            if value > HIGHEST:
                raise ValueError(f"an intensity of {value:g} gCO2e/kWh is impossible")
            if end_us <= start_us:
                raise ValueError("it ends before it begins")
            factor = GridFactor(
                zone=zone,
                start_us=start_us,
                end_us=end_us,
                grams_per_kwh=value,
                accounting=accounting,
                basis=basis,
                inventory=inventory,
                granularity="hour",
                source=source,
                relative_error=ALLOWANCES[kind],
                estimated_share=1.0 if kind == ESTIMATED else 0.0,
                note=note,
            )
            intensity_of(factor).figure()
        except (ValueError, RefusedError) as error:
            raise ConfigError(file, f"line {number}", f"{error}: fetch it again") from None
        yield factor


def _rows(data: bytes, file: str) -> list[tuple[int, Row]]:
    """Line and cells."""
    rows = csv_rows(data, file)
    if not rows or tuple(rows[0][1]) != HEADS:
        raise ConfigError(file, "line 1", f"must be the names {', '.join(HEADS)}: fetch it again")
    for number, row in rows[1:]:
        if len(row) != len(HEADS):
            raise ConfigError(file, f"line {number}", f"has {len(row)} columns, not {len(HEADS)}")
    return [(number, tuple(row)) for number, row in rows[1:]]
