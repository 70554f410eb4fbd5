"""``wattmark charter``: written, checked, and held beside what was used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.ledgers import ask, filled, nothing_else, portfolio, the_run
from tests.cli.running import kept, verb
from wattmark.cli.charter import group
from wattmark.core.errors import ConfigError, LedgerError, NotComparable, UsageError
from wattmark.core.run import Quality, Subject
from wattmark.ledger.auditlog import open_log

POLICY = """
[charter]
required = ["owner", "estimate"]

[audit]
log = "log"

[[budget]]
id = "search-m"
limit = 1
unit = "kJ"
"""
POLICY = POLICY.replace('unit = "kJ"', 'unit = "Wh"') + 'period = "month"\nscope = { team = "search" }\n'
CHARTER = """
project = "sorter"
owner = "a@example.org"
team = "search"
outcome = "accuracy>=0.9"
budget = "search-m"

[estimate]
energy = 0.05
unit = "Wh"
boundary = "device"
uncertainty = 0.1
basis = "past runs"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A policy, a charter and the runs of a portfolio."""
    nothing_else(tmp_path, monkeypatch)
    (tmp_path / "wattmark-policy.toml").write_text(POLICY, encoding="utf-8")
    (tmp_path / "wattmark-charter.toml").write_text(CHARTER, encoding="utf-8")
    portfolio(tmp_path)
    return tmp_path


def told(*arguments: object) -> dict[str, Any]:
    """What it says as JSON."""
    body: dict[str, Any] = json.loads(verb(group, *arguments, "--json").stdout)
    return body


def test_a_new_charter_is_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And replaced only by force."""
    nothing_else(tmp_path, monkeypatch)
    assert "wrote" in verb(group, "init").stdout
    with pytest.raises(UsageError, match="already there"):
        verb(group, "init")
    assert "wrote" in verb(group, "init", "--force").stdout
    with pytest.raises(UsageError, match="cannot be written"):
        verb(group, "init", "wattmark-charter.toml/x")


def test_a_charter_that_fits_is_in_order(project: Path) -> None:
    """0.05 Wh of 0.95 Wh that are left; it is in the audit log, with the charter as it was."""
    done = verb(group, "check", "--runs", "runs", "--now", "2026-11-20", "--actor", "a@example.org")
    assert done.return_value == 0
    assert "in order" in done.stdout
    assert "entry 1 of the audit log" in done.stderr
    log = open_log(str(project / "log"))
    entry = log.entry(1)
    assert (entry.subject, entry.decision, entry.actor.name) == ("sorter", "in order", "a@example.org")
    assert log.kept(entry.objects["charter"]) == CHARTER.encode()


def test_a_check_that_says_nothing_new_is_not_logged_again(project: Path) -> None:
    """A hook runs it before each commit; an edit of the charter is logged, though it is in order too."""
    log = open_log(str(project / "log"))
    for _ in range(3):
        verb(group, "check", "--runs", "runs", "--now", "2026-11-20")
    assert log.numbers() == [1]
    file = project / "wattmark-charter.toml"
    file.write_text(CHARTER.replace("0.05", "0.06"), encoding="utf-8")
    verb(group, "check", "--runs", "runs", "--now", "2026-11-20")
    assert log.numbers() == [1, 2]
    policy = project / "wattmark-policy.toml"
    policy.write_text(POLICY.replace("limit = 1", "limit = 2"), encoding="utf-8")
    verb(group, "check", "--runs", "runs", "--now", "2026-11-20")
    assert log.numbers() == [1, 2, 3]


def test_a_charter_that_lacks_or_wants_too_much_fails(project: Path) -> None:
    """No owner; and 2 Wh of 1 Wh."""
    file = project / "wattmark-charter.toml"
    file.write_text(CHARTER.replace("owner", "#").replace("0.05", "2"), encoding="utf-8")
    done = verb(group, "check", "--runs", "runs", "--now", "2026-11-20", "--md")
    assert done.return_value == 1
    assert "| owner | is required by the policy and not stated | fails |" in done.stdout
    body = told("check", "--runs", "runs", "--now", "2026-11-20")
    assert [f["field"] for f in body["findings"]] == ["owner", "budget"]
    assert body["schema"] == "wattmark.charter-check"
    assert set(body) == {"schema", "schema_version", "charter", "budget", "findings", "exit_code"}
    assert body["budget"]["used"]["value"] == 180.0


def test_a_budget_that_nobody_drew_on_yet_is_whole(project: Path) -> None:
    """Before the first run 'not known' would frighten: it says that all of it is left."""
    (project / "fresh").mkdir()
    done = verb(group, "check", "--runs", "fresh", "--now", "2026-11-20")
    assert (done.return_value, "in order" in done.stdout) == (0, True)
    assert "nothing of it was counted yet: all of it is left" in done.stdout
    assert "all of it is left" not in verb(group, "check", "--runs", "runs", "--now", "2026-11-20").stdout


def test_what_the_ledger_counted_is_taken_off(project: Path) -> None:
    """180 J of search are used, and 90 J may be theirs."""
    ledger = filled_again(project)
    body = told("check", "--ledger", ledger, "--now", "2026-11-20")
    assert body["exit_code"] == 0
    assert body["budget"]["untagged"]["value"] == pytest.approx(90.0)


def filled_again(project: Path) -> Path:
    """A ledger of the same runs, elsewhere."""
    (project / "elsewhere").mkdir()
    return filled(project / "elsewhere")


