"""Folding: everything once, nothing lost, broken files aside, whoever else folds and whenever it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("deltalake")

from tests.ledger.landing import DAY, NOW, a_stream, contents_of, document, runs_of, samples_of, some_samples
from wattmark.core.errors import LedgerError
from wattmark.core.telemetry import Samples
from wattmark.ledger import fold as folding
from wattmark.ledger.evidence import Evidence
from wattmark.ledger.fold import fold
from wattmark.ledger.inbox import land_run, land_samples
from wattmark.ledger.portion import Limits
from wattmark.ledger.store import Entry, LocalStore


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "ledger")


def inbox(store: LocalStore) -> list[str]:
    return [entry.name for entry in store.names("inbox/")]


class Interrupted(Exception):
    """The power goes."""


class Watched(LocalStore):
    """A folder where something happens just before the n-th change of it."""

    def __init__(self, root: Path, at: int, what: Any) -> None:
        super().__init__(root)
        self.left = at
        self.what = what

    def _count(self, name: str) -> None:
        self.left -= 1
        if self.left == 0:
            self.what(name)

    def put_new(self, name: str, data: bytes) -> bool:
        self._count(name)
        return super().put_new(name, data)

    def delete(self, name: str) -> None:
        self._count(name)
        super().delete(name)


def test_what_has_landed_is_folded_once(store: LocalStore) -> None:
    """Runs and samples are in the evidence, the inbox is empty, folding again does nothing."""
    for n in range(3):
        land_run(store, document(f"r-{n}"))
    land_samples(store, [some_samples(rows=4)])
    done = fold(store, NOW)
    assert (done.version, done.files, done.runs, done.samples, done.repeated) == (0, 4, 3, 4, 0)
    assert runs_of(store) == {"r-0": 1, "r-1": 1, "r-2": 1}
    assert sum(samples_of(store).values()) == 4
    assert inbox(store) == []
    assert fold(store, NOW).files == 0
    assert Evidence(store).version() == 0


def test_an_empty_ledger_folds_to_nothing(store: LocalStore) -> None:
    """No table is made of nothing."""
    done = fold(store, NOW)
    assert (done.version, done.files) == (-1, 0)
    assert Evidence(store).version() == -1


def test_a_row_holds_what_the_run_says(store: LocalStore) -> None:
    """The document byte for byte, and the columns that it is found by."""
    text = document("r-1", seq=3)
    content = land_run(store, text)
    fold(store, NOW)
    columns = ["record_id", "seq", "content", "document", "start_us", "end_us", "day", "observed"]
    (row,) = Evidence(store).scan("run", columns).read_all().to_pylist()
    assert row["document"].encode() == text
    start = 1_793_534_400_000_000  # 2026-11-01T12:00:00Z
    assert (row["record_id"], row["seq"], row["content"]) == ("r-1", 3, content)
    assert (row["start_us"], row["end_us"], row["day"]) == (start, start + 10_000_000, "2026-11-01")
    assert row["observed"] is None


def test_samples_lie_by_the_day_of_their_start(store: LocalStore) -> None:
    """A batch over midnight is in two days, its rows numbered through."""
    land_samples(store, [some_samples(rows=4, start=20_000 * DAY - 15_000_000)])
    fold(store, NOW)
    rows = Evidence(store).scan("sample", ["day", "row", "energy_uj", "observed"]).read_all().to_pylist()
    assert sorted((r["row"], r["day"], r["energy_uj"], r["observed"]) for r in rows) == [
        (0, "2024-10-03", 7, True),
        (1, "2024-10-03", 7, True),
        (2, "2024-10-04", 7, True),
        (3, "2024-10-04", 0, False),
    ]


def test_a_stream_is_described_once(store: LocalStore) -> None:
    """However many batches it has, in one fold and in later ones."""
    for n in range(3):
        land_samples(store, [some_samples(start=n * DAY)])
        if n:
            fold(store, NOW + n)
    rows = Evidence(store).scan("stream", ["record_id", "document"]).read_all().to_pylist()
    assert len(rows) == 1
    assert json.loads(rows[0]["document"])["device_id"] == "GPU-1"


def test_a_repeated_delivery_counts_once(store: LocalStore) -> None:
    """Before and after the fold, three times."""
    for _ in range(3):
        land_run(store, document())
        land_samples(store, [some_samples()])
    assert fold(store, NOW).files == 2
    for _ in range(2):
        land_run(store, document())
        land_samples(store, [some_samples()])
        done = fold(store, NOW)
        assert (done.files, done.repeated, done.version) == (0, 2, 0)
    assert runs_of(store) == {"r-1": 1}
    assert set(samples_of(store).values()) == {1}
    assert inbox(store) == []


def test_every_version_of_a_run_is_kept(store: LocalStore) -> None:
    """Which one counts is decided where runs are counted; evidence is not edited."""
    for seq in range(3):
        land_run(store, document("r-1", seq=seq))
        fold(store, NOW)
    assert runs_of(store) == {"r-1": 3}


def test_broken_files_go_aside_with_the_reason(store: LocalStore) -> None:
    """A damaged run, a damaged batch, a stranger: all named, none lost, and the good ones are folded."""
    content = land_run(store, document("good"))
    damaged = land_run(store, document("bad"))
    batch = land_samples(store, [some_samples()])
    store.replace(f"inbox/{damaged}.run.json", document("bad")[:-20])
    store.replace(f"inbox/{batch}.samples.parquet", b"PAR1 no more")
    store.put_new("inbox/notes.txt", b"hello")
    done = fold(store, NOW + 1_000_000_000_000_000)
    assert done.runs == 1
    assert contents_of(store) == {content: 1}
    assert {bad.place for bad in done.rejected} == {
        f"rejected/{damaged}.run.json",
        f"rejected/{batch}.samples.parquet",
        "rejected/notes.txt",
    }
    assert store.read("rejected/notes.txt") == b"hello"
    assert b"damaged" in store.read(f"rejected/{damaged}.run.json.reason.txt")
    assert inbox(store) == []


def test_a_whole_file_that_is_no_run_goes_aside_at_once(store: LocalStore) -> None:
    """Its name is the hash of its bytes, so that nothing more of it will come."""
    from hashlib import sha256

    name = f"{sha256(b'{}').hexdigest()}.run.json"
    store.put_new(f"inbox/{name}", b"{}")
    now = next(iter(store.names("inbox/"))).modified_us
    (bad,) = fold(store, now).rejected
    assert bad.place == f"rejected/{name}"
    assert "is not a run file" in bad.reason


def test_a_file_that_is_being_copied_by_hand_is_waited_for(store: LocalStore) -> None:
    """Half a file of a minute's age is not broken yet."""
    content = land_run(store, document())
    name = f"inbox/{content}.run.json"
    store.replace(name, document()[:-5])
    now = next(iter(store.names("inbox/"))).modified_us
    assert fold(store, now + 1).rejected == ()
    assert inbox(store) == [name]
    store.replace(name, document())
    assert fold(store, now + 1).runs == 1


