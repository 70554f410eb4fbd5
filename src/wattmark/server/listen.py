"""OTLP over HTTP: an ASGI application without a framework.

``POST /v1/metrics`` takes protobuf and JSON, plain or packed by gzip, as OpenTelemetry's protocol says
(opentelemetry.io/docs/specs/otlp, "OTLP/HTTP"): 200 with an ExportMetricsServiceResponse once the points are
durable, 4xx with a Status for what will never be taken, 503 with Retry-After for what may be taken later.
``GET /healthz`` says whether all is well, ``GET /metrics`` counts in Prometheus' text form.
"""

from __future__ import annotations

import hmac
import json
import zlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from wattmark.protobuf_wire import Malformed, length
from wattmark.server.listener import Listener, NoRoom
from wattmark.server.own_metrics import exposition
from wattmark.sources.otlp_intake import Points

MOST_BODY = 16 << 20
"""Bytes of one request, unpacked: some 100 000 points."""
MOST_HELD = 16
"""So many times MOST_BODY may be on their way at once, over all requests."""
RETRY_SECONDS = 5
PROTOBUF, JSON = "application/x-protobuf", "application/json"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
INVALID_ARGUMENT, UNAUTHENTICATED, UNAVAILABLE = 3, 16, 14
"""Codes of google.rpc.Status (google/rpc/code.proto)."""

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Refused(Exception):
    """A request that gets another answer than 200."""

    def __init__(self, status: int, message: str, code: int = INVALID_ARGUMENT) -> None:
        self.status = status
        self.message = message
        self.code = code
        super().__init__(message)


class App:
    """The application. ``token``: what a request must bear; None: nothing."""

    def __init__(self, listener: Listener, *, token: str | None = None, most_body: int = MOST_BODY) -> None:
        self._listener = listener
        self._token = token
        self._most_body = most_body
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection's request, or the server's start and end."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._listener.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._listener.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        kind = headers.get(b"content-type", "").partition(";")[0].strip().lower()
        more: Mapping[str, str] = {}
        try:
            status, kind, body = await self._handled(scope, headers, kind, receive)
        except Refused as refusal:
            status = refusal.status
            kind, body = _status(kind, refusal.code, refusal.message)
            more = _more_headers(status)
        self._listener.tally.requests[status] += 1
        await _send(send, status, kind, body, more)

    async def _handled(
        self, scope: Scope, headers: Mapping[bytes, str], kind: str, receive: Receive
    ) -> tuple[int, str, bytes]:
        path, method = scope["path"], scope["method"]
        if path == "/healthz":
            _only(method, "GET", "HEAD")
            return self._health()
        self._authorise(headers)
        if path == "/metrics":
            _only(method, "GET", "HEAD")
            return 200, TEXT, exposition(self._listener).encode()
        if path != "/v1/metrics":
            raise Refused(404, f"there is no {path} here: metrics go to /v1/metrics")
        _only(method, "POST")
        if kind not in (PROTOBUF, JSON):
            raise Refused(415, f"content type {kind!r} is not taken: send {PROTOBUF} or {JSON}")
        points = await self._taken(headers, kind, receive)
        return 200, kind, _answered(kind, points)

    async def _taken(self, headers: Mapping[bytes, str], kind: str, receive: Receive) -> Points:
        held: list[int] = []
        try:
            body = await self._body(headers, receive, held)
            return await self._listener.take(body, is_json=kind == JSON)
        except Malformed as error:
            raise Refused(400, f"this is no ExportMetricsServiceRequest: {error}") from None
        except NoRoom as error:
            raise Refused(503, f"{error}: send it again later", UNAVAILABLE) from None
        finally:
            self._held -= sum(held)

    async def _body(self, headers: Mapping[bytes, str], receive: Receive, held: list[int]) -> bytes:
        """The whole body, unpacked. What it takes is noted in ``held``."""
        packed = headers.get(b"content-encoding", "identity").strip().lower()
        if packed not in ("identity", "gzip", ""):
            raise Refused(415, f"content encoding {packed!r} is not taken: send gzip or none")
        told = headers.get(b"content-length", "")
        if told.isdecimal() and int(told) > self._most_body:
            raise self._too_large()
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Refused(400, "the request ended before its body did")
            part = message.get("body", b"")
            size += len(part)
            self._hold(len(part), held)
            if size > self._most_body:
                raise self._too_large()
            parts.append(part)
            if not message.get("more_body"):
                break
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        return self._unpacked(body, held) if packed == "gzip" else body

    def _hold(self, size: int, held: list[int]) -> None:
        self._held += size
        held.append(size)
        if self._held > MOST_HELD * self._most_body:
            raise Refused(503, "too many requests at once: send it again later", UNAVAILABLE)

    def _unpacked(self, body: bytes, held: list[int]) -> bytes:
        """Members of a gzip stream, one after the other, up to the limit."""
        found = b""
        while body:
            unpack = zlib.decompressobj(wbits=31)
            try:
                found += unpack.decompress(body, self._most_body + 1 - len(found))
            except zlib.error as error:
                raise Refused(400, f"the body is not gzip: {error}") from None
            if len(found) > self._most_body:
                raise self._too_large()
            if not unpack.eof:
                raise Refused(400, "the body is not whole: its gzip stream does not end")
            body = unpack.unused_data
        self._hold(len(found), held)
        return found

    def _too_large(self) -> Refused:
        return Refused(413, f"the body has more than {self._most_body} bytes: send fewer points at once")

    def _authorise(self, headers: Mapping[bytes, str]) -> None:
        if self._token is None:
            return
        scheme, _, given = headers.get(b"authorization", "").partition(" ")
        right = hmac.compare_digest(given.strip().encode(), self._token.encode())
        if scheme.lower() != "bearer" or not right:
            raise Refused(401, "this listener takes requests with its bearer token only", UNAUTHENTICATED)

    def _health(self) -> tuple[int, str, bytes]:
        told = {
            "status": "degraded" if self._listener.trouble else "ok",
            "backlog_bytes": self._listener.backlog,
            "lag_seconds": round(self._listener.lag_seconds, 3),
        }
        return 200, JSON, json.dumps(told).encode() + b"\n"


