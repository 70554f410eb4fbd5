"""Reading evidence: by kind, day, record and version; what changed; ledgers older and newer than this one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

pytest.importorskip("deltalake")

import pyarrow.parquet as pq

from tests.ledger.landing import DAY, NOW, document, runs_of, samples_of, some_samples
from wattmark.core.errors import LedgerError, UsageError
from wattmark.ledger.columns import EVIDENCE, FORMAT
from wattmark.ledger.deltalog import Layout, commit, log_name, metadata, write_file
from wattmark.ledger.evidence import TABLE, Evidence, day_of, days_between
from wattmark.ledger.fold import fold
from wattmark.ledger.inbox import land_run, land_samples
from wattmark.ledger.store import LocalStore


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "ledger")


@pytest.fixture
def three(store: LocalStore) -> LocalStore:
    """Versions 0 to 2: r-0 and r-1 of the 1st of November; r-2 of the 3rd; telemetry over two days."""
    for n in range(2):
        land_run(store, document(f"r-{n}"))
    fold(store, NOW)
    land_run(store, document("r-2", started_at="2026-11-03T23:59:55Z"))
    fold(store, NOW + 1_000_000)
    land_samples(store, [some_samples("GPU-1", start=20_000 * DAY - 20_000_000), some_samples("GPU-2")])
    fold(store, NOW + 2_000_000)
    return store


def test_an_empty_ledger_is_read_as_empty(store: LocalStore) -> None:
    """Version -1, no rows, no files, no history."""
    evidence = Evidence(store)
    assert evidence.version() == -1
    assert evidence.scan("run", ["record_id"]).read_all().num_rows == 0
    assert evidence.scan("run", ["record_id"], as_of=-1).read_all().num_rows == 0
    assert evidence.files("run") == []
    assert evidence.days("run") == []
    assert evidence.history() == []
    assert not evidence.changed_since(-1).days


def test_rows_are_found_by_day_record_and_content(three: LocalStore) -> None:
    """Each narrows the others; an empty choice chooses nothing."""
    evidence = Evidence(three)

    def found(**asked: object) -> set[str]:
        return set(evidence.scan("run", ["record_id"], **asked).read_all()["record_id"].to_pylist())  # type: ignore[arg-type]

    assert found() == {"r-0", "r-1", "r-2"}
    assert found(days=["2026-11-03"]) == {"r-2"}
    assert found(record_ids=["r-1", "r-2"]) == {"r-1", "r-2"}
    assert found(days=["2026-11-01"], record_ids=["r-1", "r-2"]) == {"r-1"}
    assert found(days=[]) == found(record_ids=[]) == found(record_ids=["it's'--"]) == set()
    content = evidence.scan("run", ["content"], record_ids=["r-1"]).read_all()["content"][0].as_py()
    assert found(contents=[content]) == {"r-1"}
    assert evidence.days("run") == ["2026-11-01", "2026-11-03"]
    assert evidence.days("sample") == ["2024-10-03", "2024-10-04"]


def test_columns_come_in_their_types(three: LocalStore) -> None:
    """As columns.py says, in the order that was asked for."""
    names = ["observed", "day", "energy_uj", "kind", "count", "record_id"]
    assert Evidence(three).scan("sample", names).schema == TABLE.schema.empty_table().select(names).schema


def test_an_older_version_reads_as_it_was(three: LocalStore) -> None:
    """Also after more was folded."""
    assert set(runs_of(three, as_of=0)) == {"r-0", "r-1"}
    assert set(runs_of(three, as_of=1)) == {"r-0", "r-1", "r-2"}
    assert not samples_of(three, as_of=1)
    assert len(Evidence(three).files("run", as_of=0)) == 1


@pytest.mark.parametrize("version", [3, -2])
def test_a_version_that_was_never_made_is_refused(three: LocalStore, version: int) -> None:
    """With the newest that there is."""
    with pytest.raises(UsageError, match="the newest is 2"):
        Evidence(three).files("run", as_of=version)
    with pytest.raises(UsageError, match="the newest is 2"):
        Evidence(three).changed_since(version)


def test_files_are_absolute_and_say_kind_and_day(three: LocalStore) -> None:
    """Any engine can read them without Delta."""
    (file,) = Evidence(three).files("run", days=["2026-11-03"])
    assert Path(file).is_absolute()
    assert "/kind=run/day=2026-11-03/" in file
    assert pq.ParquetFile(file).read()["record_id"].to_pylist() == ["r-2"]
    assert len(Evidence(three).files("sample")) == 2
    assert "__HIVE_DEFAULT_PARTITION__" in Evidence(three).files("stream")[0]


def test_what_changed_is_told_by_day_and_record(three: LocalStore) -> None:
    """A run that crosses midnight touches both days."""
    evidence = Evidence(three)
    assert evidence.changed_since(2).days == frozenset()
    last = evidence.changed_since(1)
    assert last.days == {"2024-10-03", "2024-10-04"}
    assert len(last.record_ids) == 2
    middle = evidence.changed_since(0)
    assert {"2026-11-03", "2026-11-04"} < middle.days
    assert "r-2" in middle.record_ids
    assert "r-0" not in middle.record_ids
    assert evidence.changed_since(-1).record_ids == middle.record_ids | {"r-0", "r-1"}
    assert not evidence.changed_since(-1).everything


def test_a_history_that_is_lost_means_everything_changed(three: LocalStore) -> None:
    """Rather all again than something left out."""
    from deltalake import DeltaTable

    DeltaTable(three.table_uri("evidence")).create_checkpoint()
    three.delete(log_name("evidence", 1))
    assert Evidence(three).changed_since(0).everything


def test_history_tells_when_and_how_much(three: LocalStore) -> None:
    """The newest first."""
    history = Evidence(three).history()
    assert [entry.version for entry in history] == [2, 1, 0]
    assert [entry.time_us for entry in history] == [NOW + 2_000_000, NOW + 1_000_000, NOW]
    assert history[0].operation == "FOLD"
    assert history[0].told["wattmark"]["samples"] == 8
    assert len(Evidence(three).history(1)) == 1


def test_the_version_of_a_moment(three: LocalStore) -> None:
    """The newest one then; none before the first; a moment needs a time zone."""

    def at(us: int) -> int:
        return Evidence(three).version_at(datetime.fromtimestamp(us / 1e6, UTC))

    assert [at(NOW - 1_000_000), at(NOW), at(NOW + 1_500_000), at(NOW + 9_000_000)] == [-1, 0, 1, 2]
    with pytest.raises(UsageError, match="time zone"):
        Evidence(three).version_at(datetime(2026, 11, 1))  # noqa: DTZ001 - that is the point


OLDER = Layout(
    "evidence", {n: c for n, c in EVIDENCE.items() if n not in ("observed", "count")}, ("kind", "day")
)
"""A ledger from before two of the columns were there."""


def test_a_ledger_of_an_older_wattmark_opens_and_grows(store: LocalStore) -> None:
    """Its missing columns are null; the next fold adds them, and what is there stays."""
    rows = TABLE.schema.empty_table().select(OLDER.stored.names).slice(0, 0)
    rows = rows.from_pylist([{"record_id": "r-old", "seq": 0, "document": "{}"}], OLDER.stored)
    action = write_file(store, OLDER, {"kind": "run", "day": "2026-10-01"}, rows)
    assert commit(store, OLDER, 0, [action], {"operation": "FOLD"}, NOW)
    scan = Evidence(store).scan("run", ["record_id", "observed"])
    assert scan.read_all().to_pylist() == [{"record_id": "r-old", "observed": None}]
    land_samples(store, [some_samples()])
    land_run(store, document("r-new"))
    fold(store, NOW)
    assert runs_of(store) == {"r-old": 1, "r-new": 1}
    assert len(samples_of(store)) == 4
    assert {row[7] for row in samples_of(store)} == {True, False}
    assert set(runs_of(store, as_of=0)) == {"r-old"}
    assert fold(store, NOW).version == 1


def test_a_ledger_of_a_newer_wattmark_is_refused(store: LocalStore) -> None:
    """Before anything is read or written."""
    land_run(store, document())
    fold(store, NOW)
    newer = metadata(TABLE, NOW // 1000)
    newer["metaData"]["configuration"]["wattmark.format"] = str(FORMAT + 1)
    assert store.put_new(log_name("evidence", 1), json.dumps(newer).encode())
    land_run(store, document("r-2"))
    for what in (lambda: Evidence(store).version(), lambda: fold(store, NOW)):
        with pytest.raises(LedgerError, match=r"newer wattmark .*pip install --upgrade"):
            what()
    assert len(list(store.names("inbox/"))) == 1


def test_a_torn_checkpoint_does_not_close_the_ledger(three: LocalStore) -> None:
    """A power cut may leave an empty one; the commits that it sums up are all there."""
    from deltalake import DeltaTable

    DeltaTable(three.table_uri("evidence")).create_checkpoint()
    three.replace("evidence/_delta_log/00000000000000000002.checkpoint.parquet", b"")
    assert len(runs_of(three)) == 3
    assert Evidence(three).version() == 2


def test_a_damaged_log_is_an_error_that_names_the_table(three: LocalStore) -> None:
    """Not an empty ledger."""
    three.replace(log_name("evidence", 1), b"{no json")
    with pytest.raises(LedgerError, match="evidence: the table cannot be read"):
        Evidence(three).version()


def test_a_data_file_that_is_gone_is_an_error(three: LocalStore) -> None:
    """Rows are never left out silently."""
    Path(Evidence(three).files("run")[0]).unlink()
    with pytest.raises(LedgerError, match="cannot be read"):
        runs_of(three)


def test_many_commits_are_summed_up_and_read_the_same(store: LocalStore) -> None:
    """Past the first checkpoint."""
    for n in range(53):
        land_run(store, document(f"r-{n}"))
        fold(store, NOW + n)
    names = [entry.name for entry in store.names("evidence/_delta_log/")]
    assert any(name.endswith("50.checkpoint.parquet") for name in names)
    assert len(runs_of(store)) == 53
    assert len(runs_of(store, as_of=20)) == 21
    assert len(Evidence(store).history()) == 53
    assert Evidence(store).changed_since(51).record_ids == {"r-52"}


def test_days_of_an_interval() -> None:
    """Its end does not belong to it; a moment has one day."""
    assert day_of(0) == "1970-01-01"
    assert days_between(0, DAY) == ["1970-01-01"]
    assert days_between(DAY - 1, DAY + 1) == ["1970-01-01", "1970-01-02"]
    assert days_between(DAY, DAY) == ["1970-01-02"]
