"""A file that only grows, line by line, each with its checksum: what is in it whole was written whole.

A process that is killed in the middle of a line leaves half of one; it is cut off when the file is opened
again. The lock beside it is given back by the kernel when its process dies, however it dies.
"""

from __future__ import annotations

import json
import os
import weakref
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from wattmark.core.errors import EvidenceError
from wattmark.frames import locked, sync_folder

JOURNAL = "journal.jsonl"
FLAGS = os.O_RDWR | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)  # each is on some systems only
SETTLED = "settled"
"""Kind of the mark after which what stands before it is on the disk."""
HELD = "{}: another process is writing this benchmark: wait for it, or give another folder"


_OPEN: weakref.WeakSet[Journal] = weakref.WeakSet()


def _forget_in_child() -> None:
    """A forked child has copies of our files: with them it would hold the lock after we were killed."""
    for journal in list(_OPEN):
        journal.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)


class Journal:
    """One writer's file of records. A record is a kind and plain JSON."""

    def __init__(self, folder: Path, *, new: bool) -> None:
        """Open the journal of a folder. Raises EvidenceError for a damaged one, UsageError for a held one."""
        self.path = folder / JOURNAL
        self.cut_bytes = 0
        """How much of a half line was cut off."""
        self._folder = folder
        with _told(folder):
            if new:
                folder.mkdir(parents=True, exist_ok=True)
            # A file system without locks is no reason not to measure there.
            self._release = locked(folder, HELD.format(folder.parent), must=False)
        try:
            with _told(folder):
                self._file = os.open(self.path, FLAGS | (os.O_CREAT if new else 0), 0o644)
        except BaseException:
            self._release()
            raise
        _OPEN.add(self)
        try:
            self._size = self._cut()
        except BaseException:
            self.close()
            raise
        if new:
            with _told(folder):
                sync_folder(folder)

    def append(self, kind: str, record: Any) -> None:
        """Add a record. Raises EvidenceError when it does not fit onto the disk; the rest stays whole."""
        try:
            line = _line(kind, record)
        except (ValueError, TypeError, RecursionError) as error:
            raise EvidenceError(str(self._folder), f"{kind} cannot be kept: {error}") from None
        try:
            written = os.write(self._file, line)
            while written < len(line):
                written += os.write(self._file, line[written:])
        except OSError as error:
            with suppress(OSError):  # no room for even that: the half line is cut off by whoever resumes
                os.ftruncate(self._file, self._size)
                os.lseek(self._file, self._size, os.SEEK_SET)
            raise _cannot(self._folder, error) from None
        self._size += len(line)

    def settle(self) -> None:
        """Wait until everything so far is on the disk. Raises EvidenceError."""
        self.append(SETTLED, self._size)
        with _told(self._folder):
            os.fsync(self._file)

    def records(self) -> Iterator[tuple[str, Any]]:
        """Every record so far, from the disk. Raises EvidenceError for a damaged line."""
        with _told(self._folder):
            text = self.path.read_bytes()[: self._size]
        for number, line in enumerate(text.split(b"\n")[:-1], start=1):
            found = _parsed(line)
            if found is None:
                raise EvidenceError(f"{self.path}:{number}", "is damaged: its checksum is not right")
            if found[0] != SETTLED:
                yield found

    @property
    def empty(self) -> bool:
        """Whether nothing was ever recorded."""
        return self._size == 0

    def close(self) -> None:
        """Let go of the file and the lock."""
        with suppress(OSError):
            os.close(self._file)
        self._file = -1
        self._release()

    def _cut(self) -> int:
        """Cut off what was written by halves at the end. Raises EvidenceError for damage before that."""
        with _told(self._folder):
            text = self.path.read_bytes()
        good = 0
        lines = text.split(b"\n")
        for number, line in enumerate(lines[:-1], start=1):
            if _parsed(line) is None:
                if any((later := _parsed(rest)) and later[0] == SETTLED for rest in lines[number:]):
                    raise EvidenceError(f"{self.path}:{number}", "is damaged: its checksum is not right")
                break
            good += len(line) + 1
        self.cut_bytes = len(text) - good
        if self.cut_bytes:
            with _told(self._folder):
                os.ftruncate(self._file, good)
                os.fsync(self._file)
        os.lseek(self._file, good, os.SEEK_SET)
        return good


class _told:
    """Turns what the system says into an error that names the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise _cannot(self._folder, error) from None


def _cannot(folder: Path, error: OSError) -> EvidenceError:
    problem = f"cannot be written: {error.strerror or error}"
    if (folder / JOURNAL).exists():
        problem += "; what was recorded before stays, and the benchmark can be resumed from it"
    return EvidenceError(str(folder), problem)


def _line(kind: str, record: Any) -> bytes:
    body = json.dumps([kind, record], allow_nan=False, separators=(",", ":")).encode("ascii")
    return b"%08x %s\n" % (zlib.crc32(body), body)


def _parsed(line: bytes) -> tuple[str, Any] | None:
    """Kind and record of a line; None for one that is not whole."""
    try:
        if int(line[:8], 16) != zlib.crc32(line[9:]) or line[8:9] != b" ":
            return None
        kind, record = json.loads(line[9:])
    except (ValueError, TypeError, RecursionError):
        return None
    return (kind, record) if isinstance(kind, str) else None
