"""``wattmark ledger init``, ``add``, ``fold``, ``history``, ``verify``, ``compact`` and ``purge``."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("deltalake", reason="a ledger's tables need the extra `ledger`")

from tests.cli.ledgers import a_ledger, ask, filled, nothing_else, number, portfolio, the_run, told
from tests.cli.running import kept, verb
from wattmark.cli import import_
from wattmark.cli.ledger import group
from wattmark.core.errors import ConfigError, EvidenceError, UsageError
from wattmark.hashing import sha256
from wattmark.ledger.settingsfile import parse_settings
from wattmark.measure.delivery import outbox_of


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine is in force."""
    nothing_else(tmp_path, monkeypatch)


def test_a_ledger_begins_with_its_settings(tmp_path: Path) -> None:
    """Commented, with the name and zone that were given, and the next step."""
    said = ask("init", "here", "--name", 'our "AI"', "--time-zone", "Europe/Paris").stdout
    assert f"export WATTMARK_LEDGER={tmp_path / 'here'}" in said
    settings = parse_settings((tmp_path / "here" / "ledger.toml").read_text(encoding="utf-8"), "x")
    assert (settings.name, settings.time_zone) == ('our "AI"', "Europe/Paris")


def test_a_ledger_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    """Nothing is written over."""
    ledger = a_ledger(tmp_path)
    with pytest.raises(UsageError, match="is there already: nothing was written"):
        ask("init", ledger)
    assert (ledger / "ledger.toml").read_text() == "format = 1\n"


def test_a_wrong_time_zone_is_said_before_anything_is_written(tmp_path: Path) -> None:
    """No half of a ledger."""
    with pytest.raises(ConfigError, match="Mars"):
        ask("init", "here", "--time-zone", "Mars/Olympus")
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize("named", ["option", "environment", "configuration"])
def test_the_ledger_is_found_wherever_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    """A folder in wattmark.toml counts from that file's folder; however it is named, it has one name."""
    ledger = a_ledger(tmp_path)
    below = tmp_path / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    if named == "environment":
        monkeypatch.setenv("WATTMARK_LEDGER", "../ledger")
    if named == "configuration":
        (tmp_path / "wattmark.toml").write_text('[ledger]\nurl = "ledger"\n')
    option = ("--ledger", ledger) if named == "option" else ()
    assert told("fold", *option)["ledger"] == str(ledger if named == "option" else ledger.resolve())


def test_without_a_ledger_the_ways_to_name_one_are_said() -> None:
    """Option, variable, file, and how to begin one."""
    with pytest.raises(UsageError, match=r"give --ledger, set WATTMARK_LEDGER, .*ledger init"):
        ask("fold")
    with pytest.raises(UsageError, match="there is no ledger; `wattmark ledger init"):
        ask("fold", "--ledger", "nowhere")
    Path("empty").mkdir()
    with pytest.raises(UsageError, match="there is no ledger"):
        ask("add", "empty", "--ledger", "empty")


def test_adding_is_idempotent_and_says_what_was_not_taken(tmp_path: Path) -> None:
    """Files stay where they are; exit code 1 names each that did not come in."""
    ledger = a_ledger(tmp_path)
    files = portfolio(tmp_path)
    (tmp_path / "runs" / "broken.run.json").write_text("{")
    done = ask("add", "runs", "--ledger", ledger)
    assert done.return_value == 1
    assert f"4 of 5 run files in {ledger}" in done.stdout
    assert "not taken: runs/broken.run.json: is not a run file" in done.stderr
    assert all(path.is_file() for path in files)
    assert told("fold", "--ledger", ledger)["runs"] == 4
    again = told("add", "runs", "--ledger", ledger)
    assert (again["files"], len(again["not_taken"])) == (4, 1)
    folded = told("fold", "--ledger", ledger)
    assert (folded["runs"], folded["repeated"], folded["version"]) == (0, 4, 0)
    with pytest.raises(EvidenceError, match="holds no run files"):
        ask("add", ledger, "--ledger", ledger)


