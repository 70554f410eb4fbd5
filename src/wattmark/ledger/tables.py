"""The derived tables: worked out from the evidence, replaced whole or day by day, each step in one commit."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from wattmark.core.errors import LedgerError
from wattmark.ledger.columns import DERIVED
from wattmark.ledger.deltalog import (
    Action,
    Layout,
    adds,
    after_commit,
    batches_of,
    commit,
    dataset_of,
    gone_file,
    grown,
    log_of,
    open_table,
    removal,
    write_file,
)
from wattmark.ledger.evidence import TOLD
from wattmark.ledger.store import Store

FILE_ROWS = 1_000_000
"""Rows that are held in memory and written at once."""
ATTEMPTS = 1000


@dataclass(frozen=True, slots=True)
class Made:
    """What a derived table was worked out from."""

    evidence_version: int
    settings_hash: str


def layout(name: str) -> Layout:
    """The layout of a derived table: divided by day where it has one."""
    columns = DERIVED[name]
    return Layout(f"derived/{name}", columns, ("day",) if "day" in columns else ())


def refuse_cut_history(store: Store, evidence_version: Callable[[], int]) -> None:
    """Raise LedgerError when what was counted knows a later version of the evidence than there is.

    The newest commits of the evidence are gone then: a total without them would say less than was seen, and
    a fold would write another history over them.
    """
    made = DerivedTables(store).made("runs")
    if made is None or made.evidence_version <= (newest := evidence_version()):
        return
    raise LedgerError(
        store.url,
        f"version {made.evidence_version} was counted, but the newest that is there is {newest}: the last "
        "commits of evidence/_delta_log are gone. Bring them back from a backup; where going back is meant, "
        "`wattmark ledger fold --rebuild` counts anew",
    )


class DerivedTables:
    """Writes and reads a ledger's derived tables. Raises LedgerError when the ledger does not work."""

    def __init__(self, store: Store, now_us: Callable[[], int] = lambda: time.time_ns() // 1000) -> None:
        self._store = store
        self._now_us = now_us

    def version(self, name: str) -> int:
        """The newest version of a table; -1 when there is none."""
        table = open_table(self._store, layout(name).name)
        return -1 if table is None else int(table.version())

    def replace(
        self,
        name: str,
        days: Collection[str] | None,
        data: Any,
        evidence_version: int,
        settings_hash: str,
        *,
        base: int | None = None,
    ) -> int | None:
        """Put rows (a pyarrow Table or RecordBatchReader) in the place of those of some days.

        ``days=None`` replaces all of a table, and so does a table without ``day``. Readers see all of it or
        nothing. Of several who replace the same, the last one's rows stay. Gives the table's new version.
        ``base`` is the version that the other days' rows are counted on to be those of: when somebody has
        replaced rows since, nothing is written, and the answer is None: look again.
        """
        at = layout(name)
        actions = self._write(at, data)
        told = {
            "operation": "REPLACE",
            TOLD: {"evidence_version": evidence_version, "settings_hash": settings_hash},
        }
        wanted = {"day": list(days)} if days is not None and at.partitions else {}
        for attempt in range(ATTEMPTS):
            table = open_table(self._store, at.name)
            version = 0 if table is None else int(table.version()) + 1
            if base is not None and any(self._made_by(name, v) for v in range(base + 1, version)):
                return None
            now = self._now_us()
            before = [] if table is None else [*grown(at, table, now), *removal(table, wanted, now)]
            if commit(self._store, at, version, [*before, *actions], told, now):
                after_commit(self._store, at, version)
                return version
            time.sleep(random.uniform(0, min(1.0, 0.005 * 2 ** min(attempt, 10))))
        raise LedgerError(self._store.url, f"{ATTEMPTS} commits of others came first; try again")

    def made(self, name: str) -> Made | None:
        """What the newest version of a table was worked out from; None when there is none."""
        found = self._made(name)
        return found[1] if found else None

    def version_for(self, name: str, evidence_version: int, settings_hash: str) -> int | None:
        """The newest version of a table that was worked out from just this; None when there is none."""
        wanted = Made(evidence_version, settings_hash)
        table = open_table(self._store, layout(name).name)
        if table is None:
            return None
        for version in range(int(table.version()), -1, -1):
            if self._made_by(name, version) == wanted:
                return version if self._stored(name, version, table) else None
        return None

    def _stored(self, name: str, version: int, newest: Any) -> bool:
        """False for a version whose files have been cleaned up."""
        if version == int(newest.version()):
            return True
        table = open_table(self._store, layout(name).name, version)
        return table is not None and gone_file(self._store, layout(name), table, newest) is None

    def files(self, name: str, version: int | None = None) -> list[str] | None:
        """The Parquet files of a table: absolute paths or URIs with ``day=...`` in them; None when absent."""
        table = open_table(self._store, layout(name).name, version)
        if table is None:
            return None
        return sorted(self._store.table_uri(f"{layout(name).name}/{row['path']}") for row in adds(table))

    def arrow(self, name: str, version: int | None = None, days: Collection[str] | None = None) -> Any | None:
        """A table as a pyarrow dataset; None when it is absent."""
        table = open_table(self._store, layout(name).name, version)
        if table is None:
            return None
        dataset = dataset_of(self._store, layout(name), table)
        return dataset if days is None else dataset.filter(pc.field("day").isin(list(days)))

    def _made(self, name: str) -> tuple[int, Made] | None:
        table = open_table(self._store, layout(name).name)
        if table is None:
            return None
        for version in range(int(table.version()), -1, -1):
            made = self._made_by(name, version)
            if made is not None:
                return version, made
        return None

    def _made_by(self, name: str, version: int) -> Made | None:
        """What a commit was made from; None for one that only tidied up."""
        try:
            actions = log_of(self._store, layout(name).name, version)
        except FileNotFoundError:
            return None
        for action in actions:
            told = action.get("commitInfo", {}).get(TOLD)
            if told:
                return Made(int(told["evidence_version"]), str(told["settings_hash"]))
        return None

    def _write(self, at: Layout, data: Any) -> list[Action]:
        actions: list[Action] = []
        for rows in batches_of(data, FILE_ROWS):
            if not at.partitions:
                actions.append(write_file(self._store, at, {}, rows))
                continue
            for day in pc.unique(rows["day"]).to_pylist():
                part = rows.filter(pc.equal(rows["day"], pa.scalar(day, rows["day"].type)))
                actions.append(write_file(self._store, at, {"day": day}, part))
        return actions
