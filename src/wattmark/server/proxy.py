"""A small reverse proxy as an ASGI application: hands every request on to one upstream, and its answer back.

Bodies pass piece by piece as they come, so that streams stay streams and a slow reader slows its sender down;
nothing is decoded, stored or repeated. Which headers belong to a connection and not to a message, and what a
gateway adds: RFC 9110, sections 7.6.1 and 7.6.3 (https://www.rfc-editor.org/rfc/rfc9110). It measures
nothing: `wattmark proxy` puts the energy middleware around it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from wattmark.core.errors import MissingExtra, UsageError

try:
    import aiohttp
    from yarl import URL
except ImportError:
    raise MissingExtra("proxy", "proxy") from None

MIB = 1 << 20
KEEP_ALIVE_SECONDS = 3.0
"""Shorter than the 5 s after which uvicorn, in front of most model servers, closes an idle connection."""
LONGEST_HEADER = 64 << 10
MOST_WHOLE = 256 << 10
"""An answer that announces at most so many bytes is passed on in one piece, head and body together: so its
head can tell what it cost."""

HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"proxy-authorization", b"te"}
    | {b"trailer", b"transfer-encoding", b"upgrade", b"expect"}
)
"""Of a connection, or settled with the server that took the request."""
NOT_ADDED = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
"""What the client library would add to a request that has none."""
NOT_THERE = ("bad_header", "busy", "loop", "too_large", "upstream_unreachable")
"""Refusals of requests that no upstream worked on."""
EXCHANGE = "wattmark"
"""Under this name the energy middleware around it, where there is one, keeps the request in the scope."""
FORWARDED = frozenset({b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"via", b"host"})

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Where requests go, and how much of them. Raises UsageError for what is no address."""

    url: str
    """``http://HOST:PORT``, with a path in front of every path where there is one."""
    connect_seconds: float = 5.0
    silent_seconds: float = 600.0
    """How long an upstream may say nothing, before its answer and within it."""
    most_body: int = 64 * MIB
    """Bytes of one request."""
    most_at_once: int = 1000

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
            raise UsageError(f"{self.url}: is no address of an upstream: write http://HOST:PORT")
        if parts.username or parts.query or parts.fragment:
            raise UsageError("the upstream's address must have no account, query or fragment")


@dataclass(slots=True)
class Tally:
    """What happened since the start."""

    answers: Counter[int] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    """Why a request got no answer of the upstream, or none to its end."""
    under_way: int = 0


class Refused(Exception):
    """A request that the proxy answers itself."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        self.status = status
        self.kind = kind
        self.message = message
        super().__init__(message)


class ReverseProxy:
    """The application. Lives in one event loop."""

    def __init__(self, upstream: Upstream) -> None:
        self.tally = Tally()
        self._upstream = upstream
        self._base = upstream.url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None
        self._me = f"wattmark-{os.urandom(4).hex()}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection's request, or the server's start and end."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            self.tally.under_way += 1
            try:
                await self._answer(scope, receive, send)
            finally:
                self.tally.under_way -= 1

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self._open() as self._session:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    def _open(self) -> aiohttp.ClientSession:
        told = self._upstream
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=told.connect_seconds, sock_read=told.silent_seconds
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=NOT_ADDED,
            max_line_size=LONGEST_HEADER,
            max_field_size=LONGEST_HEADER,
        )

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        passing = _Passing(self.tally, scope, receive, send)
        try:
            headers = self._checked(scope)
            await passing.go(self._asking(scope, headers, await passing.body(self._upstream.most_body)))
        except Refused as refusal:
            self.tally.failures[refusal.kind] += 1
            if refusal.kind in NOT_THERE and EXCHANGE in scope:
                scope[EXCHANGE].turned_away = True
            if not passing.begun:
                self.tally.answers[refusal.status] += 1
                await _refuse(send, refusal)

    def _checked(self, scope: Scope) -> list[tuple[str, str]]:
        """The headers to send on. Raises Refused for what is not handed on."""
        if self.tally.under_way > self._upstream.most_at_once:
            raise Refused(503, "busy", "too many requests at once: send it again later")
        told = dict(scope["headers"])
        if self._me.encode() in told.get(b"via", b""):
            raise Refused(508, "loop", "the upstream is this proxy itself")
        if not _path_of(scope).startswith(b"/"):
            raise Refused(400, "no_path", "only paths of the upstream are handed on")
        length = told.get(b"content-length", b"")
        if length.isdigit() and int(length) > self._upstream.most_body:
            raise _too_large(self._upstream.most_body)
        return _sent_on(scope, self._me)

    def _asking(self, scope: Scope, headers: list[tuple[str, str]], body: Any) -> Any:
        assert self._session is not None, "the server has not started the application"
        query = b"?" + scope["query_string"] if scope.get("query_string") else b""
        url = URL(self._base + (_path_of(scope).partition(b"?")[0] + query).decode("latin-1"), encoded=True)
        return self._session.request(scope["method"], url, headers=headers, data=body, allow_redirects=False)


class _Passing:
    """One request and its answer, on their way."""

    def __init__(self, tally: Tally, scope: Scope, receive: Receive, send: Send) -> None:
        self.begun = False
        """The head of the answer is out: nothing else can be said any more."""
        self._tally = tally
        self._scope = scope
        self._receive = receive
        self._send = send
        self._gone = False
        self._broken: Refused | None = None
        self._task: asyncio.Task[Any] | None = asyncio.current_task()
        self._watching: asyncio.Task[None] | None = None

    async def body(self, most: int) -> bytes | AsyncIterator[bytes] | None:
        """The body to send on: whole when it is there as one piece, else piece by piece as it comes."""
        first = await self._receive()
        if first["type"] == "http.disconnect":
            raise Refused(499, "client_gone", "the client went away")
        piece = first.get("body", b"")
        if not first.get("more_body"):
            if len(piece) > most:
                raise _too_large(most)
            self._watching = asyncio.ensure_future(self._watch())
            return piece or None
        return self._rest(piece, most)

    async def _rest(self, piece: bytes, most: int) -> AsyncIterator[bytes]:
        size, more = len(piece), True
        while True:
            if size > most:
                self._broken = _too_large(most)
                raise self._broken
            if piece:
                yield piece
            if not more:
                self._watching = asyncio.ensure_future(self._watch())
                return
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._broken = Refused(499, "client_gone", "the client went away")
                raise self._broken
            piece, more = message.get("body", b""), message.get("more_body", False)
            size += len(piece)

    async def go(self, asking: Any) -> None:
        """Ask, and pass the answer on, unless the client goes away before."""
        try:
            async with asking as answer:
                await self._pass_on(answer)
        except asyncio.CancelledError:
            if not self._gone or self._task is None or self._task.uncancel():
                raise
            self._tally.failures["client_gone"] += 1
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            raise self._broken or _failure(error) from None
        finally:
            if self._watching is not None:
                self._watching.cancel()

    async def _watch(self) -> None:
        """End the request when its client is gone, so that the upstream stops working for nobody."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        if self._task is not None:
            self._task.cancel()

    async def _pass_on(self, answer: aiohttp.ClientResponse) -> None:
        headers = _own(answer.raw_headers)
        whole = await answer.read() if 0 < (answer.content_length or 0) <= MOST_WHOLE else b""
        self._tally.answers[answer.status] += 1
        self.begun = True
        await self._send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if not whole:
            async for piece in answer.content.iter_any():
                await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        await self._send({"type": "http.response.body", "body": whole, "more_body": False})


