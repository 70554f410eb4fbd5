"""``wattmark notify``: tell decisions and budgets, show what would be sent, keep what failed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.ledgers import nothing_else, portfolio
from tests.cli.running import verb
from tests.webapi.api_server import Reply, api_server, in_turn
from wattmark.cli.notify import group, link_of, targets
from wattmark.core.errors import ConfigError, EvidenceError, UsageError
from wattmark.reports.decision_json import decision_json
from wattmark.testing.decisions import every_standing

OK = Reply(200, b"ok")
ROUTES = """
[[notify]]
name = "green"
to = "slack"
url_env = "SLACK"
on = ["failed"]

[[notify]]
name = "hook"
to = "webhook"
url_env = "HOOK"
on = ["budget", "failed"]
teams = ["lang*", "search"]
"""


@pytest.fixture
def decision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A failed decision, and no CI system around it."""
    nothing_else(tmp_path, monkeypatch)
    for name in ("GITHUB_SERVER_URL", "CI_JOB_URL", "BUILD_URL", "SLACK", "HOOK"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "decision.json"
    file.write_text(decision_json(every_standing()), encoding="utf-8")
    return file


def test_a_decision_goes_along_the_routes(decision: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are told; a line each."""
    decision.with_name("wattmark.toml").write_text(ROUTES, encoding="utf-8")
    with api_server(in_turn(OK)) as server:
        monkeypatch.setenv("SLACK", f"{server.url}/slack")
        monkeypatch.setenv("HOOK", f"{server.url}/hook")
        result = verb(group, decision, "--link", "https://ci.example/1")
        assert result.return_value == 0
    assert [asked.path for asked in server.asked] == ["/slack", "/hook"]
    assert server.asked[1].json()["link"] == "https://ci.example/1"
    counted = "1 failed, 1 not enough evidence, 2 warnings, 1 waived, 1 passed, 1 not applicable"
    title = f"sorter 2.1.0: failed ({counted})"
    assert result.stdout.splitlines() == [f"green (slack): {title}: sent", f"hook (webhook): {title}: sent"]


def test_one_that_fails_gives_four_and_waits(decision: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other has its message; the next call brings what waits; then nothing waits."""
    decision.with_name("wattmark.toml").write_text(ROUTES, encoding="utf-8")
    with api_server(in_turn(Reply(404, b"no_service"))) as bad, api_server(in_turn(OK)) as good:
        monkeypatch.setenv("SLACK", f"{bad.url}/slack/xyzzy")
        monkeypatch.setenv("HOOK", f"{good.url}/hook")
        result = verb(group, decision, "--json")
        assert result.return_value == 4
        body = json.loads(result.stdout)
        assert (body["schema"], body["schema_version"]) == ("wattmark.notified", 1)
        assert [(row["route"], row["told"], row["waits"]) for row in body["told"]] == [
            ("green", False, True),
            ("hook", True, False),
        ]
        assert set(body["told"][0]) == {
            "route", "sink", "key", "title", "severity", "resolved", "told", "outcome", "problem", "waits",
        }  # fmt: skip
        assert "xyzzy" not in result.stdout
        assert "no_service" in verb(group, "list").stdout
        bad.answering = in_turn(OK)
        assert verb(group, "retry", "green").return_value == 0
    assert "nothing waits" in verb(group, "retry").stdout


def test_a_dry_run_shows_what_would_be_sent(decision: Path) -> None:
    """Without any secret, and nothing is asked of any network."""
    decision.with_name("wattmark.toml").write_text(ROUTES, encoding="utf-8")
    result = verb(group, "--dry-run", decision)
    assert result.return_value == 0
    assert "# green (slack): would be sent to POST https://hooks.slack.com/***" in result.stdout
    assert '"schema": "wattmark.message"' in result.stdout
    row = json.loads(verb(group, decision, "--dry-run", "--json").stdout)["told"][0]
    assert set(row["would_send"]) == {"place", "content", "note"}


def test_a_target_can_be_named_at_once(decision: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any configuration."""
    with api_server(in_turn(Reply(204, b""))) as server:
        assert verb(group, decision, "--to", f"webhook:{server.url}/x").return_value == 0
    assert server.asked[0].json()["key"] == "gate/green/team=language/model=sorter/stage=inference"


def test_a_route_can_be_tried(decision: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it is for."""
    decision.with_name("wattmark.toml").write_text(ROUTES, encoding="utf-8")
    with api_server(in_turn(OK)) as server:
        monkeypatch.setenv("SLACK", f"{server.url}/slack")
        result = verb(group, "test", "green")
    assert result.return_value == 0
    assert "wattmark can tell you here (green): sent" in result.stdout


def test_budgets_go_to_their_teams(decision: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three teams have one each; search hears of its own and of the one that nobody's tags tell apart."""
    here = decision.parent
    (here / "wattmark.toml").write_text(ROUTES, encoding="utf-8")
    (here / "wattmark-policy.toml").write_text(
        '[[budget]]\nid = "team"\nlimit = 50\nunit = "J"\nperiod = "month"\nby = ["team"]\n', encoding="utf-8"
    )
    portfolio(here)
    with api_server(in_turn(OK)) as server:
        monkeypatch.setenv("HOOK", f"{server.url}/hook")
        monkeypatch.setenv("SLACK", f"{server.url}/slack")
        now = ("--now", "2026-11-20T09:30:00Z")
        assert verb(group, "budgets", "--runs", "runs", *now).return_value == 0
        titles = [asked.json()["title"] for asked in server.asked]
        assert any("team search: the 50.0 J in 2026-11 are spent" in title for title in titles)
        assert not any("ads" in title for title in titles)
        verb(group, "budgets", "--runs", "runs", "--together", "--to", "hook", *now)
    assert server.asked[-1].json()["title"].startswith("Budgets of wattmark-policy.toml: ")


def test_what_waits_can_be_thrown_away(decision: Path) -> None:
    """It is named before it goes."""
    decision.with_name("wattmark.toml").write_text(ROUTES, encoding="utf-8")
    assert verb(group, decision).return_value == 4
    assert "there is no secret SLACK" in verb(group, "list").stdout
    assert "green: sorter 2.1.0" in verb(group, "drop").stdout
    assert "nothing waits" in verb(group, "drop").stdout


def test_routes_are_listed_with_what_they_are_for(decision: Path) -> None:
    """As a table and as JSON; without any, what could be one."""
    assert "slack:NAME_OF_VARIABLE" in verb(group, "list").stdout
    decision.with_name("wattmark.toml").write_text(ROUTES, encoding="utf-8")
    body = json.loads(verb(group, "list", "--json").stdout)
    assert (body["schema"], set(body)) == (
        "wattmark.notify-routes", {"schema", "schema_version", "routes", "waiting", "sinks"}
    )  # fmt: skip
    assert body["routes"][1]["scope"] == {"team": ["lang*", "search"]}
    assert list(targets()) == ["green", "hook", *(f"{name}:" for name in body["sinks"])]


@pytest.mark.parametrize(
    ("arguments", "error", "why"),
    [
        (("nowhere.json", "--to", "webhook:https://x"), EvidenceError, "cannot be read"),
        (("decision.json",), UsageError, "nobody is named"),
        (("decision.json", "--to", "slak:X"), UsageError, "did you mean 'slack'"),
        (
            ("decision.json", "--to", "webhook:https://x", "--link", "javascript:alert(1)"),
            UsageError,
            "--link",
        ),
        (("budgets", "--to", "webhook:https://x"), ConfigError, "policy"),
        (("retry", "nobody"), UsageError, "there is no route 'nobody'"),
    ],
)
def test_what_cannot_be_meant_is_told(
    decision: Path, arguments: tuple[str, ...], error: type[Exception], why: str
) -> None:
    """Exit code 2, with what to write."""
    with pytest.raises(UsageError if error is ConfigError else error, match=why):
        verb(group, *arguments)


@pytest.mark.parametrize(
    ("environ", "link"),
    [
        ({}, ""),
        ({"CI_JOB_URL": "https://gitlab.example/-/jobs/7"}, "https://gitlab.example/-/jobs/7"),
        ({"BUILD_URL": "file:///x"}, ""),
        (
            {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "5"},
            "https://github.com/a/b/actions/runs/5",
        ),
    ],
)
def test_the_job_is_linked(environ: dict[str, Any], link: str) -> None:
    """As CI systems tell it."""
    assert link_of(None, environ) == link
