"""Looks at an engine over HTTP: one connection that is kept, and a gap with its reason when a look fails.

An account comes from the environment only (``WATTMARK_ENGINE_TOKEN``, or ``WATTMARK_ENGINE_USER`` and
``WATTMARK_ENGINE_PASSWORD``) and never travels in the clear to another machine; redirects are not followed.
"""

from __future__ import annotations

import base64
import io
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead
from typing import Any
from urllib.parse import urlsplit

from wattmark.core.errors import UsageError
from wattmark.core.serving.engine import EngineReading, FailedLook, Look
from wattmark.engines.reading import kind_of, reading_of
from wattmark.engines.table import EngineKind, bundled_engines

TOKEN = "WATTMARK_ENGINE_TOKEN"
USER = "WATTMARK_ENGINE_USER"
PASSWORD = "WATTMARK_ENGINE_PASSWORD"
LOCAL = ("localhost", "127.0.0.1", "::1")
MOST_BYTES = 32 << 20
"""No page of metrics is longer; what says more is not read on."""
PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class _Refused(Exception):
    """A look that failed, on its way to becoming one."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


class _Paced(io.RawIOBase):
    """What comes over a connection, each byte waited for only as long as the whole look has left.

    The timeout of a socket is of one read: who sends the head of an answer byte by byte would hold up a look
    for hours, and what was seen before would go on to be shown.
    """

    def __init__(self, sock: socket.socket, allow: Callable[[socket.socket], None]) -> None:
        self._sock = sock
        self._allow = allow
        self._raw = sock.makefile("rb", buffering=0)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """As HTTPResponse asks a socket for it."""
        return io.BufferedReader(self, PIECE)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._allow(self._sock)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


@dataclass(kw_only=True)
class Scraper:
    """Looks at one engine again and again. Not to be shared by threads."""

    target: str
    """What its readings are called."""
    scheme: str
    host: str
    port: int
    paths: tuple[str, ...]
    """Where its metrics may be; the one that shows some is kept."""
    kind: EngineKind | None = None
    """Which engine it is; None: whichever it turns out to be."""
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: float = 1.0
    """For a whole look."""
    context: ssl.SSLContext | None = None
    monotonic: Callable[[], float] = time.monotonic
    now_us: Callable[[], int] = lambda: time.time_ns() // 1000
    _connection: HTTPConnection | None = None
    _until: float = 0.0

    def look(self) -> Look:
        """One look. What goes wrong becomes a gap; nothing is raised."""
        until = self.monotonic() + self.timeout_seconds
        failed = FailedLook("no path to ask for", "no_metrics")
        for path in self.paths:
            try:
                found = self._read(path, until)
            except _Refused as error:
                failed = FailedLook(f"{self.target}: {error}", error.kind)
                self.close()
                if error.kind not in ("no_metrics", "status"):
                    return failed
            else:
                self.paths = (path,)
                return found
        return failed

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _read(self, path: str, until: float) -> EngineReading:
        answer = self._answer(path, until)
        at_us = self.now_us()
        _check(answer, path)
        kind = self.kind or kind_of(answer.body)
        if kind is None:
            raise _Refused("no_metrics", f"{path} shows the metrics of no engine that is known")
        try:
            reading = reading_of(answer.body, kind, target=self.target, at_us=at_us)
        except ValueError as error:
            raise _Refused("body", f"its page cannot be read: {error}") from None
        self.kind = kind
        return reading

    def _answer(self, path: str, until: float) -> _Answer:
        """Ask, and once more over a new connection when the kept one was closed meanwhile."""
        kept = self._connection is not None
        try:
            return self._asked(path, until)
        except TimeoutError:
            self.close()
            raise _Refused("timeout", f"no answer within {self.timeout_seconds:g} s") from None
        except (OSError, HTTPException) as error:
            self.close()
            if not kept:
                raise _unreachable(error) from None
        try:
            return self._asked(path, until)
        except TimeoutError:
            raise _Refused("timeout", f"no answer within {self.timeout_seconds:g} s") from None
        except (OSError, HTTPException) as error:
            raise _unreachable(error) from None

    def _asked(self, path: str, until: float) -> _Answer:
        connection = self._connection or self._connect(until)
        self._connection = connection
        self._until = until
        if connection.sock is not None:
            self._allow(connection.sock)
        connection.request("GET", path, headers=dict(self.headers))
        response = connection.getresponse()
        body = self._body(response)
        headers = {name.lower(): value for name, value in response.getheaders()}
        if headers.get("content-encoding", "") == "gzip":
            body = _unpacked(body)
        return _Answer(response.status, headers, body)

    def _connect(self, until: float) -> HTTPConnection:
        left = max(until - self.monotonic(), 0.001)
        if self.scheme == "https":
            made: HTTPConnection = HTTPSConnection(self.host, self.port, timeout=left, context=self.context)
        else:
            made = HTTPConnection(self.host, self.port, timeout=left)
        made.response_class = self._response  # type: ignore[assignment]  # it is only ever called
        return made

    def _response(self, sock: socket.socket, *args: Any, **named: Any) -> HTTPResponse:
        return HTTPResponse(_Paced(sock, self._allow), *args, **named)  # type: ignore[arg-type]

    def _allow(self, sock: socket.socket) -> None:
        """Let it wait for as long as the whole look has left. Raises TimeoutError when nothing is left."""
        left = self._until - self.monotonic()
        if left <= 0:
            raise TimeoutError
        sock.settimeout(left)

    def _body(self, response: HTTPResponse) -> bytes:
        said = response.length
        if said is not None and said > MOST_BYTES:
            raise _too_long()
        pieces: list[bytes] = []
        length = 0
        while True:
            piece = response.read1(PIECE)  # what is there: a whole read would wait again for each byte
            if not piece:
                break
            pieces.append(piece)
            length += len(piece)
            if length > MOST_BYTES:
                raise _too_long()
            if length == said:
                break
        if said is not None and length < said:
            raise _Refused("body", f"its page broke off after {length} of {said} bytes")
        response.read()  # nothing is left, and only so the connection knows it
        return b"".join(pieces)


def open_scraper(
    url: str,
    environment: Mapping[str, str],
    *,
    target: str = "",
    kind: EngineKind | None = None,
    timeout_seconds: float = 1.0,
    cafile: str | None = None,
) -> Scraper:
    """A scraper by an address: ``http://host:8000``, with a path where metrics stand elsewhere.

    Raises UsageError for an address that is none, that holds an account, or that would carry one in clear.
    """
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        raise UsageError(f"{url!r} names no port: write http://host:8000") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{url!r} is no address of an engine: write http://host:8000")
    if parts.username or parts.password:
        raise UsageError(
            f"an account in the address of {parts.hostname} would end up in logs: set {USER} and {PASSWORD},"
            f" or {TOKEN}"
        )
    account = _account(environment)
    if account and parts.scheme == "http" and parts.hostname not in LOCAL:
        raise UsageError(f"an account must not travel in the clear: ask {parts.hostname} over https")
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    paths = (path,) if parts.path not in ("", "/") else _paths(kind)
    if kind is not None and not kind.signs:
        raise UsageError(f"{kind.title} shows no metrics: {kind.on}")
    packed = {} if parts.hostname in LOCAL else {"Accept-Encoding": "gzip"}
    return Scraper(
        target=target or f"{parts.scheme}://{parts.netloc}",
        scheme=parts.scheme,
        host=parts.hostname,
        port=port or (443 if parts.scheme == "https" else 80),
        paths=paths,
        kind=kind,
        headers={"Accept": "text/plain; version=0.0.4", **packed, **account},
        timeout_seconds=timeout_seconds,
        context=_context(cafile) if parts.scheme == "https" else None,
    )


def _paths(kind: EngineKind | None) -> tuple[str, ...]:
    """Where metrics may be: the engine's own path, or every one that some engine has."""
    if kind is not None:
        return (kind.path,)
    return tuple(dict.fromkeys(["/metrics", *(k.path for k in bundled_engines() if k.path)]))


