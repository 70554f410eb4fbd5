"""The agent's write-ahead journal: a folder of files of entries, and how far they are done with.

- ``<number>.journal``: entries as frames (wattmark.frames). A new file is begun every minute.
- ``state``: up to which moment the windows are in the spool, and under which number the last of them.
- ``lock``: held while the agent runs.

An entry outlives the process as soon as it is written, and a loss of power once the file was synced, which
happens every minute. While the disk takes nothing, entries wait in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from wattmark.agent.entries import FORMAT, Entry, Head, decode, encode
from wattmark.core.errors import LedgerError, UsageError
from wattmark.frames import FrameFile, framed, locked, replace_durably, sync_folder, whole_frames

SUFFIX = ".journal"
MOST_WAITING = 64 << 20
"""Bytes of entries that wait in memory for a full disk; more are refused."""
KEPT_US = 300 * 1_000_000
"""A file is kept for so long after all of it is done: what begins anew needs what came shortly before."""


class State(msgspec.Struct, array_like=True, frozen=True):
    """How far the journal is done with."""

    format: int = FORMAT
    number: int = 0
    """Of the last file of windows in the spool."""
    done_us: int = 0
    """Windows are in the spool until then, in the agent's time; 0: none yet."""


class Journal:
    """The folder of one agent. Raises UsageError when another agent has it, or nothing can be kept there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trouble = ""
        """Why entries wait in memory; empty while the disk takes them."""
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._release = locked(
                folder, f"{folder}: another agent runs here: give each its own folder with --state"
            )
        except OSError as error:
            raise UsageError(
                f"{folder}: no journal can be kept there: {error.strerror}; name a folder on a local disk "
                "that this user may write to, with --state"
            ) from None
        self.state = self._read_state()
        self._closed: list[tuple[Path, int]] = [(path, 0) for path in self._files()]
        self._last = max((_number(path) for path, _ in self._closed), default=0)
        self._file: FrameFile | None = None
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._dirty = False

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob(f"*{SUFFIX}"), key=_number)

    def _read_state(self) -> State:
        path = self.folder / "state"
        try:
            state = msgspec.msgpack.decode(path.read_bytes(), type=State)
        except FileNotFoundError:
            return State()
        except (msgspec.DecodeError, OSError) as error:
            raise LedgerError(str(path), f"is not an agent's state: {error}") from None
        if state.format > FORMAT:
            raise LedgerError(str(path), "was written by a newer wattmark: upgrade this one")
        return state

    def replay(self) -> Iterator[Entry]:
        """What is in the journal, in its order; to be asked before anything is written."""
        for path, _ in self._closed:
            for data in whole_frames(path):
                try:
                    entry = decode(data)
                except msgspec.DecodeError as error:
                    raise LedgerError(str(path), f"is not an agent's journal: {error}") from None
                if isinstance(entry, Head) and entry.format > FORMAT:
                    raise LedgerError(str(path), "was written by a newer wattmark: upgrade this one")
                yield entry

    def begin(self, head: Head, now_us: int) -> None:
        """Go on in a new file; the one before is synced. Older files that are done with are removed."""
        self.sync()
        self._close_file(now_us)
        self._closed = [(path, closed_us or now_us) for path, closed_us in self._closed]
        self.write(head)
        self._forget()

    def _close_file(self, now_us: int) -> None:
        if self._file is not None:
            self._closed.append((self._file.path, now_us))
            self._file.close()
            self._file = None

    def write(self, entry: Entry) -> bool:
        """Append an entry; False when there is no room for it, not even in memory.

        True also while it waits in memory: see :attr:`trouble`.
        """
        frame = framed(encode(entry))
        if self._waiting:
            if self._waiting_bytes + len(frame) > MOST_WAITING:
                return False
            self._waiting.append(frame)
            self._waiting_bytes += len(frame)
            return True
        if not self._append([frame]):
            self._waiting.append(frame)
            self._waiting_bytes += len(frame)
        return True

    def retry(self) -> None:
        """Write what waits in memory, if the disk takes it now."""
        if self._waiting and self._append(self._waiting):
            self._waiting, self._waiting_bytes = [], 0

    def _append(self, frames: list[bytes]) -> bool:
        try:
            if self._file is None:
                self._open()
            assert self._file is not None
            self._file.append(frames, durable=False)
        except OSError as error:
            self.trouble = f"the journal cannot be written: {error.strerror or error}"
            if self._file is not None:
                self._close_file(0)  # what was cut off may be its last frame: go on in another one
            return False
        self._dirty = True
        self.trouble = ""
        return True

    def _open(self) -> None:
        self._last += 1
        path = self.folder / f"{self._last:012d}{SUFFIX}"
        try:
            self._file = FrameFile(path)
            sync_folder(self.folder)
        except OSError:
            path.unlink(missing_ok=True)
            self._file = None
            raise

    def sync(self) -> None:
        """Make durable what was written, where the disk lets us."""
        if self._dirty and self._file is not None:
            try:
                self._file.sync()
                self._dirty = False
            except OSError as error:
                self.trouble = f"the journal cannot be written: {error.strerror or error}"

    def commit(self, number: int, done_us: int) -> None:
        """The windows until a moment are in the spool under this number. Raises OSError."""
        state = State(FORMAT, number, done_us)
        replace_durably(self.folder / "state", encode(state))
        self.state = state

    def _forget(self) -> None:
        """Remove files of which all was done with long ago."""
        while self._closed and self._closed[0][1] + KEPT_US < self.state.done_us:
            try:
                self._closed[0][0].unlink(missing_ok=True)
            except OSError:
                return  # it is tried again
            self._closed.pop(0)

    def close(self) -> None:
        """Sync, and let another agent have the folder."""
        self.sync()
        if self._file is not None:
            self._file.close()
            self._file = None
        self._release()


def _number(path: Path) -> int:
    try:
        return int(path.name.removesuffix(SUFFIX))
    except ValueError:
        raise UsageError(f"{path}: is not a file of an agent's journal: give a folder of its own") from None
