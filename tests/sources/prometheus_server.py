"""A small server that speaks as much of Prometheus's API as the importer asks for, with samples in memory."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

Key = tuple[tuple[str, str], ...]
RANGE = re.compile(r'\{__name__="([^"]+)"(.*)\}(?:\[(\d+)ms\])?')


@dataclass
class Served:
    """What the server holds and how it behaves."""

    samples: dict[Key, list[tuple[int, str]]] = field(default_factory=dict)
    """Labels with __name__ -> milliseconds and the value as text."""
    most_samples: int = 10**9
    failures: list[tuple[int, bytes]] = field(default_factory=list)
    """Answers that come first, one per question."""
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    garbage: bytes | None = None
    """Answered to everything, with status 200."""
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def add(self, name: str, at_s: float, value: float | str, **labels: str) -> None:
        """One sample of a series."""
        key = tuple(sorted({"__name__": name, **labels}.items()))
        self.samples.setdefault(key, []).append((round(at_s * 1000), str(value)))

    def series(self, name: str, start_s: float, step_s: float, values: list[float], **labels: str) -> None:
        """Samples at a steady rate."""
        for index, value in enumerate(values):
            self.add(name, start_s + index * step_s, value, **labels)

    @property
    def rows(self) -> int:
        return sum(len(v) for v in self.samples.values())

    def answer(self, path: str, query: dict[str, list[str]]) -> tuple[int, bytes]:
        """Status and body."""
        if self.failures:
            return self.failures.pop(0)
        if self.garbage is not None:
            return 200, self.garbage
        if path == "/api/v1/label/__name__/values":
            return _good(sorted({dict(k)["__name__"] for k in self.samples}))
        if path == "/api/v1/series":
            match = RANGE.match(query["match[]"][0])
            assert match is not None
            return _good([dict(k) for k in self.samples if dict(k)["__name__"] == match[1]])
        if path == "/api/v1/query":
            return self._query(query)
        return 404, b"404 page not found\n"

    def _query(self, query: dict[str, list[str]]) -> tuple[int, bytes]:
        match = RANGE.match(query["query"][0])
        assert match is not None
        until = round(float(query["time"][0]) * 1000)
        after = until - int(match[3])
        found = []
        total = 0
        for key, samples in self.samples.items():
            values = [(ms / 1000, v) for ms, v in samples if after <= ms <= until]
            if dict(key)["__name__"] == match[1] and values:
                found.append({"metric": dict(key), "values": values})
                total += len(values)
        if total > self.most_samples:
            said = "query processing would load too many samples into memory in query execution"
            return 422, json.dumps({"status": "error", "errorType": "execution", "error": said}).encode()
        return _good({"resultType": "matrix", "result": found})


def _good(data: object) -> tuple[int, bytes]:
    return 200, json.dumps({"status": "success", "data": data}).encode()


@contextmanager
def serving(served: Served) -> Iterator[Served]:
    """The server on a port of its own, until the end."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            served.asked.append(self.path)
            served.headers.append(dict(self.headers))
            status, body = served.answer(parts.path, parse_qs(parts.query))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if status in (301, 302):
                self.send_header("Location", "http://elsewhere.invalid/")
            self.end_headers()
            with suppress(ConnectionError):  # whoever asked may have given up
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
