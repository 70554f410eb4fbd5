"""Asks a server over HTTP over connections that are kept; nothing is asked twice, no failure hidden.

What a server says about a failure may repeat what it was asked. So only its status and the name of the error
are told, never its words.
"""

from __future__ import annotations

import io
import json
import re
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any

from wattmark.bench.endpoint.address import Address
from wattmark.core.errors import UsageError
from wattmark.version import __version__

MOST_BYTES = 256 << 20
"""Of one answer: a picture of 4096 x 4096 in base64 is some 90 MB at most."""
PIECE = 1 << 16
MOST_LINE = 16 << 20
"""Of a stream: a line holds a few tokens."""
END_SECONDS = 1.0
"""How long the end of a stream is waited for, once its last piece has come."""
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,60}")
"""Names of errors look so; anything else may be words of a prompt."""


class Failed(Exception):
    """A query that got no answer; the message may be kept."""


class _Receiving(io.RawIOBase):
    """What comes over a connection, until the whole request has taken too long.

    The timeout of a socket alone begins anew with every byte: a server that sends one now and then would hold
    a request for ever.
    """

    def __init__(self, raw: Any, sock: socket.socket, monotonic: Callable[[], float], until: float) -> None:
        self._raw, self._sock, self._monotonic = raw, sock, monotonic
        self.until = until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self.until - self._monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        count: int | None = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Reply(HTTPResponse):
    """An answer that ends in time, its first line and its headers included."""

    def __init__(
        self,
        sock: socket.socket,
        *arguments: Any,
        monotonic: Callable[[], float],
        until: float,
        **more: Any,
    ) -> None:
        super().__init__(sock, *arguments, **more)
        self.receiving = _Receiving(self.fp.detach(), sock, monotonic, until)
        self.fp = io.BufferedReader(self.receiving)