def test_a_file_that_vanishes_is_no_error(tmp_path: Path) -> None:
    """Another folder was faster."""

    class Vanishing(LocalStore):
        def read(self, name: str) -> bytes:
            if name.startswith("inbox/"):
                self.delete(name)
            return super().read(name)

    store = Vanishing(tmp_path)
    land_run(store, document())
    done = fold(store, NOW)
    assert (done.files, done.rejected) == (0, ())


def test_a_file_that_cannot_be_read_does_not_block_others(tmp_path: Path) -> None:
    """It stays, and is told; when none can be read, that is an error."""
    locked = document("locked")

    class Locked(LocalStore):
        def read(self, name: str) -> bytes:
            data = super().read(name)
            if data == locked:
                raise LedgerError(name, "Permission denied")
            return data

    store = Locked(tmp_path)
    land_run(store, locked)
    with pytest.raises(LedgerError, match="Permission denied"):
        fold(store, NOW)
    land_run(store, document("open"))
    done = fold(store, NOW)
    assert done.runs == 1
    assert "Permission denied" in done.rejected[0].reason
    assert len(inbox(store)) == 1


def test_a_fold_that_comes_second_drops_what_is_folded(tmp_path: Path) -> None:
    """Another one commits between our look and our commit: nothing is there twice."""
    store = LocalStore(tmp_path)
    for n in range(4):
        land_run(store, document(f"r-{n}"))
    land_samples(store, [some_samples()])
    others: list[int] = []

    def meanwhile(name: str) -> None:
        land_run(store, document("r-late"))
        others.append(fold(LocalStore(tmp_path), NOW).files)

    # Its own files: runs, samples, the stream, the folded ids; then the commit.
    watched = Watched(tmp_path, 5, meanwhile)
    done = fold(watched, NOW, wait=lambda _: None)
    assert others == [6]
    assert done.files == 0
    assert set(runs_of(store).values()) == {1}
    assert set(samples_of(store).values()) == {1}
    assert set(contents_of(store).values()) == {1}
    assert inbox(store) == []


