"""``wattmark digest``: what a team used in a week, and no digest skipped or sent twice."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.builders import a_row
from tests.cli.ledgers import a_ledger, ask, nothing_else, the_run
from tests.cli.running import kept, verb
from tests.webapi.api_server import Reply, api_server, in_turn
from wattmark.cli.digest import command
from wattmark.cli.gate import command as gate
from wattmark.core.errors import UsageError
from wattmark.core.run import Subject

NOW = ("--now", "2026-11-09T07:00:00Z")
"""A Monday: the last whole week is 2026-W45, 2 to 8 November."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger: search used 90 J in W44 and 180 J in W45, ads 90 J in W45, somebody 10 J."""
    pytest.importorskip("deltalake")
    nothing_else(tmp_path, monkeypatch)
    for name in ("GITHUB_SERVER_URL", "CI_JOB_URL", "BUILD_URL"):
        monkeypatch.delenv(name, raising=False)
    ledger, files = a_ledger(tmp_path), tmp_path / "runs"
    files.mkdir()
    search, ads = Subject(team="search", model="ranker"), Subject(team="ads", model="bidder")
    for n, day, joules, subject in (
        (1, "2026-10-28", 90.0, search),
        (2, "2026-11-04", 180.0, search),
        (3, "2026-11-05", 90.0, ads),
        (4, "2026-11-06", 10.0, Subject()),
    ):
        run = the_run(
            n, "abc"[n % 3], subject=subject, started_at=f"{day}T12:00:00.000000Z",
            started_monotonic_seconds=86_400.0 * date.fromisoformat(day).timetuple().tm_yday,
            energies=(a_row(energy_joules=joules),),
        )  # fmt: skip
        kept(files, run, f"run-{n}")
    assert ask("add", files, "--ledger", ledger).return_value == 0
    monkeypatch.setenv("WATTMARK_LEDGER", str(ledger))
    return tmp_path


def told(*arguments: object) -> dict[str, Any]:
    """What it says with --json."""
    body: dict[str, Any] = json.loads(verb(command, *arguments, *NOW, "--json").stdout)
    return body


def test_a_team_hears_what_it_used_and_how_that_changed(here: Path) -> None:
    """180 J after 90 J: twice as much, and the interval says so."""
    body = told("--team", "search")
    assert (body["schema"], body["schema_version"]) == ("wattmark.digest", 1)
    (digest,) = body["digests"]
    assert set(digest) == {
        "team", "period", "before", "at", "source", "runs", "whole", "parts", "left_out", "apart", "budgets",
        "decided", "waivers", "gaps", "findings", "absent",
    }  # fmt: skip
    assert digest["period"]["name"] == "2026-W45"
    assert digest["before"] == "2026-W44"
    assert digest["whole"]["energy"]["value"] == pytest.approx(180.0)
    change = digest["whole"]["energy_change"]
    assert change["status"] == "rose"
    assert change["ratio"]["value"] == pytest.approx(2.0)
    assert [part["name"] for part in digest["parts"]] == ["ranker"]
    assert digest["runs"] == 1


def test_everybody_together_with_teams_and_what_nobody_tagged(here: Path) -> None:
    """280 J; the largest first; 10 J are nobody's."""
    (digest,) = told()["digests"]
    assert digest["team"] is None
    assert digest["whole"]["energy"]["value"] == pytest.approx(280.0)
    assert [part["name"] for part in digest["parts"]] == ["search", "ads", "no team stated"]
    assert {row["what"]: row["energy_joules"] for row in digest["apart"]} == {"without team": 10.0}


def test_a_team_that_is_new_has_no_change(here: Path) -> None:
    """Nothing was seen before: that is no rise from zero."""
    (digest,) = told("--team", "ads")["digests"]
    assert digest["whole"]["energy_change"] == {
        "status": "refused",
        "reason": "nothing was seen in the period before",
    }


