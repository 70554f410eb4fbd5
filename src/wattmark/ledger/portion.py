"""What one commit of a fold takes in: some files of the inbox as rows of the evidence, of bounded size."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from wattmark.core.run import Run
from wattmark.ledger.batches import Batch
from wattmark.ledger.columns import DAY_US
from wattmark.ledger.deltalog import Action, write_file
from wattmark.ledger.evidence import EPOCH, FILE, RUN, SAMPLE, STREAM, TABLE, day_of, days_between
from wattmark.ledger.store import Store

MOST_DAYS = 4000
"""A longer record does not list its days: everything is counted again."""
FILE_ROWS = 1_000_000
"""Rows of one data file."""
Spread = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]
"""``map``, or one that does several at a time."""
AT_ONCE = 4
"""Data files that are written at the same time."""


@dataclass(frozen=True, slots=True)
class Limits:
    """A portion is closed when it reaches one of these; its rows then take some 300 MB at most."""

    files: int = 10_000
    rows: int = 1_000_000
    document_bytes: int = 64 << 20


@dataclass(frozen=True, slots=True)
class TakenRun:
    """A run file that was found sound."""

    name: str
    content: str
    document: str
    run: Run


@dataclass(frozen=True, slots=True)
class TakenBatch:
    """A batch of samples that was found sound."""

    name: str
    content: str
    batch: Batch


@dataclass(slots=True)
class Portion:
    """Files that are to be committed together."""

    runs: list[TakenRun] = field(default_factory=list)
    batches: list[TakenBatch] = field(default_factory=list)
    rows: int = 0
    """Samples in it."""
    document_bytes: int = 0

    def __len__(self) -> int:
        return len(self.runs) + len(self.batches)

    def add(self, taken: TakenRun | TakenBatch) -> None:
        """One file more."""
        if isinstance(taken, TakenRun):
            self.runs.append(taken)
            self.document_bytes += len(taken.document)
        else:
            self.batches.append(taken)
            self.rows += taken.batch.table.num_rows

    def full(self, limits: Limits) -> bool:
        """No more goes in."""
        return (
            len(self) >= limits.files
            or self.rows >= limits.rows
            or self.document_bytes >= limits.document_bytes
        )

    @property
    def contents(self) -> list[str]:
        """The ids of its files."""
        return [r.content for r in self.runs] + [b.content for b in self.batches]

    @property
    def names(self) -> list[str]:
        """The names of its files."""
        return [r.name for r in self.runs] + [b.name for b in self.batches]

    def without(self, contents: Collection[str]) -> Portion:
        """The rest when some files are folded already."""
        rest = Portion()
        all_files: list[TakenRun | TakenBatch] = [*self.runs, *self.batches]
        for taken in all_files:
            if taken.content not in contents:
                rest.add(taken)
        return rest

    def days(self) -> set[str]:
        """The UTC days that its runs and samples touch."""
        found: set[str] = set()
        for taken in self.runs:
            found.update(days_between(*span(taken.run)))
        for each in self.batches:
            found.update(_days_of(each.batch))
        return found

    def write(
        self, store: Store, now_us: int, known_streams: Collection[str], spread: Spread
    ) -> list[Action]:
        """Write its rows as data files, durably; gives the actions that add them."""
        files = ({"kind": FILE, "day": None}, self._file_table(now_us))
        streams = self._stream_tables(known_streams)
        parts = chain(self._run_tables(), self._sample_tables(), streams, (files,))
        actions: list[Action] = []
        while some := list(islice(parts, AT_ONCE)):
            actions.extend(spread(lambda part: write_file(store, TABLE, *part), some))
        return actions

    def _run_tables(self) -> Iterator[tuple[dict[str, str | None], Any]]:
        by_day: dict[str, list[dict[str, Any]]] = {}
        for taken in self.runs:
            start, end = span(taken.run)
            row = {
                "record_id": taken.run.record_id,
                "seq": taken.run.seq,
                "content": taken.content,
                "document": taken.document,
                "start_us": start,
                "end_us": end,
            }
            by_day.setdefault(day_of(start), []).append(row)
        for day, rows in sorted(by_day.items()):
            yield {"kind": RUN, "day": day}, _table(rows)

    def _sample_tables(self) -> Iterator[tuple[dict[str, str | None], Any]]:
        if not self.batches:
            return
        whole = pa.concat_tables(_samples(taken.batch) for taken in self.batches).unify_dictionaries()
        days = pc.divide(whole["start_us"], DAY_US)
        for day in sorted(pc.unique(days).to_pylist()):
            rows = whole.filter(pc.equal(days, day))
            for first in range(0, rows.num_rows, FILE_ROWS):
                yield {"kind": SAMPLE, "day": day_of(day * DAY_US)}, rows.slice(first, FILE_ROWS)

    def _stream_tables(self, known: Collection[str]) -> Iterator[tuple[dict[str, str | None], Any]]:
        documents: dict[str, str] = {}
        for taken in self.batches:
            documents.update(zip(taken.batch.ids, taken.batch.documents, strict=True))
        rows = [{"record_id": i, "document": d} for i, d in documents.items() if i not in known]
        if rows:
            yield {"kind": STREAM, "day": None}, _table(rows)

    def _file_table(self, now_us: int) -> Any:
        rows = []
        for taken in self.runs:
            told: Mapping[str, Any] = {"holds": RUN, "record_id": taken.run.record_id, "rows": 1}
            rows.append(_file_row(taken.content, told, now_us))
        for each in self.batches:
            told = {
                "holds": SAMPLE,
                "streams": len(each.batch.ids),
                "rows": each.batch.table.num_rows,
                "days": {str(day): digest for day, digest in each.batch.days.items()},
            }
            rows.append(_file_row(each.content, told, now_us))
        return _table(rows)


def span(run: Run) -> tuple[int, int]:
    """Start and end of a run in microseconds since 1970."""
    start = (datetime.fromisoformat(run.started_at) - EPOCH) // timedelta(microseconds=1)
    return start, start + round(run.duration_seconds * 1e6)


def _days_of(batch: Batch) -> set[str]:
    start, last = batch.table["start_us"], pc.subtract(batch.table["end_us"], 1)
    found: set[str] = set()
    for times in (start, last):
        days = pc.unique(pc.divide(times, DAY_US))
        found.update(day_of(day * DAY_US) for day in days.to_pylist())
    long = batch.table.filter(pc.greater(pc.subtract(last, start), DAY_US))
    for first, end in zip(long["start_us"].to_pylist(), long["end_us"].to_pylist(), strict=True):
        found.update(days_between(first, end))
    return found


def _samples(batch: Batch) -> Any:
    """A batch as rows of the evidence."""
    table, rows = batch.table, batch.table.num_rows
    ids = pa.DictionaryArray.from_arrays(table["stream"].combine_chunks(), pa.array(batch.ids, pa.string()))
    content = pa.DictionaryArray.from_arrays(
        pa.repeat(pa.scalar(0, pa.int32()), rows), pa.array([batch.content])
    )
    return table.drop_columns(["stream"]).append_column("record_id", ids).append_column("content", content)


def _file_row(content: str, told: Mapping[str, Any], now_us: int) -> dict[str, Any]:
    return {"record_id": content, "content": content, "document": json.dumps(told), "start_us": now_us}


def _table(rows: list[dict[str, Any]]) -> Any:
    return pa.Table.from_pylist(rows, pa.schema([f for f in TABLE.stored if f.name in rows[0]]))
