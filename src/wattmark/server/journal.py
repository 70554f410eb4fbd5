"""Points that were acknowledged and are not yet in the ledger: append-only files, and what to go on with.

A journal is a folder of one listener:

- ``<number>.journal``: frames of points. A file is begun, filled, closed and never opened for writing again.
- ``state``: up to which file everything is in the ledger, and the last point of each series up to there.
- ``lock``: held while the listener runs.

A closed file and the state before it give the same samples however often they are worked out, and the
ledger knows samples by their content. So a listener that was killed between landing a file and writing the
state lands it again, and it counts once. What is kept of a point is its series, as the ledger will hold it,
its times and its value: attributes that are not in the mapping never reach the disk.

Frames hold MessagePack and are written as ``wattmark.frames`` says.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from math import nan
from pathlib import Path
from typing import cast

import msgspec

from wattmark.core.errors import LedgerError, UsageError
from wattmark.frames import FrameFile, framed, locked, replace_durably, sync_folder, whole_frames
from wattmark.sources.otlp_intake import Points
from wattmark.sources.otlp_names import Series
from wattmark.sources.otlp_state import State

SUFFIX = ".journal"
FORMAT = 1


class Frame(msgspec.Struct, array_like=True):
    """Points of one request: the series that are new in this file, then columns in native byte order."""

    series: list[Series]
    """Numbered in the order in which they come, over the whole file."""
    of: bytes
    """Of each point its series, 32 bits."""
    start_ns: bytes
    """64 bits, as the two that follow."""
    time_ns: bytes
    values: bytes
    """Doubles; NaN: not recorded."""


class _Top(msgspec.Struct, array_like=True):
    """The first frame of a file: what its points are worked out with."""

    format: int
    longest_gap_us: int


class _Kept(msgspec.Struct, array_like=True):
    format: int
    number: int
    state: State


class JournalFile:
    """A file of a journal while it is written. Frames are made in one thread; another may write them."""

    def __init__(self, path: Path, number: int, longest_gap_us: int) -> None:
        self.number = number
        self.path = path
        self.points = 0
        self._ids: dict[Series, int] = {}
        self._file = FrameFile(path)
        try:
            self.write([framed(msgspec.msgpack.encode(_Top(FORMAT, longest_gap_us)))])
        except OSError:
            self.close()
            raise

    @property
    def size(self) -> int:
        """Bytes that are durable."""
        return self._file.size

    def frame(self, points: Points) -> bytes:
        """Points as a frame of this file; frames are written in the order in which they were made."""
        ids = self._ids
        new: list[Series] = []
        try:
            of = [ids[s] for s in points.series]
        except KeyError:
            for series in points.series:
                if series not in ids:
                    ids[series] = len(ids)
                    new.append(series)
            of = [ids[s] for s in points.series]
        self.points += len(of)
        frame = Frame(
            new,
            array("I", of).tobytes(),
            array("q", points.start_ns).tobytes(),
            array("q", points.time_ns).tobytes(),
            array("d", _recorded(points.values)).tobytes(),
        )
        return framed(msgspec.msgpack.encode(frame))

    def write(self, frames: Sequence[bytes]) -> None:
        """Append frames and make them durable. Raises OSError; then nothing may be appended any more."""
        self._file.append(frames)

    def close(self) -> None:
        """No more frames."""
        self._file.close()


def _recorded(values: list[float | None]) -> list[float]:
    """With NaN for what was not recorded."""
    if None in values:
        return [nan if value is None else value for value in values]
    return cast("list[float]", values)


def frames_of(path: Path) -> tuple[int, Iterator[Frame]]:
    """The longest gap that a journal file's points are worked out with, and its frames.

    Raises LedgerError for a file that a newer wattmark wrote.
    """
    frames = whole_frames(path)
    first = next(frames, None)
    if first is None:
        return 0, iter(())
    top = msgspec.msgpack.decode(first, type=_Top)
    if top.format > FORMAT:
        raise LedgerError(str(path), "was written by a newer wattmark: upgrade this one")
    return top.longest_gap_us, (msgspec.msgpack.decode(data, type=Frame) for data in frames)


class Journal:
    """The folder of one listener. Raises UsageError when another one has it."""

    def __init__(self, folder: Path, longest_gap_us: int) -> None:
        self.folder = folder
        self._longest_gap_us = longest_gap_us
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = locked(
            folder, f"{folder}: another listener has this journal: give each its own --journal"
        )
        self.landed, self.state = self._read_state()
        for path in self._files():
            if _number(path) <= self.landed:
                path.unlink()  # it is in the ledger; the listener was killed before it could remove it
        self._last = max([self.landed, *map(_number, self._files())])

    def _read_state(self) -> tuple[int, State]:
        try:
            data = (self.folder / "state").read_bytes()
        except FileNotFoundError:
            return 0, State()
        try:
            kept = msgspec.msgpack.decode(data, type=_Kept)
        except msgspec.DecodeError as error:
            raise LedgerError(str(self.folder / "state"), f"is not a listener's state: {error}") from None
        if kept.format > FORMAT:
            raise LedgerError(str(self.folder / "state"), "was written by a newer wattmark: upgrade this one")
        return kept.number, kept.state

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob(f"*{SUFFIX}"), key=_number)

    def waiting(self) -> list[Path]:
        """Files whose points are not in the ledger yet, in order; the newest may still be written."""
        return [path for path in self._files() if _number(path) > self.landed]

    def begin(self) -> JournalFile:
        """A new file, durable under its name. Raises OSError."""
        self._last += 1
        path = self.folder / f"{self._last:012d}{SUFFIX}"
        try:
            file = JournalFile(path, self._last, self._longest_gap_us)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        sync_folder(self.folder)
        return file

    def done(self, path: Path, state: State) -> None:
        """The points of a file are in the ledger: from now on the next file goes on from ``state``."""
        self._go_on(_number(path), state)
        path.unlink()

    def copy_aside(self, path: Path) -> Path:
        """Keep a copy of a file under another name, which nothing lands or removes; gives the name."""
        kept = path.with_suffix(".refused")
        kept.write_bytes(path.read_bytes())
        return kept

    def _go_on(self, number: int, state: State) -> None:
        kept = msgspec.msgpack.encode(_Kept(FORMAT, number, state))
        replace_durably(self.folder / "state", kept)
        self.landed, self.state = number, state

    def close(self) -> None:
        """Let another listener have the folder."""
        self._lock()


def _number(path: Path) -> int:
    try:
        return int(path.name.removesuffix(SUFFIX))
    except ValueError:
        raise UsageError(f"{path}: is not a file of a listener's journal: give a folder of its own") from None
