"""Makes few large files of many small ones, and cleans up what no version needs that is to be kept.

Rows stay as they are; the new files are durable before one commit puts them in the place of the old ones,
which stay on the disk until no version within the retention uses them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake.exceptions import DeltaError

from wattmark.core.errors import UsageError
from wattmark.ledger.columns import DERIVED
from wattmark.ledger.deltalog import (
    Layout,
    adds,
    after_commit,
    commit,
    grown,
    open_table,
    partition_of,
    removal_of,
    trouble,
    write_file,
)
from wattmark.ledger.evidence import RUN, SAMPLE, TABLE
from wattmark.ledger.store import Store
from wattmark.ledger.tables import layout

RETENTION_HOURS = 7 * 24
LEAST_HOURS = 24
"""Less only when forced: a fold that goes on, or a reader, may still need the files."""
MOST_ROWS = 1_000_000
MOST_BYTES = 64 << 20
"""Of one file after compaction; what is held in memory is some five times that."""
ENOUGH = 0.7
"""A file that is filled so far is left as it is."""
ORDER = {SAMPLE: ("record_id", "start_us"), RUN: ("start_us",)}
"""Rows of one stream lie together: they take less room, and readers pass over the others."""
US_PER_HOUR = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Compacted:
    """What compaction did."""

    files_before: int
    files_after: int
    removed: int
    """Files that were cleaned up."""


def compact(
    store: Store, now_us: int, *, retention_hours: int = RETENTION_HOURS, forced: bool = False
) -> Compacted:
    """Compact the evidence and the derived tables. Versions of the last ``retention_hours`` stay readable.

    Folds and readers may go on meanwhile. Raises UsageError for less than a day unless it is forced: then
    nobody else may read or write, and only the newest version stays readable; LedgerError.
    """
    if retention_hours < LEAST_HOURS and not forced:
        raise UsageError(
            f"a retention of {retention_hours} h takes files from folds and readers that are under way: keep "
            f"{LEAST_HOURS} h or more, or force it (`--force`) when nobody else uses the ledger"
        )
    before = after = removed = 0
    for at in (TABLE, *map(layout, DERIVED)):
        table = open_table(store, at.name)
        if table is None:
            continue
        before += len(adds(table))
        merge_files(store, at, now_us)
        removed += len(clean_up(store, at, retention_hours))
        after += len(adds(open_table(store, at.name)))
    removed += store.tidy(now_us - LEAST_HOURS * US_PER_HOUR)
    return Compacted(before, after, removed)


def merge_files(store: Store, at: Layout, now_us: int) -> None:
    """Put together the small files of each partition, one commit for each file that comes of it."""
    for some in list(_groups(adds(open_table(store, at.name)))):
        merged = _merged(store, at, some)
        action = write_file(store, at, partition_of(some[0]), merged, data_change=False)
        while True:
            table = open_table(store, at.name)
            here = set() if table is None else {row["path"] for row in adds(table)}
            if table is None or not {row["path"] for row in some} <= here:
                break  # replaced, purged or compacted by somebody else
            version = int(table.version()) + 1
            out = [removal_of(row, now_us, data_change=False) for row in some]
            told = {"operation": "OPTIMIZE"}
            if commit(store, at, version, [*grown(at, table, now_us), *out, action], told, now_us):
                after_commit(store, at, version)
                break


def clean_up(store: Store, at: Layout, retention_hours: int) -> list[str]:
    """Remove data files that no version of the last hours needs, also those that never were committed."""
    table = open_table(store, at.name)
    if table is None:
        return []
    full = retention_hours >= LEAST_HOURS
    try:
        listed = table.vacuum(retention_hours, dry_run=True, enforce_retention_duration=False, full=full)
    except (DeltaError, OSError, ValueError) as error:
        raise trouble(store.table_uri(at.name), error) from None
    gone = [str(path) for path in listed if str(path).endswith(".parquet")]
    for path in gone:
        store.delete(f"{at.name}/{path}")
    return gone


def _groups(files: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Small files of one partition that fit into one."""
    by_partition: dict[tuple[tuple[str, str | None], ...], list[dict[str, Any]]] = {}
    for row in files:
        if row["num_records"] < ENOUGH * MOST_ROWS and row["size_bytes"] < ENOUGH * MOST_BYTES:
            by_partition.setdefault(tuple(sorted(partition_of(row).items())), []).append(row)
    for some in by_partition.values():
        group: list[dict[str, Any]] = []
        rows = size = 0
        for row in sorted(some, key=lambda r: r["num_records"]):
            if group and (rows + row["num_records"] > MOST_ROWS or size + row["size_bytes"] > MOST_BYTES):
                if len(group) > 1:
                    yield group
                group, rows, size = [], 0, 0
            group.append(row)
            rows += row["num_records"]
            size += row["size_bytes"]
        if len(group) > 1:
            yield group


def _merged(store: Store, at: Layout, some: Sequence[dict[str, Any]]) -> Any:
    files = store.arrow_files()
    stored = at.stored
    tables = []
    for row in some:
        try:
            table = pq.ParquetFile(f"{at.name}/{row['path']}", filesystem=files).read()
        except (OSError, pa.ArrowException) as error:
            raise trouble(store.table_uri(f"{at.name}/{row['path']}"), error) from None
        tables.append(table.select([name for name in stored.names if name in table.column_names]))
    whole = pa.concat_tables(tables, promote_options="default")
    order = ORDER.get(partition_of(some[0]).get("kind") or "", ())
    return whole.sort_by([(name, "ascending") for name in order]) if order else whole
