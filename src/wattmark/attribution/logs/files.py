"""The bytes of a log, packed or not, in blocks of whole lines and never whole in memory."""

from __future__ import annotations

import gzip
import importlib
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from wattmark.attribution.logs.tally import Tally
from wattmark.core.errors import EvidenceError, MissingExtra

BLOCK_BYTES = 32 << 20
MOST_LINE = 16 << 20
"""A longer line tells of no request; it is passed over without being kept."""
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
HEAD_BYTES = 1 << 20
MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Block:
    """Some whole lines."""

    first_line: int
    """The number of the first of them, from 1."""
    data: bytes


def opened(path: Path) -> IO[bytes]:
    """The unpacked bytes of a file, by what it begins with. Raises EvidenceError and MissingExtra."""
    try:
        raw = path.open("rb")
        head = raw.read(4)
        raw.seek(0)
    except OSError as error:
        raise EvidenceError(str(path), f"cannot be read: {error.strerror or error}") from None
    if head[:2] == GZIP:
        return cast("IO[bytes]", gzip.open(raw))
    if head == ZSTD:
        return _zstd(raw)
    return raw


def _zstd(raw: IO[bytes]) -> IO[bytes]:
    try:
        module: Any = importlib.import_module("compression.zstd")  # Python 3.14
    except ImportError:
        try:
            module = importlib.import_module("zstandard")
        except ImportError:
            raise MissingExtra("logs packed with zstd", "datasets") from None
        unpacked: Any = module.ZstdDecompressor().stream_reader(raw, read_across_frames=True)
        return io.BufferedReader(unpacked)
    return io.BufferedReader(module.ZstdFile(raw))


def head_of(path: Path) -> bytes:
    """The first megabyte, unpacked: enough to know a log by."""
    with opened(path) as file:
        try:
            return file.read(HEAD_BYTES).removeprefix(MARK)
        except (OSError, EOFError, zlib.error) as error:
            raise EvidenceError(str(path), f"cannot be unpacked: {error}") from None


def blocks_of(path: Path, tally: Tally, size: int = BLOCK_BYTES) -> Iterator[Block]:
    """The lines of a file in blocks. Where a packed file breaks off, its last row is counted as bad."""
    line, rest, passing = 1, b"", False
    with opened(path) as file:
        for read in _pieces(file, size, tally):
            data = rest + read
            if passing:  # the end of a line that is too long
                _, newline, data = data.partition(b"\n")
                passing = not newline
                line += bool(newline)
            cut = data.rfind(b"\n") + 1
            whole, rest = data[:cut], data[cut:]
            if whole:
                yield Block(line, whole.removeprefix(MARK) if line == 1 else whole)
                line += whole.count(b"\n")
            if len(rest) > MOST_LINE:
                tally.refuse(line, f"is a line of more than {MOST_LINE >> 20} MiB")
                rest, passing = b"", True
    if rest:
        yield Block(line, rest.removeprefix(MARK) if line == 1 else rest)


def _pieces(file: IO[bytes], size: int, tally: Tally) -> Iterator[bytes]:
    """What can be unpacked, some of it at a time."""
    gathered, read = bytearray(), b"-"
    while read:
        try:
            read = file.read1(size)  # type: ignore[attr-defined]  # all of ours are buffered
        except Exception as error:  # zstandard and compression.zstd have errors of their own without a base
            if not isinstance(error, (OSError, EOFError, zlib.error)) and "Zstd" not in type(error).__name__:
                raise
            tally.refuse(0, f"breaks off, and cannot be unpacked further: {error}")
            read = b""
        gathered += read
        if len(gathered) >= size or not read:
            yield bytes(gathered)
            gathered.clear()


def lines_of(block: Block) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of each line that is not empty."""
    for number, line in enumerate(block.data.split(b"\n"), start=block.first_line):
        if stripped := line.strip():
            yield number, stripped
