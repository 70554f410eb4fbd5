"""Who hears of what the agent finds: once, and that it is over; nobody is waited for."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.exporters.sinks.samples import world
from tests.webapi.api_server import Asked, Reply, api_server, in_turn
from wattmark.agent.telling import FOLDER, MOST, NAME, TOKEN, Telling, routes_for, telling_of, watched_by
from wattmark.config import AgentConfig, Config, Tags
from wattmark.core.errors import ConfigError
from wattmark.core.governance.message import Message, Topic
from wattmark.exporters.sinks.routing import Route, read_routes
from wattmark.exporters.sinks.sink import World
from wattmark.exporters.sinks.spool import Spool
from wattmark.monitoring.detection.finding import Finding, Kind
from wattmark.monitoring.detection.row import Key
from wattmark.webapi.api import Patience
from wattmark.wiring.alerting import alert_of, over
from wattmark.wiring.notifying import Told

KEY = Key(model="chat-8b", target="gpu")
FOUND = Finding(
    kind=Kind.REGRESSION, key=KEY, metric="joules_per_output_token", at=120.0, since=60.0, ratio=1.15,
    version="1.1",
)  # fmt: skip
NODE = "9f86d081884c"
WATCHED = watched_by(Config(tags=Tags(team="language")), NODE + "7d65")
MESSAGE = alert_of(FOUND, 120.0, WATCHED)
OVER = over(MESSAGE, "it is as it should be", 7200.0)
OK = Reply(200, b"ok")
DOWN = Reply(503, b"")


def routes(*tables: Mapping[str, Any]) -> tuple[Route, ...]:
    """Read as from a file."""
    return read_routes("wattmark.toml", tables)


SLACK = routes({"name": "chat", "to": "slack", "url_env": "HOOK"})


def patient(url: str) -> World:
    """A world with this address, in which a slow machine is no reason to try again."""
    return replace(world({"HOOK": url}), patience=Patience(timeout=300.0))


def agent(
    folder: Path, url: str, *messages: Message, listed: tuple[Route, ...] = SLACK
) -> tuple[Telling, list[str]]:
    """One agent's life: it tells these and ends. What it said to the operator comes with it."""
    said: list[str] = []
    telling = Telling(listed, patient(f"{url}/in"), Spool(folder / FOLDER), said.append)
    for message in messages:
        telling.put([message])
    telling.close(60)
    return telling, said


def test_a_chat_hears_once_and_that_it_is_over_whatever_agent_tells(tmp_path: Path) -> None:
    """Every look hands it over, three agents one after the other: one message, and one that ends it."""
    with api_server(in_turn(OK)) as server:
        for message in (MESSAGE, MESSAGE, MESSAGE, OVER, OVER):
            telling, _ = agent(tmp_path, server.url, message)
            assert telling.trouble == ""
    assert [asked.json()["text"] for asked in server.asked] == [
        "🟠 chat-8b gpu costs more than it did under the same load",
        "✅ Over: chat-8b gpu costs more than it did under the same load",
    ]
    assert Spool(tmp_path / FOLDER).alerts() == ()


def test_an_alertmanager_hears_it_at_every_look_and_holds_it_for_ten_minutes(tmp_path: Path) -> None:
    """It forgets what it is not told; an agent that is gone keeps no alert for a week."""
    listed = routes({"name": "am", "to": "alertmanager", "url_env": "HOOK"})
    with api_server(in_turn(Reply(200, b""))) as server:
        agent(tmp_path, server.url, MESSAGE, listed=listed)
        agent(tmp_path, server.url, MESSAGE, listed=listed)
        agent(tmp_path, server.url, OVER, listed=listed)
    first, again, ended = (
        {alert["labels"]["severity"]: alert for alert in asked.json()} for asked in server.asked
    )
    assert first["warning"]["labels"] == {
        "alertname": "WattmarkRegressionFound", "matter": again["warning"]["labels"]["matter"],
        "model": "chat-8b", "target": "gpu", "metric": "joules_per_output_token", "node": NODE,
        "team": "language", "severity": "warning",
    }  # fmt: skip
    assert first["warning"]["startsAt"] == "1970-01-01T00:01:00Z"
    assert (first["warning"]["endsAt"], ended["warning"]["endsAt"]) == (
        "2026-09-21T14:23:20.000Z",
        "2026-09-21T14:13:20.000Z",
    )
    assert first["warning"]["annotations"]["model_version"] == "1.1"


