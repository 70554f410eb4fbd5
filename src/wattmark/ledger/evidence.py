"""The evidence: one table of everything that was observed, which only ever grows.

Its version is the ledger's: every fold makes one, and each can be read again while its files are kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import QueryBuilder
from deltalake.exceptions import DeltaError

from wattmark.core.errors import LedgerError, UsageError
from wattmark.ledger.columns import DAY_US, EVIDENCE
from wattmark.ledger.deltalog import Layout, adds, gone_file, log_of, open_table, partition_of, trouble
from wattmark.ledger.store import Store

TABLE = Layout("evidence", EVIDENCE, ("kind", "day"))
RUN, STREAM, SAMPLE, FILE, TOMBSTONE = "run", "stream", "sample", "file", "tombstone"
TOLD = "wattmark"
"""Key of our own entries in a commit's information."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Changed:
    """What came or went after a version."""

    version: int
    """The version that this leads to."""
    days: frozenset[str] = frozenset()
    """UTC days that any new or purged run or sample touches."""
    record_ids: frozenset[str] = frozenset()
    """Runs and streams with new or purged rows."""
    everything: bool = False
    """The history does not say what changed: count all again."""


@dataclass(frozen=True, slots=True)
class Version:
    """One entry of the history."""

    version: int
    time_us: int
    operation: str
    told: dict[str, Any]


