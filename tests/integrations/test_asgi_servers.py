"""The ASGI middleware in a real server, with a real framework: answers, streams, sockets, lifespan."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.client import HTTPConnection
from typing import Any

import pytest

from tests.integrations.request_path.world import CHAT, Kept, a_path
from wattmark.integrations.asgi import STATE, EnergyMiddleware

uvicorn = pytest.importorskip("uvicorn", reason="uvicorn is not installed")
pytest.importorskip("starlette", reason="starlette is not installed")

from starlette.applications import Starlette  # noqa: E402
from starlette.background import BackgroundTask  # noqa: E402
from starlette.exceptions import HTTPException as Refused  # noqa: E402
from starlette.middleware.gzip import GZipMiddleware  # noqa: E402
from starlette.requests import Request  # noqa: E402
from starlette.responses import JSONResponse, Response, StreamingResponse  # noqa: E402
from starlette.routing import Route  # noqa: E402

PATH = "/v1/chat/completions"
EVENTS = [
    'data: {"choices":[{"delta":{"role":"assistant"}}]}\n\n',
    'data: {"choices":[{"delta":{"content":"für"}}]}\n\n',
    f"data: {json.dumps({**CHAT, 'choices': []})}\n\n",
]


class Host:
    """An application as people write them, that keeps what it saw."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.app = Starlette(routes=[Route(PATH, self.answer, methods=["POST"])], lifespan=self.lifespan)

    @asynccontextmanager
    async def lifespan(self, _app: Any) -> AsyncIterator[None]:
        self.seen.append("began")
        yield
        self.seen.append("ended")

    async def answer(self, request: Request) -> Response:
        asked = await request.json()
        assert request.scope[STATE].requested_model == asked["model"]
        match asked["how"]:
            case "stream":
                return StreamingResponse(self.events(), media_type="text/event-stream")
            case "endless":
                return StreamingResponse(self.endless(), media_type="text/event-stream")
            case "refuse":
                raise Refused(429, "too many")
            case "break":
                raise ValueError("mine")
        return JSONResponse(CHAT, background=BackgroundTask(self.afterwards))

    async def afterwards(self) -> None:
        self.seen.append("background")

    async def events(self) -> AsyncIterator[str]:
        for event in EVENTS:
            yield event

    async def endless(self) -> AsyncIterator[str]:
        try:
            while True:
                yield EVENTS[1]
                await asyncio.sleep(0.01)
        finally:
            self.seen.append("stopped")


@contextmanager
def served(app: Any) -> Iterator[int]:
    """A server on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        wait_for(lambda: server.started)
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(120)


def wait_for(there: Any) -> None:
    until = time.monotonic() + 60
    while not there():
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.01)


def asking(port: int, how: str) -> HTTPConnection:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", PATH, json.dumps({"model": "chat", "how": how}))
    return connection


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def kept(host: Host) -> Kept:
    path, kept = a_path()
    host.app.add_middleware(EnergyMiddleware, path=path)
    return kept


def test_a_framework_answers_as_before(host: Host, kept: Kept) -> None:
    """The document with its energy; lifespan and background tasks run."""
    with served(host.app) as port:
        answer = asking(port, "document").getresponse()
        assert json.loads(answer.read()) == CHAT
        assert str(answer.headers["wattmark-energy"]).startswith("10;unit=J")
        wait_for(lambda: "background" in host.seen)
    assert host.seen == ["began", "background", "ended"]
    assert (kept.only.output_tokens, kept.only.failed) == (4, False)


def test_a_framework_streams_as_before(host: Host, kept: Kept) -> None:
    """The same bytes, with the first token's time."""
    with served(host.app) as port:
        assert asking(port, "stream").getresponse().read() == "".join(EVENTS).encode()
        wait_for(lambda: kept.requests)
    assert kept.only.output_tokens == 4
    assert kept.only.first_token_us is not None


def test_a_client_that_goes_away_ends_the_stream(host: Host, kept: Kept) -> None:
    """The host's generator is stopped as before; the request failed."""
    with served(host.app) as port:
        connection = asking(port, "endless")
        connection.getresponse().read1(10)
        connection.close()
        wait_for(lambda: "stopped" in host.seen and kept.requests)
    assert kept.only.failed


@pytest.mark.parametrize(("how", "status"), [("refuse", 429), ("break", 500)])
def test_the_hosts_errors_are_answered_as_before(host: Host, kept: Kept, how: str, status: int) -> None:
    """By its own handlers; the request failed."""
    with served(host.app) as port:
        assert asking(port, how).getresponse().status == status
    assert kept.only.failed


def test_what_packs_answers_may_stand_outside() -> None:
    """Then tokens are read before they are packed."""
    host = Host()
    path, kept = a_path()
    host.app.add_middleware(EnergyMiddleware, path=path)
    host.app.add_middleware(GZipMiddleware, minimum_size=1)
    with served(host.app) as port:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        body = json.dumps({"model": "chat", "how": "document"})
        connection.request("POST", PATH, body, {"accept-encoding": "gzip"})
        answer = connection.getresponse()
        assert answer.headers["content-encoding"] == "gzip"
        assert str(answer.headers["wattmark-energy"]).startswith("10;unit=J")
    assert kept.only.output_tokens == 4


def test_a_request_that_never_arrives_whole_failed(host: Host, kept: Kept) -> None:
    """The client announces more than it sends, and goes away."""
    with served(host.app) as port:
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{{".encode())
            time.sleep(0.1)
        wait_for(lambda: kept.requests)
    assert kept.only.failed
    assert kept.starts == []
