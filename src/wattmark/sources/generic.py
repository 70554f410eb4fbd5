"""Anybody's own CSV or Parquet, with a declared meaning of its columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wattmark.core.errors import EvidenceError, MissingExtra, UsageError
from wattmark.core.imported import Imported
from wattmark.ports import Source
from wattmark.sources.catalog import Asked, Inputs
from wattmark.sources.generic_layout import KEYS, Layout
from wattmark.sources.generic_mapping import layout_of
from wattmark.sources.generic_rows import Row
from wattmark.sources.generic_takers import Repeated, Runs, Samples
from wattmark.sources.lines import files_of, table_of
from wattmark.sources.portions import Notes

if TYPE_CHECKING:
    import pyarrow as pa

OPTIONS: Mapping[str, str] = KEYS
PARQUET = (".parquet", ".pq")
BATCH = 10_000
NO_ZONE = "times that name no zone are read as UTC: -o time_zone=Europe/Paris names another"


def open_source(inputs: Inputs, asked: Asked) -> Source:
    """A source on tables, or on folders of ``*.csv``. Raises ConfigError for a mapping that cannot be."""
    layout = layout_of(asked.settings)
    if layout.samples and layout.host is None and asked.host is None:
        raise UsageError(
            "series of samples need their machine: name it with --host, or its column with -o host="
        )
    return Generic(tuple(files_of(inputs, "*.csv")), asked, layout)


class Generic:
    """Reads a table by its layout: runs, looks at meters, or energies of stretches of time."""

    def __init__(self, files: tuple[Path, ...], asked: Asked, layout: Layout) -> None:
        self._files = files
        self._asked = asked
        self._layout = layout

    def read(self) -> Iterator[Imported]:
        """The rows of all files, portion by portion."""
        layout = self._layout
        notes = Notes()
        if not layout.zone_named:
            notes.add(NO_ZONE)
        taker = (Samples if layout.samples else Runs)(layout, self._asked, notes)
        for path in self._files:
            taker.begin()
            for place, row in _rows(path, layout):
                try:
                    taker.take(row)
                except Repeated:
                    taker.portion.ignored += 1
                except ValueError as error:
                    taker.portion.refuse(place, str(error))
                else:
                    taker.portion.taken += 1
                if taker.full:
                    yield taker.brought()
        yield taker.brought(last=True)


class _Cells(dict[str, str]):
    """The cells of a row by their columns."""

    def __missing__(self, key: str) -> str:
        raise ValueError(f"the row ends before its column {key!r}")


def _rows(path: Path, layout: Layout) -> Iterator[tuple[str, Row]]:
    if path.suffix in PARQUET:
        yield from _parquet_rows(path, layout)
        return
    header: list[str] | None = None
    for line, cells in table_of(path, layout.delimiter):
        if header is None:
            header = cells
            _check_columns(path, header, layout)
        else:
            yield f"{path}:{line}", _Cells(zip(header, cells, strict=False))
    if header is None:
        raise EvidenceError(str(path), "is empty: its first line names the columns")


def _check_columns(path: Path, header: list[str], layout: Layout) -> None:
    for column, key in layout.columns.items():
        if column not in header:
            raise EvidenceError(
                str(path),
                f"has no column {column!r} ({layout.where}: {key}); it has {', '.join(header)[:300]}",
            )
        if header.count(column) > 1:
            raise EvidenceError(
                str(path), f"has {header.count(column)} columns {column!r}: rename all but one"
            )


def _parquet_rows(path: Path, layout: Layout) -> Iterator[tuple[str, Row]]:
    """Rows of the columns that are needed, some thousands at a time."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingExtra("Parquet", "ledger") from None
    try:
        with pq.ParquetFile(path) as file:
            _check_columns(path, file.schema_arrow.names, layout)
            number = 0
            for batch in file.iter_batches(BATCH, columns=list(layout.columns)):
                columns = {name: _texts(batch.column(name)) for name in layout.columns}
                for cells in zip(*columns.values(), strict=True):
                    number += 1
                    yield f"{path} row {number}", dict(zip(columns, cells, strict=True))
    except (pa.ArrowException, OSError) as error:
        raise EvidenceError(str(path), f"is no Parquet file that can be read: {error}") from None


def _texts(column: pa.Array) -> list[str]:
    """Values as a CSV file would have them: times in ISO 8601, nothing for null."""
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    return [_text(value) for value in column.to_pylist()]


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
