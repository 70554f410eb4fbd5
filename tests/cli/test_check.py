"""``wattmark check`` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builders import HOST, a_row, a_run
from tests.cli.running import kept, verb
from wattmark.cli.check import command
from wattmark.core.errors import ConfigError
from wattmark.core.known import Grade, Method
from wattmark.core.run import Place, Quality, Subject, Work

PLACE = ("--country", "FRA", "--pue", "1.2")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine is in force."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATTMARK_CONFIG", raising=False)


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """An inference run with work and quality."""
    run = a_run(
        subject=Subject(stage="inference"),
        work=(Work(unit="inferences", count=10),),
        quality=(Quality(name="accuracy", value=0.9),),
    )
    return kept(tmp_path, run, "sound")


@pytest.fixture
def modelled(tmp_path: Path) -> Path:
    """The same work, an hour later, on a model instead of a counter."""
    run = a_run(
        record_id="00000000-0000-4000-8000-000000000002",
        started_monotonic_seconds=4600.0,
        subject=Subject(stage="inference"),
        work=(Work(unit="inferences", count=10),),
        energies=(a_row(method=Method.MODELLED, grade=Grade.D),),
    )
    return kept(tmp_path, run, "modelled")


def test_a_sound_run_exits_0(sound: Path) -> None:
    """Nothing found, and it says so."""
    done = verb(command, sound, *PLACE)
    assert done.return_value == 0
    assert done.output == "1 run checked: no common mistake found\n"


def test_an_error_exits_1_with_code_fix_and_page(sound: Path, modelled: Path) -> None:
    """A counter beside a model."""
    done = verb(command, sound, modelled, *PLACE)
    assert done.return_value == 1
    assert "WM102 error: Mixed sources" in done.output
    assert "docs/checks/WM102.md" in done.output
    assert "[sound.run.json, modelled.run.json]" in done.output


def test_warnings_exit_1_only_when_strict(sound: Path) -> None:
    """Energy without carbon is a warning."""
    assert verb(command, sound).return_value == 0
    assert verb(command, sound, "--strict").return_value == 1


def test_json_has_a_schema(sound: Path) -> None:
    """Findings for programs."""
    told = json.loads(verb(command, sound, "--json").output)
    assert (told["schema"], told["runs_checked"]) == ("wattmark.check", 1)
    assert {f["code"] for f in told["findings"]} == {"WM104", "WM211"}


def test_absolute_limits_of_a_policy_are_minded(tmp_path: Path, modelled: Path) -> None:
    """Modelled energy and a limit that needs a measurement; a limit that accepts grade D is no matter."""
    policy = tmp_path / "wattmark-policy.toml"
    policy.write_text('[[limit]]\nkpi = "performance_per_watt"\nmin = 1.0\n')
    assert "WM208" in verb(command, modelled, *PLACE).output
    policy.write_text('[[limit]]\nkpi = "performance_per_watt"\nmin = 1.0\ngrade = "D"\n')
    assert "WM208" not in verb(command, modelled, *PLACE).output


def test_a_policy_that_cannot_be_read_is_named(tmp_path: Path, sound: Path) -> None:
    """Asked for by name, so it must be there and be TOML."""
    with pytest.raises(ConfigError, match=r"none\.toml"):
        verb(command, sound, "--policy", tmp_path / "none.toml")


def test_runs_that_contradict_each_other_are_checked_all_the_same(tmp_path: Path, sound: Path) -> None:
    """Two countries: nothing can be scored together, and the check still answers."""
    here = a_run(place=Place(country="FRA", pue=1.2))
    there = a_run(
        record_id="x", host=HOST, started_monotonic_seconds=9000.0, place=Place(country="DEU", pue=1.5)
    )
    done = verb(command, kept(tmp_path, here, "here"), kept(tmp_path, there, "there"))
    assert "2 runs checked" in done.output
