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

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from wattmark.core.errors import WattmarkError
from wattmark.core.run import Dataset
from wattmark.measure.journal import Journal

KNOWN = frozenset(
    {"work", "failed", "quality", "dataset", "progress", "precision", "higher_is_better", "event", "window"}
    | {"stage", "id", "parent"}
)
LONGEST = 1 << 20
"""Bytes of one line; a longer one is not a log entry."""


class LineReader:
    """Follows a growing file; a line counts once it is ended by a newline."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._number = 0

    def grown(self) -> bool:
        """True when there is something new; costs one stat call."""
        try:
            return os.stat(self._path).st_size > self._offset
        except OSError:
            return False

    def new_lines(self, final: bool = False) -> Iterator[tuple[int, bytes]]:
        """Whole new lines with their numbers; at the end also a last one without newline."""
        try:
            with open(self._path, "rb") as file:
                file.seek(self._offset)
                content = file.read()
        except OSError:
            return
        whole = content if final else content[: content.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.split(b"\n"):
            self._number += 1
            if line.strip():
                yield self._number, line
        if whole.endswith(b"\n"):
            self._number -= 1  # the empty piece behind the last newline is no line


class LineTaker:
    """Puts log lines into a journal and says which edges they mark."""

    def __init__(self, journal: Journal, cut: Callable[[], float]) -> None:
        self._journal = journal
        self._cut = cut
        self._windows: dict[str, int] = {}

    def take(self, number: int, line: bytes) -> None:
        """Use one line; what is wrong with it becomes a note of the run."""
        try:
            self._use(line)
        except (WattmarkError, TypeError, ValueError) as error:
            self._journal.notes.append(f"line {number} of the log was ignored: {error}")

    def _use(self, line: bytes) -> None:
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
            dataset=Dataset(**_mapping(entry, "dataset")) if entry.get("dataset") is not None else None,
            progress=entry.get("progress"),
            precision=entry.get("precision"),
            higher_is_better=entry.get("higher_is_better"),
            window=self._windows.get(str(entry.get("id") or entry.get("window"))),
        )

    def _event(self, entry: Mapping[str, Any]) -> None:
        name = str(entry.get("window", ""))
        key = str(entry.get("id") or name)
        if not name and "id" not in entry:
            raise ValueError("an event needs the name of its window")
        now = self._cut()
        if entry["event"] == "begin":
            parent = self._windows.get(str(entry.get("parent")))
            self._windows[key] = self._journal.begin(name, entry.get("stage"), parent, now)
        elif entry["event"] == "end":
            if key not in self._windows:
                raise ValueError(f"window {key!r} was not begun")
            self._journal.end(self._windows.pop(key), now)
        else:
            raise ValueError(f"event is {entry['event']!r}: it is begin or end")


def _mapping(entry: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = entry.get(key) or {}
    if not isinstance(value, dict):
        raise ValueError(f"{key} must be an object such as {{'inferences': 100}}")
    return value
