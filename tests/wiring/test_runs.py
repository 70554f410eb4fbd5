"""Runs out of a ledger, wherever run files are taken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.ledgers import a_ledger, ask, nothing_else, number, portfolio
from tests.cli.running import verb
from wattmark.cli import compare, report, show
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.wiring.runs import conditions, read_runs

pytest.importorskip("deltalake", reason="a ledger's tables need the extra `ledger`")


@pytest.fixture(autouse=True)
def filled_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The small portfolio, in the ledger that the environment names."""
    nothing_else(tmp_path, monkeypatch)
    ledger = a_ledger(tmp_path)
    portfolio(tmp_path)
    ask("add", tmp_path / "runs", "--ledger", ledger)
    monkeypatch.setenv("WATTMARK_LEDGER", str(ledger))


def ids(named: str) -> list[str]:
    """The runs that a word stands for."""
    return sorted(item.run.record_id for item in read_runs([Path(named)]))


def test_runs_are_chosen_by_what_they_state(tmp_path: Path) -> None:
    """Together with files; the newest first when there is a limit."""
    assert ids("ledger:team=search") == [number(1), number(2)]
    assert ids("ledger:team=search,stage=inference") == [number(2)]
    assert ids("ledger:team=search,limit=1") == [number(2)]
    assert ids("ledger:") == [number(n) for n in (1, 2, 3, 4)]
    both = read_runs([Path("ledger:team=ads"), tmp_path / "runs" / "run-4.run.json"])
    assert [item.run.record_id for item in both] == [number(3), number(4)]


def test_they_are_the_files_that_landed(tmp_path: Path) -> None:
    """Byte for byte, so that a report names the hash of the evidence."""
    (item,) = read_runs([Path("ledger:team=ads")])
    assert item.path.read_bytes() == (tmp_path / "runs" / "run-3.run.json").read_bytes()


def test_the_verbs_that_decide_take_them(tmp_path: Path) -> None:
    """show, compare and report."""
    assert len(json.loads(verb(show.command, "ledger:team=search", "--json").stdout)["runs"]) == 2
    assert json.loads(verb(show.command, "ledger:team=ads", "--json").stdout)["runs"][0]["file"] is None
    assert verb(show.command, "ledger:team=ads").stdout.startswith(f"run {number(3)}\n")
    told = verb(compare.command, "ledger:team=ads,limit=5", "ledger:team=", "--json")
    assert json.loads(told.stdout)["schema"] == "wattmark.compare"
    verb(report.command, "ledger:stage=inference", "--md", "report.md")
    assert "ranker" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_without_a_ledger_the_ways_to_name_one_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """These verbs have no option for it."""
    monkeypatch.delenv("WATTMARK_LEDGER")
    with pytest.raises(
        UsageError, match=r"ledger:team=ads: no ledger is named: set WATTMARK_LEDGER.*or name run files"
    ):
        read_runs([Path("ledger:team=ads")])


def test_what_nothing_fits_is_an_error() -> None:
    """Not an empty group."""
    with pytest.raises(EvidenceError, match=r"ledger:team=none: .* holds no run like that"):
        read_runs([Path("ledger:team=none")])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ledger:team", "'team' is neither"),
        ("ledger:=a", "'=a' is neither"),
        ("ledger:team=a,team=b", "each key once"),
        ("ledger:limit=0", "limit must be a whole number from 1 up"),
        ("ledger:limit=few", "limit must be a whole number"),
    ],
)
def test_a_slip_in_the_conditions_is_refused(text: str, said: str) -> None:
    """With the form that is meant."""
    with pytest.raises(UsageError, match=said):
        conditions(text)


def test_an_empty_value_is_what_nobody_stated() -> None:
    """As with --where."""
    assert conditions("ledger:stage=,limit=3") == ({"stage": ("",)}, 3)
    assert ids("ledger:team=") == [number(4)]
