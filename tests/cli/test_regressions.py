"""``wattmark regressions`` from a Prometheus, a ledger and an agent."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

pytest.importorskip("scipy")

from tests.fakes.http_server import Quiet, serving
from tests.monitoring.detection.kept import counters, prometheus
from tests.webapi.api_server import Reply, api_server, in_turn
from wattmark.cli.main import cli
from wattmark.core.errors import UsageError
from wattmark.core.run import SourceId
from wattmark.core.serving.evidence import Origin, samples_of
from wattmark.testing.serving.plan import Change, Kind, Model, Plan, Traffic
from wattmark.testing.serving.windows import windows

DAY = 1440
STEADY = Traffic(bursts_per_day=0.0, daily=0.2)


def a_plan(*changes: Change, minutes: int = 2 * DAY) -> Plan:
    """A node that has served until a minute ago."""
    start = (int(time.time()) // 60 - minutes - 1) * 60_000_000
    return Plan(models=(Model(traffic=(STEADY,)),), minutes=minutes, start_us=start, changes=changes, seed=3)


WORSE = Change(at=2 * DAY - 90, kind=Kind.ENERGY, factor=1.15, version="1.1")


def run(*arguments: str) -> Result:
    """The command, as it is typed."""
    return CliRunner().invoke(cli, ["regressions", *arguments], catch_exceptions=False, standalone_mode=False)


@pytest.mark.slow
def test_a_regression_in_a_prometheus_is_named_drawn_and_accepted(tmp_path: Path) -> None:
    """15 % more since release 1.1: exit code 1; accepted, it is 0 from then on."""
    accepted, page = str(tmp_path / "accepted.json"), tmp_path / "page.html"
    with prometheus(counters(windows(a_plan(WORSE)))) as url:
        text = run("--prometheus", url, "--since", "3d", "--accepted", accepted, "--html", str(page))
        assert text.return_value == 1
        assert "release: 1.0 before, 1.1 after" in text.output
        assert page.read_text().count("<svg") == 1
        as_json = run(
            "--prometheus", url, "--since", "3d", "--accepted", accepted, "--json", "--model", "chat-8b"
        )
        body = json.loads(as_json.output)
        assert (body["schema"], body["schema_version"]) == ("wattmark.regressions", 1)
        (figure,) = body["figures"]
        assert figure["status"] == "regression"
        assert 1.1 < figure["active"]["ratio"] < 1.2
        assert [round(level["ratio"], 1) for level in figure["levels"]][-1] == pytest.approx(1.15, abs=0.06)
        assert run("--prometheus", url, "--since", "3d", "--accepted", accepted, "--accept").return_value == 0
        again = run("--prometheus", url, "--since", "3d", "--accepted", accepted)
        assert again.return_value == 0


@pytest.mark.slow
def test_people_are_told_of_a_regression_and_a_sink_that_fails_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A route with on = ["alert"] hears of it; one that does not answer is named, and the exit code stays.

    Once it is gone, that is told, and once.
    """
    monkeypatch.chdir(tmp_path)
    for name in ("WATTMARK_CONFIG", "HOOK", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    route = '[[notify]]\nname = "hook"\nto = "webhook"\nurl_env = "HOOK"\non = ["alert"]\n'
    (tmp_path / "wattmark.toml").write_text(route)
    with (
        prometheus(counters(windows(a_plan(WORSE)))) as url,
        api_server(in_turn(Reply(200, b"ok"))) as server,
    ):
        monkeypatch.setenv("HOOK", f"{server.url}/hook")
        done = run("--prometheus", url, "--since", "3d", "--notify", "--json")
        assert (done.return_value, json.loads(done.stdout)["schema"]) == (1, "wattmark.regressions")
        (asked,) = server.asked
        assert "costs more than it did under the same load" in asked.json()["title"]
        monkeypatch.delenv("HOOK")
        done = run("--prometheus", url, "--since", "3d", "--notify")
        assert (done.return_value, "HOOK" in done.stderr) == (1, True)
    with (
        prometheus(counters(windows(a_plan()))) as url,
        api_server(in_turn(Reply(200, b"ok"))) as server,
    ):
        monkeypatch.setenv("HOOK", f"{server.url}/hook")
        for _ in range(2):
            done = run("--prometheus", url, "--since", "3d", "--notify")
            assert done.return_value == 0
        assert [a.json()["state"] for a in server.asked] == ["resolved"]
        assert server.asked[0].json()["notes"][0].startswith("It is found no more")


@pytest.mark.parametrize(
    ("words", "problem"),
    [(("--live", "http://x", "--notify"), "--live only looks"), (("--notify",), "nobody is named")],
)
def test_whom_to_tell_is_checked_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], problem: str
) -> None:
    """Before anything is read."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATTMARK_CONFIG", raising=False)
    with pytest.raises(UsageError, match=problem):
        run(*words)


@pytest.mark.slow
def test_nothing_known_is_not_enough_and_a_steady_model_is_good(tmp_path: Path) -> None:
    """3 where no model is; 3 after six hours; 0 after two days."""
    accepted = str(tmp_path / "none.json")
    with prometheus({}) as url:
        assert run("--prometheus", url, "--accepted", accepted).return_value == 3
    with prometheus(counters(windows(a_plan(minutes=360)))) as url:
        young = run("--prometheus", url, "--since", "1d", "--accepted", accepted)
        assert young.return_value == 3
        assert "6.0 h seen of the 24 h" in young.output or "5.9 h seen of the 24 h" in young.output
    with prometheus(counters(windows(a_plan()))) as url:
        assert run("--prometheus", url, "--since", "3d", "--accepted", accepted).return_value == 0


@pytest.mark.slow
def test_a_ledger_tells_it_by_quarters_of_an_hour(tmp_path: Path) -> None:
    """The same node, landed by its agent: 15 % more in its last hours."""
    pytest.importorskip("deltalake")
    from wattmark.ledger.inbox import land_samples
    from wattmark.wiring.ledger import open_ledger

    plan = a_plan(Change(at=5 * DAY - 240, kind=Kind.ENERGY, factor=1.15, version="1.1"), minutes=5 * DAY)
    ledger = open_ledger(str(tmp_path / "ledger"), begin=True)
    land_samples(
        ledger.store, samples_of(windows(plan), Origin(source=SourceId(name="wattmark_agent", version="1")))
    )
    found = run(
        "--ledger", str(tmp_path / "ledger"), "--since", "6d", "--json", "--accepted", str(tmp_path / "a")
    )
    (figure,) = json.loads(found.output)["figures"]
    assert figure["status"] == "regression"
    assert "release" in [cause["what"] for cause in figure["active"]["causes"]]
    assert found.return_value == 1


@pytest.fixture
def agent() -> Iterator[tuple[str, dict[str, str]]]:
    """An agent's /metrics; the page can be changed."""
    shown = {"text": ""}

    class Handler(Quiet):
        def do_GET(self) -> None:
            body = shown["text"].encode()
            self.send_response(200 if self.path == "/metrics" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with serving(Handler) as url:
        yield url, shown


def test_an_agent_is_asked_for_what_it_has_found(agent: tuple[str, dict[str, str]]) -> None:
    """Worse: 1; none worse: 0; nothing said: 3."""
    url, shown = agent
    labels = '{model="chat",model_version="2",metric="joules_per_output_token"}'
    assert run("--live", url).return_value == 3
    shown["text"] = f"wattmark_regression_active{labels} 1\nwattmark_regression_ratio{labels} 1.12\n"
    worse = run("--live", url, "--json")
    assert worse.return_value == 1
    (figure,) = json.loads(worse.output)["figures"]
    assert (figure["active"], figure["ratio"], figure["model_version"]) == (True, 1.12, "2")
    assert "+12.0%" in run("--live", url).output
    shown["text"] = shown["text"].replace("} 1\n", "} 0\n", 1)
    assert run("--live", url).return_value == 0


def test_sources_exclude_each_other_and_times_are_read() -> None:
    """What cannot be meant is told in one line."""
    for arguments in (
        ("--live", "http://h:1", "--ledger", "x"),
        ("--prometheus", "http://h:1", "--ledger", "x"),
        ("--prometheus", "http://h:1", "--since", "soon"),
    ):
        outcome = CliRunner().invoke(cli, ["regressions", *arguments])
        assert outcome.exit_code != 0
        assert outcome.exception is not None
