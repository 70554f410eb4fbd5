"""Settled requests on disk: one JSON line each, appended once a window by a thread of its own.

Lines are whole: a disk that takes half of them has that half taken back, and half a line that a killed agent
left is ended before the next one. What was written is synced before anything else is. What the disk refuses
waits in memory, up to a limit; beyond it the oldest lines are dropped, and counted.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

SUFFIX = ".jsonl"
MOST_BYTES = 256 << 20
"""A file in a folder that is larger is not appended to."""
MOST_WAITING = 50_000
"""Lines that wait for the disk, some 35 MB."""
AGAIN_SECONDS = 60.0
STOP_SECONDS = 10.0
"""How long the end waits for the disk."""

Say = Callable[[str], None]


class SettledFile:
    """Appends to ``FILE.jsonl``, or to a file by day in a folder. One that was moved away is begun anew."""

    def __init__(
        self,
        place: Path,
        say: Say,
        utc_us: Callable[[], int],
        *,
        most_bytes: int = MOST_BYTES,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self.written = 0
        """Lines that are on the disk."""
        self.lost = 0
        """Lines that were dropped because the disk did not take them."""
        self.trouble = ""
        """Why the disk does not take them; empty while it does."""
        self._place = place
        self._say = say
        self._utc_us = utc_us
        self._most_bytes = most_bytes
        self._most_waiting = most_waiting
        self._waiting: deque[bytes] = deque()
        self._stopping = False
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._go, name="wattmark-settled", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Lines that are in memory alone."""
        return len(self._waiting)

    def put(self, lines: Sequence[bytes]) -> None:
        """Hand over lines without their ends. Never waits for the disk."""
        if not lines:
            return
        with self._wake:
            self._waiting.extend(lines)
            while len(self._waiting) > self._most_waiting:
                self._waiting.popleft()
                self.lost += 1
            self._wake.notify()

    def stop(self) -> str:
        """Write what waits; says what could not be, if anything."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join(STOP_SECONDS)
        return (
            f"{len(self._waiting)} settled requests were not written: {self.trouble}" if self._waiting else ""
        )

    def _go(self) -> None:
        failed = False
        while True:
            with self._wake:
                if failed:  # not at once again: with the next window, or after a while
                    self._wake.wait_for(lambda: self._stopping, 0 if self._stopping else AGAIN_SECONDS)
                self._wake.wait_for(lambda: self._waiting or self._stopping)
                lines, last = list(self._waiting), self._stopping
            failed = bool(lines) and not self._wrote(lines)
            if last:
                return

    def _wrote(self, lines: Sequence[bytes]) -> bool:
        try:
            append(self._file(), b"\n".join(lines) + b"\n")
        except OSError as error:
            self._tell(f"{self._place}: settled requests wait in memory: {error.strerror or error}")
            return False
        with self._wake:
            self.written += len(lines)
            held = set(map(id, lines))
            left = len(lines)
            while self._waiting and id(self._waiting[0]) in held:
                self._waiting.popleft()
                left -= 1
            self.lost -= left  # dropped meanwhile for want of room, and on the disk all the same
        self._tell("")
        return True

    def _file(self) -> Path:
        """Where the next lines go. Raises OSError."""
        if self._place.suffix == SUFFIX:
            return self._place
        self._place.mkdir(parents=True, exist_ok=True, mode=0o750)
        day = datetime.fromtimestamp(self._utc_us() / 1e6, UTC).date().isoformat()
        number = 0
        while True:
            name = f"requests-{day}.{number}" if number else f"requests-{day}"
            path = self._place / f"{name}{SUFFIX}"
            if not path.exists() or path.stat().st_size < self._most_bytes:
                return path
            number += 1

    def _tell(self, trouble: str) -> None:
        if trouble and trouble != self.trouble:
            self._say(trouble)
        elif self.trouble and not trouble:
            self._say("the disk takes settled requests again")
        self.trouble = trouble


def append(path: Path, data: bytes) -> None:
    """Append whole lines, durably, or nothing. Raises OSError."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
    file = os.open(path, flags, 0o640)
    try:
        size = os.fstat(file).st_size
        if size and os.pread(file, 1, size - 1) != b"\n":
            data = b"\n" + data  # an agent was killed while it wrote
        written = 0
        try:
            while written < len(data):
                written += os.write(file, data[written:])
            os.fsync(file)
        except OSError:
            if written and os.fstat(file).st_size == size + written:
                os.ftruncate(file, size)
            raise
    finally:
        os.close(file)
