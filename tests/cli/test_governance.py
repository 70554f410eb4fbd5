"""``wattmark governance``: the agenda of real gates, waivers, charters, budgets and logs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.builders import a_row
from tests.cli.ledgers import filled, nothing_else, the_run
from tests.cli.running import kept, verb
from wattmark.cli.audit_anchor import command as anchor
from wattmark.cli.gate import command as gate
from wattmark.cli.governance import command
from wattmark.cli.waiver import group as waiver
from wattmark.core.errors import UsageError
from wattmark.core.run import OutcomeGoal, Run, Subject
from wattmark.reports.agenda import holding_words

POLICY = """
[policy]
id = "green"
owner = "board@example.org"
review_by = 2026-11-01

[audit]
log = "log"

[identity]
allow_unverified = true

[[limit]]
id = "energy"
kpi = "energy_to_solution"
max = 0.00003

[[budget]]
id = "month"
limit = 1
unit = "Wh"
period = "month"
"""
NOW = ("--now", "2026-11-20T09:30:00Z")


def model(n: int, joules: float, second: int, **changes: Any) -> Run:
    """A run of a sorter that reached its outcome."""
    return the_run(
        n,
        second=second,
        subject=Subject(model="sorter", team="search"),
        energies=(a_row(energy_joules=joules),),
        outcome=OutcomeGoal(condition="accuracy>=0.9", reached=True),
        **changes,
    )


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three gates of three runs: the last one failed."""
    nothing_else(tmp_path, monkeypatch)
    (tmp_path / "wattmark-policy.toml").write_text(POLICY, encoding="utf-8")
    runs = tmp_path / "wattmark-runs"
    runs.mkdir()
    for n, joules, at in ((1, 60.0, "2026-11-02"), (2, 80.0, "2026-11-10"), (3, 150.0, "2026-11-19")):
        file = kept(runs, model(n, joules, 60 * n), f"r{n}")
        verb(gate, file, "--now", f"{at}T12:00:00Z", "--actor", "ci@example.org")
    return tmp_path


def told(*arguments: object) -> dict[str, Any]:
    """What it says as JSON."""
    body: dict[str, Any] = json.loads(verb(command, *arguments, *NOW, "--json").stdout)
    return body


def test_decisions_since_the_last_meeting_stand_failed_first(board: Path) -> None:
    """The failure and the overdue review are to be acted on; a meeting after all of them has none."""
    body = told()
    assert [(d["standing"], d["failed"]) for d in body["decisions"]] == [
        ("failed", ["energy"]),
        ("warning", []),
        ("warning", []),
    ]
    assert body["breaches"][0].startswith("sorter failed on 20")
    assert body["breaches"][0].endswith(": energy")
    assert [text[:13] for text in body["breaches"]] == ["sorter failed", "review of pol"]
    assert (body["schema"], body["policy"], body["owner"]) == (
        "wattmark.governance",
        "green",
        "board@example.org",
    )
    assert told("--since", "2999-01-01")["decisions"] == []


def test_the_check_has_an_exit_code(board: Path) -> None:
    """1 where there is something to act on; printing alone is 0."""
    assert verb(command, *NOW).return_value == 0
    assert verb(command, *NOW, "--check").return_value == 1


def test_changes_that_a_gate_noticed_are_told(board: Path) -> None:
    """The policy that nobody had logged."""
    changes = told("--since", "2026-09-01")["changes"]
    assert [(c["action"], c["outcome"], c["verified"]) for c in changes] == [
        ("policy.changed", "first seen", False)
    ]


def test_trends_go_by_intervals(board: Path) -> None:
    """60 J to 150 J +- 5 % rose; all that was measured is a point, with its grade."""
    (trend,) = told()["trends"]
    assert (trend["model"], trend["kpi"], trend["direction"]) == ("sorter", "energy_to_solution", "rose")
    assert len(trend["points"]) == 3
    text = verb(command, *NOW).stdout
    assert "what gates found" in text
    assert "41.7 mWh [39.6 .. 43.8], grade B" in text


def test_asking_again_is_no_second_point(board: Path) -> None:
    """The same runs, gated twice more: nothing new was measured."""
    for hour in (13, 14):
        verb(gate, board / "wattmark-runs", "--as-one", "--now", f"2026-11-19T{hour}:00:00Z")
    (trend,) = told()["trends"]
    assert [point["at"][:13] for point in trend["points"]] == [
        "2026-11-02T12", "2026-11-10T12", "2026-11-19T12", "2026-11-19T13",
    ]  # fmt: skip