def test_the_actual_stands_beside_the_estimate(project: Path) -> None:
    """Two attempts of 90 J, one of which got there: all of it is 180 J, exactly what was estimated."""
    one = the_run(5, subject=Subject(project="sorter"), quality=(Quality(name="accuracy", value=0.8),))
    two = the_run(6, "b", subject=Subject(project="sorter"), quality=(Quality(name="accuracy", value=0.95),))
    files = [kept(project, run, name) for run, name in ((one, "one"), (two, "two"))]
    done = verb(group, "actual", *files)
    assert done.return_value == 0
    assert "100 % of the estimate" in done.stdout
    assert "2, all counted" in done.stdout
    body = told("actual", *files)
    assert (body["verdict"], body["attempts"], body["inside_interval"]) == ("within", 2, True)
    assert set(body) == {
        "actual", "attempts", "carbon", "charter", "estimated", "exit_code", "inside_interval",
        "outcome_reached", "ratio", "reason", "schema", "schema_version", "tolerance", "verdict",
    }  # fmt: skip
    assert told("actual", files[0])["verdict"] == "outcome not reached"
    assert "**outcome not reached**" in verb(group, "actual", files[0], "--md").stdout
    assert open_log(str(project / "log")).entry(4).decision == "outcome not reached"


def test_runs_of_the_project_are_found_in_the_ledger(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its tags; that none told of the outcome is not enough evidence."""
    monkeypatch.setenv("WATTMARK_LEDGER", str(filled_again(project)))
    text = CHARTER.replace('project = "sorter"', 'project = ""')
    (project / "wattmark-charter.toml").write_text(text, encoding="utf-8")
    body = told("actual")
    assert (body["verdict"], body["exit_code"]) == ("not enough evidence", 3)
    assert body["actual"]["value"] == pytest.approx(180.0)


def test_an_attempt_that_leaves_a_tag_out_is_counted(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of the team got there; one that failed states no team, and counts. One of other people does not."""
    monkeypatch.setenv("WATTMARK_LEDGER", str(filled_again(project)))
    good = (Quality(name="accuracy", value=0.95),)
    mine = the_run(5, "a", 600, subject=Subject(project="sorter", team="search"), quality=good)
    bare = the_run(6, "b", 600, subject=Subject(project="sorter"), failed=True)
    other = the_run(7, "c", 600, subject=Subject(project="sorter", team="ads"))
    for run in (mine, bare, other):
        assert ask("add", kept(project, run, run.record_id)).return_value == 0
    body = told("actual")
    assert (body["attempts"], body["actual"]["value"]) == (2, pytest.approx(180.0))
    assert "state another model, team or task, and are not counted: 1" in verb(group, "actual").stdout
    text = CHARTER.replace('team = "search"', 'team = "vision"\nmodel = "m"')
    (project / "wattmark-charter.toml").write_text(text, encoding="utf-8")
    assert told("actual")["attempts"] == 1


def test_a_project_whose_runs_are_all_of_others_has_no_actual(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so, and how to go on."""
    monkeypatch.setenv("WATTMARK_LEDGER", str(filled_again(project)))
    other = the_run(7, "c", 600, subject=Subject(project="sorter", team="ads"))
    assert ask("add", kept(project, other, "other")).return_value == 0
    with pytest.raises(UsageError, match="1 runs of project sorter all state another"):
        verb(group, "actual")


def test_runs_of_another_project_are_no_actual(project: Path) -> None:
    """A cheap run of somebody else would keep any promise."""
    mine = kept(project, the_run(5, subject=Subject(project="sorter")), "mine")
    other = kept(project, the_run(6, "b", subject=Subject(project="toy")), "other")
    for runs in ((other,), (mine, other)):
        with pytest.raises(NotComparable, match="toy"):
            verb(group, "actual", *runs)


def test_other_boundaries_are_refused(project: Path) -> None:
    """An estimate of nodes beside what devices used."""
    text = CHARTER.replace('boundary = "device"', 'boundary = "node"')
    (project / "wattmark-charter.toml").write_text(text, encoding="utf-8")
    with pytest.raises(NotComparable, match="boundary: node against device"):
        verb(group, "actual", "runs/run-1.run.json")


def test_without_a_charter_it_says_how_to_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where there is no policy."""
    nothing_else(tmp_path, monkeypatch)
    with pytest.raises(UsageError, match="charter init"):
        verb(group, "actual", "x")
    (tmp_path / "c.toml").write_text("nothing", encoding="utf-8")
    with pytest.raises(ConfigError, match="not valid TOML"):
        verb(group, "actual", "x", "--charter", "c.toml")


def test_a_log_that_cannot_be_written_is_told(project: Path) -> None:
    """And ends the check only where the policy requires the log."""
    (project / "log").write_text("in the way", encoding="utf-8")
    done = verb(group, "check", "--runs", "runs")
    assert "not in the audit log" in done.stderr
    policy = project / "wattmark-policy.toml"
    policy.write_text(POLICY.replace("[audit]", "[audit]\nrequired = true"), encoding="utf-8")
    with pytest.raises(LedgerError):
        verb(group, "check", "--runs", "runs")


def test_the_schema_is_printed() -> None:
    """For editors."""
    assert json.loads(verb(group, "schema").stdout)["title"] == "wattmark charter"
