"""Purging: gone from the table and from the disk, not taken again, and told by a tombstone."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

pytest.importorskip("deltalake")

import pyarrow as pa
import pyarrow.parquet as pq

from tests.ledger.landing import DAY, a_stream, document, runs_of, samples_of, some_samples
from wattmark.core.errors import LedgerError, UsageError
from wattmark.core.run import Subject
from wattmark.ledger.batches import stream_id
from wattmark.ledger.compaction import compact
from wattmark.ledger.evidence import Evidence
from wattmark.ledger.fold import fold
from wattmark.ledger.inbox import land_run, land_samples
from wattmark.ledger.purge import purge
from wattmark.ledger.store import LocalStore
from wattmark.ledger.tables import DerivedTables
from wattmark.ledger.verify import verify

NOW = time.time_ns() // 1000
SECRET = "a-name-that-must-go"


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """A run that must go, in two versions, beside another; two devices of telemetry in one batch."""
    store = LocalStore(tmp_path / "ledger")
    for n in range(2):
        land_run(store, document("r-secret", seq=n, subject=Subject(team=SECRET)))
        fold(store, NOW + n)
    land_run(store, document("r-other"))
    land_samples(store, [some_samples("GPU-1", start=20_000 * DAY - 20_000_000), some_samples("GPU-2")])
    fold(store, NOW + 2)
    return store


def on_disk(store: LocalStore, text: str) -> bool:
    """Whether any file says this, also one that no version uses any more."""
    for path in Path(store.url).rglob("*.parquet"):
        if text in str(pq.ParquetFile(path).read().to_pylist()):
            return True
    return any(text in p.read_text() for p in Path(store.url).rglob("*.json"))


def test_a_purged_run_is_gone_with_its_bytes(store: LocalStore) -> None:
    """All versions of it, from the table and from the disk; others stay."""
    assert on_disk(store, SECRET)
    done = purge(store, ["r-secret"], "asked to", NOW)
    assert (done.version, done.record_ids, done.rows, done.files_removed) == (3, ("r-secret",), 2, 2)
    assert runs_of(store) == {"r-other": 1}
    assert not on_disk(store, SECRET)
    assert verify(store).sound


def test_a_tombstone_says_what_why_and_when(store: LocalStore) -> None:
    """Never what it said."""
    purge(store, ["r-secret"], "asked to", NOW)
    stones = Evidence(store).scan("tombstone", ["record_id", "content", "document"]).read_all().to_pylist()
    assert [stone["record_id"] for stone in stones] == ["r-secret"] * 2
    assert all(len(stone["content"]) == 64 for stone in stones)
    assert json.loads(stones[0]["document"]) == {"reason": "asked to", "purged_us": NOW}


def test_what_was_purged_is_not_taken_again(store: LocalStore) -> None:
    """The same content is a repeated delivery."""
    purge(store, ["r-secret"], "asked to", NOW)
    land_run(store, document("r-secret", subject=Subject(team=SECRET)))
    done = fold(store, NOW)
    assert (done.files, done.repeated) == (0, 1)
    assert runs_of(store) == {"r-other": 1}
    assert not on_disk(store, SECRET)


def test_compacted_and_older_files_go_too(store: LocalStore) -> None:
    """Compaction has copied the rows; both copies must go."""
    compact(store, NOW)
    purge(store, ["r-secret"], "asked to", NOW)
    assert not on_disk(store, SECRET)
    assert runs_of(store) == {"r-other": 1}
    with pytest.raises(LedgerError, match="no longer stored"):
        runs_of(store, as_of=0)


def test_one_device_goes_and_the_other_stays(store: LocalStore) -> None:
    """Of one batch; its hash can no longer be worked out, which is no fault."""
    gone = stream_id(a_stream("GPU-1"))
    done = purge(store, [gone], "not ours", NOW)
    assert done.rows == 5
    assert {row[0] for row in samples_of(store)} == {stream_id(a_stream("GPU-2"))}
    streams = Evidence(store).scan("stream", ["record_id"]).read_all()["record_id"].to_pylist()
    assert streams == [stream_id(a_stream("GPU-2"))]
    assert verify(store).sound
    changed = Evidence(store).changed_since(2)
    assert (changed.record_ids, changed.days) == ({gone}, {"2024-10-03", "2024-10-04"})


def test_only_what_is_old_goes_when_a_day_is_given(store: LocalStore) -> None:
    """Retention: the stream goes on."""
    ids = [stream_id(a_stream(f"GPU-{n}")) for n in (1, 2)]
    assert purge(store, ids, "older than a year", NOW, before="2024-10-04").rows == 2
    assert {row[-1] for row in samples_of(store)} == {"2024-10-04"}
    assert Evidence(store).scan("stream", ["record_id"]).read_all().num_rows == 2
    land_samples(store, [some_samples("GPU-1", start=20_001 * DAY)])
    assert fold(store, NOW).samples == 4


def test_purging_again_changes_nothing(store: LocalStore) -> None:
    """Nor does purging what is not there; a ledger that holds nothing stays empty."""
    purge(store, ["r-secret"], "asked to", NOW)
    done = purge(store, ["r-secret", "r-none"], "asked to", NOW)
    assert (done.version, done.rows, done.record_ids) == (3, 0, ())
    assert purge(LocalStore(Path(store.url) / "empty"), ["r"], "asked to", NOW).version == -1


def test_a_purge_that_was_cut_short_is_finished_by_the_next(store: LocalStore) -> None:
    """Between the commit and the removal of the bytes."""

    class Cut(LocalStore):
        def delete(self, name: str) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        purge(Cut(Path(store.url)), ["r-secret"], "asked to", NOW)
    assert runs_of(store) == {"r-other": 1}
    assert on_disk(store, SECRET)
    assert purge(store, ["r-secret"], "asked to", NOW).files_removed == 2
    assert not on_disk(store, SECRET)


def test_what_was_worked_out_of_it_goes_too(store: LocalStore) -> None:
    """Derived tables repeat tags: they are emptied, with their older versions and their logs."""
    tables = DerivedTables(store)
    for n in range(2):
        subjects = pa.table({"subject_id": [str(n)], "team": [SECRET]})
        tables.replace("subjects", None, subjects, n, "s")
    purge(store, ["r-secret"], "asked to", NOW)
    assert not on_disk(store, SECRET)
    assert tables.files("subjects") == []
    assert tables.version_for("subjects", 1, "s") is None
    assert tables.files("work") is None


def test_a_purge_needs_a_reason(store: LocalStore) -> None:
    """It is what remains."""
    with pytest.raises(UsageError, match="needs a reason"):
        purge(store, ["r-secret"], " ", NOW)


def test_a_fold_meanwhile_is_kept(store: LocalStore) -> None:
    """The purge looks again; the new content of the record is its own, and stays."""

    class Slow(LocalStore):
        done = False

        def put_new(self, name: str, data: bytes) -> bool:
            if not self.done:
                self.done = True
                other = LocalStore(Path(self.url))
                land_run(other, document("r-late"))
                fold(other, NOW)
            return super().put_new(name, data)

    purge(Slow(Path(store.url)), ["r-secret"], "asked to", NOW)
    assert runs_of(store) == {"r-other": 1, "r-late": 1}
    assert not on_disk(store, SECRET)
    assert verify(store).sound


def test_files_of_a_fold_under_way_are_left(store: LocalStore) -> None:
    """It holds new content of the same stream, and is about to be committed."""
    gone = stream_id(a_stream("GPU-1"))

    class Slow(LocalStore):
        def put_new(self, name: str, data: bytes) -> bool:
            if "_delta_log" in name and not self.done:
                self.done = True
                purge(LocalStore(Path(self.url)), [gone], "not ours", NOW, before="2024-10-04")
            return super().put_new(name, data)

        done = False

    land_samples(store, [some_samples("GPU-1", start=19_999 * DAY)])
    assert fold(Slow(Path(store.url)), NOW, wait=lambda _: None).samples == 4
    assert sum(samples_of(store).values()) == 2 + 4 + 4
    assert verify(store).sound
