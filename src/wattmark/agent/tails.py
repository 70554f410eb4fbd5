"""Request logs that are followed while others write them: through rotation, truncation and restarts."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from wattmark.agent.entries import FileMark
from wattmark.agent.intake import LONGEST_LINE, Intake, NoRoom

AT_ONCE = 1 << 20
"""Bytes that are taken in one go; the rest waits for the next."""


class Tail:
    """One log. What was there before the agent first saw it is left alone."""

    def __init__(self, path: Path, mark: FileMark | None) -> None:
        self.path = path
        self.trouble = ""
        """Why nothing can be read; empty while it can."""
        self._mark = mark
        self._file: int | None = None
        self._id = ""
        self._offset = 0
        self._overlong = False
        self._first = True

    def follow(self, intake: Intake) -> None:
        """Take the lines that came since. What there is no room for is read again later."""
        try:
            if self._first:
                self._begin()
                self._first = False  # only now: what cannot be looked at yet is not a new log when it can
            if self._file is None:
                self._open_named()
            if self._file is not None and self._read(intake) == 0:
                self._rotated(intake)
            self.trouble = ""
        except NoRoom as error:
            self.trouble = str(error)
        except OSError as error:
            self.trouble = f"{self.path}: {error.strerror or error}"

    def _begin(self) -> None:
        if self._mark is not None and (old := _find(self.path, self._mark.file)) is not None:
            self._open(old)
            self._offset = self._mark.offset
        elif self._mark is None:
            self._open_named()
            if self._file is not None:
                self._offset = _line_start(self._file, os.fstat(self._file).st_size)

    def _open_named(self) -> None:
        try:
            self._open(self.path)
        except FileNotFoundError:
            return  # it is not written yet

    def _open(self, path: Path) -> None:
        # A pipe without a writer would be waited for here, and the meters with it.
        flags = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
        file = os.open(path, flags)
        told = os.fstat(file)
        if not stat.S_ISREG(told.st_mode):
            os.close(file)
            raise OSError(errno.EINVAL, "is no file that can be followed: pipes and folders cannot")
        self._file, self._id, self._offset = file, _id_of(told), 0

    def _rotated(self, intake: Intake) -> None:
        """At the end of the file: go on with the one that now has its name, if that is another."""
        try:
            named = os.stat(self.path)
        except FileNotFoundError:
            return  # moved away, and no new one yet
        if _id_of(named) != self._id:
            while self._read(intake):
                pass  # what was written to the old one meanwhile
            self.close()
            self._open_named()
            self._overlong = False
            if self._file is not None:
                self._read(intake)

    def _read(self, intake: Intake) -> int:
        """Take whole lines; gives how many bytes they were."""
        assert self._file is not None
        size = os.fstat(self._file).st_size
        if size < self._offset:
            self._offset, self._overlong = 0, False  # it was cut off and is written anew
        if size == self._offset:
            return 0
        data = os.pread(self._file, AT_ONCE, self._offset)
        whole = data.rfind(b"\n") + 1
        if not whole:
            if len(data) < LONGEST_LINE * 2:
                return 0  # a line that is still being written
            whole, lines = len(data), []
            if not self._overlong:
                intake.refuse("too_long", f"{self.path}: a line is longer than {LONGEST_LINE} bytes")
            self._overlong = True
        else:
            lines = data[: whole - 1].split(b"\n")
            if self._overlong:
                lines, self._overlong = lines[1:], False
        mark = FileMark(str(self.path), self._id, self._offset + whole)
        intake.take(lines, "file", mark)
        self._offset += whole
        return whole

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _id_of(told: os.stat_result) -> str:
    return f"{told.st_dev}:{told.st_ino}"


def _find(path: Path, file_id: str) -> Path | None:
    """The log that was read before, under its name or, once it was rotated, one beside it."""
    try:
        if _id_of(os.stat(path)) == file_id:
            return path
    except FileNotFoundError:
        pass  # look beside it
    try:
        with os.scandir(path.parent) as entries:
            for entry in entries:
                if entry.name.startswith(path.stem) and _id_of(os.stat(entry.path)) == file_id:
                    return Path(entry.path)
    except OSError:
        return None  # what was rotated cannot be found: go on with the new one
    return None


def _line_start(file: int, size: int) -> int:
    """Where the line that is being written at the end of a file begins."""
    start = max(0, size - LONGEST_LINE)
    return start + os.pread(file, size - start, start).rfind(b"\n") + 1
