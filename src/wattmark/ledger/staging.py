"""Rows of derived tables on their way: in files of this machine, until all of them are worked out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from wattmark.ledger.columns import DERIVED
from wattmark.ledger.deltalog import arrow_schema

BATCH_ROWS = 65_536


class Staging:
    """Parquet files per table in a folder of our own. Add in the order of days."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers: dict[str, Any] = {}
        self._schemas = {name: arrow_schema(columns) for name, columns in DERIVED.items()}

    def add(self, table: str, rows: Any) -> None:
        """Rows as a pyarrow Table, or as mappings."""
        if not isinstance(rows, pa.Table):
            rows = pa.Table.from_pylist(list(rows), schema=self._schemas[table])
        if rows.num_rows:
            self._writer(table).write_table(rows.cast(self._schemas[table]))

    def path(self, table: str) -> Path:
        """Where a table's file is, or will be."""
        return self._folder / f"{table}.parquet"

    def file(self, table: str) -> str:
        """The file of a table, whole; nothing more can be added to it."""
        if table in self._writers or not self.path(table).exists():
            self._writer(table)
            self._writers.pop(table).close()
        return str(self.path(table))

    def reader(self, table: str) -> Any:
        """All rows of a table, batch by batch; nothing more can be added to it."""
        return pa.RecordBatchReader.from_batches(self._schemas[table], self._batches(self.file(table), table))

    def _batches(self, file: str, table: str) -> Iterator[Any]:
        with pq.ParquetFile(file) as opened:
            for batch in opened.iter_batches(BATCH_ROWS):
                yield batch.cast(self._schemas[table])

    def _writer(self, table: str) -> Any:
        if table not in self._writers:
            self._writers[table] = pq.ParquetWriter(self.path(table), self._schemas[table])
        return self._writers[table]