def test_a_channel_that_fails_is_told_of_and_its_message_waits(tmp_path: Path) -> None:
    """Said, shown as trouble, kept; the next agent tells it, and only then is it told."""
    with api_server(in_turn(DOWN)) as server:
        telling, said = agent(tmp_path, server.url, MESSAGE)
        assert telling.trouble.startswith("chat: ")
        assert "503" in telling.trouble
        assert "it waits" in telling.trouble
        assert "/in" not in telling.trouble
        assert said == [f"alerts: {telling.trouble}"]
        server.answering = in_turn(OK)
        healed, _ = agent(tmp_path, server.url)
        assert healed.trouble == ""
        assert "costs more" in server.asked[-1].json()["text"]
    assert [message.key for message in Spool(tmp_path / FOLDER).alerts()] == [MESSAGE.key]


def test_what_is_over_before_anybody_could_be_told_is_told_to_nobody(tmp_path: Path) -> None:
    """It waited, and it ended."""
    with api_server(in_turn(DOWN)) as server:
        agent(tmp_path, server.url, MESSAGE)
        asked = len(server.asked)
        server.answering = in_turn(OK)
        agent(tmp_path, server.url, OVER)
        assert len(server.asked) == asked
    assert list(Spool(tmp_path / FOLDER).waiting()) == []


def test_an_end_that_waits_is_forgotten_when_it_begins_again(tmp_path: Path) -> None:
    """Nobody heard that it was over, so there is nothing to tell, and no late end comes after it."""
    with api_server(in_turn(OK)) as server:
        agent(tmp_path, server.url, MESSAGE)
        server.answering = in_turn(DOWN)
        agent(tmp_path, server.url, OVER)
        assert [w.message.resolved for w in Spool(tmp_path / FOLDER).waiting()] == [True]
        server.answering, before = in_turn(OK), len(server.asked)
        agent(tmp_path, server.url, MESSAGE)
        assert len(server.asked) == before
    assert list(Spool(tmp_path / FOLDER).waiting()) == []


def test_nobody_is_waited_for_and_what_is_dropped_is_counted(tmp_path: Path) -> None:
    """One hangs in a channel that does not answer; 200 wait, five are too many, and that is said."""
    entered, release = threading.Event(), threading.Event()

    def hanging(asked: Asked) -> Reply:
        entered.set()
        release.wait(60)
        return Reply(200, b"")

    listed = routes({"name": "hook", "to": "webhook", "url_env": "HOOK"})
    said: list[str] = []
    with api_server(hanging) as server:
        spool = Spool(tmp_path / FOLDER)
        telling = Telling(listed, patient(server.url), spool, said.append)
        telling.put([MESSAGE])
        assert entered.wait(60)
        telling.put(replace(MESSAGE, key=f"m{n}") for n in range(MOST + 5))
        assert telling.dropped == 5
        assert telling.trouble == "5 could not wait and were dropped"
        telling.put([replace(MESSAGE, key="m0", title="a later one of the same matter has room")])
        assert telling.dropped == 5
        release.set()
        telling.close(60)
    assert len(server.asked) == 1 + MOST
    assert said == [f"alerts: {MOST} wait already: 5 were dropped so far"]


def test_a_route_that_failed_rests_and_loses_nothing_meanwhile(tmp_path: Path) -> None:
    """Within the minute nobody asks it again; what comes meanwhile waits; then both are told."""
    now = [0.0]
    with api_server(in_turn(DOWN)) as server:
        spool, there = Spool(tmp_path / FOLDER), patient(f"{server.url}/in")
        telling = Telling(SLACK, there, spool, lambda _: None, clock=lambda: now[0])
        telling.close(60)
        telling._tell([MESSAGE])
        tries = len(server.asked)
        telling._tell([replace(MESSAGE, key="other")])
        assert len(server.asked) == tries
        assert len(list(spool.waiting())) == 2
        now[0], server.answering = 61.0, in_turn(OK)
        telling._tell([])
        assert telling.trouble == ""
    assert list(spool.waiting()) == []


def test_who_hears_is_whoever_wants_alerts(tmp_path: Path) -> None:
    """[[notify]] with alert, which is the rule; --to names others, also one that wants digests only."""
    config = Config(
        tables={
            "notify": (
                {"name": "a", "to": "slack", "url_env": "A"},
                {"name": "b", "to": "slack", "url_env": "B", "on": ["digest"]},
            )
        }
    )
    assert [route.name for route in routes_for(config, (), {})] == ["a"]
    by_name, by_target = routes_for(config, ("b", "webhook:https://hook.invalid/s3cret"), {})
    assert (by_name.name, by_name.asked, Topic.ALERT in by_name.on) == ("b", False, True)
    assert by_target.name.startswith("--to webhook ")
    assert "s3cret" not in by_target.name
    assert telling_of(Config(), tmp_path, {}, lambda _: None) is None