def test_strict_rules_keep_untagged_runs_out(tmp_path: Path) -> None:
    """With the reason."""
    ledger = a_ledger(tmp_path, '[tags]\nrequired = ["team"]\nmode = "refuse"\n')
    portfolio(tmp_path)
    done = ask("add", "runs", "--ledger", ledger)
    assert done.return_value == 1
    assert "run-4.run.json: team is missing: state it" in done.stderr


def test_folding_brings_what_waits_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that could not reach their ledger when they ended."""
    ledger = a_ledger(tmp_path)
    outbox = outbox_of(str(ledger), {"WATTMARK_HOME": str(tmp_path / "home")})
    outbox.mkdir(parents=True)
    kept(outbox, the_run(1), "waiting")
    done = ask("fold", "--ledger", ledger)
    assert "1 run and 0 samples from 1 file, 1 of which waited on this machine" in done.stdout
    assert list(outbox.iterdir()) == []


def test_a_file_that_cannot_be_taken_is_moved_aside_and_named(tmp_path: Path) -> None:
    """Exit code 1, once; it is kept in rejected/."""
    ledger = a_ledger(tmp_path)
    (ledger / "inbox").mkdir()
    name = f"{sha256(b'{}').hexdigest()}.run.json"
    (ledger / "inbox" / name).write_bytes(b"{}")
    done = ask("fold", "--ledger", ledger)
    assert done.return_value == 1
    assert f"not taken: rejected/{name}" in done.stderr
    assert (ledger / "rejected" / name).read_bytes() == b"{}"
    assert ask("fold", "--ledger", ledger).return_value == 0


def test_the_history_lists_versions_newest_first(tmp_path: Path) -> None:
    """When, and how much."""
    ledger = filled(tmp_path)
    assert "holds nothing yet" in ask("history", "--ledger", ledger).stdout
    ask("fold", "--ledger", ledger)
    ask("add", kept(tmp_path, the_run(9, "b", 600), "later"), "--ledger", ledger)
    ask("fold", "--ledger", ledger)
    versions = told("history", "--ledger", ledger)["versions"]
    assert [(v["version"], v["runs"], v["days"]) for v in versions] == [
        (1, 1, ["2026-11-01"]),
        (0, 4, ["2026-11-01"]),
    ]
    assert told("history", "--ledger", ledger, "--limit", 1)["versions"] == versions[:1]
    assert "2026-11-01" in ask("history", "--ledger", ledger).stdout
    assert (
        ask("history", "--csv", "--ledger", ledger).stdout.splitlines()[2].endswith("FOLD,4,4,0,2026-11-01")
    )


def test_verify_finds_what_was_altered(tmp_path: Path) -> None:
    """Exit code 1 and its name; a sound ledger says so."""
    ledger = filled(tmp_path)
    ask("fold", "--ledger", ledger)
    sound = ask("verify", "--ledger", ledger)
    assert sound.return_value == 0
    assert "4 runs and 0 samples of 4 files: all as it came" in sound.stdout
    assert told("verify", "--ledger", ledger)["sound"] is True
    (data,) = (ledger / "evidence").rglob("kind=run/**/*.parquet")
    data.write_bytes(b"PAR1" + bytes(data.stat().st_size - 8) + b"PAR1")
    spoilt = ask("verify", "--ledger", ledger)
    assert spoilt.return_value == 1
    assert "not as they came" in spoilt.stdout


def test_compacting_changes_files_and_no_totals(tmp_path: Path) -> None:
    """Two folds, one file."""
    ledger = filled(tmp_path)
    ask("fold", "--ledger", ledger)
    ask("add", kept(tmp_path, the_run(9, "b", 600), "later"), "--ledger", ledger)
    ask("fold", "--ledger", ledger)
    done = told("compact", "--ledger", ledger)
    assert done["files_after"] < done["files_before"]
    assert told("verify", "--ledger", ledger)["runs"] == 5
    assert "files became" in ask("compact", "--ledger", ledger).stdout
    with pytest.raises(UsageError, match="keep 24 h or more"):
        ask("compact", "--ledger", ledger, "--keep-hours", 1)


def test_purging_removes_a_run_for_good(tmp_path: Path) -> None:
    """Its file is not taken again; the reason stays."""
    ledger = filled(tmp_path)
    done = told("purge", number(4), "--reason", "asked for", "--yes", "--ledger", ledger)
    assert done["record_ids"] == [number(4)]
    assert told("verify", "--ledger", ledger)["runs"] == 3
    ask("add", "runs/run-4.run.json", "--ledger", ledger)
    folded = told("fold", "--ledger", ledger)
    assert (folded["runs"], folded["repeated"], folded["purged"]) == (0, 1, 1)
    ask("add", "runs/run-4.run.json", "--ledger", ledger)
    assert "not taken again: 1 file of what was purged" in ask("totals", "--ledger", ledger).stderr
    ask("add", "runs", "--ledger", ledger)
    assert "4 known already, 1 of them purged" in ask("fold", "--ledger", ledger).stdout


def test_what_was_imported_wrongly_is_purged_and_imported_anew(tmp_path: Path) -> None:
    """Even what had come in beside it: a label more makes it another content."""
    ledger = a_ledger(tmp_path)
    files = Path(__file__).resolve().parents[1] / "sources" / "files"

    def bring(zone: str, *more: str) -> None:
        arguments = ["codecarbon", str(files / "codecarbon-3.3.2.csv"), "-o", f"time_zone={zone}", *more]
        assert verb(import_.command, *arguments, "--ledger", str(ledger)).return_value == 0

    def hours() -> set[str]:
        return {run["started_at"][11:13] for run in told("runs", "--ledger", ledger)["runs"]}

    bring("Asia/Tokyo")
    bring("UTC")
    sql = "SELECT DISTINCT record_id FROM readings WHERE source LIKE 'codecarbon%'"
    ids = ask("query", sql, "--csv", "--ledger", ledger).stdout.split()[1:]
    ask("purge", *ids, "--reason", "wrong time zone", "--yes", "--ledger", ledger)
    bring("UTC")
    assert hours() == set()
    bring("UTC", "--label", "corrected=yes")
    assert hours() == {"23"}


def test_purging_before_a_day_keeps_what_came_later(tmp_path: Path) -> None:
    """Retention."""
    ledger = filled(tmp_path)
    later = the_run(9, "b", 0, started_at="2026-11-02T12:00:00.000000Z", started_monotonic_seconds=90_000.0)
    ask("add", kept(tmp_path, later, "later"), "--ledger", ledger)
    assert (
        "4 records with 4 rows removed"
        in ask(
            "purge", "--before", "2026-11-02", "--reason", "a year is over", "--yes", "--ledger", ledger
        ).stdout
    )
    assert told("verify", "--ledger", ledger)["runs"] == 1


def test_a_purge_must_say_what_and_asks_first(tmp_path: Path) -> None:
    """Whole ids or a day; nothing is removed without a yes."""
    ledger = filled(tmp_path)
    for arguments, said in (
        ((), "say what: run ids"),
        (("--before", "soon"), "'soon' is no day"),
        (("0000",), "holds no '0000': give whole ids"),
    ):
        with pytest.raises(UsageError, match=said):
            ask("purge", *arguments, "--reason", "r", "--yes", "--ledger", ledger)
    asked = ["purge", number(4), "--reason", "r", "--ledger", str(ledger)]
    with pytest.raises(UsageError, match="nothing was removed"):
        CliRunner().invoke(group, asked, input="n\n", catch_exceptions=False, standalone_mode=False)
    with pytest.raises(UsageError, match="where nobody can be asked, --yes says it"):
        CliRunner().invoke(group, asked, input="", catch_exceptions=False, standalone_mode=False)
    assert told("verify", "--ledger", ledger)["runs"] == 4