def _account(environment: Mapping[str, str]) -> dict[str, str]:
    if environment.get(TOKEN):
        return {"Authorization": f"Bearer {environment[TOKEN]}"}
    if not environment.get(USER):
        return {}
    pair = f"{environment[USER]}:{environment.get(PASSWORD, '')}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def _context(cafile: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=cafile)
    except OSError as error:
        raise UsageError(f"{cafile} holds no certificates: {error.strerror or error}") from None


def _check(answer: _Answer, path: str) -> None:
    status = answer.status
    if status == 200:
        return
    if 300 <= status < 400:
        to = answer.headers.get("location", "another place")
        raise _Refused("redirect", f"{path} leads to {to}, which is not followed: give that address")
    if status in (401, 403):
        raise _Refused("refused", f"{path} answered {status}: set {TOKEN}, or {USER} and {PASSWORD}")
    raise _Refused("status", f"{path} answered {status}: are its metrics switched on?")


def _unpacked(body: bytes) -> bytes:
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        text = unpacker.decompress(body, MOST_BYTES + 1)
    except zlib.error as error:
        raise _Refused("body", f"its page is no gzip: {error}") from None
    if len(text) > MOST_BYTES:
        raise _too_long()
    if not unpacker.eof:
        raise _Refused("body", "its page broke off inside its gzip")
    return text


def _too_long() -> _Refused:
    return _Refused("body", f"its page is longer than {MOST_BYTES >> 20} MiB")


def _unreachable(error: Exception) -> _Refused:
    if isinstance(error, IncompleteRead):
        return _Refused("body", "its page broke off")
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    if isinstance(error, ssl.SSLError):
        return _Refused("unreachable", f"its certificate or TLS is not accepted ({said})")
    return _Refused("unreachable", f"no answer: {said}")