class Evidence:
    """Reads a ledger's evidence. Everything raises LedgerError when the ledger cannot be read."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._opened: dict[int | None, Any] = {}

    def version(self) -> int:
        """The newest version; -1 for a ledger that holds nothing yet."""
        table = open_table(self._store, TABLE.name)
        return -1 if table is None else int(table.version())

    def scan(
        self,
        kind: str,
        columns: Sequence[str],
        *,
        days: Collection[str] | None = None,
        as_of: int | None = None,
        record_ids: Collection[str] | None = None,
        contents: Collection[str] | None = None,
    ) -> Any:
        """Rows of one kind as a pyarrow RecordBatchReader: portion by portion, in no promised order.

        ``days`` are days of a row's start, ``contents`` content ids, ``as_of`` is a version. A column that
        an older ledger does not have is null. Raises UsageError for a version that is not there, LedgerError
        for one that is no longer stored.
        """
        table = self._table(as_of)
        return rows_of(self._store, table, kind, columns, days=days, record_ids=record_ids, contents=contents)

    def files(self, kind: str, days: Collection[str] | None = None, as_of: int | None = None) -> list[str]:
        """The Parquet files of one kind: absolute paths or URIs, ``.../kind=sample/day=2026-11-01/...``.

        ``kind`` and ``day`` are in the path alone; stream, file and tombstone have no day
        (``__HIVE_DEFAULT_PARTITION__``, that is null).
        """
        table = self._table(as_of)
        if table is None:
            return []
        found = []
        for row in adds(table):
            at = partition_of(row)
            if at["kind"] == kind and (days is None or at["day"] in days):
                found.append(self._store.table_uri(f"{TABLE.name}/{row['path']}"))
        return sorted(found)

    def days(self, kind: str, as_of: int | None = None) -> list[str]:
        """The UTC days of the rows of one kind."""
        table = self._table(as_of)
        found = (partition_of(row) for row in adds(table)) if table is not None else ()
        return sorted({str(at["day"]) for at in found if at["kind"] == kind and at["day"]})

    def history(self, limit: int | None = None) -> list[Version]:
        """What was committed, the newest first."""
        table = open_table(self._store, TABLE.name)
        if table is None:
            return []
        try:
            entries = table.history(limit)
        except (DeltaError, OSError) as error:
            raise trouble(self._store.table_uri(TABLE.name), error) from None
        known = ("version", "timestamp", "operation")
        return [
            Version(
                int(entry["version"]),
                int(entry.get("timestamp", 0)) * 1000,
                str(entry.get("operation", "")),
                {key: value for key, value in entry.items() if key not in known},
            )
            for entry in entries
        ]

    def version_at(self, time: datetime) -> int:
        """The version that was the newest at a moment; -1 when there was none yet."""
        if time.tzinfo is None:
            raise UsageError(f"{time.isoformat()} names no time zone: add Z for UTC")
        at = (time - EPOCH) // timedelta(microseconds=1)
        return max((v.version for v in self.history() if v.time_us <= at), default=-1)

    def changed_since(self, version: int, until: int | None = None) -> Changed:
        """What came or went after a version: the days and records that must be counted again.

        ``until`` is the last version that is looked at; else the newest.
        """
        table = open_table(self._store, TABLE.name)
        newest = -1 if table is None else int(table.version())
        now = newest if until is None else until
        if not -1 <= version <= now <= newest:
            raise UsageError(f"{self._store.url}: there is no version {version}; the newest is {newest}")
        days: set[str] = set()
        ids: set[str] = set()
        paths: list[str] = []
        try:
            for each in range(version + 1, now + 1):
                for action in log_of(self._store, TABLE.name, each):
                    told = action.get("commitInfo", {}).get(TOLD, {})
                    if told.get("everything"):
                        return Changed(now, everything=True)
                    days.update(told.get("days", ()))
                    ids.update(told.get("record_ids", ()))
                    paths.extend(_new_records(action))
            ids.update(_record_ids(self._store, paths))
        except FileNotFoundError:  # compaction has replaced it, and it was cleaned up since
            return Changed(now, everything=True)
        return Changed(now, frozenset(days), frozenset(ids))

    def _table(self, as_of: int | None) -> Any | None:
        if as_of is None:
            return open_table(self._store, TABLE.name)
        if as_of == -1:
            return None
        if as_of not in self._opened:
            self._opened[as_of] = self._at(as_of)
        return self._opened[as_of]

    def _at(self, version: int) -> Any:
        newest = open_table(self._store, TABLE.name)
        last = -1 if newest is None else int(newest.version())
        if not 0 <= version <= last:
            raise UsageError(f"{self._store.url}: there is no version {version}; the newest is {last}")
        table = open_table(self._store, TABLE.name, version)
        assert table is not None
        if gone_file(self._store, TABLE, table, newest) is not None:
            raise LedgerError(
                self._store.url,
                f"version {version} is no longer stored: `ledger compact` or `ledger purge` has cleaned up "
                f"files that only it used; the newest is {last}",
            )
        return table


def rows_of(
    store: Store,
    table: Any | None,
    kind: str,
    columns: Sequence[str],
    *,
    days: Collection[str] | None = None,
    record_ids: Collection[str] | None = None,
    contents: Collection[str] | None = None,
) -> Any:
    """Rows of a version that is open already; see :meth:`Evidence.scan`."""
    schema = pa.schema([TABLE.schema.field(name) for name in columns])
    where = _where(kind, {"day": days, "record_id": record_ids, "content": contents})
    rows = iter(()) if table is None else _rows(store, table, schema, where)
    return pa.RecordBatchReader.from_batches(schema, rows)


def _rows(store: Store, table: Any, schema: Any, where: str) -> Iterator[Any]:
    known = {field.name for field in table.schema().fields}
    there = [name for name in schema.names if name in known] or ["kind"]
    try:
        asked = QueryBuilder().register(TABLE.name, table)
        listed = ", ".join(f'"{name}"' for name in there)
        for batch in _reader(asked.execute(f"SELECT {listed} FROM {TABLE.name} WHERE {where}")):
            if batch.num_rows:
                yield _fitted(batch, schema)
    except (DeltaError, OSError, pa.ArrowException, ValueError) as error:
        raise trouble(store.table_uri(TABLE.name), error) from None


def _where(kind: str, wanted: Mapping[str, Collection[str] | None]) -> str:
    """A condition of SQL on rows of the evidence."""
    parts = [f"kind = {_quoted(kind)}"]
    for column, values in wanted.items():
        if values is not None:
            parts.append(f"{column} IN ({', '.join(map(_quoted, values))})" if values else "FALSE")
    return " AND ".join(parts)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _reader(result: Any) -> Any:
    """What deltalake answers, as a pyarrow RecordBatchReader."""
    return result if isinstance(result, pa.RecordBatchReader) else pa.RecordBatchReader.from_stream(result)


def day_of(time_us: int) -> str:
    """The UTC day of a moment, within the years 1 to 9999."""
    ordinal = EPOCH.toordinal() + time_us // DAY_US
    return date.fromordinal(min(max(ordinal, 1), date.max.toordinal())).isoformat()


def days_between(start_us: int, end_us: int) -> list[str]:
    """The UTC days that an interval touches; its end does not belong to it."""
    last = max(start_us, end_us - 1)
    return [day_of(d * DAY_US) for d in range(start_us // DAY_US, last // DAY_US + 1)]


def _fitted(batch: Any, schema: Any) -> Any:
    columns = [
        batch[field.name].cast(field.type)
        if field.name in batch.schema.names
        else pa.nulls(len(batch), field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _new_records(action: dict[str, Any]) -> list[str]:
    """The path of a file that an action of the log adds, when it brings runs or samples."""
    added = action.get("add")
    if added and added["dataChange"] and added["partitionValues"]["kind"] in (RUN, SAMPLE):
        return [str(added["path"])]
    return []


def _record_ids(store: Store, paths: Collection[str]) -> set[str]:
    """The records in some data files."""
    found: set[str] = set()
    filesystem = store.arrow_files() if paths else None
    for path in paths:
        file = pq.ParquetFile(f"{TABLE.name}/{path}", filesystem=filesystem)
        for batch in file.iter_batches(columns=["record_id"]):
            found.update(pc.unique(batch["record_id"]).to_pylist())
    return found