def test_an_old_version_that_is_gated_again_stays_where_it_was(board: Path) -> None:
    """60 J, 80 J, 150 J, then the first once more: it rose still, and nothing fell back to 60 J."""
    verb(gate, board / "wattmark-runs" / "r1.run.json", "--now", "2026-11-20T08:00:00Z")
    (trend,) = told()["trends"]
    assert trend["direction"] == "rose"
    assert [point["at"][:10] for point in trend["points"]] == ["2026-11-02", "2026-11-10", "2026-11-19"]


def test_one_waiver_holds_and_two_hold() -> None:
    """Said as people say it."""
    assert [holding_words(count) for count in (0, 1, 2)] == [
        "no waiver holds", "1 waiver holds", "2 waivers hold",
    ]  # fmt: skip


def test_trends_and_gaps_of_a_ledger(board: Path, tmp_path: Path) -> None:
    """Months of a model, and what nobody measures."""
    (tmp_path / "l").mkdir()
    ledger = filled(tmp_path / "l")
    policy = (board / "wattmark-policy.toml").read_text(encoding="utf-8")
    text = policy.replace("energy_to_solution", "inference_watts_per_query")
    (board / "wattmark-policy.toml").write_text(text, encoding="utf-8")
    body = told("--ledger", ledger)
    assert [(t["model"], t["points"][0]["at"]) for t in body["trends"]] == [("ranker", "2026-11")]
    assert body["trends_from"].startswith("months of the ledger")
    assert any("never measured" in gap["what"] for gap in body["not_measured"])
    assert body["budgets"][0]["used"]["value"] == pytest.approx(360.0)


def test_trends_hold_the_runs_of_the_day(board: Path, tmp_path: Path) -> None:
    """Who measured this morning sees it in the agenda of this afternoon."""
    (tmp_path / "l").mkdir()
    ledger = filled(tmp_path / "l")
    policy = (board / "wattmark-policy.toml").read_text(encoding="utf-8")
    text = policy.replace("energy_to_solution", "inference_watts_per_query")
    (board / "wattmark-policy.toml").write_text(text, encoding="utf-8")
    asked = ("--ledger", ledger, "--now", "2026-11-01T18:00:00Z", "--json")
    trends = json.loads(verb(command, *asked).stdout)["trends"]
    assert [t["model"] for t in trends] == ["ranker"]


def test_what_totals_cannot_tell_gates_do(board: Path, tmp_path: Path) -> None:
    """A month of the ledger has no outcome, so no Energy-to-Solution; each gate had one."""
    (tmp_path / "l").mkdir()
    body = told("--ledger", filled(tmp_path / "l"))
    assert [(t["model"], t["kpi"]) for t in body["trends"]] == [("sorter", "energy_to_solution")]
    assert body["trends_from"] == "what gates found of each candidate"


def test_the_log_is_checked_and_its_tail_told(board: Path) -> None:
    """Without an anchor nothing is proven; with the head of it all is; an edit is found."""
    assert told()["audit"]["state"] == "tail not provable"
    head = told()["audit"]["head"]
    assert told("--anchor", head)["audit"]["state"] == "proven"
    entry = sorted((board / "log").rglob("*1.json"))[0]
    entry.chmod(0o644)
    entry.write_text(entry.read_text(encoding="utf-8").replace("green", "grey!"), encoding="utf-8")
    body = told()
    assert body["audit"]["state"] == "tampered"
    assert "the audit log was tampered with" in body["breaches"]


def test_a_tag_that_the_log_does_not_fit_is_on_the_page(board: Path) -> None:
    """Its last entries were cut off after the tag: the board reads it, not only who looks at stderr."""
    for words in (
        ("init", "-q"), ("config", "user.email", "d@example.org"), ("config", "user.name", "d"),
        ("commit", "-q", "--allow-empty", "-m", "begin"),
    ):  # fmt: skip
        subprocess.run(["git", "-C", str(board), *words], check=True)
    verb(anchor, "--git-tag", "audit-1", "--actor", "ci@example.org")
    assert told()["audit"]["state"] == "proven"
    newest = sorted((board / "log" / "entries").iterdir())[-1]
    newest.unlink()
    body = told()
    assert body["audit"]["state"] == "tail not provable"
    assert any("holds a head that this log does not have" in note for note in body["audit"]["notes"])
    assert "git tag audit-1 holds a head that this log does not have" in verb(command, *NOW, "--md").stdout


