"""What a request used, asked of an agent by the id that an answer carried."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.agent.test_settled import a_request
from tests.agent.test_settled import settled as divided
from wattmark.agent.settled import unsettled
from wattmark.core.errors import EvidenceError
from wattmark.integrations.request_path.settled import settled

WAITS = 404, unsettled("a/b", "waiting", "not yet", 1_790_000_000_000_000)


@contextmanager
def an_agent(*answers: tuple[int, bytes]) -> Iterator[tuple[str, list[str]]]:
    """Gives these answers, the last one again and again; and the paths that it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers[min(len(asked), len(answers) - 1)]
            asked.append(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def document(**how: Any) -> bytes:
    raw = divided(a_request(request_id="a/b"), **how).document("a/b")
    assert raw is not None
    return raw


def test_a_settled_request_is_told_with_its_terms() -> None:
    """400 J, a quarter of them while it read; its id may hold anything."""
    with an_agent((200, document())) as (url, asked):
        found = settled("a/b", url)
    assert asked == ["/v1/requests/a%2Fb"]
    assert (found.state, found.request_id) == ("settled", "a/b")
    assert found.joules == pytest.approx(400)
    assert found.prefill_joules == pytest.approx(100)
    assert (found.attribution_rule, found.boundary, found.grade) == ("request_tokens", "device", "B")
    assert "grid intensity" in found.reason


def test_what_was_not_observed_has_no_joules() -> None:
    """None, and why; no 0."""
    with an_agent((200, document(watts=None))) as (url, _):
        found = settled("a/b", environ={"WATTMARK_AGENT": url})
    assert (found.state, found.joules) == ("settled", None)
    assert "nothing was observed" in found.reason


def test_it_is_asked_again_while_it_waits() -> None:
    """Twice it waits, then it is settled."""
    slept: list[float] = []
    with an_agent(WAITS, WAITS, (200, document())) as (url, asked):
        found = settled("a/b", url, wait_seconds=100, sleep=slept.append)
    assert (found.state, len(asked), slept) == ("settled", 3, [2.0, 2.0])


def test_without_patience_it_says_when() -> None:
    """At the earliest."""
    with an_agent(WAITS) as (url, asked):
        found = settled("a/b", url)
    assert (found.state, found.joules, found.due, len(asked)) == ("waiting", None, 1_790_000_000.0, 1)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b"nothing is here"),
        (200, b"{}"),
        (200, b"[]"),
        (500, b'{"schema": "wattmark.request_energy"}'),
        (200, json.dumps({"schema": "wattmark.request_energy", "schema_version": 2}).encode()),
        (200, json.dumps({"schema": "wattmark.request_energy", "schema_version": 1}).encode()),
    ],
)
def test_other_answers_are_refused(status: int, body: bytes) -> None:
    """By an older agent, a newer one, and what is none."""
    with an_agent((status, body)) as (url, _), pytest.raises(EvidenceError, match="request_energy"):
        settled("r", url)


def test_no_agent_is_an_error() -> None:
    """It says so."""
    with an_agent(WAITS) as (url, _):
        pass
    with pytest.raises(EvidenceError, match="does not answer"):
        settled("r", url)
