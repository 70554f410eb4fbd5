"""Compaction: fewer files, the same rows, older versions readable for as long as was promised."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

pytest.importorskip("deltalake")

import pyarrow as pa

from tests.ledger.landing import DAY, contents_of, document, runs_of, samples_of, some_samples
from wattmark.core.errors import LedgerError, UsageError
from wattmark.ledger.columns import DERIVED
from wattmark.ledger.compaction import MOST_ROWS, _groups, compact, merge_files
from wattmark.ledger.deltalog import arrow_schema
from wattmark.ledger.evidence import TABLE, Evidence
from wattmark.ledger.fold import fold
from wattmark.ledger.inbox import land_run, land_samples
from wattmark.ledger.store import LocalStore
from wattmark.ledger.tables import DerivedTables
from wattmark.ledger.verify import verify

NOW = time.time_ns() // 1000
"""Cleaning up looks at the clock of the files."""


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """Six folds of a run and of telemetry over two days."""
    store = LocalStore(tmp_path / "ledger")
    for n in range(6):
        land_run(store, document(f"r-{n}"))
        land_samples(store, [some_samples(f"GPU-{5 - n}", start=20_000 * DAY - 20_000_000)])
        fold(store, NOW + n)
    return store


def test_the_rows_are_the_same_in_fewer_files(store: LocalStore) -> None:
    """Every column of every row; one file per kind and day is left."""
    before = runs_of(store), samples_of(store), contents_of(store)
    done = compact(store, NOW)
    assert (done.files_before, done.files_after, done.removed) == (30, 5, 0)
    assert (runs_of(store), samples_of(store), contents_of(store)) == before
    assert verify(store).sound
    assert compact(store, NOW).files_before == 5


def test_older_versions_stay_readable(store: LocalStore) -> None:
    """What compaction replaced is kept for the retention."""
    compact(store, NOW)
    assert len(runs_of(store, as_of=2)) == 3
    assert len(runs_of(store, as_of=5)) == 6


def test_without_retention_older_versions_are_said_to_be_gone(store: LocalStore) -> None:
    """The newest one is whole."""
    before = samples_of(store)
    done = compact(store, NOW, retention_hours=0, forced=True)
    assert done.removed == 30
    assert samples_of(store) == before
    with pytest.raises(LedgerError, match="version 2 is no longer stored"):
        runs_of(store, as_of=2)


def test_less_than_a_day_must_be_forced(store: LocalStore) -> None:
    """It would take files from those who are at work."""
    with pytest.raises(UsageError, match="keep 24 h or more"):
        compact(store, NOW, retention_hours=1)


def test_what_a_killed_fold_left_is_cleaned_up_when_it_is_old(store: LocalStore) -> None:
    """Data files that were never committed, and half-written ones; young ones may still be committed."""
    folder = Path(store.url) / "evidence" / "kind=run" / "day=2026-11-01"
    source = next(folder.glob("*.parquet"))
    left = [folder / f"part-{n}.zstd.parquet" for n in range(2)]
    for path in left:
        path.write_bytes(source.read_bytes())
    half = folder / ".part-9.zstd.parquet.1-aa.part"
    half.write_bytes(b"")
    for path in (left[0], half):
        os.utime(path, (time.time() - 8 * 86400,) * 2)
    compact(store, NOW)
    assert [path.exists() for path in (*left, half)] == [False, True, False]
    assert len(runs_of(store)) == 6


def test_a_compaction_that_comes_second_gives_way(store: LocalStore) -> None:
    """Somebody else put the same files together: rows are not doubled."""

    class Slow(LocalStore):
        done = False

        def put_new(self, name: str, data: bytes) -> bool:
            if not self.done:
                self.done = True
                merge_files(LocalStore(Path(self.url)), TABLE, NOW)
            return super().put_new(name, data)

    before = samples_of(store), runs_of(store)
    merge_files(Slow(Path(store.url)), TABLE, NOW)
    assert (samples_of(store), runs_of(store)) == before
    assert verify(store).sound


def test_a_fold_meanwhile_is_kept(store: LocalStore) -> None:
    """Compaction tries again on top of it."""

    class Slow(LocalStore):
        done = False

        def put_new(self, name: str, data: bytes) -> bool:
            if not self.done:
                self.done = True
                other = LocalStore(Path(self.url))
                land_run(other, document("r-late"))
                fold(other, NOW)
            return super().put_new(name, data)

    merge_files(Slow(Path(store.url)), TABLE, NOW)
    assert len(runs_of(store)) == 7
    assert set(runs_of(store).values()) == {1}
    assert verify(store).sound


def test_what_changed_is_told_across_a_compaction(store: LocalStore) -> None:
    """It changes nothing itself."""
    before = Evidence(store).changed_since(3)
    version = Evidence(store).version()
    compact(store, NOW)
    assert Evidence(store).changed_since(version).days == frozenset()
    after = Evidence(store).changed_since(3)
    assert (after.days, after.record_ids) == (before.days, before.record_ids)
    compact(store, NOW, retention_hours=0, forced=True)
    assert Evidence(store).changed_since(3).everything


def test_derived_tables_are_compacted_too(store: LocalStore) -> None:
    """And stay what they were made from."""
    tables = DerivedTables(store)
    schema = arrow_schema(DERIVED["work"])
    one = pa.Table.from_pylist([{"day": "2026-11-01", "count": 1.0}], schema)
    tables.replace("work", None, pa.RecordBatchReader.from_batches(schema, one.to_batches()), 5, "s")
    before = tables.made("work")
    compact(store, NOW)
    assert tables.made("work") == before
    dataset = tables.arrow("work")
    assert dataset is not None
    assert dataset.to_table()["count"].to_pylist() == [1.0]


def test_files_are_grouped_by_partition_and_size() -> None:
    """Full ones stay, none becomes too large, one alone is left as it is."""

    def file(name: str, rows: int, day: str = "a", size: int = 10) -> dict[str, object]:
        partition = {"kind": "sample", "day": day}
        return {"path": name, "num_records": rows, "size_bytes": size, "partition": partition}

    third = MOST_ROWS // 3
    files = [file("full", MOST_ROWS), file("lone", 1, "b"), *(file(f"f{n}", third) for n in range(4))]
    assert [[row["path"] for row in group] for group in _groups(files)] == [["f0", "f1", "f2"]]
    assert list(_groups([file("a", 1, size=100 << 20), file("b", 1)])) == []
