"""Telling along routes: one that fails hides no other, waits, and is told the next time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.exporters.sinks.forges import Github
from tests.exporters.sinks.samples import MESSAGE, OVER, world
from tests.webapi.api_server import Asked, Reply, api_server, in_turn
from wattmark.config import Config
from wattmark.core.governance.message import Topic
from wattmark.exporters.sinks.routing import Route, read_routes
from wattmark.exporters.sinks.spool import Spool
from wattmark.wiring.notifying import Told, chosen, failed, routes_of, spool_of, tell, tell_waiting, trial

OK = Reply(200, b"ok")
DOWN = Reply(503, b"")


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """An empty one."""
    return Spool(tmp_path / "notify")


def slack(name: str, **more: Any) -> Mapping[str, Any]:
    """A route to Slack by the variable of its own name."""
    return {"name": name, "to": "slack", "url_env": name.upper(), **more}


def routes(*tables: Mapping[str, Any]) -> tuple[Route, ...]:
    """Read as from a file."""
    return read_routes("wattmark.toml", tables)


def test_one_that_fails_hides_no_other_and_is_told_the_next_time(spool: Spool) -> None:
    """The first is down and waits; the second has its message; then both have what is theirs."""
    with api_server(in_turn(DOWN)) as first, api_server(in_turn(OK)) as second:
        there = world({"A": f"{first.url}/x", "B": f"{second.url}/y"})
        both = routes(slack("a"), slack("b"))
        told = tell([MESSAGE], both, there, spool)
        assert [(t.route, t.words, t.kept) for t in told] == [("a", "", True), ("b", "sent", False)]
        assert "503" in told[0].problem
        first.answering = in_turn(OK)
        other = replace(MESSAGE, key="other", title="other")
        again = tell([other], both, there, spool)
        assert [(t.route, t.message.title, t.words) for t in again] == [
            ("a", MESSAGE.title, "sent"),
            ("a", "other", "sent"),
            ("b", "other", "sent"),
        ]
    assert list(spool.waiting()) == []


def test_who_is_down_is_asked_once_and_not_once_for_each_message(spool: Spool) -> None:
    """Three messages, one message's tries; all three wait."""
    with api_server(in_turn(DOWN)) as server:
        there = world({"A": f"{server.url}/x"})
        told = tell([replace(MESSAGE, key=k) for k in "abc"], routes(slack("a")), there, spool)
        assert len(server.asked) == 1
    assert [t.kept for t in told] == [True, True, True]
    assert len(list(spool.waiting())) == 3


def test_a_refusal_of_one_message_does_not_hold_up_the_next(spool: Spool) -> None:
    """400 is about this message: the other one is told."""
    with api_server(in_turn(Reply(400, b"invalid_payload"), OK)) as server:
        there = world({"A": f"{server.url}/x"})
        told = tell([MESSAGE, replace(MESSAGE, key="b")], routes(slack("a")), there, spool)
    assert [bool(t.words) for t in told] == [False, True]


def test_a_secret_that_is_not_there_hides_no_other(spool: Spool) -> None:
    """The route says which, and its message waits for it."""
    with api_server(in_turn(OK)) as server:
        told = tell([MESSAGE], routes(slack("a"), slack("b")), world({"B": f"{server.url}/y"}), spool)
    assert "there is no secret A" in told[0].problem
    assert [t.kept for t in told] == [True, False]


def test_a_chat_hears_that_it_is_over_only_when_it_was_told(spool: Spool) -> None:
    """Nothing, then red, then over, then nothing again."""
    with api_server(in_turn(OK)) as server:
        there = world({"A": f"{server.url}/x"})
        only = routes(slack("a", on=["failed"]))
        counts = []
        for message in (OVER, MESSAGE, OVER, OVER):
            tell([message], only, there, spool)
            counts.append(len(server.asked))
    assert counts == [0, 1, 2, 2]


def test_what_was_never_told_need_not_be_told_when_it_is_over(spool: Spool) -> None:
    """It waited, and the matter ended: nobody hears of it."""
    with api_server(in_turn(DOWN, OK)) as server:
        there = world({"A": f"{server.url}/x"})
        only = routes(slack("a", on=["failed"]))
        tell([MESSAGE], only, there, spool)
        assert tell([OVER], only, there, spool) == ()
        assert len(server.asked) == 1
    assert list(spool.waiting()) == []


def test_an_issue_is_closed_for_a_route_that_no_longer_wants_it(spool: Spool) -> None:
    """It was about a failure; a warning is none of it, so the issue is closed without any memory here."""
    github = Github()
    with api_server(github) as server:
        there = world({"GITHUB_TOKEN": "t0ken"})
        table = {"name": "i", "to": "github-issue", "repository": "example/models", "api": server.url}
        only = routes({**table, "on": ["failed"]})
        tell([MESSAGE], only, there, spool)
        tell([replace(MESSAGE, topics=(Topic.WARNING,))], only, there, Spool(spool.folder / "elsewhere"))
    assert [issue["state"] for issue in github.issues] == ["closed"]


