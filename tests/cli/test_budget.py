"""``wattmark budget``: every budget in one table, and an exit code for those that are spent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.cli.ledgers import filled, nothing_else, portfolio, the_run
from tests.cli.running import kept, verb
from wattmark.cli.budget import group, names
from wattmark.core.errors import UsageError
from wattmark.core.run import Subject
from wattmark.reports.budgets import days_words

POLICY = """
[[budget]]
id = "all"
limit = 1
unit = "Wh"
period = "month"
on_projection = "ignore"
reason = "the board said so"

[[budget]]
id = "team"
limit = 100
unit = "J"
period = "quarter"
by = ["team"]
level = "warn"
"""
NOW = ("--now", "2026-11-20T09:30:00Z")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A policy with two budgets, and four runs of 90 J."""
    nothing_else(tmp_path, monkeypatch)
    (tmp_path / "wattmark-policy.toml").write_text(POLICY, encoding="utf-8")
    portfolio(tmp_path)
    return tmp_path


def told(*arguments: object) -> dict[str, Any]:
    """What it says as JSON."""
    body: dict[str, Any] = json.loads(verb(group, *arguments, "--json").stdout)
    return body


def test_every_budget_is_one_line(here: Path) -> None:
    """Used, limit, share, burn rate, projection, state."""
    text = verb(group, "list", "--runs", "runs", *NOW).stdout
    (line,) = (line for line in text.splitlines() if line.startswith("all"))
    assert "100 mWh [95.0 .. 105], grade B  1 Wh" in line
    assert "180 J [171 .. 189]" in text
    assert line.endswith("within")
    assert "team search" in text
    assert "does not state its tags" in text
    assert str(here) not in text


def test_alone_it_lists(here: Path) -> None:
    """Of a folder that is not named: that of `wattmark measure`; also with nothing but options."""
    (here / "runs").rename(here / "wattmark-runs")
    assert verb(group).stdout.startswith("Budgets of wattmark-policy.toml\n")
    assert "team search" in verb(group, *NOW).stdout
    assert told()["schema"] == "wattmark.budgets"
    assert "Say how the budgets" in CliRunner().invoke(group, ["--help"]).output


def test_days_that_say_nothing_are_not_counted() -> None:
    """A budget that lasts for millions of years lasts; the decade is told, not its 2.88e9 days."""
    assert [days_words(days) for days in (None, 0.0, 72.0, 3650.0, 2.88e9)] == [
        "", "0", "72.0", "3\u202f650", "> 10 years",
    ]  # fmt: skip


def test_json_says_how_everything_is_known(here: Path) -> None:
    """Figures with intervals, and the course."""
    body = told("list", "--runs", "runs", *NOW)
    assert (body["schema"], body["schema_version"], body["at"]) == ("wattmark.budgets", 1, NOW[1])
    first = body["budgets"][0]
    assert (first["budget"], first["state"], first["ruling"]) == ("all", "within", "pass")
    assert first["limit"] == {"value": 3600.0, "unit": "J", "stated": "1 Wh"}
    assert first["used"]["interval_95"] == [342.0, 378.0]
    assert first["used_share"] == pytest.approx(0.1)
    assert first["course"] == [{"at": "2026-11-01T00:00:00Z", "used": 360.0}]
    assert body["budgets"][2]["key"] == {"team": "search"}
    assert set(first) == {
        "accounting", "budget", "burn_rate", "by", "course", "days_left", "elapsed_share", "key", "level",
        "limit", "owner", "period", "projected", "reason", "ruling", "scope", "state", "untagged", "used",
        "used_share", "waived",
    }  # fmt: skip


