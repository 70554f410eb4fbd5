"""What an agent sends to a collector: in time, once more at the end, and without ever waiting for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from wattmark.agent.sending import Sender, headers_of
from wattmark.core.errors import UsageError


class Collector:
    """Takes bodies; refuses while it is told to."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.keys: list[str] = []
        self.status = 200
        taken = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if taken.status == 200:
                    taken.bodies.append(body)
                    taken.keys.append(self.headers.get("X-Key", ""))
                self.send_response(taken.status)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def collector() -> Iterator[Collector]:
    found = Collector()
    thread = threading.Thread(target=found.server.serve_forever, daemon=True)
    thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()
    thread.join()


def until(true: Callable[[], bool]) -> None:
    """Wait until something is true, for a minute at most."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def test_a_body_goes_out_when_it_is_time_and_at_the_end(collector: Collector) -> None:
    """Every 60 s: at once, not a second later, after a minute; and the last state when the agent ends."""
    made = iter(range(100))
    sender = Sender(collector.url, 60.0, lambda: b"%d" % next(made), print, {"X-Key": "k"})
    sender.tick(0.0)
    until(lambda: sender.idle)  # the collector has it a moment before its answer is here
    assert collector.bodies == [b"0"]
    sender.tick(1.0)
    assert sender.idle
    sender.tick(60.0)
    until(lambda: sender.idle)
    assert collector.bodies == [b"0", b"1"]
    sender.stop()
    assert collector.bodies == [b"0", b"1", b"2"]
    assert set(collector.keys) == {"k"}


def test_a_collector_that_refuses_is_said_once_and_once_more_when_it_takes_them(collector: Collector) -> None:
    """Not at every delivery."""
    said: list[str] = []
    collector.status = 503
    sender = Sender(collector.url, 1.0, lambda: b"{}", said.append)
    sender.tick(0.0)
    until(lambda: sender.idle)
    assert "503" in sender.trouble
    sender.tick(1.0)
    until(lambda: sender.idle)
    assert len(said) == 1
    collector.status = 200
    sender.tick(2.0)
    until(lambda: sender.idle)
    sender.stop()
    assert sender.trouble == ""
    assert len(said) == 2


def test_an_agent_does_not_wait_for_a_collector_that_is_not_there() -> None:
    """A tick returns at once; the end takes no longer than one delivery."""
    sender = Sender("http://127.0.0.1:1", 1.0, lambda: b"{}", lambda text: None)
    sender.tick(0.0)
    until(lambda: bool(sender.trouble))
    sender.stop()
    assert "127.0.0.1:1" in sender.trouble


def test_what_is_no_address_is_refused_at_the_start() -> None:
    """Before anything is measured."""
    with pytest.raises(UsageError, match="4318"):
        Sender("collector", 60.0, lambda: b"", print)


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        ("", {}),
        ("api-key=abc", {"api-key": "abc"}),
        ("a=1, b = two%20words ,nothing,=x", {"a": "1", "b": "two words"}),
    ],
)
def test_headers_are_written_as_opentelemetry_has_them(text: str, headers: dict[str, str]) -> None:
    """OTEL_EXPORTER_OTLP_HEADERS: pairs by commas, values percent-encoded."""
    assert headers_of(text) == headers