def test_a_dry_run_sends_nothing_and_needs_no_secret(spool: Spool) -> None:
    """It shows all, and keeps nothing."""
    told = tell([MESSAGE], routes(slack("a")), world(), spool, dry_run=True)
    assert told[0].sketch is not None
    assert '"blocks"' in told[0].sketch.content
    assert not failed(told)
    assert not spool.folder.exists()


def test_what_was_asked_for_by_target_is_not_kept(spool: Spool) -> None:
    """Its target may be a secret; a route that was asked for by name is kept."""
    with api_server(in_turn(DOWN)) as server:
        there = world({"A": f"{server.url}/x"})
        known = routes(slack("a", on=["digest"]))
        told = tell([MESSAGE], chosen(known, ["slack:A", "a"]), there, spool)
    assert [(t.route, t.kept) for t in told] == [("slack", False), ("a", True)]


def test_a_sink_that_breaks_is_told_and_hides_no_other(spool: Spool) -> None:
    """A forge that answers nonsense: a defect of one sink is not the end of the others."""
    with (
        api_server(in_turn(Reply(200, [{"number": "x", "body": 3}]))) as odd,
        api_server(in_turn(OK)) as good,
    ):
        there = world({"GITHUB_TOKEN": "t", "B": f"{good.url}/y"})
        table = {"name": "i", "to": "github-issue", "repository": "a/b", "api": odd.url}
        told = tell([MESSAGE], routes(table, slack("b")), there, spool)
    assert [bool(t.words) for t in told] == [False, True]
    assert told[0].kept


def test_what_waits_can_be_sent_alone(spool: Spool) -> None:
    """`notify retry`."""
    spool.keep("a", MESSAGE, "HTTP 503")
    with api_server(in_turn(OK)) as server:
        told = tell_waiting(routes(slack("a")), world({"A": f"{server.url}/x"}), spool)
    assert [t.words for t in told] == ["sent"]
    assert list(spool.waiting()) == []


def test_what_another_job_tells_at_this_moment_is_not_told_twice(spool: Spool) -> None:
    """The channel takes its time: a job that ends meanwhile tells its own message, and not that one."""
    spool.keep("a", MESSAGE, "HTTP 503")
    other: list[tuple[Told, ...]] = []

    with api_server(in_turn(OK)) as server:
        there = world({"A": f"{server.url}/x"})

        def slow(asked: Asked) -> Reply:
            if not other:
                other.append(())
                other.append(tell([replace(MESSAGE, key="b", title="b")], routes(slack("a")), there, spool))
            return OK

        server.answering = slow
        told = tell_waiting(routes(slack("a")), there, spool)
        assert len(server.asked) == 2
    assert [t.message.title for t in told] == [MESSAGE.title]
    assert [t.message.title for t in other[1]] == ["b"]
    assert list(spool.waiting()) == []


def test_a_trial_is_never_kept_nor_remembered(spool: Spool) -> None:
    """It tells that messages arrive, or why not."""
    with api_server(in_turn(DOWN)) as server:
        route = routes(slack("a"))[0]
        there = world({"A": f"{server.url}/x"})
        told = tell([trial(route, "2026-11-20T09:30:00Z")], [route], there, spool, keep=False)
    assert not told[0].kept
    assert not spool.folder.exists()


def test_routes_come_out_of_the_configuration(tmp_path: Path) -> None:
    """And each configuration has a spool of its own."""
    config = Config(tables={"notify": (slack("a"),)}, path=str(tmp_path / "wattmark.toml"))
    assert [route.name for route in routes_of(config)] == ["a"]
    environ = {"WATTMARK_HOME": str(tmp_path)}
    assert spool_of(config, environ).folder.parent == tmp_path / "notify"
    assert spool_of(Config(), environ) != spool_of(config, environ)


ALERT, ENDED = (replace(message, topics=(Topic.ALERT,)) for message in (MESSAGE, OVER))


def test_an_alert_that_is_over_is_told_where_it_was_told_also_by_target(spool: Spool) -> None:
    """`--to slack:A` hears of the end by the same words; `--to slack:B` was never told, and hears nothing."""
    with api_server(in_turn(OK)) as server:
        there = world({"A": f"{server.url}/a", "B": f"{server.url}/b"})
        tell([ALERT], chosen((), ["slack:A"]), there, spool)
        tell([ENDED], chosen((), ["slack:B"]), there, spool)
        assert spool.alerts() == (ALERT,)
        tell([ENDED], chosen((), ["slack:A"]), there, spool)
        tell([ENDED], chosen((), ["slack:A"]), there, spool)
    assert [asked.path for asked in server.asked] == ["/a", "/a"]
    assert spool.alerts() == ()