def test_check_fails_for_what_is_spent(here: Path) -> None:
    """The teams' only warn; then they do not."""
    asked = ("--runs", "runs", *NOW)
    assert verb(group, "check", *asked).return_value == 0
    assert verb(group, "check", "team", *asked).return_value == 0
    policy = here / "wattmark-policy.toml"
    policy.write_text(POLICY.replace('level = "warn"', ""), encoding="utf-8")
    assert verb(group, "check", *asked).return_value == 1
    assert told("check", *asked)["exit_code"] == 1
    assert verb(group, "check", "all", *asked).return_value == 0


def test_check_fails_closed(here: Path) -> None:
    """Nothing to count from is not enough evidence, unless the budget says otherwise."""
    assert verb(group, "check", "all", *NOW).return_value == 3
    lenient = POLICY.replace('reason = "the board said so"', 'if_missing = "warn"')
    (here / "wattmark-policy.toml").write_text(lenient, encoding="utf-8")
    assert verb(group, "check", "all", *NOW).return_value == 0


def test_the_ledger_says_the_same(here: Path) -> None:
    """By its own totals."""
    (here / "l").mkdir()
    ledger = filled(here / "l")
    body = told("list", "--ledger", ledger, *NOW)
    assert body["budgets"][0]["used"]["value"] == pytest.approx(360.0)
    assert "from the ledger" in verb(group, "list", "all", "--ledger", ledger, *NOW).stdout


def test_a_page_loads_nothing_and_draws_every_course(here: Path) -> None:
    """The even line, the limit and the projection; Markdown has the numbers."""
    done = verb(group, "list", "--runs", "runs", *NOW, "--html", "b.html", "--md", "b.md")
    assert (done.stdout, done.stderr) == ("", "wrote b.html\nwrote b.md\n")
    page = (here / "b.html").read_text(encoding="utf-8")
    assert page.count('<svg class="power course"') == 3
    assert page.count(">if it goes on so</text>") == page.count('<path class="fan"')
    assert page.count("spent evenly") == 3
    assert 'class="fan"' in page
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page
    assert "| all | 2026-11 |" in (here / "b.md").read_text(encoding="utf-8")
    assert "<svg" in verb(group, "list", "--runs", "runs", "--html", "-").stdout
    with pytest.raises(UsageError, match="cannot write"):
        verb(group, "list", "--runs", "runs", "--html", "gone/b.html")


def test_a_budget_that_is_not_there_is_named(here: Path) -> None:
    """With the one that was meant."""
    with pytest.raises(UsageError, match=r"no budget 'teem' in .*: did you mean 'team'\?"):
        verb(group, "list", "teem")
    with pytest.raises(UsageError, match="there are all, team"):
        verb(group, "list", "x")


def test_a_policy_without_budgets_says_so(here: Path) -> None:
    """Instead of an empty table."""
    (here / "wattmark-policy.toml").write_text("[policy]\nid = 'p'\n", encoding="utf-8")
    assert "no budget is in force" in verb(group, "check").stdout
    assert verb(group, "check").return_value == 0


def test_names_are_completed(here: Path) -> None:
    """Of the nearest policy; nothing where it cannot be read."""
    assert list(names()) == ["all", "team"]
    (here / "wattmark-policy.toml").write_text("nonsense", encoding="utf-8")
    assert list(names()) == []


def test_many_budgets_say_each_thing_once_and_draw_what_presses(here: Path) -> None:
    """Thirty teams: one note of the whole budget, and the first twenty-four courses."""
    for n in range(10, 40):
        kept(here / "runs", the_run(n, second=20 * n, subject=Subject(team=f"t{n}")), f"t{n}")
    carbon = POLICY.replace('unit = "J"', 'unit = "kgCO2e"')
    (here / "wattmark-policy.toml").write_text(carbon, encoding="utf-8")
    asked = ("list", "team", "--runs", "runs", "--country", "FRA", *NOW)
    assert verb(group, *asked).stdout.count("device energy only") == 1
    page = verb(group, *asked, "--html", "-").stdout
    assert page.count('<svg class="power course"') == 24
    assert "8 more are not drawn" in page