def test_every_team_has_its_own(here: Path) -> None:
    """Two teams used something."""
    assert {d["team"] for d in told("--all")["digests"]} == {"search", "ads"}


def test_the_text_says_how_it_is_known(here: Path) -> None:
    """Interval, grade, and that no policy is here."""
    text = verb(command, "--team", "search", *NOW).stdout
    assert text.startswith("Energy and carbon of team search, 2026-W45: 50.0 mWh")
    assert "Energy: 50.0 mWh (" in text  # 180 J: as people are billed for it
    assert "budgets, waivers and decisions: " in text
    assert str(here) not in text


def test_every_period_since_a_day(here: Path) -> None:
    """Two whole weeks since the middle of October that end before Monday."""
    names = [d["period"]["name"] for d in told("--team", "search", "--since", "2026-10-26")["digests"]]
    assert names == ["2026-W44", "2026-W45"]


def test_pages_are_written(here: Path) -> None:
    """Markdown and HTML."""
    verb(command, "--team", "search", *NOW, "--md", here / "d.md", "--html", here / "d.html")
    assert "| ranker |" in (here / "d.md").read_text(encoding="utf-8")
    assert "<td" in (here / "d.html").read_text(encoding="utf-8")


POLICY = """
[policy]
id = "green"

[audit]
log = "log"

[[limit]]
id = "energy"
kpi = "energy_to_solution"
max = 0.00001

[[budget]]
id = "team"
limit = 200
unit = "J"
period = "month"
by = ["team"]
"""


@pytest.mark.slow
def test_budgets_decisions_and_waivers_stand_beside_it(here: Path) -> None:
    """Of this team: its failed gate of that week and its budget; what another team did is not told."""
    (here / "wattmark-policy.toml").write_text(POLICY, encoding="utf-8")
    for n in (2, 3):
        verb(gate, here / "runs" / f"run-{n}.run.json", "--actor", "ci@example.org")
    (digest,) = told("--team", "search")["digests"]
    assert [(row["id"], row["key"]) for row in digest["budgets"]] == [("team", {"team": "search"})]
    assert "waivers" in digest["absent"]
    text = verb(command, "--team", "search", *NOW).stdout
    assert "team of team search" in text
    assert "ads" not in text
    # The log says when something was logged: now, and midnight of a Sunday may lie between the two.
    entries = [json.loads(path.read_text()) for path in (here / "log" / "entries").glob("*.json")]
    logged = sorted(datetime.fromisoformat(entry["at"]) for entry in entries)
    week = timedelta(days=7)
    since, now = f"{logged[0] - week:%Y-%m-%d}", f"{logged[-1] + week:%Y-%m-%dT%H:%M:%SZ}"
    then = ("--since", since, "--now", now, "--json")
    later = decided("--team", "search", *then)
    assert [(row["subject"], row["standing"]) for row in later] == [("ranker", "incomplete")]
    assert len(decided(*then)) == 2


def decided(*arguments: object) -> list[dict[str, Any]]:
    """The gates of all the digests that are asked for."""
    digests = json.loads(verb(command, *arguments).stdout)["digests"]
    return [row for digest in digests for row in digest["decided"]]


ROUTE = """
[[notify]]
name = "search"
to = "webhook"
url = "{url}"
on = ["digest"]
teams = ["search"]
"""


def at(now: str, *arguments: object) -> Any:
    """Send what is due at a moment."""
    return verb(command, "--all", "--send", "--now", now, *arguments)


def test_none_is_sent_twice_and_none_is_skipped(here: Path) -> None:
    """W45 on Monday and again: once. Nothing runs for two weeks: W46 and W47 are made good, in order."""
    with api_server(in_turn(Reply(200))) as server:
        (here / "wattmark.toml").write_text(ROUTE.format(url=server.url), encoding="utf-8")
        assert at("2026-11-09T07:00:00Z").return_value == 0
        assert "nothing is due" in at("2026-11-09T08:00:00Z").stdout
        verb(command, "--team", "search", "--send", "--now", "2026-11-23T07:00:00Z")
        titles = [asked.json()["title"] for asked in server.asked]
    assert [title.split(", ")[1].split(":")[0] for title in titles] == ["2026-W45", "2026-W46", "2026-W47"]
    assert all("team search" in title for title in titles)