def _only(method: str, *allowed: str) -> None:
    if method not in allowed:
        raise Refused(405, f"{method} is not for this path: use {allowed[0]}")


def _more_headers(status: int) -> Mapping[str, str]:
    match status:
        case 503:
            return {"retry-after": str(RETRY_SECONDS)}
        case 401:
            return {"www-authenticate": "Bearer"}
    return {}


def _answered(kind: str, points: Points) -> bytes:
    """An ExportMetricsServiceResponse; empty when everything was taken."""
    if not points.refused:
        return b"" if kind == PROTOBUF else b"{}"
    rejected, reasons = points.refused.total(), _sentence(points.refused.items())
    if kind == JSON:
        partial = {"rejectedDataPoints": str(rejected), "errorMessage": reasons}
        return json.dumps({"partialSuccess": partial}).encode()
    inner = b"\x08" + length(rejected) + _text_field(2, reasons)
    return b"\x0a" + length(len(inner)) + inner


def _sentence(refused: Iterable[tuple[str, int]]) -> str:
    listed = [f"{n} x {reason}" for reason, n in refused]
    more = f"; and {len(listed) - 5} more reasons" if len(listed) > 5 else ""
    return "; ".join(listed[:5]) + more


def _status(kind: str, code: int, message: str) -> tuple[str, bytes]:
    """A google.rpc.Status in the form in which the request came; JSON for what was neither."""
    if kind == PROTOBUF:
        return kind, b"\x08" + length(code) + _text_field(2, message)
    return JSON, json.dumps({"code": code, "message": message}).encode()


def _text_field(number: int, text: str) -> bytes:
    data = text.encode()
    return length(number << 3 | 2) + length(len(data)) + data


async def _send(send: Send, status: int, kind: str, body: bytes, more: Mapping[str, str]) -> None:
    headers = {"content-type": kind, "content-length": str(len(body)), **more}
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
