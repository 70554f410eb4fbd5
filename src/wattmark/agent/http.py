"""A small HTTP/1.1 server inside the agent's loop: it never waits for anybody.

Bodies have a length (no chunks) and a limit, clients have a time and a number. What is asked for here is
small; whoever reaches further than this machine puts a proxy in front.
"""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from wattmark.core.errors import UsageError

MOST_HEAD = 16 << 10
MOST_BODY = 4 << 20
MOST_CLIENTS = 128
"""One more, and the one that is waited for the longest is let go."""
MOST_HELD = 32 << 20
"""Bytes of bodies that are not whole yet, of all clients together."""
PATIENCE = 30.0
"""Seconds in which a request must be whole, its answer taken, and the next one begun."""
TEXT = "text/plain; charset=utf-8"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes
    peer: str
    """Address of the client."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What is said to it."""

    status: int
    body: bytes
    kind: str = TEXT
    headers: tuple[tuple[str, str], ...] = ()


Answer = Callable[[Asked], Answered]


class _Refused(Exception):
    """The client said what cannot be understood: it is told so and let go."""

    def __init__(self, status: int, problem: str) -> None:
        self.status = status
        super().__init__(problem)


class _Client:
    __slots__ = ("closing", "incoming", "outgoing", "owed", "peer", "refused", "since", "socket", "waited")

    def __init__(self, connection: socket.socket, peer: str, now: float) -> None:
        self.socket = connection
        self.peer = peer
        self.incoming = bytearray()
        self.outgoing = bytearray()
        self.since = now
        """When what is under way began: a request, or the wait for one."""
        self.closing = False
        self.refused: int | None = None
        """Bytes that came in after it was refused; None: it was not."""
        self.owed = False
        """What came in behind the last request is still to be looked at."""
        self.waited = False
        """It was told to go on with its body."""


def bound(listen: str) -> socket.socket:
    """A socket that listens at HOST:PORT. Raises UsageError that names the address and what to do."""
    host, _, port = listen.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if not port.isdigit() or int(port) > 65535:
        raise UsageError(f"--listen {listen}: give HOST:PORT, such as 127.0.0.1:9465")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, int(port)), family=family, backlog=MOST_CLIENTS)
    except (OSError, UnicodeError) as error:
        problem = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise UsageError(
            f"{listen}: cannot listen there: {problem}; does another agent? --listen names another place"
        ) from None


