"""Where a run is kept while it goes on, and how it lands: whole or not at all.

A spool file is replaced atomically at every checkpoint. Beside it lies a lock that the kernel gives
back when its process dies, however it dies; a spool file whose lock is free is an orphan, which
the next wattmark process closes as interrupted.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from wattmark.core.plain import plain
from wattmark.core.run import SCHEMA, Run, Status

try:
    import fcntl
except ImportError:  # Windows has no such lock: an orphan stays where it is, to be read from there
    fcntl = None  # type: ignore[assignment]

SUFFIX = ".run.json"
FOLDER = ".open"
ABANDONED_SECONDS = 3600.0
"""A temporary file is written within moments; one so old belongs to nobody."""


class Spool:
    """One run's place on disk, from first checkpoint to landing."""

    def __init__(self, out: Path, record_id: str, stamp: str, outbox: Path | None = None) -> None:
        self.final = out / f"{stamp}-{record_id[:8]}{SUFFIX}"
        """Where the run file lands."""
        self._full_name = f"{stamp}-{record_id}{SUFFIX}"
        self._outbox = outbox
        self.folder = out
        self._folder = out / FOLDER
        self._path = self._folder / f"{record_id}{SUFFIX}"
        self._lock_path = self._folder / f"{record_id}.lock"
        self.log_path = self._folder / f"{record_id}.log"
        self._lock: IO[str] | None = None

    def open(self) -> None:
        """Make the folder and take the lock. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        # Locked before it gets its name, so that nobody takes it for an orphan's.
        unnamed = self._folder / f"{self._lock_path.name}.{os.getpid()}.tmp"
        self._lock = open(unnamed, "w", encoding="utf-8", errors="surrogateescape")  # noqa: SIM115 - held until landing
        if fcntl is not None:
            with suppress(OSError):  # a file system without locks: nobody can take ours for an orphan's there
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._lock.write(f"{os.getpid()} {self.final.name}\n{self._outbox or ''}")
        self._lock.flush()
        os.replace(unnamed, self._lock_path)

    def checkpoint(self, run: Run) -> None:
        """Replace the spool file. Raises OSError; the previous checkpoint then stays.

        It is written compactly: only then does Python use its fast encoder, inside the measured program.
        """
        text = json.dumps(plain(run), allow_nan=False, ensure_ascii=False)
        replace_file(self._path, _encoded(text), self._folder)

    def land(self, document: bytes) -> Path:
        """Put the finished run file in its place and clear the spool. Raises OSError."""
        if self.final.exists():  # of a thousand that start within one second two may begin alike
            self.final = self.final.with_name(self._full_name)
        try:
            replace_file(self.final, document, self._folder)
        except FileNotFoundError:  # somebody has removed the folder meanwhile
            self._folder.mkdir(parents=True, exist_ok=True)
            replace_file(self.final, document, self._folder)
        self.discard()
        return self.final

    def discard(self) -> None:
        """Forget the spool file and give the lock back."""
        for path in (self._path, self.log_path, self._lock_path):
            path.unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def forget_lock(self) -> None:
        """In a forked child: close our copy of the lock without releasing the parent's."""
        if self._lock is not None:
            self._lock.close()  # flock belongs to the open file, which the parent still holds
            self._lock = None


def write_atomically(path: Path, run: Run, folder: Path) -> None:
    """Write a run file whole or not at all; see :func:`replace_file`. Raises OSError."""
    replace_file(path, document_of(run), folder)


def document_of(run: Run) -> bytes:
    """A run file's bytes. Raises ValueError for a number that JSON has no word for."""
    return _encoded(json.dumps(plain(run), indent=1, allow_nan=False, ensure_ascii=False))


def _encoded(text: str) -> bytes:
    # Half a character, as odd file names hold, becomes a question mark: the file must stay readable.
    return f"{text}\n".encode("utf-8", errors="replace")


def replace_file(path: Path, data: bytes, folder: Path) -> None:
    """Write a file so that a reader, or a crash, sees the old one or the new one, never half.

    The temporary file lies in ``folder``, on the same file system. Raises OSError.
    """
    temporary = folder / f"{path.name}.{os.getpid()}.tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def keep(folder: Path, name: str, document: bytes) -> None:
    """Put a run file into a folder, whole or not at all. Raises OSError."""
    parts = folder / FOLDER
    parts.mkdir(parents=True, exist_ok=True)
    replace_file(folder / name, document, parts)


def close_orphans(out: Path) -> list[Path]:
    """Land what killed processes left behind, as interrupted. Says which files were made.

    A process that is being closed by two others at once is closed by the one that gets its lock.
    """
    landed: list[Path] = []
    folder = out / FOLDER
    if not folder.is_dir():
        return landed
    for lock_path in sorted(folder.glob("*.lock")):
        try:
            lock = open(lock_path, "r+", encoding="utf-8", errors="surrogateescape")  # noqa: SIM115 - closed below
        except OSError:
            continue
        with lock:
            if not _is_free(lock):
                continue
            try:
                name, _, outbox = lock.read().partition(" ")[2].partition("\n")
                made = _close_orphan(out, lock_path, name, Path(outbox) if outbox else None)
            except (OSError, ValueError, TypeError):
                continue  # a full disk, or a folder that is not ours: it stays an orphan for the next one
            if made is not None:
                landed.append(made)
    _sweep(folder)
    return landed


def _is_free(lock: IO[str]) -> bool:
    if fcntl is not None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        # Its owner may have landed and removed it between our opening and locking it.
        return os.fstat(lock.fileno()).st_nlink > 0
    return False


def _close_orphan(out: Path, lock_path: Path, final_name: str, outbox: Path | None) -> Path | None:
    spool = lock_path.with_name(lock_path.stem + SUFFIX)
    made: Path | None = None
    document = _document(spool)
    if document is not None:
        final = out / (final_name or f"interrupted-{lock_path.stem[:8]}{SUFFIX}")
        if not final.exists():
            document["status"] = Status.INTERRUPTED.value
            document["seq"] = int(document.get("seq", 0)) + 1
            data = _encoded(json.dumps(document, indent=1, ensure_ascii=False))
            if outbox is not None:  # first, for it is not done again once the file is in its place
                with suppress(OSError):  # it was another machine's, or another user's
                    keep(outbox, final.name, data)
            replace_file(final, data, lock_path.parent)
            made = final
    for path in (spool, lock_path.with_suffix(".log"), lock_path):
        path.unlink(missing_ok=True)
    return made


def _document(path: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None  # killed before the first checkpoint: there is nothing to land
    return dict(document) if isinstance(document, Mapping) and document.get("schema") == SCHEMA else None


def _sweep(folder: Path) -> None:
    """Remove temporary files that nobody can still be writing.

    By age and not by process: on a shared folder the writer may run on another machine.
    """
    late = [
        p for p in folder.glob("*.log") if not p.with_suffix(".lock").exists()
    ]  # written after the run landed
    for path in (*folder.glob("*.tmp"), *late):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > ABANDONED_SECONDS:
                path.unlink()
