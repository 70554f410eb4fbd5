"""``wattmark show`` as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders import a_run
from tests.cli.running import kept, verb
from wattmark.cli.show import command


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine is in force."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATTMARK_CONFIG", raising=False)


def test_what_carbon_is_counted_with_is_shown(tmp_path: Path) -> None:
    """The intensity with its source and year, so that nobody has to look it up."""
    run = kept(tmp_path, a_run(), "one")
    text = verb(command, run, "--country", "FRA", "--pue", "1.2").stdout
    (line,) = [line for line in text.splitlines() if line.startswith("counted with")]
    assert "PUE 1.2, grid " in line
    assert "gCO2e/kWh (Ember" in line
    assert "FRA" in line


def test_nothing_stated_shows_nothing(tmp_path: Path) -> None:
    """No line of unknowns: each KPI says what it lacks."""
    assert "counted with" not in verb(command, kept(tmp_path, a_run(), "one")).stdout


def test_carbon_is_shown_with_what_it_may_be_compared_with(tmp_path: Path) -> None:
    """No outcome has to be declared to see the carbon of a run: grams, accounting, basis and inventory."""
    run = kept(tmp_path, a_run(), "one")
    text = verb(command, run, "--country", "FRA", "--basis", "direct").stdout
    (line,) = [line for line in text.splitlines() if line.startswith("carbon ")]
    assert line.endswith("; operational, location-based, direct, scope 2")
    assert "                 device energy only: the rest of the machine" in text
    told = json.loads(verb(command, run, "--country", "FRA", "--pue", "1.2", "--json").stdout)
    assert told["runs"][0]["carbon"]["unit"] == "gCO2e"


def test_carbon_of_no_place_is_missing(tmp_path: Path) -> None:
    """The line says how to give it."""
    text = verb(command, kept(tmp_path, a_run(), "one")).stdout
    assert "carbon           missing: where it ran (--country FRA" in text


def test_a_site_that_nothing_is_stated_of_is_named(tmp_path: Path) -> None:
    """A slip in its name would otherwise only lose the carbon."""
    Path("wattmark.toml").write_text(
        '[place]\nsite = "paris-2"\n[[site]]\nname = "paris-1"\ncountry = "FRA"\n'
    )
    text = verb(command, kept(tmp_path, a_run(), "one")).stdout
    assert "carbon           missing: nothing tells where the site 'paris-2' is (a [[site]] with" in text


def test_several_runs_are_told_once_what_they_are_counted_with(tmp_path: Path) -> None:
    """One line of each kind per run."""
    runs = [kept(tmp_path, a_run(), name) for name in ("one", "two")]
    lines = verb(command, *runs, "--country", "FRA").stdout.splitlines()
    assert sum(line.startswith("counted with") for line in lines) == 2
    assert sum(line.startswith("carbon ") for line in lines) == 2


def test_raw_prints_the_file(tmp_path: Path) -> None:
    """Byte for byte."""
    run = kept(tmp_path, a_run(), "one")
    assert verb(command, run, "--raw").stdout == run.read_text()


def test_a_run_is_shown_without_the_web_or_a_database(tmp_path: Path) -> None:
    """Nothing is loaded for providers, caches and contracts that nobody named."""
    run = kept(tmp_path, a_run(), "one")
    program = (
        "import sys\nfrom wattmark.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "dear = {'urllib.request', 'http.client', 'ssl', 'socket', 'sqlite3', 'logging', 'tomllib'}\n"
        "print('loaded', sorted(dear & sys.modules.keys()))\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, str(run)], capture_output=True, text=True, check=True
    )
    assert told.stdout.splitlines()[-1] == "loaded []"
