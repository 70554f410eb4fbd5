"""Verifying: what was altered, lost, doubled or slipped in is found, and named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("deltalake")

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tests.ledger.landing import DAY, NOW, document, some_samples
from wattmark.ledger.deltalog import commit, log_name, open_table, removal, write_file
from wattmark.ledger.evidence import TABLE, Evidence
from wattmark.ledger.fold import fold
from wattmark.ledger.inbox import land_run, land_samples
from wattmark.ledger.store import LocalStore
from wattmark.ledger.verify import _at_once, verify


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """Two runs; two batches, one of them over midnight."""
    store = LocalStore(tmp_path / "ledger")
    for n in range(2):
        land_run(store, document(f"r-{n}"))
    land_samples(store, [some_samples("GPU-1", start=20_000 * DAY - 20_000_000), some_samples("GPU-2")])
    land_samples(store, [some_samples("GPU-3")])
    fold(store, NOW)
    return store


def tamper(store: LocalStore, kind: str, change: Callable[[Any], Any], day: str | None = None) -> None:
    """Rewrite a data file as somebody would who knows Delta: the log says the new size."""
    path = Path(Evidence(store).files(kind, [day] if day else None)[0])
    size = path.stat().st_size
    table = change(pq.ParquetFile(path).read())
    pq.write_table(table, path, store_schema=False)
    log = log_name("evidence", 0)
    lines = store.read(log).decode().splitlines()
    for n, line in enumerate(lines):
        if path.name in line:
            assert f'"size":{size}' in line
            action = json.loads(line)
            action["add"]["size"] = path.stat().st_size
            action["add"]["stats"] = json.dumps({"numRecords": table.num_rows})
            lines[n] = json.dumps(action, separators=(",", ":"))
    store.replace(log, "\n".join(lines).encode())


def put(column: str, row: int, value: Any) -> Callable[[Any], Any]:
    def change(table: Any) -> Any:
        values = table[column].to_pylist()
        values[row] = value
        at = table.schema.get_field_index(column)
        return table.set_column(at, table.schema.field(at), pa.array(values, table.schema.field(at).type))

    return change


def problems(store: LocalStore) -> dict[str, str]:
    found = verify(store)
    assert found.sound is (not found.findings)
    told: dict[str, str] = {}
    for finding in found.findings:
        told[finding.record] = "; ".join(filter(None, (told.get(finding.record), finding.problem)))
    return told


def content_of_device(store: LocalStore, device: str) -> str:
    """The batch that holds a device."""
    streams = Evidence(store).scan("stream", ["record_id", "document"]).read_all().to_pylist()
    (stream,) = (row["record_id"] for row in streams if json.loads(row["document"])["device_id"] == device)
    rows = Evidence(store).scan("sample", ["content"], record_ids=[stream]).read_all()
    return str(rows["content"][0].as_py())


def test_an_untouched_ledger_is_sound(store: LocalStore) -> None:
    """And it says how much was looked at."""
    found = verify(store)
    assert found.sound
    assert (found.version, found.runs, found.samples, found.files) == (0, 2, 12, 4)


def test_an_empty_ledger_is_sound(tmp_path: Path) -> None:
    """Nothing is wrong with nothing."""
    found = verify(LocalStore(tmp_path))
    assert (found.sound, found.version) == (True, -1)


@pytest.mark.parametrize(
    ("column", "value"),
    [("energy_uj", 8), ("start_us", 1), ("end_us", 20_001 * DAY), ("observed", False), ("observed", None),
     ("record_id", "s-other"), ("energy_uj", None), ("row", 99), ("count", 1.0), ("start_us", None)],
)  # fmt: skip
def test_a_sample_that_was_altered_is_found(store: LocalStore, column: str, value: Any) -> None:
    """Any column of one row of one day."""
    day = "2024-10-03"
    tamper(store, "sample", put(column, 0, value), day)
    content = content_of_device(store, "GPU-1")
    assert content in problems(store)
    assert day in problems(store)[content]


def test_samples_that_went_missing_are_found(store: LocalStore) -> None:
    """One row, or all of a day."""
    content = content_of_device(store, "GPU-1")
    tamper(store, "sample", lambda table: table.slice(1), "2024-10-03")
    assert "altered" in problems(store)[content]
    tamper(store, "sample", lambda table: table.slice(0, 0), "2024-10-03")
    assert problems(store)[content] == "its samples of 2024-10-03 are gone"


def test_samples_that_were_slipped_in_are_found(store: LocalStore) -> None:
    """Under a content that no fold took in, or twice under one that it did."""
    content = content_of_device(store, "GPU-3")

    def slip(table: Any) -> Any:
        return pa.concat_tables([table, put("content", 0, "made-up")(table.slice(0, 1))])

    tamper(store, "sample", slip, "2024-10-04")
    assert problems(store)["made-up"] == "has 1 samples on 2024-10-04 that no fold took in"

    def double(table: Any) -> Any:
        return pa.concat_tables([table, table.filter(pc.equal(table["content"], content))])

    tamper(store, "sample", double, "2024-10-04")
    assert "altered" in problems(store)[content]


def test_a_run_that_was_altered_is_found(store: LocalStore) -> None:
    """Its document, or a column that says something else than its document."""

    def less(table: Any) -> Any:
        text = table["document"][0].as_py().replace('"energy_joules": 90.0', '"energy_joules": 9.0')
        return put("document", 0, text)(table)

    tamper(store, "run", less)
    assert "its document was altered" in "".join(problems(store).values())


@pytest.mark.parametrize(
    ("column", "value"), [("seq", 9), ("start_us", 5), ("end_us", 5), ("record_id", "r-x")]
)
def test_a_runs_columns_must_say_what_its_document_says(store: LocalStore, column: str, value: Any) -> None:
    """They are what it is found by."""
    tamper(store, "run", put(column, 0, value))
    assert "its columns were altered" in "".join(problems(store).values())


def test_a_run_that_is_gone_or_there_twice_is_found(store: LocalStore) -> None:
    """By its record id."""
    tamper(store, "run", lambda table: table.slice(1))
    assert "was taken in and is gone" in "".join(problems(store).values())
    tamper(store, "run", lambda table: pa.concat_tables([table, table]))
    assert "is there 2 times" in "".join(problems(store).values())


def test_a_run_that_no_fold_took_in_is_found(store: LocalStore) -> None:
    """However sound it looks."""
    tamper(store, "file", lambda table: table.filter(pc.invert(pc.match_substring(table["document"], "r-1"))))
    assert "was never taken in by a fold" in "".join(problems(store).values())


def test_a_stream_that_was_altered_or_is_gone_is_found(store: LocalStore) -> None:
    """Whose energy it is must not change."""
    tamper(store, "stream", put("document", 0, "{}"))
    assert "description was altered" in "".join(problems(store).values())
    tamper(store, "stream", lambda table: table.slice(0, 0))
    assert "no description of the stream" in "".join(problems(store).values())


def test_hashes_that_were_altered_are_found(store: LocalStore) -> None:
    """Whoever changes a day's hash to fit must change the content id, which is everywhere."""
    rows = Evidence(store).scan("file", ["document"]).read_all()["document"].to_pylist()
    position = next(n for n, text in enumerate(rows) if '"sample"' in text)
    told = json.loads(rows[position])
    told["days"] = dict.fromkeys(told["days"], "0" * 64)
    tamper(store, "file", put("document", position, json.dumps(told)))
    assert "do not give its content id" in "".join(problems(store).values())


