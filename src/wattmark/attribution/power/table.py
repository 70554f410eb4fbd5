"""Tables of samples as Arrow: CSV, JSON Lines or Parquet, packed or not, and their columns as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wattmark.attribution.logs.files import head_of, opened
from wattmark.attribution.logs.json_lines import first_rows
from wattmark.attribution.logs.values import (
    EARLIEST_US,
    LATEST_US,
    MISSING,
    PER_SECOND,
    UNITS,
    Bad,
    stamp_parser,
    unit_of_stamp,
    zone_named,
)
from wattmark.attribution.power.series import Floats, Longs
from wattmark.core.errors import EvidenceError, MissingExtra, UsageError

PARQUET = b"PAR1"


def read_table(path: Path) -> Any:
    """The table in a file; the cells of a CSV file are texts. Raises EvidenceError and MissingExtra."""
    try:
        import pyarrow as pa
        from pyarrow import csv, json, parquet
    except ImportError:
        raise MissingExtra("tables of power", "attribute") from None
    if not path.is_file():
        raise EvidenceError(str(path), "is no file")
    try:
        with path.open("rb") as file:
            if file.read(4) == PARQUET:
                return parquet.read_table(path)
        with opened(path) as file:
            first = file.read(1)
        with opened(path) as file:
            if first == b"{":
                return json.read_json(file, parse_options=json.ParseOptions(explicit_schema=_texts(path, pa)))
            names = csv.open_csv(file).schema.names
        with opened(path) as file:
            return csv.read_csv(
                file,
                convert_options=csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
                parse_options=csv.ParseOptions(invalid_row_handler=lambda row: "skip"),
            )
    except (pa.ArrowException, OSError, EOFError, UnicodeDecodeError) as error:
        raise EvidenceError(
            str(path), f"is no table of samples: {str(error).splitlines()[0][:200]}"
        ) from None


def _texts(path: Path, pa: Any) -> Any:
    """The texts among the columns: left to itself, Arrow makes local times of moments with a Z."""
    names = {key for row in first_rows(head_of(path)) for key, value in row.items() if isinstance(value, str)}
    return pa.schema([(name, pa.string()) for name in sorted(names)])


def column_of(table: Any, asked: str | None, usual: Sequence[str]) -> str | None:
    """The name of a column: the one asked for, or the first usual one. Raises UsageError."""
    by_lower = {name.strip().lower(): name for name in table.column_names}
    if asked is not None:
        found = by_lower.get(asked.strip().lower())
        if found is None:
            raise UsageError(f"there is no column {asked!r}; there are {', '.join(table.column_names[:30])}")
        return str(found)
    return next((str(by_lower[name]) for name in usual if name in by_lower), None)


def numbers_in(column: Any) -> Floats:
    """A column as numbers; NaN where a cell holds none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        trimmed = pc.utf8_trim_whitespace(column)
        fitting = pc.match_substring_regex(
            trimmed, r"^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?$"
        )
        column = pc.cast(pc.if_else(fitting, trimmed, None), pa.float64())
    elif not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        return np.full(len(column), np.nan)
    found: Floats = pc.fill_null(pc.cast(column, pa.float64()), float("nan")).to_numpy()
    return found


def times_in(table: Any, name: str, unit: str, zone: str | None, path: Path) -> Longs:
    """A column of times in microseconds since 1970; 0 where a cell holds none.

    Raises UsageError for a unit that cannot be told and for local times without a zone.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if unit and unit not in UNITS:
        raise UsageError(f"-o unit.time={unit}: one of {', '.join(UNITS)}")
    column = table.column(name)
    if pa.types.is_timestamp(column.type):
        if column.type.tz is None:
            if zone is None:
                raise UsageError(f"{path}: {name} holds local times without their zone: name it with `zone`")
            column = pc.assume_timezone(column, zone, ambiguous="earliest", nonexistent="earliest")
        found = pc.cast(pc.cast(column, pa.timestamp("us", "UTC"), safe=False), pa.int64())
        return _within(pc.fill_null(found, 0).to_numpy())
    if pa.types.is_integer(column.type):
        whole = pc.fill_null(column, 0).to_numpy().astype(np.int64)
        return _within(_scaled(whole, unit or _unit(float(whole.max(initial=0)), name, path)))
    numbers = numbers_in(column)
    if unit != "iso" and np.isfinite(numbers).any():
        unit = unit or _unit(float(numbers[np.isfinite(numbers)][0]), name, path)
        return _within(_scaled(np.where(np.isfinite(numbers), numbers, 0.0), unit))
    return _written(column.to_pylist(), zone, name, path)


def _unit(number: float, name: str, path: Path) -> str:
    unit = unit_of_stamp(number)
    if unit is None:
        raise UsageError(
            f"{path}: {name} holds numbers that are no times since 1970: what they count from is not known"
        )
    return unit


def _scaled(numbers: Any, unit: str) -> Longs:
    if unit == "ns":
        whole: Longs = np.floor_divide(numbers, 1000).astype(np.int64)
        return whole
    factor = 1_000_000 // PER_SECOND[unit]
    found: Longs = np.rint(numbers * factor).astype(np.int64)
    return found


def _within(us: Any) -> Longs:
    found: Longs = np.where((us >= EARLIEST_US) & (us < LATEST_US), us, 0)
    return found


def _written(cells: Sequence[Any], zone: str | None, name: str, path: Path) -> Longs:
    """Times of ISO 8601, one by one: an hour of samples is written in some ten ways."""
    parse = stamp_parser("iso", zone_named(zone))
    found = np.zeros(len(cells), np.int64)
    for place, cell in enumerate(cells):
        try:
            us = parse(cell)
        except Bad as error:
            if "zone" in str(error):
                raise UsageError(f"{path}: {name} {error}") from None
            continue
        found[place] = 0 if us == MISSING else us
    return found
