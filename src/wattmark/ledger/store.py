"""Where a ledger lies: a folder or an object store, behind a handful of operations that are all durable.

``put_new`` is the one that everything rests on: it makes a file that was not there, whole and durable, or
says that it is there. No lock, no server: of any number of writers of one name, exactly one makes it.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from wattmark.core.errors import LedgerError, UsageError

REMOTE = ("s3", "s3a", "gs", "az", "abfs", "abfss")
"""Schemes of object stores: Amazon S3 and what speaks its protocol, Google Cloud, Azure."""
PART = ".part"
"""A file on its way to its name; whoever writes it may have been killed."""


class NoFile(LedgerError):
    """Something that is no file stands under a file's name."""

    def __init__(self, place: str) -> None:
        super().__init__(place, "is no file, but a folder, a pipe or a device")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a store."""

    name: str
    size: int
    modified_us: int


class Store(Protocol):
    """Files by name (``inbox/<hash>.run.json``). All raise LedgerError when the place does not work."""

    url: str
    at_once: int
    """How many operations at a time pay off."""

    @property
    def options(self) -> Mapping[str, str]:
        """What deltalake and Spark need to reach it, credentials among it; empty for a folder."""
        ...

    def names(self, prefix: str) -> Iterator[Entry]:
        """The files below a folder, at any depth, in any order."""
        ...

    def read(self, name: str) -> bytes:
        """A whole file. Raises FileNotFoundError when it is not there."""
        ...

    def size(self, name: str) -> int | None:
        """Bytes of a file; None when it is not there."""
        ...

    def put_new(self, name: str, data: bytes) -> bool:
        """Make a file, whole and durable; False when there is one of this name, which stays as it is.

        False can also follow an attempt of our own whose answer was lost on the way.
        """
        ...

    def replace(self, name: str, data: bytes) -> None:
        """Make a file, or put another in its place, whole and durable."""
        ...

    def delete(self, name: str) -> None:
        """Remove a file; one that is not there is no error."""
        ...

    def settle(self, name: str) -> None:
        """Make durable what another library wrote under this name."""
        ...

    def tidy(self, before_us: int) -> int:
        """Remove what killed writers left half written before a moment; says how many."""
        ...

    def table_uri(self, name: str) -> str:
        """The address of a table, as deltalake, DuckDB and Spark take it."""
        ...

    def arrow_files(self) -> Any:
        """The same files as pyarrow reads them: a ``pyarrow.fs.FileSystem`` that begins here."""
        ...


USUAL = "name another place with --ledger"
"""What else to do where this user may not write."""


def open_store(url: str, environ: Mapping[str, str] = os.environ, *, otherwise: str = USUAL) -> Store:
    """The store at a path or an ``s3://``, ``gs://``, ``az://`` address. Opening reaches for nothing yet.

    ``otherwise`` is what to do where this user may not write into a folder.
    Raises UsageError for an address that is none, MissingExtra where obstore is needed and absent.
    """
    scheme, found, rest = url.partition("://")
    if not found:
        return LocalStore(Path(url), otherwise)
    if scheme == "file":
        return LocalStore(Path(rest), otherwise)
    if scheme in REMOTE:
        from wattmark.ledger.remotestore import RemoteStore

        return RemoteStore(url.rstrip("/"), environ)
    raise UsageError(f"{url}: a ledger is a folder or an address that begins with s3://, gs:// or az://")


MOST_TRIES = 100
"""A name that is taken and free again so often is no file that somebody else makes and removes."""


class LocalStore:
    """A folder, by the standard library alone."""

    at_once = 1
    """Threads would wait for each other longer than for the disk."""

    def __init__(self, root: Path, otherwise: str = USUAL) -> None:
        self._root = root.expanduser().absolute()
        self.url = str(self._root)
        self._otherwise = otherwise

    def __repr__(self) -> str:
        return f"LocalStore({self.url!r})"

    @property
    def options(self) -> Mapping[str, str]:
        """None are needed."""
        return {}

    def names(self, prefix: str) -> Iterator[Entry]:
        """The files below a folder; those on their way to their name are left out."""
        return (entry for entry in self._walk(prefix) if not _is_part(entry.name))

    def _walk(self, prefix: str) -> Iterator[Entry]:
        folders = [self._path(prefix)]
        while folders:
            try:
                with os.scandir(folders.pop()) as found:
                    entries = list(found)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                raise self._error(prefix, error) from None
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))
                elif (told := self._told(entry.path, prefix)) is not None:
                    name = Path(entry.path).relative_to(self._root).as_posix()
                    yield Entry(name, told.st_size, told.st_mtime_ns // 1000)

    def read(self, name: str) -> bytes:
        """A whole file. Raises NoFile for a pipe, a device or a folder: some of them never end."""
        path = self._path(name)
        try:
            with open(path, "rb", opener=_at_once) as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise NoFile(str(path))
                return file.read()
        except FileNotFoundError:
            raise
        except IsADirectoryError:
            raise NoFile(str(path)) from None
        except OSError as error:
            raise self._error(name, error) from None

    def size(self, name: str) -> int | None:
        """Bytes of a file; None when it is not there."""
        told = self._told(self._path(name), name)
        return None if told is None else told.st_size

    def put_new(self, name: str, data: bytes) -> bool:
        """Written beside its name, synced, linked to its name (which never overwrites), folder synced.

        What somebody else made and removed again meanwhile is not there: then it is put anew.
        """
        try:
            for _ in range(MOST_TRIES):
                made = self._put_once(self._path(name), data)
                if made is not None:
                    return made
            raise FileNotFoundError(errno.ENOENT, "it is there and cannot be read")
        except OSError as error:
            raise self._error(name, error) from None

    def _put_once(self, target: Path, data: bytes) -> bool | None:
        """None where the file was there and is gone again."""
        if target.exists():  # somebody's, perhaps a moment ago: it must be durable before we say so
            made = False
        else:
            part = self._write_part(target, data)
            try:
                made = _take_name(part, target)
            finally:
                part.unlink(missing_ok=True)
        if not made:
            try:
                _sync(target)
            except FileNotFoundError:
                return None
        _sync(target.parent)
        return made

    def replace(self, name: str, data: bytes) -> None:
        """Written beside its name, synced, renamed over it, folder synced."""
        target = self._path(name)
        try:
            part = self._write_part(target, data)
            try:
                os.replace(part, target)
            except OSError:
                part.unlink(missing_ok=True)
                raise
            _sync(target.parent)
        except OSError as error:
            raise self._error(name, error) from None

    def delete(self, name: str) -> None:
        """Remove a file."""
        try:
            self._path(name).unlink(missing_ok=True)
        except OSError as error:
            raise self._error(name, error) from None

    def settle(self, name: str) -> None:
        """Sync a file and the folder that it is in."""
        path = self._path(name)
        try:
            _sync(path)
            _sync(path.parent)
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._error(name, error) from None

    def tidy(self, before_us: int) -> int:
        """Remove files that never got their name."""
        left = [e.name for e in self._walk("") if _is_part(e.name) and e.modified_us < before_us]
        for name in left:
            self.delete(name)
        return len(left)

    def table_uri(self, name: str) -> str:
        """An absolute path."""
        return str(self._path(name))

    def arrow_files(self) -> Any:
        """Of the local file system."""
        from pyarrow.fs import LocalFileSystem, SubTreeFileSystem

        return SubTreeFileSystem(self.url, LocalFileSystem())

    def _told(self, path: str | Path, name: str) -> os.stat_result | None:
        try:
            return os.stat(path)
        except OSError as error:
            # A link that leads nowhere, or round in a circle, is as little a file as one that is gone.
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG):
                return None
            raise self._error(name, error) from None

    def _path(self, name: str) -> Path:
        return self._root / name

    def _write_part(self, target: Path, data: bytes) -> Path:
        _make_folder(target.parent)
        part = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}{PART}")
        try:
            with open(part, "xb", buffering=0) as file:
                view = memoryview(data)
                while view:
                    view = view[file.write(view) :]
                os.fsync(file.fileno())
        except OSError:
            part.unlink(missing_ok=True)
            raise
        return part

    def _error(self, name: str, error: OSError) -> LedgerError:
        where = f"{self.url}{os.sep}{name}" if name else self.url
        return LedgerError(where, f"{error.strerror or error}. {_advice(error, self._otherwise)}")


def _advice(error: OSError, otherwise: str = USUAL) -> str:
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return "Nothing of it was taken: make room and bring it again"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return f"Let this user write there, or {otherwise}"
        case errno.EEXIST | errno.ENOTDIR | errno.EISDIR:
            return "A part of this path is a file where a folder should be, or the other way round"
        case errno.EOPNOTSUPP | errno.EMLINK:
            return "It needs a file system with hard links, or an object store"
        case _:
            return "Nothing of it was taken: bring it again when the place works"


def _is_part(name: str) -> bool:
    last = name.rpartition("/")[2]
    return last.startswith(".") and last.endswith(PART)


def _take_name(part: Path, target: Path) -> bool:
    """Give a written file its name unless that is taken."""
    try:
        if os.name == "nt":
            os.rename(part, target)  # never overwrites on Windows
        else:
            os.link(part, target)  # never overwrites; a rename would
    except FileExistsError:
        return False
    return True


def _make_folder(folder: Path) -> None:
    """Make a folder with those above it, each durably."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync(folder.parent)


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    if os.name == "nt" and path.is_dir():
        return  # Windows has no such thing, and journals its names
    handle = _at_once(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _at_once(path: str | Path, flags: int) -> int:
    """Open without waiting: a pipe opens at once, and nobody who writes into it is waited for."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
