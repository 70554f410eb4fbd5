"""Hands request lines on without ever making a request wait: to an agent's socket, or into a file.

What cannot be sent at once waits in memory, up to a limit; beyond it lines are dropped, and counted. Nothing
here raises into the host. An agent that is not there costs one look a second.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import time
from collections import Counter, deque
from collections.abc import Callable
from itertools import islice
from typing import Protocol

MOST_WAITING = 10_000
"""Lines, some 3 MB."""
AGAIN_SECONDS = 1.0
MOST_AT_ONCE = 60
"""Lines of one datagram: each has less than 1 kB, and an agent takes 64 kB."""

_FULL = (errno.EAGAIN, errno.ENOBUFS)
_GONE = (errno.ENOENT, errno.ECONNREFUSED, errno.ENOTCONN, errno.ECONNRESET, errno.EPIPE, errno.EDESTADDRREQ)


class Teller(Protocol):
    """Where request lines go."""

    dropped: Counter[str]
    """Why lines were dropped, and how many."""

    def tell(self, line: bytes) -> None:
        """Hand on one line, which has no line end. Never waits, never raises."""
        ...

    def flush(self) -> bool:
        """In the background: hand on what waits; True when nothing does any more."""
        ...


class Silent:
    """Tells nobody."""

    def __init__(self) -> None:
        self.dropped: Counter[str] = Counter()

    def tell(self, line: bytes) -> None:
        """Nothing."""

    def flush(self) -> bool:
        """Nothing waits."""
        return True


class SocketTeller:
    """Tells an agent: one datagram a line, one system call, nothing shared between threads but the socket."""

    def __init__(self, path: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.dropped: Counter[str] = Counter()
        self._path = path
        self._clock = clock
        self._socket: socket.socket | None = None
        self._lost: socket.socket | None = None
        self._not_before = 0.0
        self._waiting: deque[bytes] = deque()
        self._why = "no_agent"

    def tell(self, line: bytes) -> None:
        """Send it now, or let it wait when the agent is busy."""
        why = "full" if self._waiting else self._send(line)  # what came first goes first
        if why == "full":
            self._wait(line)
        elif why:
            self.dropped[why] += 1

    def flush(self) -> bool:
        """Send what waits, many lines in one datagram, up to where the agent is busy again.

        One thread calls this; others may add to the end meanwhile.
        """
        waiting = self._waiting
        while waiting:
            some = list(islice(waiting, MOST_AT_ONCE))
            why = self._send(b"\n".join(some))
            if why == "full":
                return False
            if why:
                self.dropped[why] += len(some)
            for _ in some:
                waiting.popleft()
        return True

    def _wait(self, line: bytes) -> None:
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append(line)
        else:
            self.dropped["agent_busy"] += 1

    def _send(self, line: bytes) -> str:
        """Why it could not be sent; empty when it was."""
        connected = self._socket or self._connect()
        if connected is None:
            return self._why
        try:
            connected.send(line)
        except OSError as error:
            if error.errno in _FULL:
                return "full"
            if error.errno == errno.EMSGSIZE:
                return "too_long"
            self._let_go(error)
            return self._why
        return ""

    def _connect(self) -> socket.socket | None:
        if self._clock() < self._not_before:
            return None
        made: socket.socket | None = None
        try:
            made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            made.setblocking(False)
            made.connect(self._path)
        except (OSError, AttributeError) as error:  # some systems have no Unix sockets
            if made is not None:
                made.close()
            self._let_go(error)
            return None
        self._socket = made
        return made

    def _let_go(self, error: Exception) -> None:
        self._not_before = self._clock() + AGAIN_SECONDS
        self._why = "no_agent" if getattr(error, "errno", errno.ENOENT) in _GONE else "socket_error"
        lost, self._socket = self._socket, None
        if lost is not None:
            # Another thread may be in its send: what is closed is the one before, a second old or more.
            self._lost, lost = lost, self._lost
        if lost is not None:
            lost.close()


class FileTeller:
    """Appends to a file of request lines, in the background. A file that was moved away is begun anew."""

    def __init__(self, path: str) -> None:
        self.dropped: Counter[str] = Counter()
        self._path = path
        self._waiting: deque[bytes] = deque()
        self._torn = False

    def tell(self, line: bytes) -> None:
        """Let it wait for the background."""
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append(line)
        else:
            self.dropped["disk_slow"] += 1

    def flush(self) -> bool:
        """Write all that waits, whole lines in one go. One thread calls this."""
        lines = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not lines:
            return True
        # A half line that a full disk left must not run into the next one.
        before = b"\n" if self._torn else b""
        text = before + b"\n".join(lines) + b"\n"
        written = 0
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
            try:
                while written < len(text):
                    written += os.write(file, text[written:])
            finally:
                os.close(file)
        except OSError as error:
            whole = text[len(before) : written].count(b"\n")
            why = "disk_full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "file_error"
            self.dropped[why] += len(lines) - whole
        if written:
            self._torn = not text[:written].endswith(b"\n")
        return not self._waiting


def with_all_sent(teller: Teller, seconds: float, sleep: Callable[[float], None] = time.sleep) -> None:
    """At the end of a process: give what waits so many seconds."""
    with contextlib.suppress(OSError):
        for _ in range(max(1, round(seconds / 0.02))):
            if teller.flush():
                return
            sleep(0.02)
