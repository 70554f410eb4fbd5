"""Facility and IT energy as a DCIM, a building or a PDU exports it: CSV with times and declared columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path

from wattmark.core.errors import EvidenceError, RefusedError
from wattmark.core.pue_series import MeterSeries, Sample, added
from wattmark.sources.facility_forms import Reading, form_of
from wattmark.sources.moments import moment_us

TIME_NAMES = ("time", "timestamp", "datetime", "date", "start", "from")
MOST_BYTES = 1 << 28
EARLIEST_US = 631_152_000_000_000
"""1990: what is earlier is no time of a meter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which columns are what. Several columns of one meter are added up: PDUs, feeds, halls."""

    facility: tuple[str, ...]
    it: tuple[str, ...]
    time: str | None = None
    """None: the first that is named like one."""
    layout: str | None = None
    """Of times, as of strptime; None: ISO 8601, or seconds or milliseconds since 1970."""
    zone: tzinfo = UTC
    """Of times that name none."""
    facility_as: str | None = None
    """One of facility_forms.FORMS; None: as the column's name tells."""
    it_as: str | None = None


@dataclass(frozen=True, slots=True)
class _Table:
    path: Path
    header: tuple[str, ...]
    rows: tuple[tuple[int, Mapping[str, str]], ...]
    """Line and cells."""
    decimal_comma: bool


def meters_of(paths: Sequence[Path], columns: Columns, reading: Reading) -> tuple[MeterSeries, MeterSeries]:
    """Facility and IT energy out of one file or several; each column is in one of them.

    An empty cell is a gap. Raises EvidenceError that names file, line and column; UsageError where a column
    does not tell its form; RefusedError for impossible values.
    """
    tables = [_table(path) for path in paths]
    sides = ((columns.facility, columns.facility_as, "--facility"), (columns.it, columns.it_as, "--it"))
    facility, it = (
        added([_meter(tables, name, said, option, columns, reading) for name in names])
        for names, said, option in sides
    )
    return facility, it


def _meter(
    tables: Sequence[_Table], name: str, said: str | None, option: str, columns: Columns, reading: Reading
) -> MeterSeries:
    table = _with(tables, name, option)
    form = form_of(said, name, f"{option}-as")
    time = _time_column(table, columns.time)
    samples: list[Sample] = []
    for line, cells in table.rows:
        text = cells[name].strip()
        if not text or text.lower() in ("nan", "null", "n/a", "-"):
            continue
        at = _moment(cells[time].strip(), columns)
        if at is None:
            raise EvidenceError(
                f"{table.path}:{line}",
                f"{time}: {cells[time]!r:.40} is no time: write ISO 8601, or say --time-layout",
            )
        samples.append((at, _number(text, table, line, name)))
    try:
        return form.read(samples, f"{table.path.name}, {name}", reading)
    except RefusedError as refusal:
        raise EvidenceError(str(table.path), str(refusal)) from None


def _table(path: Path) -> _Table:
    try:
        data = path.read_bytes()
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise EvidenceError(str(path), f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise EvidenceError(str(path), "is not UTF-8: save it again as UTF-8") from None
    if len(data) > MOST_BYTES:
        raise EvidenceError(str(path), f"is larger than {MOST_BYTES >> 20} MiB: give a shorter time")
    first = text.partition("\n")[0]
    delimiter = max((";", "\t", ","), key=first.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    rows: list[tuple[int, Mapping[str, str]]] = []
    try:
        header = tuple(name.strip() for name in next(reader, []))
        for cells in reader:
            if not any(cells):
                continue
            if len(cells) != len(header):
                raise EvidenceError(
                    f"{path}:{reader.line_num}", f"has {len(cells)} cells, and the header {len(header)}"
                )
            rows.append((reader.line_num, dict(zip(header, cells, strict=True))))
    except csv.Error as error:
        raise EvidenceError(f"{path}:{reader.line_num}", f"is no CSV: {error}") from None
    if len(set(header)) != len(header):
        raise EvidenceError(str(path), "has two columns of one name: rename one")
    return _Table(path, header, tuple(rows), delimiter == ";")


def _with(tables: Sequence[_Table], name: str, option: str) -> _Table:
    found = [table for table in tables if name in table.header]
    if len(found) == 1:
        return found[0]
    if found:
        both = " and ".join(str(table.path) for table in found)
        raise EvidenceError(both, f"both have a column {name!r}: rename one")
    has = "; ".join(f"{table.path} has {', '.join(table.header)}" for table in tables)
    raise EvidenceError(str(tables[0].path), f"no column {name!r} for {option}: {has}")


def _time_column(table: _Table, said: str | None) -> str:
    if said is not None:
        if said not in table.header:
            raise EvidenceError(str(table.path), f"no column {said!r}; it has {', '.join(table.header)}")
        return said
    for wanted in TIME_NAMES:
        for name in table.header:
            if name.lower().startswith(wanted):
                return name
    raise EvidenceError(
        str(table.path), f"no column of times among {', '.join(table.header)}: name it with --time"
    )


def _moment(text: str, columns: Columns) -> int | None:
    if columns.layout is None and text.replace(".", "", 1).isdigit():
        number = float(text)
        micros = round(number * (1e3 if number > 1e11 else 1e6))  # milliseconds or seconds since 1970
        return micros if micros >= EARLIEST_US else None
    return moment_us(text, columns.zone, columns.layout)


def _number(text: str, table: _Table, line: int, name: str) -> float:
    cleaned = text.replace(".", "").replace(",", ".") if table.decimal_comma and "," in text else text
    try:
        value = float(cleaned)
    except ValueError:
        raise EvidenceError(
            f"{table.path}:{line}", f"{name}: {text!r:.40} is no number; leave the cell empty for a gap"
        ) from None
    if not 0 <= value < 1e18:
        raise EvidenceError(
            f"{table.path}:{line}", f"{name}: {value:g} is impossible; leave the cell empty for a gap"
        )
    return value
