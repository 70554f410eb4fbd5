"""A local web server in a cloud's place: it answers what a test says, and misbehaves when it is told to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body or b"null")


@dataclass(frozen=True)
class Reply:
    """What goes back."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    claim: int | None = None
    """Content-Length to state, when it is not that of the body: an answer that ends in the middle."""
    wait: float = 0.0


def as_json(document: Any, status: int = 200, **headers: str) -> Reply:
    """A JSON document."""
    return Reply(json.dumps(document).encode(), status, {"Content-Type": "application/json", **headers})


def cut(reply: Reply) -> Reply:
    """The same answer, half of it."""
    return Reply(reply.body[: len(reply.body) // 2], reply.status, reply.headers, len(reply.body))


HTML = Reply(b"<!doctype html><html><body>Please log in</body></html>", 200, {"Content-Type": "text/html"})
Answerer = Callable[[Request], Reply]


@dataclass
class Cloud:
    """The server: its address, what was asked of it, and how it answers from now on."""

    url: str
    answer: Answerer
    asked: list[Request] = field(default_factory=list)

    def reply(self, request: Request) -> Reply:
        self.asked.append(request)
        return self.answer(request)

    def first(self, *replies: Reply) -> None:
        """Answer with these before going on as until now."""
        left, before = list(replies), self.answer
        self.answer = lambda request: left.pop(0) if left else before(request)


@contextmanager
def cloud(answer: Answerer) -> Iterator[Cloud]:
    """Serve on this machine until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {k.lower(): v for k, v in self.headers.items()}
            reply = served.reply(
                Request(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body)
            )
            time.sleep(reply.wait)
            try:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                length = len(reply.body) if reply.claim is None else reply.claim
                self.send_header("Content-Length", str(length))
                self.end_headers()
                self.wfile.write(reply.body)
            except OSError:
                pass  # the client went away, as a slow answer makes it
            self.close_connection = reply.claim is not None

        do_GET = do_POST

        def log_message(self, *arguments: object) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served = Cloud(f"http://127.0.0.1:{server.server_port}", answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
