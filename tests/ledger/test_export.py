"""Exports: the same rows in the same order, exact numbers, and a manifest that tells."""

from __future__ import annotations

import csv
import hashlib
import json
import random
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.ledger.derived import NOON, SECOND, Derived
from wattmark.core.errors import UsageError
from wattmark.ledger.export import export
from wattmark.ledger.views import VIEWS


def ledger_of(folder: Path, order: list[int]) -> Derived:
    """Rows put in, in any order."""
    made = Derived(folder)
    made.subject(team='a "quoted", name\nof two lines')
    made.subject("s2", team="")
    made.place()
    made.known()
    for n in order:
        made.energy(
            0,
            energy_uj=2**53 + n,
            start_us=NOON + n * 10 * SECOND,
            subject_id="s1" if n % 2 else "nobody",
            gap_uj=None if n % 3 else 0,
        )
    made.run("r1", own_cpu_seconds=0.1 + 0.2)
    return made.write()


def test_the_order_of_rows_does_not_depend_on_how_they_came_in(tmp_path: Path) -> None:
    """Byte for byte the same CSV, and row for row the same Parquet."""
    numbers = list(range(50))
    one = ledger_of(tmp_path / "one", numbers)
    random.Random(1).shuffle(numbers)
    other = ledger_of(tmp_path / "other", numbers)
    names = list(VIEWS)
    for format in ("csv", "parquet"):
        first = export(one, names, tmp_path / f"a-{format}", format)
        second = export(other, names, tmp_path / f"b-{format}", format)
        assert [(e.view, e.rows) for e in first] == [(e.view, e.rows) for e in second]
        if format == "csv":
            assert [e.sha256 for e in first] == [e.sha256 for e in second]
        for e in first if format == "parquet" else ():
            assert pq.read_table(tmp_path / "a-parquet" / e.file).equals(
                pq.read_table(tmp_path / "b-parquet" / e.file)
            ), e.view


def test_numbers_of_a_csv_read_back_the_same(tmp_path: Path) -> None:
    """Whole numbers beyond 2^53, floating-point ones to the last digit, text with quotes and line ends."""
    ledger = ledger_of(tmp_path / "ledger", [0, 1])
    export(ledger, ["energy", "runs"], tmp_path / "out", "csv")
    with open(tmp_path / "out" / "energy.csv", newline="", encoding="utf-8") as file:
        energy = list(csv.DictReader(file))
    assert [int(row["energy_uj"]) for row in energy] == [2**53, 2**53 + 1]
    assert [float(row["energy_joules"]) for row in energy] == [2**53 / 1e6, (2**53 + 1) / 1e6]
    assert energy[1]["team"] == 'a "quoted", name\nof two lines'
    assert energy[0]["started"] == "2026-11-01 12:00:00"
    with open(tmp_path / "out" / "runs.csv", newline="", encoding="utf-8") as file:
        assert float(next(csv.DictReader(file))["own_cpu_seconds"]) == 0.1 + 0.2


def test_nothing_and_an_empty_text_are_two_things_in_a_csv(tmp_path: Path) -> None:
    """What is not known is an empty field, an empty tag is a quoted one."""
    ledger = ledger_of(tmp_path / "ledger", [0])
    ledger.run("r9", subject_id="s2", own_cpu_seconds=None)
    ledger.put("runs", ledger.rows["runs"])
    export(ledger, ["runs"], tmp_path / "out", "csv")
    line = (tmp_path / "out" / "runs.csv").read_text().splitlines()[-1]
    assert line.startswith("2026-11-01,r9,0,")
    assert '""' in line
    assert ",,10.0,0,1" in line


def test_the_manifest_holds_what_was_written(tmp_path: Path) -> None:
    """Hashes, rows and the ledger's version; no half file is left."""
    ledger = ledger_of(tmp_path / "ledger", [0, 1, 2])
    done = export(ledger, ["energy", "lost"], tmp_path / "out")
    document = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert (document["schema"], document["schema_version"], document["ledger_version"]) == (
        "wattmark.ledger-export",
        1,
        7,
    )
    for told, one in zip(document["files"], done, strict=True):
        content = (tmp_path / "out" / told["file"]).read_bytes()
        assert told["sha256"] == one.sha256 == hashlib.sha256(content).hexdigest()
        assert told["bytes"] == len(content)
        assert tuple(told["columns"]) == tuple(VIEWS[told["view"]].columns)
    assert [told["rows"] for told in document["files"]] == [3, 0]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "energy.parquet",
        "lost.parquet",
        "manifest.json",
    }


def test_what_cannot_be_exported_is_refused(tmp_path: Path) -> None:
    """Names, formats and places that do not exist."""
    ledger = ledger_of(tmp_path / "ledger", [0])
    with pytest.raises(UsageError, match="no view nowhere: give some of energy, readings"):
        export(ledger, ["energy", "nowhere"], tmp_path / "out")
    with pytest.raises(UsageError, match="no format 'xml': give one of parquet, csv"):
        export(ledger, ["energy"], tmp_path / "out", "xml")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot write"):
        export(ledger, ["energy"], tmp_path / "file" / "out")
    (tmp_path / "taken" / "energy.parquet.part").mkdir(parents=True)
    with pytest.raises(UsageError, match="cannot write"):
        export(ledger, ["energy"], tmp_path / "taken")


def test_an_export_goes_by_way_of_the_disk_where_memory_is_short(tmp_path: Path) -> None:
    """Sorted all the same."""
    ledger = ledger_of(tmp_path / "ledger", list(range(100)))
    (done,) = export(ledger, ["readings"], tmp_path / "out", memory="50MB")
    starts = pq.read_table(tmp_path / "out" / done.file)["started"].to_pylist()
    assert starts == sorted(starts)
