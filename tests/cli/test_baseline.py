"""``wattmark baseline`` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.deciding import PLACE, a_solution, three, write
from tests.cli.running import verb
from wattmark.cli.baseline import group
from wattmark.core.errors import NotComparable, UsageError
from wattmark.core.run import Subject

FILE = Path("wattmark-baseline.json")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine is in force."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATTMARK_CONFIG", raising=False)
    write(Path("old"), *three(1.0, "wide"))


def test_set_keeps_evidence_factors_and_methodology() -> None:
    """In one file that needs nothing beside it: the run files may go."""
    output = verb(group, "set", "old", *PLACE).output
    assert "kept baseline 'default' in wattmark-baseline.json" in output
    for path in Path("old").iterdir():
        path.unlink()
    shown = verb(group, "show").output
    assert "wide-0, wide-1, wide-2 (3 repeats)" in shown
    assert "accounting location" in shown
    assert "Energy-to-Solution" in shown
    found = json.loads(verb(group, "show", "--json").output)
    assert (found["schema"], found["schema_version"]) == ("wattmark.baselines", 1)
    kept = found["baselines"]["default"]
    assert kept["record_ids"] == ["wide-0", "wide-1", "wide-2"]
    assert kept["terms"]["kpi:energy_to_solution"] == "version 1"
    assert kept["kpis"]["energy_to_solution"]["status"] == "known"
    assert len(kept["evidence_sha256"]) == len(kept["fingerprint"]) == 64


def test_several_names_live_in_one_file() -> None:
    """Setting one keeps the others; setting it again replaces it and says so."""
    verb(group, "set", "old/wide-0.run.json", "--name", "main")
    assert "kept baseline 'next'" in verb(group, "set", "old", "--name", "next").output
    assert "replaced baseline 'next'" in verb(group, "set", "old", "--name", "next").output
    assert "main, set" in verb(group, "show").output
    one = verb(group, "show", "main").output
    assert "(1 repeat)" in one
    assert "next" not in one
    with pytest.raises(UsageError, match="holds no baseline 'other'; it holds: main, next"):
        verb(group, "show", "other")


def test_a_file_of_ones_own_choice() -> None:
    """--file names it, to write and to read."""
    verb(group, "set", "old", "--file", "b.json")
    assert not FILE.exists()
    assert "default, set" in verb(group, "show", "--file", "b.json").output


def test_there_is_nothing_to_show_before_it_is_set() -> None:
    """And how to set it."""
    with pytest.raises(UsageError, match="wattmark baseline set RUN"):
        verb(group, "show")


def test_runs_of_different_tasks_make_no_baseline() -> None:
    """The fields that differ are named, and nothing is written."""
    write(Path("old"), a_solution(model="other", subject=Subject(task="cifar")))
    with pytest.raises(NotComparable, match="task"):
        verb(group, "set", "old")
    assert not FILE.exists()
