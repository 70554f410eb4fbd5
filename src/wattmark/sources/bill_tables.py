"""Rows of bills: CSV (packed or not) and Parquet, as texts by the names of their columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from wattmark.core.errors import EvidenceError, MissingExtra
from wattmark.sources.lines import table_of

Row = Mapping[str, str]
PARQUET = (".parquet", ".pq")
BATCH = 10_000
SUFFIXES = (".csv", ".csv.gz", *PARQUET)


def bill_files(inputs: Sequence[str]) -> list[Path]:
    """The files that were named, and those of bills in named folders, also deep inside.

    Raises EvidenceError for what is not there and for a folder without such files.
    """
    found: list[Path] = []
    for text in inputs:
        path = Path(text)
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file() and p.name.endswith(SUFFIXES))
            if not inside:
                raise EvidenceError(text, "holds no .csv, .csv.gz or .parquet: name a file")
            found.extend(inside)
        elif path.exists():
            found.append(path)
        else:
            raise EvidenceError(text, "is not there")
    return found


def bill_rows(
    path: Path, needed: Sequence[str], what: str, named: Callable[[str], str] = str
) -> Iterator[tuple[str, Row | None]]:
    """Place and cells of each row, by names that ``named`` makes of the columns.

    None for a row with more or fewer cells than its header. Raises EvidenceError when a column that is needed
    is not there, naming it, and when the file cannot be read.
    """
    if path.suffix in PARQUET:
        yield from _parquet(path, needed, what, named)
        return
    header: list[str] | None = None
    for line, cells in table_of(path):
        if header is None:
            header = [named(cell) for cell in cells]
            _check(path, header, needed, what)
        elif len(cells) != len(header):
            yield f"{path}:{line}", None
        else:
            yield f"{path}:{line}", dict(zip(header, cells, strict=True))
    if header is None:
        raise EvidenceError(str(path), f"is empty: {what} begins with a line of columns")


def _check(path: Path, header: Sequence[str], needed: Sequence[str], what: str) -> None:
    lacking = [name for name in needed if name not in header]
    if lacking:
        raise EvidenceError(
            str(path),
            f"is not {what}: it has no column {', '.join(lacking)}; it has {', '.join(header)[:300]}",
        )


def _parquet(
    path: Path, needed: Sequence[str], what: str, named: Callable[[str], str]
) -> Iterator[tuple[str, Row | None]]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingExtra("Parquet", "ledger") from None
    try:
        with pq.ParquetFile(path) as file:
            header = [named(name) for name in file.schema_arrow.names]
            _check(path, header, needed, what)
            number = 0
            for batch in file.iter_batches(BATCH):
                columns = [[_text(value) for value in column.to_pylist()] for column in batch.columns]
                for cells in zip(*columns, strict=True):
                    number += 1
                    yield f"{path} row {number}", dict(zip(header, cells, strict=True))
    except (pa.ArrowException, OSError) as error:
        raise EvidenceError(str(path), f"is no Parquet file that can be read: {error}") from None


def _text(value: Any) -> str:
    """A value as a CSV file has it: ISO times, JSON for what is nested, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(v, tuple) and len(v) == 2 for v in value):
        value = dict(value)  # how pyarrow gives a map
    if isinstance(value, dict | list):
        return json.dumps(value, default=str)
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)


def property_of(text: str, *keys: str) -> str:
    """A property in a cell that holds a JSON object (braces may be missing); empty where there is none."""
    if not text:
        return ""
    try:
        found = json.loads(text if text.lstrip().startswith("{") else "{" + text + "}")
    except (ValueError, RecursionError):
        return ""
    for key in keys:
        value = found.get(key) if isinstance(found, dict) else None
        if value not in (None, ""):
            return str(value)
    return ""
