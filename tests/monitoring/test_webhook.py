"""Alerts over HTTP: what is sent, and what happens when the other side does not take it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from wattmark.core.errors import UsageError
from wattmark.monitoring.webhook import Alert, Webhook, rfc3339

ALERT = Alert(
    name="WattmarkRegressionFound",
    labels={"model": "llama-8b", "model_version": ""},
    annotations={"summary": "worse"},
    starts=1_790_000_000.25,
)


class Receiver(ThreadingHTTPServer):
    """A server that answers with the given statuses in turn, the last one for ever."""

    def __init__(self, statuses: list[int], headers: dict[str, str] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.statuses = statuses
        self.headers = headers or {}
        self.got: list[tuple[str, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answer(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, dict(self.headers), body))
        statuses = self.server.statuses
        status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
        self.send_response(status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"no room for token=hush")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def receiver(*statuses: int, **headers: str) -> Iterator[Receiver]:
    server = Receiver(list(statuses), {k.replace("_", "-"): v for k, v in headers.items()})
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_an_alertmanager_gets_what_its_interface_asks_for() -> None:
    """A list of alerts at /api/v2/alerts; empty labels are left out; the time is RFC 3339."""
    with receiver(200) as server:
        assert Webhook(server.url, token="hush").send([ALERT]).sent
    path, headers, body = server.got[0]
    assert path == "/api/v2/alerts"
    assert headers["Authorization"] == "Bearer hush"
    assert json.loads(body) == [
        {
            "labels": {"alertname": "WattmarkRegressionFound", "model": "llama-8b"},
            "annotations": {"summary": "worse"},
            "startsAt": "2026-09-21T14:13:20.250Z",
        }
    ]


def test_a_prefix_of_an_alertmanager_is_kept_and_its_path_not_doubled() -> None:
    """Behind a proxy it lives under a path; the whole address may be given as well."""
    with receiver(200) as server:
        Webhook(f"{server.url}/alerts/").send([ALERT])
        Webhook(f"{server.url}/api/v2/alerts").send([ALERT])
    assert [path for path, _, _ in server.got] == ["/alerts/api/v2/alerts", "/api/v2/alerts"]


def test_any_other_address_gets_json_with_its_schema() -> None:
    """A resolved alert says so."""
    ended = Alert(name="A", starts=0.0, ends=60.0)
    with receiver(204) as server:
        assert Webhook(f"{server.url}/hook?x=1", form="json").send([ended]).sent
    path, _, body = server.got[0]
    told = json.loads(body)
    assert path == "/hook?x=1"
    assert (told["schema"], told["schema_version"]) == ("wattmark.alerts", 1)
    assert told["alerts"][0] == {
        "name": "A",
        "status": "resolved",
        "labels": {},
        "annotations": {},
        "starts_at": "1970-01-01T00:00:00.000Z",
        "ends_at": "1970-01-01T00:01:00.000Z",
    }


def test_what_may_pass_is_tried_again_with_longer_waits() -> None:
    """503, 500, then 200: sent at the third attempt, after waits of 0.5 s and 1 s."""
    waits: list[float] = []
    with receiver(503, 500, 200) as server:
        outcome = Webhook(server.url, wait=waits.append).send([ALERT])
    assert (outcome.sent, outcome.attempts, waits) == (True, 3, [0.5, 1.0])


def test_a_retry_after_is_obeyed_up_to_a_limit() -> None:
    """7 s are waited, an hour is not."""
    for asked, waited in (("7", 7.0), ("3600", 30.0), ("soon", 0.5)):
        waits: list[float] = []
        with receiver(429, 200, Retry_After=asked) as server:
            Webhook(server.url, wait=waits.append).send([ALERT])
        assert waits == [waited]


def test_what_is_wrong_is_not_tried_again_and_tells_no_secret() -> None:
    """400 is final; the reason is the server's own, without its token."""
    with receiver(400) as server:
        outcome = Webhook(f"{server.url}/h?token=abc", form="json", token="hush").send([ALERT])
    assert (outcome.sent, outcome.attempts, len(server.got)) == (False, 1, 1)
    assert "HTTP 400 no room" in outcome.problem
    assert "hush" not in outcome.problem
    assert "abc" not in outcome.problem


def test_a_redirect_is_not_followed() -> None:
    """A token would go with it."""
    with receiver(200) as other, receiver(307, Location=f"{other.url}/elsewhere") as server:
        outcome = Webhook(server.url, token="hush").send([ALERT])
    assert not outcome.sent
    assert other.got == []


def test_nobody_there_is_no_crash() -> None:
    """A port that nobody listens on: every attempt is made, and the outcome says why."""
    with receiver(200) as server:
        url = server.url
    outcome = Webhook(url, attempts=2, wait=lambda _: None).send([ALERT])
    assert (outcome.sent, outcome.attempts) == (False, 2)
    assert "refused" in outcome.problem


def test_nothing_to_send_sends_nothing() -> None:
    """No request is made."""
    assert Webhook("http://127.0.0.1:9").send([]).attempts == 0


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:9093", "ftp://x/", "http://", "http://a b/", "http://x:bad/", "file:///etc/x"]
)
def test_an_address_that_cannot_be_meant_is_refused(url: str) -> None:
    """Only http and https with a host."""
    with pytest.raises(UsageError, match="http://"):
        Webhook(url)


def test_an_account_in_the_address_is_refused_without_being_shown() -> None:
    """It would be in logs; a token is for that."""
    with pytest.raises(UsageError, match="token") as caught:
        Webhook("https://me:hush@example.org/")
    assert "hush" not in str(caught.value)


def test_a_form_that_does_not_exist_is_refused() -> None:
    """alertmanager or json."""
    with pytest.raises(UsageError, match="alertmanager or json"):
        Webhook("http://127.0.0.1:9", form="xml")


def test_times_are_utc() -> None:
    """Zero is the first moment of 1970."""
    assert rfc3339(0) == "1970-01-01T00:00:00.000Z"
