"""The Unix datagram socket that programs on this machine tell their requests to.

A datagram holds one line or several. Nobody waits for an answer, so what came within the last second when the
agent is killed is lost: who cannot bear that posts, or writes a file.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Mapping
from pathlib import Path

from wattmark.agent.intake import Intake, NoRoom
from wattmark.core.errors import UsageError

MOST_BYTES = 64 << 10
BUFFER_BYTES = 4 << 20
QUEUE = Path("/proc/sys/net/unix/max_dgram_qlen")
LEAST_PAUSE = 0.01
MOST_AT_ONCE = 10_000
MOST_HELD = 5_000
"""Lines that wait for the next look at the meters; more are taken at once."""


def default_path(environ: Mapping[str, str]) -> Path:
    """``$XDG_RUNTIME_DIR/wattmark/agent.sock``, or the same under /run."""
    return Path(environ.get("XDG_RUNTIME_DIR") or "/run") / "wattmark" / "agent.sock"


class Datagrams:
    """One bound socket. Raises UsageError where it cannot be made, or another agent has it."""

    def __init__(self, path: Path, period_seconds: float, queue: Path = QUEUE) -> None:
        self.path = path
        self._most_pause = period_seconds
        self._queue = _queue_length(queue)
        self.pause = LEAST_PAUSE
        self._read_at: float | None = None
        self._lines: list[bytes] = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _remove_dead(path)
            self.socket.bind(str(path))
            os.chmod(path, 0o660)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        except OSError as error:
            self.socket.close()
            raise UsageError(
                f"{path}: no socket can be made there: {error.strerror or error}; name another place with "
                "--socket, or --socket none"
            ) from None
        self._made = os.stat(path).st_ino

    def drain(self, intake: Intake, now: float) -> bool:
        """Fetch all that is there, and settle for how long to leave the socket alone; says if there was any.

        Waking costs more than a datagram: so the socket is read again only before the kernel's queue is a
        quarter full at the rate that was seen.
        """
        count = 0
        while count < MOST_AT_ONCE:
            try:
                data = self.socket.recv(MOST_BYTES + 1)
            except BlockingIOError:
                break
            except OSError as error:
                intake.refuse("socket", f"socket: {error.strerror or error}")
                break
            count += 1
            if len(data) > MOST_BYTES:
                intake.refuse("too_long", f"socket: a datagram is longer than {MOST_BYTES} bytes")
                continue
            self._lines += data.splitlines()
        if self._read_at is not None and count:
            rate = count / max(1e-3, now - self._read_at)
            self.pause = min(self._most_pause, max(LEAST_PAUSE, self._queue / 4 / rate))
        self._read_at = now
        if len(self._lines) >= MOST_HELD:
            self.give(intake)
        return count > 0

    def give(self, intake: Intake) -> None:
        """Take what was fetched, all in one go: one after the other would cost several times as much."""
        lines, self._lines = self._lines, []
        if lines:
            try:
                intake.take(lines, "socket")
            except NoRoom as error:
                intake.refuse("no_room", f"socket: {error}")

    def close(self) -> None:
        """Take the socket away, unless another agent has made one there meanwhile."""
        self.socket.close()
        try:
            if os.stat(self.path).st_ino == self._made:
                self.path.unlink()
        except FileNotFoundError:
            return


def _queue_length(path: Path) -> int:
    """How many datagrams the kernel keeps for a socket (unix(7)); senders wait, or fail, beyond."""
    try:
        return max(1, int(path.read_text()))
    except (OSError, ValueError):
        return 10


def _remove_dead(path: Path) -> None:
    """Remove the socket of an agent that was killed. Raises UsageError where one still listens, OSError."""
    try:
        kind = path.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(kind):
        raise UsageError(f"{path}: is there and is no socket; name another place with --socket")
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        probe.setblocking(False)
        probe.connect(str(path))
    except OSError as error:
        if error.errno != errno.ECONNREFUSED:
            raise
        path.unlink(missing_ok=True)
    else:
        raise UsageError(f"{path}: another agent listens there; give this one its own --socket")
    finally:
        probe.close()