def test_waived_runs_are_told_and_consume(board: Path) -> None:
    """A waiver lets 150 J through: the decision rests on it, the budget counts it, the agenda shows both."""
    day = ("--now", "2026-11-18")
    asked = ("--cap", "0.0001", "--reason", "moves", "--owner", "leads@example.org", "--ticket", "G-1")
    verb(
        waiver, "request", "energy", *asked, "--expires", "2026-12-10", "--id", "W-1", "--as", "t@x.org", *day
    )
    (pending,) = told()["waivers"]
    assert (pending["id"], pending["state"]) == ("W-1", "pending")
    verb(waiver, "approve", "W-1", "--as", "board@example.org", *day)
    run = board / "wattmark-runs" / "r3.run.json"
    assert verb(gate, run, "--now", "2026-11-19T12:00:00Z").return_value == 0
    body = told()
    assert [(d["standing"], d["waived"]) for d in body["decisions"]][1] == ("waived", ["energy"])
    assert body["budgets"][0]["waived"]["value"] == pytest.approx(150.0)
    (found,) = body["waivers"]
    assert (found["state"], found["verified"]) == ("expiring", False)
    assert {c["action"] for c in body["changes"]} == {
        "policy.changed",
        "waiver.requested",
        "waiver.approved",
    }
    text = verb(command, *NOW).stdout
    assert "expiring, unverified" in text
    assert "was let through by waivers" in text


def test_a_waiver_file_that_is_wrong_is_said_without_its_folder(board: Path) -> None:
    """And hides no other part."""
    (board / "wattmark-waivers.toml").write_text("nonsense", encoding="utf-8")
    body = told()
    assert body["absent"]["waivers"].startswith("wattmark-waivers.toml: is not valid TOML")
    assert body["budgets"]


def test_reviews_of_charters_are_found(board: Path) -> None:
    """Beside the policy, in folders there, and named; one that is wrong is said and hides no other."""
    (board / "a").mkdir()
    for folder, day in ((board, "2026-11-25"), (board / "a", "2026-10-01")):
        text = f'project = "{folder.name[:1]}"\nreview_by = {day}\n'
        (folder / "wattmark-charter.toml").write_text(text, encoding="utf-8")
    (board / "broken.toml").write_text("nonsense", encoding="utf-8")
    body = told("--charter", "broken.toml")
    assert (body["reviews"][0]["what"], body["reviews"][0]["days"]) == ("charter a", -50)
    assert len(body["reviews"]) == 3
    assert "charter broken.toml" in body["absent"]


def test_every_form_shows_the_same(board: Path) -> None:
    """A page that loads nothing, with plots; Markdown; text."""
    done = verb(command, *NOW, "--html", "a.html", "--md", "a.md")
    assert done.stdout == ""
    page = (board / "a.html").read_text(encoding="utf-8")
    assert '<svg class="power trend"' in page
    assert '<text class="tick" x="60" y="17">mWh</text>' in page, "the unit stands once, whole"
    assert '<svg class="power course"' in page
    assert "2 to act on" in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    markdown = (board / "a.md").read_text(encoding="utf-8")
    assert "#### Decisions since 2026-10-21" in markdown
    assert "| sorter | Energy-to-Solution |" in markdown
    assert str(board) not in page + markdown


def test_what_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy alone: no log, no ledger, no waivers, no budgets; nothing is made up."""
    nothing_else(tmp_path, monkeypatch)
    (tmp_path / "wattmark-policy.toml").write_text("[policy]\nid = 'p'\n", encoding="utf-8")
    body = told()
    assert body["breaches"] == []
    assert set(body) == {
        "absent", "at", "audit", "breaches", "budgets", "changes", "decisions", "not_measured", "owner",
        "policy", "reviews", "schema", "schema_version", "since", "trends", "trends_from", "waivers",
        "waivers_holding",
    }  # fmt: skip
    assert set(body["absent"]) == {"budgets", "decisions", "waivers", "trends", "coverage"}
    assert [body[k] for k in ("budgets", "decisions", "waivers", "trends", "audit", "not_measured")] == [
        None
    ] * 6
    text = verb(command, *NOW).stdout
    assert "no audit log: write `log` under [audit]" in text
    assert "nothing that was looked at is broken" in text
    with pytest.raises(UsageError, match="--since 'x' is no day"):
        verb(command, "--since", "x")