def _path_of(scope: Scope) -> bytes:
    """The path as the client wrote it."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw


def _own(headers: Any) -> list[tuple[bytes, bytes]]:
    """Headers of the message itself, without those of its connection."""
    named: set[bytes] = set()
    for name, value in headers:
        if name.lower() == b"connection":
            named |= {part.strip().lower() for part in value.split(b",")}
    return [(n, v) for n, v in headers if (low := n.lower()) not in HOP_BY_HOP and low not in named]


def _sent_on(scope: Scope, me: str) -> list[tuple[str, str]]:
    """Headers for the upstream: the client's own, and what a gateway says of itself."""
    told = dict(scope["headers"])
    try:
        headers = [
            (name.decode("ascii"), value.decode("utf-8"))
            for name, value in _own(scope["headers"])
            if name.lower() not in FORWARDED
        ]
    except UnicodeDecodeError:
        raise Refused(400, "bad_header", "a header is not UTF-8") from None
    scheme = told.get(b"x-forwarded-proto") or scope.get("scheme", "http").encode()
    client = (scope.get("client") or ("unknown", 0))[0]
    way = [part.decode("latin-1") for part in (told.get(b"x-forwarded-for"),) if part]
    via = [part.decode("latin-1") for part in (told.get(b"via"),) if part]
    headers.append(("X-Forwarded-For", ", ".join([*way, client])))
    headers.append(("X-Forwarded-Proto", scheme.decode("latin-1")))
    if host := told.get(b"x-forwarded-host") or told.get(b"host"):
        headers.append(("X-Forwarded-Host", host.decode("latin-1")))
    headers.append(("Via", ", ".join([*via, f"{scope.get('http_version', '1.1')} {me}"])))
    return headers


def _failure(error: Exception) -> Refused:
    """What to answer when the upstream gives nothing. Its address is not told to clients."""
    if isinstance(error, (TimeoutError, aiohttp.ServerTimeoutError)):
        return Refused(504, "upstream_silent", "the upstream did not answer in time")
    if isinstance(error, aiohttp.ClientConnectorError):
        return Refused(502, "upstream_unreachable", "the upstream cannot be reached")
    return Refused(502, "upstream_broke_off", "the upstream broke off")


def _too_large(most: int) -> Refused:
    return Refused(413, "too_large", f"the request has more than {most} bytes")


async def _refuse(send: Send, refusal: Refused) -> None:
    """An answer of our own, in the form in which clients of the OpenAI API expect errors."""
    error = {"message": refusal.message, "type": "wattmark_proxy", "code": refusal.kind}
    body = json.dumps({"error": error}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if refusal.status == 503:
        headers.append((b"retry-after", b"1"))
    if refusal.status == 413:
        headers.append((b"connection", b"close"))
    with contextlib.suppress(OSError):  # the client may be gone by now
        await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
