"""``wattmark dataset`` as a user runs it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from wattmark.cli.dataset import command
from wattmark.core.errors import EvidenceError, UsageError


def run(tmp_path: Path, *arguments: str, **options: Any) -> Result:
    """Run the verb with a cache of its own."""
    return CliRunner(env={"XDG_CACHE_HOME": str(tmp_path / "cache")}).invoke(
        command, arguments, catch_exceptions=False, **options
    )


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Three rows, written long ago."""
    path = tmp_path / "train.jsonl"
    path.write_text('{"a": 1}\n{"a": 2}\n{"a": 3}\n')
    os.utime(path, (1_700_000_000, 1_700_000_000))
    return path


def test_a_dataset_is_told_in_a_table(tmp_path: Path, rows: Path) -> None:
    """Name, rows, bytes; the second time from the cache, and it says so."""
    first = run(tmp_path, str(rows))
    assert first.exit_code == 0
    assert "train.jsonl" in first.output
    assert "27.0 B" in first.output
    assert "cache" not in first.output
    assert "from the cache" in run(tmp_path, str(rows)).output
    assert "from the cache" not in run(tmp_path, str(rows), "--no-cache").output


def test_json_has_a_schema_and_all_figures(tmp_path: Path, rows: Path) -> None:
    """A schema id, a version, and what the run file keeps."""
    told = json.loads(run(tmp_path, str(rows), "--json", "--name", "d").output)
    assert (told["schema"], told["schema_version"]) == ("wattmark.dataset", 1)
    assert told["dataset"]["name"] == "d"
    assert told["dataset"]["rows"] == 3
    assert told["dataset"]["unique_bytes"] == told["dataset"]["total_bytes"] == 27
    assert told["duplicate_share"] == 0.0


def test_several_files_are_one_dataset(tmp_path: Path, rows: Path) -> None:
    """The shell's wildcard works."""
    other = tmp_path / "more.jsonl"
    other.write_text('{"b": 1}\n')
    (tmp_path / "README.md").write_text("about")
    told = run(tmp_path, str(rows), str(other), str(tmp_path / "README.md"))
    assert "4 (in 2 of 3 files)" in told.output


def test_a_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    """The message says which."""
    with pytest.raises(EvidenceError, match=r"nowhere.*does not exist"):
        run(tmp_path, str(tmp_path / "nowhere"))


def test_a_folder_among_files_is_named(tmp_path: Path, rows: Path) -> None:
    """Which of the paths does not fit, and what does."""
    with pytest.raises(UsageError, match="is a folder: give one folder alone, or several files"):
        run(tmp_path, str(tmp_path), str(rows))
    with pytest.raises(UsageError, match=r"none\.csv: does not exist"):
        run(tmp_path, str(rows), str(tmp_path / "none.csv"))


def test_several_files_are_not_named_after_one(tmp_path: Path, rows: Path) -> None:
    """The name says that there are more."""
    other = tmp_path / "valid.jsonl"
    other.write_text('{"a": 4}\n')
    assert "train.jsonl and 1 more" in run(tmp_path, str(rows), str(other)).stdout
