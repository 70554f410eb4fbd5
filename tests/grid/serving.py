"""A small web server that answers what a test says, and misbehaves when it is told to."""

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
class Asked:
    """One request as it came."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass(frozen=True)
class Reply:
    """What goes back."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    claim: int | None = None
    """Content-Length to state, when it is not that of the body: an answer that ends in the middle."""
    wait: float = 0.0
    flow: Iterator[bytes] | None = None
    """Sent piece by piece without a length, until whoever asked has gone."""


def as_json(document: Any, status: int = 200, **headers: str) -> Reply:
    """A JSON document."""
    return Reply(json.dumps(document).encode(), status, {"Content-Type": "application/json", **headers})


HTML = Reply(b"<!doctype html><html><body>Please log in</body></html>", 200, {"Content-Type": "text/html"})

Answerer = Callable[[Asked], Reply]


@dataclass
class Served:
    """Address of the server, and what was asked of it."""

    url: str
    asked: list[Asked] = field(default_factory=list)


@contextmanager
def serving(answer: Answerer) -> Iterator[Served]:
    """Serve on this machine until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            headers = {k.lower(): v for k, v in self.headers.items()}
            asked = Asked(parts.path, dict(parse_qsl(parts.query)), headers)
            served.asked.append(asked)
            reply = answer(asked)
            if reply.wait:
                time.sleep(reply.wait)
            try:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if reply.flow is not None:
                    self.send_header("Connection", "close")
                    self.end_headers()
                    for piece in reply.flow:
                        self.wfile.write(piece)
                    return
                self.send_header(
                    "Content-Length", str(len(reply.body) if reply.claim is None else reply.claim)
                )
                self.end_headers()
                self.wfile.write(reply.body)
            except OSError:
                pass  # the client went away, as a slow answer makes it
            self.close_connection = reply.claim is not None

        def log_message(self, *arguments: object) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served = Served(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def in_turn(*replies: Reply) -> Answerer:
    """One reply after the other; the last one goes on."""
    left = list(replies)

    def answer(_: Asked) -> Reply:
        return left.pop(0) if len(left) > 1 else left[0]

    return answer
