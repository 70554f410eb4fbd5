"""Derived tables: replaced whole or by day in one commit, each saying what it was worked out from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("deltalake")

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from tests.ledger.landing import NOW
from wattmark.ledger.columns import DERIVED
from wattmark.ledger.compaction import clean_up
from wattmark.ledger.deltalog import arrow_schema
from wattmark.ledger.store import LocalStore
from wattmark.ledger.tables import DerivedTables, Made, layout


@pytest.fixture
def tables(tmp_path: Path) -> DerivedTables:
    return DerivedTables(LocalStore(tmp_path / "ledger"), lambda: NOW)


def rows(name: str, *some: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(some), arrow_schema(DERIVED[name]))


def work(**days: float) -> pa.Table:
    """Counts of work by day: d1=5 is 5 on the first of November."""
    return rows("work", *({"day": f"2026-11-0{day[1:]}", "count": count} for day, count in days.items()))


def counts(tables: DerivedTables, version: int | None = None) -> dict[str, float]:
    found = tables.arrow("work", version)
    assert found is not None
    return {row["day"][-2:]: row["count"] for row in found.to_table().to_pylist()}


def test_a_table_that_was_never_made_is_absent(tables: DerivedTables) -> None:
    """Which is not the same as empty."""
    assert tables.files("work") is None
    assert tables.arrow("work") is None
    assert tables.made("work") is None
    assert tables.version_for("work", 0, "s") is None
    assert tables.version("work") == -1


@pytest.mark.parametrize("name", DERIVED)
def test_every_table_is_written_and_read_back(tables: DerivedTables, name: str) -> None:
    """All columns, in their types; a missing one is null."""
    row: dict[str, Any] = {
        column: {"text": "2026-11-01", "whole": 1 << 60, "real": 0.5, "truth": True}[told.kind]
        for column, told in DERIVED[name].items()
    }
    tables.replace(name, None, rows(name, row), 0, "s")
    dataset = tables.arrow(name)
    assert dataset is not None
    assert dataset.to_table().select(list(DERIVED[name])).to_pylist() == [row]
    first = next(iter(set(DERIVED[name]) - {"day"}))
    tables.replace(name, None, rows(name, row).drop_columns([first]), 0, "s")
    assert tables.arrow(name).to_table()[first].to_pylist() == [None]  # type: ignore[union-attr]


def test_some_days_are_replaced_and_the_others_stay(tables: DerivedTables) -> None:
    """In one commit; an older version is still what it was."""
    assert tables.replace("work", None, work(d1=1, d2=2, d3=3), 0, "s") == 0
    assert tables.replace("work", ["2026-11-02", "2026-11-04"], work(d2=20, d4=40), 1, "s") == 1
    assert counts(tables) == {"01": 1, "02": 20, "03": 3, "04": 40}
    assert counts(tables, 0) == {"01": 1, "02": 2, "03": 3}


def test_days_without_rows_are_emptied(tables: DerivedTables) -> None:
    """What is no longer counted is no longer there."""
    tables.replace("work", None, work(d1=1, d2=2), 0, "s")
    tables.replace("work", ["2026-11-02"], work(), 1, "s")
    assert counts(tables) == {"01": 1}
    tables.replace("work", None, work(), 2, "s")
    assert counts(tables) == {}
    assert tables.files("work") == []


def test_a_table_without_days_is_replaced_whole(tables: DerivedTables) -> None:
    """Whatever days are named."""
    tables.replace("subjects", None, rows("subjects", {"subject_id": "a"}, {"subject_id": "b"}), 0, "s")
    tables.replace("subjects", ["2026-11-01"], rows("subjects", {"subject_id": "c"}), 1, "s")
    dataset = tables.arrow("subjects")
    assert dataset is not None
    assert dataset.to_table()["subject_id"].to_pylist() == ["c"]


def test_a_stream_of_batches_is_written_as_it_comes(tables: DerivedTables) -> None:
    """Memory stays bounded; the rows are the same."""
    batches = (work(d1=1).to_batches()[0] for _ in range(3))
    reader = pa.RecordBatchReader.from_batches(work().schema, batches)
    tables.replace("work", None, reader, 0, "s")
    dataset = tables.arrow("work")
    assert dataset is not None
    assert dataset.to_table()["count"].to_pylist() == [1, 1, 1]


def test_a_table_says_what_it_was_made_from(tables: DerivedTables) -> None:
    """And is found by it, also when newer ones follow."""
    tables.replace("work", None, work(d1=1), 4, "old")
    tables.replace("work", None, work(d1=2), 4, "new")
    tables.replace("work", None, work(d1=3), 5, "new")
    assert tables.made("work") == Made(5, "new")
    assert [tables.version_for("work", v, s) for v, s in ((4, "old"), (4, "new"), (5, "new"))] == [0, 1, 2]
    assert tables.version_for("work", 6, "new") is None


def test_a_version_whose_files_are_cleaned_up_is_not_found(tables: DerivedTables, tmp_path: Path) -> None:
    """It is worked out again instead of failing half-way."""
    tables.replace("work", None, work(d1=1), 4, "s")
    tables.replace("work", None, work(d1=2), 5, "s")
    clean_up(LocalStore(tmp_path / "ledger"), layout("work"), 0)
    assert tables.version_for("work", 4, "s") is None
    assert tables.version_for("work", 5, "s") == 1


def test_files_are_absolute_and_say_their_day(tables: DerivedTables) -> None:
    """Of the version that is asked for."""
    tables.replace("work", None, work(d1=1), 0, "s")
    tables.replace("work", None, work(d2=1), 1, "s")
    files = tables.files("work")
    assert files is not None
    assert [Path(f).parent.name for f in files] == ["day=2026-11-02"]
    assert tables.files("work", 0) != files


def test_rows_are_found_by_every_column(tables: DerivedTables) -> None:
    """Text whose bounds the log does not repeat, too: a reader must not pass over its files."""
    first = {"day": "2026-11-01", "host_id": "a", "device_id": "d", "energy_uj": 1}
    tables.replace("counted", None, rows("counted", first, {**first, "host_id": "b"}), 0, "s")
    found = tables.arrow("counted")
    assert found is not None
    for column, values in {"host_id": ["b"], "device_id": ["d"], "energy_uj": [1]}.items():
        among = pc.field(column).isin(pa.array(values))
        assert found.to_table(filter=among).num_rows == (1 if column == "host_id" else 2)
        assert found.to_table(filter=~among).num_rows == (1 if column == "host_id" else 0)


def test_days_of_an_arrow_dataset(tables: DerivedTables) -> None:
    """Only those that are asked for."""
    tables.replace("work", None, work(d1=1, d2=2), 0, "s")
    dataset = tables.arrow("work", days=["2026-11-02"])
    assert dataset is not None
    assert dataset.to_table()["count"].to_pylist() == [2]


def test_whoever_counts_on_rows_that_were_replaced_looks_again(tables: DerivedTables) -> None:
    """Two refreshed at once from one state: the second one's other days would not be what it believes."""
    tables.replace("work", None, work(d1=1, d2=2), 0, "s")
    base = tables.version("work")
    assert tables.replace("work", ["2026-11-01"], work(d1=10), 1, "s", base=base) == 1
    assert tables.replace("work", ["2026-11-02"], work(d2=20), 2, "s", base=base) is None
    assert counts(tables) == {"01": 10, "02": 2}
    assert tables.replace("work", ["2026-11-02"], work(d2=20), 2, "s", base=1) == 2