def test_the_address_of_the_agents_settings_is_a_route_like_others(tmp_path: Path) -> None:
    """As JSON it gets the document that it got before there were routes."""
    with api_server(in_turn(Reply(204, b""))) as server:
        config = Config(agent=AgentConfig(alerts=f"{server.url}/hook", alerts_form="json"))
        telling = telling_of(config, tmp_path, {TOKEN: "hush"}, lambda _: None)
        assert telling is not None
        telling.put([MESSAGE])
        telling.close(60)
        again = telling_of(config, tmp_path, {TOKEN: "hush"}, lambda _: None)
        assert again is not None
        again.put([OVER])
        again.close(60)
    first, second = (asked.json() for asked in server.asked)
    assert server.asked[0].headers["authorization"] == "Bearer hush"
    assert (first["schema"], first["schema_version"]) == ("wattmark.alerts", 1)
    (alert,), (ended,) = first["alerts"], second["alerts"]
    assert (alert["name"], alert["status"], alert["ends_at"]) == ("WattmarkRegressionFound", "firing", None)
    assert alert["starts_at"] == "1970-01-01T00:01:00Z"
    assert set(alert["annotations"]) == {"summary", "changed", "model_version"}
    assert alert["labels"]["metric"] == "joules_per_output_token"
    assert (ended["status"], ended["ends_at"]) == ("resolved", "1970-01-01T02:00:00Z")
    assert ended["labels"] == alert["labels"]


@pytest.mark.parametrize(
    ("asked", "environ", "problem"),
    [
        (AgentConfig(alerts="alertmanager:9093"), {}, "http://"),
        (AgentConfig(alerts="http://alertmanager.example:9093"), {TOKEN: "t"}, "in clear"),
    ],
)
def test_an_address_that_cannot_be_meant_is_refused_at_the_start(
    tmp_path: Path, asked: AgentConfig, environ: Mapping[str, str], problem: str
) -> None:
    """Also one to which the token would go in clear."""
    with pytest.raises(ConfigError, match=problem) as error:
        telling_of(Config(agent=asked), tmp_path, environ, lambda _: None)
    assert error.value.place.startswith(NAME)


def test_a_secret_that_is_not_there_is_said_at_the_start_and_stops_nothing(tmp_path: Path) -> None:
    """Who measures goes on; what is to be told waits for the secret, and is told by who has it."""
    config = Config(tables={"notify": ({"name": "chat", "to": "slack", "url_env": "HOOK"},)})
    said: list[str] = []
    telling = telling_of(config, tmp_path, {}, said.append, world=world())
    assert telling is not None
    assert "there is no secret HOOK" in said[0]
    telling.put([MESSAGE])
    telling.close(60)
    assert "there is no secret HOOK" in telling.trouble
    with api_server(in_turn(OK)) as server:
        agent(tmp_path, server.url)
    assert len(server.asked) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_fails_is_trouble_and_no_silence(tmp_path: Path) -> None:
    """What nobody thought of ends the telling; whoever asks hears of it."""

    class Broken(Spool):
        def alerts(self) -> tuple[Message, ...]:
            return ()

        def waiting(self) -> Any:
            raise RuntimeError("a defect")

    telling = Telling(SLACK, world({"HOOK": "http://127.0.0.1:9/in"}), Broken(tmp_path), lambda _: None)
    telling.put([MESSAGE])
    telling._thread.join(60)
    assert telling.trouble == "nobody is told any more: what tells has failed, and the log says how"


def test_what_ended_is_not_begun_again_for_a_route_that_is_gone(tmp_path: Path) -> None:
    """Told to two, of which one left the settings: the other hears of the end, and it is over for all."""
    both = (*SLACK, *routes({"name": "old", "to": "webhook", "url_env": "HOOK"}))
    with api_server(in_turn(OK)) as server:
        agent(tmp_path, server.url, MESSAGE, listed=both)
        telling, _ = agent(tmp_path, server.url, OVER)
        assert telling.told() == ()
    assert len(server.asked) == 3


def test_an_end_that_could_not_be_told_waits_and_is_no_alert_any_more(tmp_path: Path) -> None:
    """The agent after this one tells the end, and does not begin the matter again."""
    with api_server(in_turn(OK)) as server:
        agent(tmp_path, server.url, MESSAGE)
        server.answering = in_turn(DOWN)
        telling, _ = agent(tmp_path, server.url, OVER)
        assert telling.told() == ()
        server.answering = in_turn(OK)
        agent(tmp_path, server.url)
    assert [asked.json()["text"][0] for asked in server.asked] == ["🟠", "✅", "✅"]


def test_a_sink_that_has_no_words_is_no_failure(tmp_path: Path) -> None:
    """One of another package may say nothing: it took the message, and takes the next."""
    listed = routes({"name": "hook", "to": "webhook", "url_env": "HOOK"})
    telling = Telling(listed, world(), Spool(tmp_path), lambda _: None)
    telling._became({})
    silent = Told(route="hook", to="webhook", message=MESSAGE)
    telling._heard([silent])
    telling.put([MESSAGE])
    telling.close(60)
    assert "there is no secret HOOK" in telling.trouble
