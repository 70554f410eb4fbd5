"""Waits for a command to end and for lines in its log, with as few wake-ups as the system allows.

Linux tells of both: pidfd_open(2) of the end, inotify(7) of the log. Elsewhere the log is looked at
every 50 ms.
"""

from __future__ import annotations

import math
import os
import select
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

POLL_SECONDS = 0.05
"""How often the log is looked at: a window edge told by a line is read this much late at most."""
LOOK_SECONDS = 0.25
"""How often everything else is looked at: the budget, and processes that nobody waits for."""
_IN_CHANGES = 0x2 | 0x8 | 0x80 | 0x100
"""inotify(7): IN_MODIFY, IN_CLOSE_WRITE, IN_MOVED_TO, IN_CREATE."""


class Events:
    """Sleeps until the process ends, the log's folder changes, or a look is due. Never raises."""

    def __init__(
        self,
        pid: int,
        folder: Path,
        look_seconds: float = LOOK_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look_seconds = look_seconds
        self._clock = clock
        self._ended = _pidfd(pid)
        self._changed = _inotify(folder) if self._ended is not None else None
        self._heard = -math.inf

    def wait(self) -> None:
        """Sleep. After news of the log, for at most :data:`POLL_SECONDS`, so that a flood of lines
        is taken in portions.
        """
        if self._ended is None:
            time.sleep(POLL_SECONDS)
            return
        poll = select.poll()
        poll.register(self._ended, select.POLLIN)
        if self._changed is None or self._clock() - self._heard < POLL_SECONDS:
            poll.poll(POLL_SECONDS * 1000)
            return
        poll.register(self._changed, select.POLLIN)
        if any(fd == self._changed for fd, _ in poll.poll(self._look_seconds * 1000)):
            self._heard = self._clock()
            with suppress(OSError):
                while os.read(self._changed, 1 << 16):  # only that there was something counts
                    pass

    def __enter__(self) -> Events:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for fd in (self._ended, self._changed):
            if fd is not None:
                os.close(fd)


class Abandoned:
    """Waits for processes that lost their parent and became our children.

    Else they stay as zombies: whoever asks whether one still lives (``kill -0``) is told yes for ever.
    One that is dead at two looks in a row is waited for by nobody else; in between, the code that
    started it (a meter runs a program) has had its chance.
    """

    def __init__(self, command: int, proc: Path = Path("/proc")) -> None:
        self._command = command
        self._proc = proc
        self._before: set[int] = set()
        self._looked = time.monotonic()

    def look(self) -> None:
        """Wait for those that were dead before. One system call when there is none."""
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS or not hasattr(os, "waitid"):
            return
        self._looked = now
        try:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except OSError:
            return
        if found is None:
            self._before = set()
            return
        dead = {pid for pid in self._children() if pid != self._command and self._is_dead(pid)}
        for pid in dead & self._before:
            with suppress(OSError):
                os.waitpid(pid, os.WNOHANG)
        self._before = dead - self._before

    def _children(self) -> list[int]:
        found: list[int] = []
        for path in (self._proc / "self/task").glob("*/children"):
            with suppress(OSError):
                found.extend(map(int, path.read_bytes().split()))
        return found

    def _is_dead(self, pid: int) -> bool:
        try:
            text = (self._proc / str(pid) / "stat").read_bytes()
        except OSError:
            return False
        return text[text.rfind(b")") + 2 :][:1] == b"Z"  # proc(5): state, after the name in brackets


def _pidfd(pid: int) -> int | None:
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None  # an old kernel, or forbidden here


def _inotify(folder: Path) -> int | None:
    import ctypes

    try:
        libc = ctypes.CDLL(None, use_errno=True)
        fd = int(libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        if fd < 0:
            return None
        if libc.inotify_add_watch(fd, os.fsencode(folder), _IN_CHANGES) < 0:
            os.close(fd)
            return None
    except (OSError, AttributeError):
        return None
    return fd