class HttpDoor:
    """Serves on a socket within a selector that somebody else waits on."""

    def __init__(self, listening: socket.socket, selector: selectors.BaseSelector, answer: Answer) -> None:
        self._listening = listening
        self._selector = selector
        self._answer = answer
        self._clients: dict[int, _Client] = {}
        self._now = 0.0
        listening.setblocking(False)
        selector.register(listening, selectors.EVENT_READ, self._accept)

    @property
    def address(self) -> str:
        """Where it listens, as an URL."""
        host, port = self._listening.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def _accept(self, now: float) -> None:
        try:
            connection, address = self._listening.accept()
        except OSError:
            return  # it went away again, or there are no more file descriptors: those who wait stay waiting
        if len(self._clients) >= MOST_CLIENTS:
            self._drop(min(self._clients.values(), key=lambda client: client.since))
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = _Client(connection, str(address[0]), now)
        self._clients[connection.fileno()] = client
        self._selector.register(connection, selectors.EVENT_READ, lambda at: self._ready(client, at))

    def _ready(self, client: _Client, now: float) -> None:
        self._now = now
        try:
            if client.outgoing:
                self._send(client)
            elif client.owed:
                self._go_on(client)
            else:
                self._receive(client)
        except OSError:
            self._drop(client)

    def _receive(self, client: _Client) -> None:
        try:
            data = client.socket.recv(64 << 10)
        except BlockingIOError:
            return
        if not data:
            self._drop(client)
            return
        if client.refused is not None:
            client.refused += len(data)
            if client.refused > MOST_HELD:
                self._drop(client)
            return
        if not client.incoming:
            client.since = self._now
        client.incoming += data
        if len(client.incoming) > MOST_HEAD and self._held() > MOST_HELD:
            self._refuse(client, _Refused(503, "too much is being sent at once: send it again later"))
        else:
            self._go_on(client)

    def _held(self) -> int:
        return sum(len(client.incoming) for client in self._clients.values())

    def _go_on(self, client: _Client) -> None:
        """Answer one request, if one is whole. Who sends many at once waits its turn after each."""
        try:
            asked = self._whole(client)
        except _Refused as error:
            self._refuse(client, error)
            return
        if asked is None:
            client.owed = False
            self._watch(client, selectors.EVENT_READ)
            return
        keep = asked.headers.get("connection", "").lower() != "close"
        client.closing = not keep
        try:
            answer = self._answer(asked)
        except Exception as error:  # noqa: BLE001 - a defect in what is shown must not end what is measured
            answer = Answered(500, f"a defect, please report it: {type(error).__name__}: {error}\n".encode())
        self._say(client, answer, keep=keep, head=asked.method == "HEAD")

    def _refuse(self, client: _Client, error: _Refused) -> None:
        client.closing = True
        client.refused = 0
        client.incoming.clear()
        self._say(client, Answered(error.status, f"{error}\n".encode()), keep=False, head=False)

    def _whole(self, client: _Client) -> Asked | None:
        """The first request when all of it is there, taken out of what came in."""
        end = client.incoming.find(b"\r\n\r\n")
        if end < 0:
            if len(client.incoming) > MOST_HEAD:
                raise _Refused(431, "the head of this request is too long")
            return None
        if end > MOST_HEAD:
            raise _Refused(431, "the head of this request is too long")
        method, path, headers = _head(bytes(client.incoming[:end]))
        if "transfer-encoding" in headers:
            raise _Refused(411, "give the body a Content-Length; chunks are not taken")
        told = headers.get("content-length", "0")
        if not (told.isascii() and told.isdigit()):
            raise _Refused(400, "Content-Length must be a number")
        length = int(told) if len(told) < 12 else MOST_BODY + 1
        if length > MOST_BODY:
            raise _Refused(413, f"the body of a request is at most {MOST_BODY >> 20} MiB: send it in parts")
        start = end + 4
        if len(client.incoming) < start + length:
            if headers.get("expect", "").lower() == "100-continue" and not client.waited:
                client.waited = True
                client.socket.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            return None
        body = bytes(client.incoming[start : start + length])
        del client.incoming[: start + length]
        client.waited = False
        return Asked(method, path, headers, body, client.peer)

    def _say(self, client: _Client, answer: Answered, *, keep: bool, head: bool) -> None:
        phrase = HTTPStatus(answer.status).phrase
        lines = [
            f"HTTP/1.1 {answer.status} {phrase}",
            f"Content-Type: {answer.kind}",
            f"Content-Length: {len(answer.body)}",
            "Cache-Control: no-store",
            *(f"{name}: {value}" for name, value in answer.headers),
        ]
        if not keep:
            lines.append("Connection: close")
        client.outgoing += "\r\n".join((*lines, "", "")).encode("latin-1")
        if not head:
            client.outgoing += answer.body
        self._send(client)

    def _send(self, client: _Client) -> None:
        try:
            sent = client.socket.send(client.outgoing)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._drop(client)
            return
        del client.outgoing[:sent]
        if client.outgoing:
            self._watch(client, selectors.EVENT_WRITE)
        elif client.refused is not None:
            self._linger(client)
        elif client.closing:
            self._drop(client)
        else:
            client.since = self._now
            client.owed = bool(client.incoming)
            self._watch(client, selectors.EVENT_WRITE if client.owed else selectors.EVENT_READ)

    def _linger(self, client: _Client) -> None:
        """Pass over what is still being sent: a close amid it would take the answer away (RFC 9112, 9.6)."""
        client.socket.shutdown(socket.SHUT_WR)
        client.since = self._now
        self._watch(client, selectors.EVENT_READ)

    def _watch(self, client: _Client, events: int) -> None:
        key = self._selector.get_map().get(client.socket)
        if key is not None and key.events != events:
            self._selector.modify(client.socket, events, key.data)

    def _drop(self, client: _Client) -> None:
        number = client.socket.fileno()
        if number >= 0 and self._clients.pop(number, None) is not None:
            self._selector.unregister(client.socket)
            client.socket.close()
        client.closing = True

    def let_go(self, now: float) -> None:
        """Let go of clients that take too long, however much they say meanwhile."""
        for client in [c for c in self._clients.values() if now - c.since > PATIENCE]:
            self._drop(client)

    def close(self) -> None:
        """Serve nobody any more."""
        for client in list(self._clients.values()):
            self._drop(client)
        self._selector.unregister(self._listening)
        self._listening.close()


def _head(data: bytes) -> tuple[str, str, dict[str, str]]:
    """Method, path and headers (RFC 9112). Raises _Refused."""
    first, *lines = data.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1.") or not words[1].startswith("/"):
        raise _Refused(400, "this is no HTTP/1.1 request")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise _Refused(400, "a header of this request cannot be understood")
        key = name.lower()
        if key == "content-length" and headers.get(key, value.strip()) != value.strip():
            raise _Refused(400, "Content-Length is given twice")
        headers[key] = value.strip()
    return words[0], words[1], headers
