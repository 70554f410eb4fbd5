"""What each address of the agent answers, to whom, and what it refuses; no socket is opened."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.agent.node import request_line
from wattmark.agent.entries import Told
from wattmark.agent.http import Answered, Asked
from wattmark.agent.intake import Intake
from wattmark.agent.shown import Answerer, Showing
from wattmark.core.figure import Missing
from wattmark.core.serving.live import Live, live_of

NOT_KNOWN = Missing("x", "state it")


class Desk:
    """An answerer, and what was taken."""

    def __init__(self, token: str | None = None, well: bool = True, room: bool = True) -> None:
        self.kept: list[Told] = []
        self.asked_seconds: list[float | None] = []
        self.room = room
        showing = Showing(
            metrics=lambda accept: (f"# {accept}\n", "text/plain"),
            live=self._live,
            health=lambda: (well, {"status": "ok" if well else "failed"}),
            intake=Intake(lambda utc_us: utc_us, lambda: 1 << 62, self._keep),
            settled=lambda request_id: (404, b"{}"),
            token=token,
        )
        self.answer = Answerer(showing)

    def _keep(self, entry: Told) -> bool:
        self.kept.append(entry)
        return self.room

    def _live(self, seconds: float | None) -> Live:
        self.asked_seconds.append(seconds)
        return live_of([], host_id="h", at_us=1, pue=NOT_KNOWN, intensity=NOT_KNOWN)

    def ask(
        self, method: str, path: str, body: bytes = b"", peer: str = "127.0.0.1", **headers: str
    ) -> Answered:
        """One request."""
        return self.answer(Asked(method, path, headers, body, peer))


def a_line(**more: Any) -> bytes:
    """A request that was over a moment ago."""
    return json.dumps(request_line(1, **more)).encode()


def test_pages_answer_get_and_head() -> None:
    """Metrics in the form that is asked for, live figures, health, and a page that names them."""
    desk = Desk()
    assert desk.ask("GET", "/metrics", accept="text/plain").body == b"# text/plain\n"
    assert desk.ask("HEAD", "/metrics").status == 200
    assert json.loads(desk.ask("GET", "/v1/live").body)["schema"] == "wattmark.live"
    assert json.loads(desk.ask("GET", "/healthz").body) == {"status": "ok"}
    assert b"/metrics" in desk.ask("GET", "/").body


def test_an_agent_that_is_not_well_says_so_by_its_status() -> None:
    """What watches it looks at the status alone."""
    assert Desk(well=False).ask("GET", "/healthz").status == 503


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("POST", "/metrics", 405), ("GET", "/v1/requests", 405), ("PUT", "/", 405)],
)
def test_what_is_not_there_is_refused_with_what_is(method: str, path: str, status: int) -> None:
    """By name of the address or the method that is taken."""
    answer = Desk().ask(method, path)
    assert answer.status == status
    assert (b"/metrics" in answer.body) if status == 404 else dict(answer.headers)["Allow"] in ("GET", "POST")


@pytest.mark.parametrize("query", ["seconds=-1", "seconds=x", "seconds=nan", "minutes=5", "seconds=1e12"])
def test_a_stretch_that_cannot_be_is_refused(query: str) -> None:
    """With what may be asked."""
    answer = Desk().ask("GET", f"/v1/live?{query}")
    assert answer.status == 400
    assert b"?seconds=300" in answer.body


def test_a_stretch_may_be_asked_for() -> None:
    """As seconds; without it the agent decides."""
    desk = Desk()
    desk.ask("GET", "/v1/live?seconds=60")
    desk.ask("GET", "/v1/live")
    assert desk.asked_seconds == [60.0, None]


def test_lines_are_taken_one_by_one() -> None:
    """The good one is kept; the bad one is named with its line; all bad is 422; no room is 503."""
    desk = Desk()
    answer = desk.ask("POST", "/v1/requests", a_line() + b"\n{}\n")
    body = json.loads(answer.body)
    assert (answer.status, body["taken"], body["refused"][0]["line"]) == (200, 1, 2)
    assert [len(entry.over) for entry in desk.kept] == [1]
    assert desk.ask("POST", "/v1/requests", b"nonsense").status == 422
    refused = json.loads(desk.ask("POST", "/v1/requests", a_line(prompt="tell me")).body)["refused"][0]
    assert "prompt" in refused["error"]
    assert "tell me" not in refused["error"]
    full = Desk(room=False).ask("POST", "/v1/requests", a_line())
    assert (full.status, dict(full.headers)["Retry-After"]) == (503, "5")


def test_only_this_machine_may_tell_of_requests_unless_a_token_is_borne() -> None:
    """Others, and web pages of this machine, are refused; with a token only its bearer is heard."""
    plain, guarded = Desk(), Desk(token="t0ken")
    post = ("POST", "/v1/requests", a_line())
    assert plain.ask(*post).status == 200
    assert plain.ask(*post, peer="::1").status == 200
    assert plain.ask(*post, peer="10.0.0.7").status == 403
    assert plain.ask(*post, origin="http://evil.example").status == 403
    assert guarded.ask(*post).status == 401
    assert guarded.ask(*post, authorization="Bearer wrong").status == 401
    assert guarded.ask(*post, peer="10.0.0.7", authorization="Bearer t0ken").status == 200
    assert len(guarded.kept) == 1
