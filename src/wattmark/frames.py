"""Append-only files of frames: what is written is there whole after a crash, or is not there at all.

A frame is its length and CRC-32 (eight bytes, little-endian) and its bytes. A file ends at its first frame
that is not whole: that is where a write was cut off, and nothing behind it was acknowledged. Listener and
agent keep their journals in such files. The lock of a folder and names that outlive a loss of power are here
too, for whoever writes files that must not be lost.
"""

from __future__ import annotations

import errno
import os
import struct
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from wattmark.core.errors import UsageError

HEAD = struct.Struct("<II")
LOCK = "lock"
"""The file in a folder that is locked."""
MOST_FRAME = 1 << 30
"""A frame is never longer: a length above this is no length."""
UNKNOWN_THERE = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK)
"""What file systems answer that know no locks, or whose folders cannot be synced."""


def framed(data: bytes) -> bytes:
    """Bytes as a frame."""
    return HEAD.pack(len(data), zlib.crc32(data)) + data


def whole_frames(path: Path) -> Iterator[bytes]:
    """What the frames of a file hold, up to the first that is not whole."""
    with open(path, "rb") as file:
        while len(head := file.read(HEAD.size)) == HEAD.size:
            length, checksum = HEAD.unpack(head)
            data = file.read(length) if length <= MOST_FRAME else b""
            if len(data) < length or zlib.crc32(data) != checksum:
                return
            yield data


class FrameFile:
    """A new file that takes frames until it is closed. Raises OSError where it cannot be made."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        flags |= getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        self._file = os.open(path, flags, 0o600)

    def append(self, frames: Sequence[bytes], *, durable: bool = True) -> None:
        """Append frames that :func:`framed` made; ``durable`` waits until they outlive a loss of power.

        What is not durable outlives the process all the same. Raises OSError; then nothing of it stays, and
        nothing may be appended any more unless :meth:`cut_back` says so.
        """
        data = b"".join(frames)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._file, view) :]
            if durable:
                sync(self._file)
        except OSError:
            self.cut_back()
            raise
        self.size += len(data)

    def cut_back(self) -> bool:
        """Take back what was not acknowledged, where the disk still lets us; says whether it did."""
        try:
            os.ftruncate(self._file, self.size)
            os.lseek(self._file, self.size, os.SEEK_SET)
            sync(self._file)
        except OSError:
            return False  # the frames may stay: a reader stops at a torn one
        return True

    def sync(self) -> None:
        """Make durable what was appended. Raises OSError."""
        sync(self._file)

    def close(self) -> None:
        """No more frames."""
        os.close(self._file)


def replace_durably(path: Path, data: bytes, *, others: bool = False) -> None:
    """Put a file in the place of another, whole or not at all, durably; it may be read by whom that may.

    ``others`` may write it at the same time where no lock keeps them out (:func:`alone`): who is last wins.
    What lies where the new file is made ready goes, and is not followed. Raises OSError; then nothing of it
    stays.
    """
    own = f".{os.urandom(4).hex()}" if others else ""
    part = path.with_name(f"{path.name}{own}.part")
    part.unlink(missing_ok=True)
    try:
        with open(part, "xb") as file:
            file.write(data)
            file.flush()
            sync(file.fileno())
        with suppress(FileNotFoundError):
            part.chmod(path.stat().st_mode & 0o777)
        os.replace(part, path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
    sync_folder(path.parent)


def sync(file: int) -> None:
    """fdatasync where there is one; macOS needs F_FULLFSYNC to get past the disk's own cache."""
    if sys.platform == "darwin":
        import fcntl

        fcntl.fcntl(file, fcntl.F_FULLFSYNC)
    elif hasattr(os, "fdatasync"):
        os.fdatasync(file)
    else:
        os.fsync(file)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where its file system can. Raises OSError."""
    if os.name == "nt":
        return  # a folder cannot be opened there; NTFS keeps names in its own journal
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    except OSError as error:
        if error.errno not in UNKNOWN_THERE:
            raise
    finally:
        os.close(file)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody else of this machine who asks the same is in here meanwhile: for a file that is read and
    written anew.

    The folder is the lock, so that nothing is left. Where there are no locks (Windows, some file systems) who
    writes last wins. Raises OSError where the folder cannot be opened.
    """
    if os.name == "nt":
        yield
        return
    import fcntl

    held = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


@contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Whether this file is ours alone until the block ends: nobody of this machine who asks the same has it.

    Never that of a file which is gone, or was replaced, meanwhile. Where there are no locks everybody has it.
    """
    if os.name == "nt":
        yield path.exists()
        return
    try:
        # For writing, though nothing is written: NFS gives a lock of one's own to no other (Linux, flock(2)).
        file = open(path, "r+b")  # noqa: SIM115  held until the block ends
    except OSError:
        yield False
        return
    with file:
        yield _only_ours(file.fileno(), path)


def _only_ours(file: int, path: Path) -> bool:
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in UNKNOWN_THERE:
            return False
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except OSError:
        return False


def locked(folder: Path, refusal: str, *, must: bool = True) -> Callable[[], None]:
    """Hold a folder's lock, which ends with the process; gives what lets go of it.

    Raises UsageError with this refusal when another process has it, and where the file system has no locks
    unless it is not a ``must``; OSError where no file can be made there.
    """
    path = folder / LOCK
    file = open(path, "ab")  # noqa: SIM115  held until it is let go of
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if must or error.errno not in UNKNOWN_THERE:
            file.close()
            raise UsageError(refusal) from None
    return file.close
