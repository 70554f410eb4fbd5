"""Removes records for good: their rows, and every file that holds them. What stays is a tombstone each.

A tombstone names the record, the hash of what was removed, the reason and the time; never what it said.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from wattmark.core.errors import UsageError
from wattmark.ledger.columns import DERIVED
from wattmark.ledger.compaction import clean_up
from wattmark.ledger.deltalog import (
    Action,
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
from wattmark.ledger.evidence import RUN, SAMPLE, STREAM, TABLE, TOLD, TOMBSTONE, Evidence, days_between
from wattmark.ledger.store import Store
from wattmark.ledger.tables import DerivedTables, layout

PURGED = (RUN, SAMPLE, STREAM)
WAIT_US = 24 * 3_600_000_000
"""A fold takes less."""
NOTHING = -2
"""The version of the evidence that an emptied table says that it was worked out from: none."""


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge did."""

    version: int
    record_ids: tuple[str, ...]
    """Those that had rows."""
    rows: int
    files_removed: int


@dataclass(slots=True)
class _Found:
    """What is to go."""

    files: list[dict[str, Any]]
    rows: int
    pairs: set[tuple[str, str]]
    """Record and content."""
    days: set[str]
    actions: list[Action]


def purge(
    store: Store,
    record_ids: Collection[str],
    reason: str,
    now_us: int,
    *,
    before: str | None = None,
) -> Purged:
    """Remove runs and streams, or their rows of UTC days ``before`` one (``YYYY-MM-DD``), and their bytes.

    The same content is not taken again when it is delivered again. Versions that held it can no longer be
    read. Fold first, so that nothing of it waits in the inbox. The derived tables are emptied: whoever reads
    next counts again. Doing it again after it was cut short finishes it. Raises UsageError without a reason,
    LedgerError.
    """
    if not reason.strip():
        raise UsageError("a purge needs a reason: it is what remains")
    wanted = pa.array(sorted(set(record_ids)), pa.string())
    while True:
        table = open_table(store, TABLE.name)
        if table is None:
            return Purged(-1, (), 0, 0)
        found = _find(store, table, wanted, before)
        version = int(table.version())
        if not found.files:
            break
        stones = write_file(store, TABLE, {"kind": TOMBSTONE, "day": None}, _stones(found, reason, now_us))
        out = [removal_of(row, now_us) for row in found.files]
        actions = [*grown(TABLE, table, now_us), *out, *found.actions, stones]
        version += 1
        if commit(store, TABLE, version, actions, _told(found), now_us):
            after_commit(store, TABLE, version)
            break
    removed = _remove_bytes(store, wanted, now_us)
    if removed:
        _empty_derived(store, now_us)
    ids = tuple(sorted({record for record, _ in found.pairs}))
    return Purged(version, ids, found.rows, removed)


def _find(store: Store, table: Any, wanted: Any, before: str | None) -> _Found:
    """The files with rows that are to go, and new ones with their other rows."""
    found = _Found([], 0, set(), set(), [])
    for row in adds(table):
        at = partition_of(row)
        if not _concerns(at, before):
            continue
        rows = _read(store, row["path"])
        goes = pc.is_in(rows["record_id"], wanted)
        gone = rows.filter(goes)
        if not gone.num_rows:
            continue
        found.files.append(row)
        found.rows += gone.num_rows
        pairs = gone.group_by(["record_id", "content"]).aggregate([]).to_pylist()
        found.pairs.update((pair["record_id"], pair["content"] or "") for pair in pairs)
        found.days.update(_days(gone, at))
        rest = rows.filter(pc.invert(goes))
        if rest.num_rows:
            found.actions.append(write_file(store, TABLE, at, rest, data_change=False))
    return found


def _concerns(at: dict[str, str | None], before: str | None) -> bool:
    if before is None:
        return at["kind"] in PURGED
    return at["kind"] in (RUN, SAMPLE) and (at["day"] or "") < before


def _days(gone: Any, at: dict[str, str | None]) -> set[str]:
    if at["kind"] == STREAM:
        return set()
    spans = gone.group_by([]).aggregate([("start_us", "min"), ("end_us", "max")]).to_pylist()[0]
    return set(days_between(spans["start_us_min"], spans["end_us_max"]))


def _stones(found: _Found, reason: str, now_us: int) -> Any:
    document = json.dumps({"reason": reason, "purged_us": now_us})
    rows = [
        {"record_id": record, "content": content, "document": document, "start_us": now_us}
        for record, content in sorted(found.pairs)
    ]
    names = ("record_id", "content", "document", "start_us")
    return pa.Table.from_pylist(rows, pa.schema([TABLE.schema.field(name) for name in names]))


def _told(found: _Found) -> dict[str, Any]:
    ids = sorted({record for record, _ in found.pairs})
    return {"operation": "PURGE", TOLD: {"days": sorted(found.days), "record_ids": ids, "purged": found.rows}}


def _remove_bytes(store: Store, wanted: Any, now_us: int) -> int:
    """Remove every data file, also of older versions and of killed folds, that holds what was purged.

    A file that is not in the table may be one that a fold will commit in a moment: but none does so with a
    content that the ledger knows, and what was purged is known.
    """
    evidence = Evidence(store)
    scan = evidence.scan(TOMBSTONE, ["record_id", "content"], record_ids=wanted.to_pylist())
    stones = scan.read_all()
    if not stones.num_rows:
        return 0
    pairs = set(zip(*(stones[name].to_pylist() for name in ("record_id", "content")), strict=True))
    kept = {f"{TABLE.name}/{row['path']}" for row in adds(open_table(store, TABLE.name))}
    removed = 0
    for entry in list(store.names(f"{TABLE.name}/")):
        kind = _kind(entry.name)
        if entry.name in kept or kind is None:
            continue
        if kind == STREAM and entry.modified_us > now_us - WAIT_US:
            continue  # it has no content: a fold may be about to commit it
        rows = _read(store, entry.name.removeprefix(f"{TABLE.name}/"), ["record_id", "content"])
        here = rows.filter(pc.is_in(rows["record_id"], wanted)).group_by(["record_id", "content"])
        found = here.aggregate([]).to_pylist()
        if any((row["record_id"], row["content"] or "") in pairs for row in found):
            store.delete(entry.name)
            removed += 1
    return removed


def _empty_derived(store: Store, now_us: int) -> None:
    """Remove what was worked out, also of older versions: it repeats tags and numbers."""
    tables = DerivedTables(store, lambda: now_us)
    for name in DERIVED:
        at = layout(name)
        if tables.version(name) >= 0:
            tables.replace(name, None, at.schema.empty_table(), NOTHING, "")
            clean_up(store, at, 0)


def _kind(name: str) -> str | None:
    """The kind of rows of a data file that can be purged; None for any other file."""
    for kind in PURGED:
        if name.endswith(".parquet") and f"/kind={kind}/" in name:
            return kind
    return None


def _read(store: Store, path: str, columns: Sequence[str] | None = None) -> Any:
    try:
        file = pq.ParquetFile(f"{TABLE.name}/{path}", filesystem=store.arrow_files())
        return file.read(columns=list(columns) if columns else None)
    except (OSError, pa.ArrowException) as error:
        raise trouble(store.table_uri(f"{TABLE.name}/{path}"), error) from None