def replace_often(folder: str, number: str) -> None:
    """In a process of its own: ten replacements, told apart by the number."""
    tables = DerivedTables(LocalStore(Path(folder)))
    for n in range(10):
        tables.replace("work", None, work(d1=int(number), d2=int(number)), n, f"s-{number}")


@pytest.mark.slow
def test_several_who_replace_at_once_leave_one_whole_state(tmp_path: Path) -> None:
    """Four processes, forty commits: none is lost, and the rows are those of one of them."""
    program = (
        "import sys; from tests.ledger.test_derived_tables import replace_often as go; go(*sys.argv[1:])"
    )
    root = Path(__file__).resolve().parents[2]
    processes = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path), str(n)], cwd=root) for n in range(4)
    ]
    assert [process.wait(120) for process in processes] == [0] * 4
    tables = DerivedTables(LocalStore(tmp_path))
    assert tables.version("work") == 39
    assert len(set(counts(tables).values())) == 1
    for version in range(40):
        assert len(set(counts(tables, version).values())) == 1


@pytest.mark.parametrize("name", DERIVED)
def test_no_filter_passes_over_a_row(tables: DerivedTables, tmp_path: Path, name: str) -> None:
    """Whichever column is asked about: by us, and by whoever reads our Delta tables with deltalake."""
    kinds = {column: told.kind for column, told in DERIVED[name].items()}
    values: dict[str, tuple[Any, Any]] = {
        "text": ("2026-11-01", "x" * 5000),
        "whole": (-5, 1 << 60),
        "real": (-0.5, 1e300),
        "truth": (True, False),
    }
    both = [{column: values[kind][n] for column, kind in kinds.items()} for n in range(2)]
    for row in both:
        row["day"] = "2026-11-01"
    tables.replace(name, None, rows(name, *({c: r[c] for c in kinds} for r in both)), 0, "s")
    theirs = DeltaTable(tmp_path / "ledger" / "derived" / name).to_pyarrow_dataset()
    for dataset in (tables.arrow(name), theirs):
        assert dataset is not None
        for column in kinds:
            for row in both:
                found = dataset.to_table(filter=pc.field(column) == row[column]).num_rows
                assert found == (2 if column == "day" else 1), column
            assert dataset.to_table(filter=pc.field(column).is_valid()).num_rows == 2
            assert dataset.to_table(filter=pc.field(column).is_null()).num_rows == 0


def test_numbers_without_bounds_are_found(tables: DerivedTables, tmp_path: Path) -> None:
    """Not a number, infinite, or missing throughout: no statistics are better than wrong ones."""
    odd = (("a", float("inf")), ("b", float("nan")))
    some = ({"day": "2026-11-01", "unit": unit, "count": count} for unit, count in odd)
    tables.replace("work", None, rows("work", *some), 0, "s")
    theirs = DeltaTable(tmp_path / "ledger" / "derived" / "work").to_pyarrow_dataset()
    for dataset in (tables.arrow("work"), theirs):
        assert dataset is not None
        assert dataset.to_table(filter=pc.field("count") == float("inf")).num_rows == 1
        assert dataset.to_table(filter=pc.field("unit") == "b").num_rows == 1
        assert dataset.to_table(filter=pc.field("failed").is_null()).num_rows == 2