def test_a_file_that_cannot_be_read_hides_no_other_finding(store: LocalStore) -> None:
    """A damaged day is one finding; the others are looked at."""
    tamper(store, "run", put("seq", 0, 9))
    for path in Evidence(store).files("sample", ["2024-10-03"]):
        Path(path).write_bytes(b"PAR1" + b"\0" * 100 + b"PAR1")
    found = problems(store)
    assert any(record == "samples of 2024-10-03" for record in found)
    assert "its columns were altered" in "".join(found.values())


@pytest.mark.parametrize("kind", ["file", "stream", "run", "sample"])
def test_a_file_of_another_size_than_the_log_says_is_found(store: LocalStore, kind: str) -> None:
    """Cut off, or rewritten by somebody who does not know Delta."""
    path = Path(Evidence(store).files(kind)[0])
    path.write_bytes(path.read_bytes()[:-10])
    assert any("cannot be read" in problem for problem in problems(store).values())


def test_a_file_noted_twice_is_found(store: LocalStore) -> None:
    """Exactly once is checked, not believed."""
    tamper(store, "file", lambda table: pa.concat_tables([table, table.slice(0, 1)]))
    assert "is noted twice" in "".join(problems(store).values())


def test_the_inbox_is_looked_at(store: LocalStore) -> None:
    """A file must be what its name says."""
    content = land_run(store, document("r-9"))
    assert verify(store).sound
    name = f"inbox/{content}.run.json"
    store.replace(name, document("r-8"))
    assert "was damaged" in problems(store)[name]


def test_rows_that_were_removed_by_a_commit_are_found(store: LocalStore) -> None:
    """Also when the log says that they went in order: without a tombstone they were not purged."""
    table = open_table(store, TABLE.name)
    day = removal(table, {"kind": ["run"]}, NOW)
    assert commit(store, TABLE, 1, day, {"operation": "DELETE"}, NOW)
    assert "was taken in and is gone" in "".join(problems(store).values())


def test_a_whole_file_that_was_added_is_found(store: LocalStore) -> None:
    """Doubling a day by a commit."""
    rows = pq.ParquetFile(Evidence(store).files("run")[0]).read()
    action = write_file(store, TABLE, {"kind": "run", "day": "2026-11-01"}, rows)
    assert commit(store, TABLE, 1, [action], {"operation": "WRITE"}, NOW)
    assert "is there 2 times" in "".join(problems(store).values())


def test_batches_are_looked_at_some_at_a_time() -> None:
    """A bounded number of rows; a larger one alone."""
    assert list(_at_once({"a": 1_500_000, "b": 400_000, "c": 200_000, "d": 3_000_000})) == [
        ["a", "b"],
        ["c"],
        ["d"],
    ]