class Client:
    """One server. Threads may share it: each request has a connection to itself while it goes on."""

    def __init__(
        self,
        address: Address,
        *,
        key: str | None = None,
        timeout_seconds: float = 120.0,
        context: ssl.SSLContext | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.address = address
        self.timeout_seconds = timeout_seconds
        self.monotonic = monotonic
        self.keeps_after_streams = False
        """Whether the connection of a stream is used again. Some servers close it without saying so, and the
        next request over it would be lost: it is only for those that are known to keep it."""
        self._context = context
        self._headers = {"User-Agent": f"wattmark/{__version__}", "Accept": "application/json"}
        if key:
            if not (key.isascii() and key.isprintable()):
                raise UsageError(
                    "the API key holds what no header can: check the variable that it comes from"
                )
            self._headers["Authorization"] = f"Bearer {key}"
        self._idle: list[HTTPConnection] = []
        self._all: set[HTTPConnection] = set()
        self._lock = threading.Lock()

    def get(self, path: str, *, root: bool = False) -> Any:
        """A JSON document. ``root``: the path begins at the server, not at its API. Raises Failed."""
        return self._json("GET", path if root else f"{self.address.path}{path}", None, {})

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON answer to a JSON question. Raises Failed."""
        data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        return self._json("POST", f"{self.address.path}{path}", data, {"Content-Type": "application/json"})

    def upload(self, path: str, data: bytes, boundary: str) -> Any:
        """The JSON answer to a form with a file (multipart/form-data). Raises Failed."""
        kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        return self._json("POST", f"{self.address.path}{path}", data, kind)

    def stream(self, path: str, body: Mapping[str, Any]) -> Iterator[Any]:
        """The pieces of a streamed answer (server-sent events), each as it comes.

        Ends after ``[DONE]``. Raises Failed for everything else, a stream that breaks off included.
        """
        data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        until = self.monotonic() + self.timeout_seconds
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
        connection, answer = self._begin("POST", f"{self.address.path}{path}", data, headers, until)
        whole = False
        try:
            _check(answer, lambda: self._body(connection, answer, until))
            kind = answer.headers.get_content_type()
            if kind != "text/event-stream":
                raise Failed(f"answered with {kind} where a stream was asked for")
            for event in self._events(connection, answer, until):
                if event == b"[DONE]":
                    whole = self.keeps_after_streams and self._ended(answer)
                    return
                yield _decoded(event)
            # without [DONE] the asker says whether its last piece made the answer whole
            whole = True
        except (OSError, HTTPException, ValueError) as error:
            raise Failed(_broken(error, self.timeout_seconds)) from None
        finally:
            self._done(connection, whole and self.keeps_after_streams)

    def close(self) -> None:
        """Let all connections go."""
        with self._lock:
            for connection in self._all:
                connection.close()
            self._all.clear()
            self._idle.clear()

    def _json(self, method: str, path: str, data: bytes | None, headers: Mapping[str, str]) -> Any:
        until = self.monotonic() + self.timeout_seconds
        connection, answer = self._begin(method, path, data, headers, until)
        try:
            body = self._body(connection, answer, until)
        except (OSError, HTTPException, ValueError) as error:
            self._done(connection, False)
            raise Failed(_broken(error, self.timeout_seconds)) from None
        self._done(connection, True)
        _check(answer, lambda: body)
        return _decoded(body)

    def _begin(
        self, method: str, path: str, data: bytes | None, headers: Mapping[str, str], until: float
    ) -> tuple[HTTPConnection, _Reply]:
        connection = self._connection()
        reply: Any = partial(_Reply, monotonic=self.monotonic, until=until)
        connection.response_class = reply
        try:
            self._allow(connection, until)
            connection.request(method, path, data, {**self._headers, **headers})
            self._allow(connection, until)
            answer: Any = connection.getresponse()
            return connection, answer
        except (OSError, HTTPException) as error:
            self._done(connection, False)
            raise Failed(_broken(error, self.timeout_seconds)) from None

    def _connection(self) -> HTTPConnection:
        """The one that was used last; those that the server closed meanwhile are let go."""
        with self._lock:
            while self._idle:
                kept = self._idle.pop()
                if kept.sock is None or not _closed(kept.sock):
                    return kept
                kept.close()
                self._all.discard(kept)
        where = self.address
        if where.scheme == "https":
            made: HTTPConnection = HTTPSConnection(
                where.host, where.port, timeout=self.timeout_seconds, context=self._context
            )
        else:
            made = HTTPConnection(where.host, where.port, timeout=self.timeout_seconds)
        with self._lock:
            self._all.add(made)
        return made

    def _done(self, connection: HTTPConnection, keep: bool) -> None:
        """A request is over; its connection waits for the next one, or is closed."""
        with self._lock:
            if keep and connection in self._all:
                self._idle.append(connection)
                return
            self._all.discard(connection)
        connection.close()

    def _allow(self, connection: HTTPConnection, until: float) -> None:
        """Let it wait for as long as the whole request has left. Raises TimeoutError when nothing is left."""
        left = until - self.monotonic()
        if left <= 0:
            raise TimeoutError
        if connection.sock is not None:
            connection.sock.settimeout(left)

    def _body(self, connection: HTTPConnection, answer: HTTPResponse, until: float) -> bytes:
        pieces: list[bytes] = []
        length = 0
        while True:
            self._allow(connection, until)
            piece = answer.read1(PIECE)
            if not piece:
                break
            pieces.append(piece)
            length += len(piece)
            if length > MOST_BYTES:
                raise ValueError(f"more than {MOST_BYTES >> 20} MiB")
        if answer.length:  # read1 tells of no end that came too early
            raise ConnectionError
        answer.close()  # read1 leaves it open at its end, and the connection with it
        return b"".join(pieces)

    def _ended(self, answer: _Reply) -> bool:
        """Whether nothing follows the last piece, so that the connection can be used again."""
        answer.receiving.until = min(answer.receiving.until, self.monotonic() + END_SECONDS)
        try:
            return len(answer.read(PIECE)) < PIECE
        except (OSError, HTTPException, ValueError):
            return False

    def _events(self, connection: HTTPConnection, answer: HTTPResponse, until: float) -> Iterator[bytes]:
        """The data of server-sent events (WHATWG, HTML, section 9.2.6): here one line each."""
        length = 0
        while True:
            self._allow(connection, until)
            line = answer.readline(MOST_LINE)
            if not line:
                return
            length += len(line)
            if length > MOST_BYTES or len(line) == MOST_LINE:
                most = MOST_BYTES if length > MOST_BYTES else MOST_LINE
                raise ValueError(f"more than {most >> 20} MiB")
            if line.startswith(b"data:"):
                yield line[5:].strip()


def _check(answer: HTTPResponse, body: Callable[[], bytes]) -> None:
    """Raise Failed for every status but 200, with the server's name for the error where it has one."""
    if answer.status == 200:
        return
    name = _error_name(body())
    wait = answer.headers.get("Retry-After", "")
    told = [f"status {answer.status}", name, f"asks to wait {wait} s" if wait.isdigit() else ""]
    raise Failed(", ".join(filter(None, told)))


def _error_name(body: bytes) -> str:
    """The type or code of an error as OpenAI's API tells it; empty where there is none or it is no name."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    error = said.get("error", said) if isinstance(said, dict) else None
    if not isinstance(error, dict):
        return ""
    for key in ("type", "code"):
        value = error.get(key)
        if isinstance(value, str) and NAME.fullmatch(value):
            return value
    return ""


def _decoded(body: bytes) -> Any:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise Failed("answered with what is no JSON") from None
    if isinstance(said, dict) and isinstance(said.get("error"), dict):  # also within a stream
        name = _error_name(body)
        raise Failed(f"answered with an error{f': {name}' if name else ''}")
    return said


def _closed(sock: socket.socket) -> bool:
    """Whether there is something to read before anything was asked: the end, in all likelihood."""
    try:
        if hasattr(select, "poll"):  # select takes no file numbers above 1023
            looked = select.poll()
            looked.register(sock, select.POLLIN)
            return bool(looked.poll(0))
        return bool(select.select([sock], [], [], 0)[0])
    except (OSError, ValueError):
        return True


def _broken(error: Exception, seconds: float) -> str:
    """Why there is no answer, in words that hold nothing of what was asked."""
    match error:
        case TimeoutError():
            return f"no whole answer within {seconds:g} s"
        case ConnectionRefusedError():
            return "refuses connections"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted: {error.verify_message}"
        case ssl.SSLError():
            return "TLS failed"
        case OSError() if error.strerror and not isinstance(error, ConnectionError):
            return error.strerror
        case ValueError() if str(error).startswith("more than"):
            return f"answered with {error}"
        case _:
            return "broke off its answer"
