"""Run files: read whole or refused with file, place and what to do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.builders import a_row, a_run
from wattmark.core.errors import EvidenceError
from wattmark.core.plain import plain
from wattmark.core.run import Run, Window
from wattmark.ledger.runfile import json_schema, read_run, read_runs


def written(folder: Path, run: Run | None = None, name: str = "a.run.json", **fields: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps({**plain(run or a_run()), **fields}))
    return path


def refused(path: Path) -> str:
    with pytest.raises(EvidenceError) as caught:
        read_run(path)
    assert str(caught.value).startswith(str(path))
    return caught.value.problem


def test_a_run_reads_back_as_it_was(tmp_path: Path) -> None:
    """Every field."""
    assert read_run(written(tmp_path)) == a_run()


def test_unknown_fields_of_the_same_version_are_left_aside(tmp_path: Path) -> None:
    """A field that a later release added does not make a file unreadable."""
    assert read_run(written(tmp_path, tomorrow=1)) == a_run()


def test_what_is_no_run_file_is_said(tmp_path: Path) -> None:
    """Absent, a folder, no JSON, another schema, a newer one."""
    assert refused(tmp_path / "none.run.json") == "cannot be read: No such file or directory"
    assert refused(tmp_path) == "is a folder; give a run file"
    for text in ("", "{", "[]", '{"schema": 5}', "\ufffd"):
        path = tmp_path / "bad.run.json"
        path.write_text(text)
        assert "is not a run file" in refused(path)
    assert "expected 'wattmark.run'" in refused(written(tmp_path, schema="other"))
    assert "upgrade with `pip install" in refused(written(tmp_path, schema_version=2))


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"status": "half"}, "$.status"),
        ({"duration_seconds": "long"}, "$.duration_seconds"),
        ({"duration_seconds": -1.0}, "$.duration_seconds"),
        ({"energies": [{"device_id": "x"}]}, "$.energies[0]"),
        ({"host": None}, "$.host"),
        ({"subject": {"labels": {"fold": 1}}}, "$.subject.labels"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, fields: dict[str, Any], place: str) -> None:
    """With its place in the file."""
    problem = refused(written(tmp_path, **fields))
    assert "does not hold a valid run" in problem
    assert place in problem


@pytest.mark.parametrize("field", ["energy_joules", "duration_seconds", "observed_seconds"])
def test_nothing_is_negative(tmp_path: Path, field: str) -> None:
    """An energy below zero is damage."""
    run = a_run(energies=(a_row(), a_row(**{field: -1.0})))
    assert f"-1 is negative - at `$.energies[1].{field}`" in refused(written(tmp_path, run))


def test_nothing_is_observed_for_longer_than_it_lasted(tmp_path: Path) -> None:
    """A coverage above 1 would flatter."""
    run = a_run(energies=(a_row(observed_seconds=10.1),))
    assert "observed longer than it lasted - at `$.energies[0]`" in refused(written(tmp_path, run))


def test_windows_name_parents_that_exist(tmp_path: Path) -> None:
    """Else nobody could draw them."""
    window = Window(id=1, parent=7, name="w", t0_seconds=0.0, duration_seconds=1.0)
    assert "unknown parent 7 - at `$.windows[0]`" in refused(written(tmp_path, a_run(windows=(window,))))


def test_a_folder_stands_for_its_run_files(tmp_path: Path) -> None:
    """In the order of their names; anything else in it is left aside."""
    (tmp_path / "notes.txt").write_text("mine")
    second, first = written(tmp_path, name="b.run.json"), written(tmp_path, name="a.run.json")
    assert [found.path for found in read_runs([tmp_path, second])] == [first, second, second]
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(EvidenceError, match="holds no run files"):
        read_runs([empty])


def test_the_schema_names_itself() -> None:
    """And every field of a run."""
    schema = json_schema()
    assert schema["title"] == "wattmark run"
    assert "energies" in schema["$defs"]["Run"]["properties"]


AT_ONCE = """
import sys, threading
from pathlib import Path
from wattmark.ledger.runfile import run_from
data = Path(sys.argv[1]).read_bytes()
sys.setswitchinterval(1e-6)
begin = threading.Barrier(8)
def read():
    begin.wait()
    run_from(data, "a")
threads = [threading.Thread(target=read) for _ in range(8)]
[one.start() for one in threads]
[one.join() for one in threads]
"""


@pytest.mark.slow
def test_many_threads_of_a_new_process_may_read_at_once(tmp_path: Path) -> None:
    """As an import does; where each of them made ready how to decode a run, half of them crashed."""
    file = tmp_path / "a.run.json"
    file.write_text(json.dumps(plain(a_run())))
    ends = [
        subprocess.run([sys.executable, "-c", AT_ONCE, str(file)], check=False).returncode for _ in range(8)
    ]
    assert ends == [0] * 8
