"""The files of a bundle, out of a folder or a zip file, read as what a stranger has sent."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path

from wattmark.bench.bundle.layout import (
    ALLOWED,
    LISTED,
    MANIFEST,
    MOST_BYTES,
    MOST_IN_ALL,
    OPEN,
    SUFFIX,
)
from wattmark.core.errors import EvidenceError

FIXED = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a zip file, so that equal evidence gives equal bytes."""
MODE = 0o100644 << 16
MOST_ENTRIES = 64
MOST_PACKED = 200
"""Bytes out of one, beside a first MiB: lines of numbers give ten or so, a bomb a thousand and more."""
CHUNK = 1 << 20


def read_files(path: Path) -> tuple[dict[str, bytes], list[str]]:
    """Name -> content of everything in a bundle, and what else is wrong with how it lies there.

    Raises EvidenceError for what is no bundle at all: nothing there, no manifest, not finished.
    """
    try:
        kind = os.stat(path).st_mode
    except OSError as error:
        raise EvidenceError(str(path), f"cannot be read: {error.strerror}") from None
    if not (stat.S_ISDIR(kind) or stat.S_ISREG(kind)):  # a pipe or a device has no end
        raise EvidenceError(str(path), "is no bundle: neither a folder nor a zip file")
    found, remarks = _of_folder(path) if stat.S_ISDIR(kind) else _of_zip(path)
    if MANIFEST not in found:
        if (path / OPEN).is_dir():
            raise EvidenceError(str(path), "is not finished: it has no manifest yet; resume the benchmark")
        raise EvidenceError(str(path), f"is no bundle: it holds no {MANIFEST}{_within(path)}")
    return found, remarks


def _within(path: Path) -> str:
    """Names the bundles of a folder to whoever gave the folder instead of one of them."""
    inner = sorted(each.name for each in path.glob(f"*{SUFFIX}")) if path.is_dir() else []
    if not inner:
        return ""
    return f"; it is a folder of {len(inner)}: name them, e.g. {path / inner[-1]}"


def zipped(files: Mapping[str, bytes]) -> bytes:
    """One zip file: sorted, without times, and not compressed, so that every Python makes the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, FIXED)
            entry.create_system = 3
            entry.external_attr = MODE
            archive.writestr(entry, files[name])
    return out.getvalue()


def _of_folder(path: Path) -> tuple[dict[str, bytes], list[str]]:
    found: dict[str, bytes] = {}
    remarks: list[str] = []
    try:
        with os.scandir(path) as entries:
            names = sorted(entry.name for entry in entries)
    except OSError as error:
        raise EvidenceError(str(path), f"cannot be read: {error.strerror}") from None
    for name in names:
        if name not in ALLOWED:
            remarks.append(f"{_shown(name)}: is none of a bundle's files")
            continue
        content = _read(path / name, MOST_IN_ALL - sum(map(len, found.values())))
        if isinstance(content, bytes):
            found[name] = content
        elif name == MANIFEST:
            raise EvidenceError(str(path / name), content)
        else:
            remarks.append(f"{name}: {content}")
    return found, remarks


def _read(path: Path, room: int) -> bytes | str:
    """The content of a plain file, or why it is not read. Links are not followed, devices not opened."""
    try:
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        return "is a link, not a file" if path.is_symlink() else f"cannot be read: {error.strerror}"
    about = os.fstat(number)
    if not stat.S_ISREG(about.st_mode):  # a folder cannot even be opened
        os.close(number)
        return "is no plain file"
    with open(number, "rb") as file:
        if about.st_size > min(MOST_BYTES, room):
            return f"is larger than a bundle's file may be ({min(MOST_BYTES, room)} bytes)"
        try:
            return file.read(MOST_BYTES)
        except OSError as error:
            return f"cannot be read: {error.strerror}"


def _of_zip(path: Path) -> tuple[dict[str, bytes], list[str]]:
    try:
        if path.stat().st_size > MOST_IN_ALL:
            raise EvidenceError(str(path), f"is larger than a bundle may be ({MOST_IN_ALL} bytes)")
        data = path.read_bytes()
    except OSError as error:
        raise EvidenceError(str(path), f"cannot be read: {error.strerror}") from None
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found, remarks, packed = _entries(path, archive)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
        raise EvidenceError(
            str(path), f"is no bundle: neither a folder nor a whole zip file ({error})"
        ) from None
    if not packed and not remarks and zipped(found) != data:
        remarks.append("the zip file: was changed around its files, or made by another program: unpack it")
    return found, remarks


def _entries(path: Path, archive: zipfile.ZipFile) -> tuple[dict[str, bytes], list[str], bool]:
    """Content by name, remarks, and whether anything was compressed (by another program than ours)."""
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(entries) > MOST_ENTRIES:
        raise EvidenceError(str(path), f"holds {len(entries)} files: this is no bundle")
    found: dict[str, bytes] = {}
    remarks: list[str] = []
    top = _common_folder([entry.filename for entry in entries])
    for entry in entries:
        name = entry.filename.removeprefix(top)
        if name not in ALLOWED:
            remarks.append(f"{_shown(entry.filename)}: is none of a bundle's files")
        elif name in found:
            remarks.append(f"{name}: is there twice")
        elif stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
            remarks.append(f"{name}: is a link, not a file")
        elif (content := _unpacked(archive, entry, MOST_IN_ALL - sum(map(len, found.values())))) is None:
            remarks.append(f"{name}: cannot be unpacked, or is larger than a bundle's file may be")
        else:
            found[name] = content
    packed = any(entry.compress_type != zipfile.ZIP_STORED for entry in entries) or bool(top)
    return found, remarks, packed


def _common_folder(names: list[str]) -> str:
    """The one folder that all files lie in, where somebody has zipped the bundle's folder."""
    tops = {name.rpartition("/")[0] for name in names}
    only = tops.pop() if len(tops) == 1 else ""
    return f"{only}/" if only and "/" not in only else ""


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, room: int) -> bytes | None:
    """What an entry holds, never more than there is room for, whatever it says of its size."""
    most = min(MOST_BYTES, room, CHUNK + MOST_PACKED * entry.compress_size)
    parts: list[bytes] = []
    size = 0
    try:
        with archive.open(entry) as file:
            while part := file.read(CHUNK):
                size += len(part)
                if size > most:
                    return None
                parts.append(part)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, RuntimeError, NotImplementedError, EOFError, OSError):
        return None
    except Exception as error:  # zlib.error, lzma.LZMAError: each module that unpacks has one of its own
        if type(error).__module__ in ("zlib", "_lzma", "lzma", "bz2", "_bz2"):
            return None
        raise
    return b"".join(parts)


def missing(files: Mapping[str, bytes]) -> list[str]:
    """The files that a bundle must have, and this one has not."""
    return [name for name in LISTED if name not in files]


def _shown(name: str) -> str:
    """A name that a stranger chose, for a message."""
    return repr(name[:80])