def test_a_fold_that_comes_second_takes_in_the_rest(tmp_path: Path) -> None:
    """Only what the other one did not have."""
    store = LocalStore(tmp_path)
    land_run(store, document("r-both"))
    mine = land_run(store, document("r-mine"))

    def meanwhile(name: str) -> None:
        data = store.read(f"inbox/{mine}.run.json")
        store.delete(f"inbox/{mine}.run.json")
        fold(LocalStore(tmp_path), NOW)
        store.put_new(f"inbox/{mine}.run.json", data)

    done = fold(Watched(tmp_path, 3, meanwhile), NOW, wait=lambda _: None)
    assert done.files == 1
    assert runs_of(store) == {"r-both": 1, "r-mine": 1}


@pytest.mark.parametrize("at", range(1, 14))
def test_a_fold_that_ends_anywhere_is_made_good_by_the_next(tmp_path: Path, at: int) -> None:
    """Before each write and each removal: a later fold gives the same evidence."""
    store = LocalStore(tmp_path)
    for n in range(3):
        land_run(store, document(f"r-{n}"))
    land_samples(store, [some_samples()])

    def ends(name: str) -> None:
        raise Interrupted(name)

    watched = Watched(tmp_path, at, ends)
    try:
        fold(watched, NOW)
    except Interrupted:
        assert watched.left <= 0
    fold(store, NOW)
    assert runs_of(store) == {"r-0": 1, "r-1": 1, "r-2": 1}
    assert len(samples_of(store)) == 4
    assert set(samples_of(store).values()) == {1}
    assert set(contents_of(store).values()) == {1}
    assert inbox(store) == []


def test_a_commit_whose_answer_was_lost_is_ours(tmp_path: Path) -> None:
    """It was made, and the attempt that followed found it there."""

    class Forgetful(LocalStore):
        def put_new(self, name: str, data: bytes) -> bool:
            made = super().put_new(name, data)
            return made and "_delta_log" not in name

    store = Forgetful(tmp_path)
    land_run(store, document())
    done = fold(store, NOW)
    assert (done.files, done.version) == (1, 0)
    assert runs_of(store) == {"r-1": 1}


@pytest.mark.parametrize("limits", [Limits(files=3), Limits(document_bytes=2000)])
def test_much_is_folded_in_portions(store: LocalStore, limits: Limits) -> None:
    """Each is a commit of bounded size; together they are everything once."""
    for n in range(10):
        land_run(store, document(f"r-{n}"))
    done = fold(store, NOW, limits=limits)
    assert (done.files, done.version) == (10, 3)
    assert set(runs_of(store).values()) == {1}
    assert len(runs_of(store)) == 10


def test_a_run_of_years_is_told_as_everything(store: LocalStore) -> None:
    """A commit does not list tens of thousands of days."""
    land_run(store, document("r-1", duration_seconds=9e9, energies=()))
    fold(store, NOW)
    assert Evidence(store).changed_since(-1).everything


def test_a_run_before_1970_and_one_at_the_end_of_time_are_kept(store: LocalStore) -> None:
    """Whatever a run file may say has its day."""
    land_run(store, document("r-old", started_at="0001-01-01T00:00:00Z"))
    land_run(store, document("r-new", started_at="9999-12-31T23:59:59Z", duration_seconds=1e5))
    fold(store, NOW)
    assert Evidence(store).days("run") == ["0001-01-01", "9999-12-31"]


def test_reading_ahead_is_bounded() -> None:
    """By number and by size; a single large file is read alone."""
    small = [Entry(f"inbox/{n}", 10, 0) for n in range(600)]
    assert [len(chunk) for chunk in folding._chunks(small)] == [256, 256, 88]
    large = [Entry(f"inbox/{n}", folding.READ_BYTES, 0) for n in range(3)]
    assert [len(chunk) for chunk in folding._chunks(large)] == [1, 1, 1]


def test_energy_and_work_lie_side_by_side(store: LocalStore) -> None:
    """Microjoules in one column, counts in the other, null where they do not apply."""
    tokens = a_stream("", component="", unit="output_tokens")
    land_samples(store, [some_samples(rows=1), Samples(stream=tokens, start_us=[0], end_us=[1], count=[2.5])])
    fold(store, NOW)
    rows = Evidence(store).scan("sample", ["energy_uj", "count"]).read_all().to_pylist()
    assert {(row["energy_uj"], row["count"]) for row in rows} == {(0, None), (None, 2.5)}


def test_the_same_run_under_other_bytes_is_another_delivery(store: LocalStore) -> None:
    """Two contents of one record: both are evidence."""
    land_run(store, document())
    land_run(store, json.dumps(json.loads(document()), indent=1).encode())
    fold(store, NOW)
    assert runs_of(store) == {"r-1": 2}
