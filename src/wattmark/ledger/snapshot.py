"""The derived tables of one version of a ledger: what they say stays the same while others go on writing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from wattmark.core.errors import LedgerError
from wattmark.ledger.columns import DERIVED
from wattmark.ledger.deltalog import arrow_schema
from wattmark.ledger.tables import DerivedTables

CLOCK_US = 1_000_000
"""A run whose own clock is off by more is named in the findings."""
MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The derived tables that were worked out from one version of the evidence."""

    version: int
    """The ledger's version; -1 for one that holds nothing yet."""
    _tables: DerivedTables
    _versions: Mapping[str, int] = field(default_factory=dict)
    """Of each table, the version that is meant."""
    _folder: TemporaryDirectory[str] | None = None
    """Where they are when they were worked out for this once; it goes with this object."""

    def files(self, table: str) -> list[str]:
        """The Parquet files of a table, with ``day=2026-11-01`` in their paths where it has days."""
        return self._tables.files(table, self._versions[table]) or [] if table in self._versions else []

    def arrow(self, table: str) -> Any:
        """A table as a pyarrow dataset; an empty pyarrow Table when there is nothing."""
        found = self._tables.arrow(table, self._versions[table]) if table in self._versions else None
        return found if found is not None else arrow_schema(DERIVED[table]).empty_table()

    def findings(self) -> tuple[str, ...]:
        """What whoever reads totals should know: runs that are not counted, and clocks that were set."""
        columns = ["record_id", "start_us", "wall_us", "quarantined"]
        runs = _read(self.arrow("runs"), columns)
        off = pc.subtract(runs["wall_us"], runs["start_us"])
        moved = runs.append_column("off", off).filter(pc.greater(pc.abs(off), CLOCK_US))
        kept_out = runs.filter(pc.not_equal(pc.fill_null(runs["quarantined"], ""), ""))
        sentences = [
            f"run {row['record_id']}: not counted: {row['quarantined']}"
            for row in kept_out.sort_by("record_id").slice(0, MOST_NAMED).to_pylist()
        ]
        sentences += [
            f"run {row['record_id']}: its wall clock is {row['off'] / 1e6:+.3g} s from the other runs of "
            "its boot, whose clock places it"
            for row in moved.sort_by("record_id").slice(0, MOST_NAMED).to_pylist()
        ]
        more = sum(max(0, part.num_rows - MOST_NAMED) for part in (kept_out, moved))
        return (*sentences, f"and {more} more: see the table `runs`") if more else tuple(sentences)


def _read(table: Any, columns: list[str]) -> Any:
    try:
        return table.select(columns) if isinstance(table, pa.Table) else table.to_table(columns=columns)
    except (OSError, pa.ArrowException) as error:
        raise LedgerError("derived/runs", f"cannot be read: {error}") from None