def test_what_could_not_be_sent_waits_and_is_not_made_again(here: Path) -> None:
    """Down on Monday: exit code 4; on Tuesday it is up, and W45 goes out once."""
    with api_server(in_turn(Reply(400))) as server:
        (here / "wattmark.toml").write_text(ROUTE.format(url=server.url), encoding="utf-8")
        assert at("2026-11-09T07:00:00Z").return_value == 4
        server.answering = in_turn(Reply(200))
        from wattmark.cli.notify import group

        assert verb(group, "retry").return_value == 0
        assert "nothing is due" in at("2026-11-10T07:00:00Z").stdout
    assert len(server.asked) == 2


def test_a_dry_run_sends_nothing_and_remembers_nothing(here: Path) -> None:
    """It can be looked at as often as one likes."""
    with api_server(in_turn(Reply(200))) as server:
        (here / "wattmark.toml").write_text(ROUTE.format(url=server.url), encoding="utf-8")
        for _ in range(2):
            assert '"title": "Energy and carbon of team search' in at(NOW[1], "--dry-run").stdout
    assert server.asked == []


def test_nobody_to_send_to_is_an_error(here: Path) -> None:
    """It says what to write."""
    with pytest.raises(UsageError, match=r'on = \["digest"\]'):
        at(NOW[1])
    with pytest.raises(UsageError, match="give one of them"):
        verb(command, "--team", "a", "--all")
    with pytest.raises(UsageError, match="is no day"):
        verb(command, "--since", "monday")


def test_run_files_tell_the_same_as_their_ledger(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a ledger: whole, parts, change, and what nobody tagged come out alike."""
    books = [told("--team", "search")["digests"][0], told()["digests"][0]]
    monkeypatch.delenv("WATTMARK_LEDGER")
    files = ("--runs", here / "runs")
    alone = [told("--team", "search", *files)["digests"][0], told(*files)["digests"][0]]
    for ledger, runs in zip(books, alone, strict=True):
        assert set(runs) == set(ledger)
        assert runs["whole"]["energy"]["value"] == pytest.approx(ledger["whole"]["energy"]["value"])
        assert runs["whole"]["energy_change"]["status"] == ledger["whole"]["energy_change"]["status"]
        assert [part["name"] for part in runs["parts"]] == [part["name"] for part in ledger["parts"]]
        assert (runs["runs"], runs["apart"], runs["before"]) == (
            ledger["runs"], ledger["apart"], ledger["before"],
        )  # fmt: skip


def test_run_files_know_their_teams_and_their_carbon(here: Path) -> None:
    """280 J at 100 g/kWh are 7.8 mg; a week in which nothing ran states nothing."""
    files = ("--runs", here / "runs", "--intensity", "100")
    assert [digest["team"] for digest in told("--all", *files)["digests"]] == ["ads", "search"]
    (digest,) = told(*files)["digests"]
    assert digest["whole"]["carbon"]["value"] == pytest.approx(280 / 3.6e6 * 100)
    body = json.loads(verb(command, *files, "--now", "2026-12-20", "--json").stdout)
    assert body["digests"][0]["whole"]["energy"].get("value") is None


def test_without_a_ledger_run_files_are_offered(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who keeps none reads what to do instead."""
    monkeypatch.delenv("WATTMARK_LEDGER")
    with pytest.raises(UsageError, match=r"no ledger is named.*--runs FOLDER"):
        verb(command)


def test_runs_or_a_ledger(here: Path) -> None:
    """Not both: which is meant?"""
    with pytest.raises(UsageError, match="--runs and --ledger: give one of them"):
        verb(command, "--runs", here / "runs", "--ledger", "x")
