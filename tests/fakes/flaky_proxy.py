"""An HTTP proxy on loopback that answers late, not at all, or with an error, as a bad network does.

What it does to a request is drawn from a seeded generator: ``refuse`` (503 before anything is passed on),
``lose`` (passed on, but the answer never arrives: the connection is cut) and ``delay``. Conditional puts
go through one at a time, since the server behind may look and write in two steps; a real store does not.
"""

from __future__ import annotations

import http.client
import random
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

DROPPED = frozenset({"connection", "transfer-encoding", "content-length", "date", "server", "expect"})


@dataclass(frozen=True, slots=True)
class Weather:
    """Shares of the requests, 0 to 1, and seconds."""

    refuse: float = 0.0
    lose: float = 0.0
    delay: float = 0.0
    delay_seconds: float = 0.05


class FlakyProxy:
    """Passes requests on to a port of this machine. Use it as a context manager."""

    def __init__(self, port: int, weather: Weather | None = None, seed: int = 0) -> None:
        self.to = port
        self.weather = weather or Weather()
        self.seen: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self.conditional = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def fate(self) -> str:
        """What happens to the next request."""
        with self._lock:
            drawn = self._random.random()
            for name in ("refuse", "lose", "delay"):
                drawn -= getattr(self.weather, name)
                if drawn < 0:
                    self.seen[name] += 1
                    return name
            self.seen["pass"] += 1
            return "pass"

    def __enter__(self) -> FlakyProxy:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    proxy: FlakyProxy


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _pass_on(self) -> None:
        body = self._body()
        fate = self.server.proxy.fate()
        if fate == "refuse":
            self._answer(503, [], b"<Error><Code>SlowDown</Code></Error>")
            return
        if fate == "delay":
            time.sleep(self.server.proxy.weather.delay_seconds)
        if "If-None-Match" in self.headers:
            with self.server.proxy.conditional:
                status, headers, answer = self._asked(body)
        else:
            status, headers, answer = self._asked(body)
        if fate == "lose":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._answer(status, headers, answer)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass_on

    def _body(self) -> bytes:
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _asked(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        behind = http.client.HTTPConnection("127.0.0.1", self.server.proxy.to, timeout=60)
        try:
            headers = {n: v for n, v in self.headers.items() if n.lower() not in ("connection", "expect")}
            behind.request(self.command, self.path, body=body, headers=headers)
            answer = behind.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            behind.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        told = {name.lower(): value for name, value in headers}
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in DROPPED:
                self.send_header(name, value)
        length = told.get("content-length", str(len(body))) if self.command == "HEAD" else str(len(body))
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""
