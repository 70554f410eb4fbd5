"""JSON lines that a measured program of any language writes to ``$WATTMARK_LOG``.

One JSON object per line::

    {"work": {"inferences": 100}, "failed": {"inferences": 2}}
    {"quality": {"accuracy": 0.97}}
    {"event": "begin", "window": "epoch 1", "stage": "training"}
    {"event": "end", "window": "epoch 1"}
    {"progress": 0.5}

A line that cannot be used is named by its number in the run file; the others count.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from wattmark.core.errors import WattmarkError
from wattmark.core.run import Dataset
from wattmark.measure.journal import Journal, amount

KNOWN = frozenset(
    {"work", "failed", "quality", "dataset", "progress", "precision", "higher_is_better", "event", "window"}
    | {"stage", "id", "parent"}
)
LONGEST = 1 << 20
"""Bytes of one line; a longer one is not a log entry."""
OVERWRITTEN = "the log was written anew: append to it (>> in a shell), or lines are lost"
KEPT = 64
"""Bytes at the end of what was read, by which a file that was written anew is noticed."""


class LineReader:
    """Follows a growing file; a line counts once it is ended by a newline."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._number = 0
        self._seen = (0, 0)
        self._last = b""
        self._skipping = False
        self.problems: list[str] = []
        """What is wrong with the file itself."""

    def grown(self) -> bool:
        """True when there is something new; costs one stat call."""
        try:
            now = os.stat(self._path)
        except OSError:
            return False
        return (now.st_size, now.st_mtime_ns) != self._seen

    def new_lines(self, final: bool = False) -> Iterator[tuple[int, bytes]]:
        """Whole new lines with their numbers; at the end also a last one without newline.

        Of a line that is too long only the beginning is given, and it is never held in memory whole.
        """
        try:
            with open(self._path, "rb") as file:
                now = os.fstat(file.fileno())
                if now.st_size and self._seen[0] == now.st_size and self._seen[1] != now.st_mtime_ns:
                    self.problems.append(f"line {self._number} may be one of several: {OVERWRITTEN}")
                self._seen = (now.st_size, now.st_mtime_ns)
                self._check_what_was_read(file)
                yield from self._lines(file, final)
        except FileNotFoundError:
            return  # nobody has written a line yet
        except OSError as error:
            self.problems.append(f"the log could not be read: {error.strerror}")

    def _lines(self, file: BinaryIO, final: bool) -> Iterator[tuple[int, bytes]]:
        file.seek(self._offset)
        while True:
            line = file.readline(LONGEST + 1)
            ended = line.endswith(b"\n")
            if not line or not (ended or final or len(line) > LONGEST):
                return
            self._offset += len(line)
            self._last = line[-KEPT:]
            beginning = not self._skipping
            self._skipping = not ended
            if beginning:
                self._number += 1
                if line.strip():
                    yield self._number, line

    def _check_what_was_read(self, file: BinaryIO) -> None:
        """Whoever writes with ``>`` in place of ``>>`` overwrites earlier lines: start again, and say so."""
        file.seek(self._offset - len(self._last))
        if file.read(len(self._last)) != self._last:
            self._offset, self._last, self._skipping = 0, b"", False
            self.problems.append(f"after line {self._number} {OVERWRITTEN}")


class LineTaker:
    """Puts log lines into a journal and says which edges they mark."""

    def __init__(
        self,
        journal: Journal,
        begin: Callable[[str, str | None, int | None], int],
        end: Callable[[int], None],
    ) -> None:
        self._journal = journal
        self._begin = begin
        self._end = end
        self._windows: dict[str, int] = {}

    def take(self, number: int, line: bytes) -> None:
        """Use one line; what is wrong with it becomes a note of the run."""
        try:
            self._use(line)
        except (WattmarkError, TypeError, ValueError, RecursionError) as error:
            self._journal.note(f"line {number} of the log was ignored: {error}")

    def _use(self, line: bytes) -> None:
        import json  # only where lines come

        if len(line) > LONGEST:
            raise ValueError("longer than 1 MiB")
        entry = json.loads(line)
        if not isinstance(entry, dict):
            raise ValueError("not a JSON object")
        unknown = set(entry) - KNOWN
        if unknown:
            raise ValueError(f"unknown keys {', '.join(sorted(unknown))}; known: {', '.join(sorted(KNOWN))}")
        if "event" in entry:
            self._event(entry)
            return
        self._journal.log(
            work=_mapping(entry, "work"),
            failed=_mapping(entry, "failed"),
            quality=_mapping(entry, "quality"),
            dataset=_dataset(entry),
            progress=entry.get("progress"),
            precision=_of_type(entry, "precision", str, "a text"),
            higher_is_better=_of_type(entry, "higher_is_better", bool, "true or false"),
            window=self._windows.get(str(entry.get("id") or entry.get("window"))),
        )

    def _event(self, entry: Mapping[str, Any]) -> None:
        name = _of_type(entry, "window", str, "a text") or ""
        key = str(entry.get("id") or name)
        if not key:
            raise ValueError("an event needs the name of its window")
        if entry["event"] == "begin":
            if key in self._windows:
                raise ValueError(f"window {key!r} is open already: end it first, or give each its own id")
            stage = _of_type(entry, "stage", str, "a text")
            self._windows[key] = self._begin(name or key, stage, self._windows.get(str(entry.get("parent"))))
        elif entry["event"] == "end":
            if key not in self._windows:
                raise ValueError(f"window {key!r} was not begun")
            self._end(self._windows.pop(key))
        else:
            raise ValueError(f"event is {entry['event']!r}: it is begin or end")


def _mapping(entry: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = entry.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError(f"{key} must be an object such as {{'inferences': 100}}")
    return value


def _of_type(entry: Mapping[str, Any], key: str, kind: type, said: str) -> Any:
    """A value of that type or None: a run file must be readable whatever a program writes."""
    value = entry.get(key)
    if value is not None and not isinstance(value, kind):
        raise ValueError(f"{key} must be {said}")
    return value


def _dataset(entry: Mapping[str, Any]) -> Dataset | None:
    if entry.get("dataset") is None:
        return None
    told = {key: value for key, value in _mapping(entry, "dataset").items() if value is not None}
    whole_numbers = ("rows", "total_bytes", "unique_bytes")
    for key, value in told.items():
        kind = int if key in whole_numbers else bool if key == "declared" else str
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ValueError(f"dataset: {key} must be of type {kind.__name__}")
        if kind is int:
            amount(f"dataset: {key}", value)
    return Dataset(**told)
