"""Files as streams of uncompressed bytes, and the counting of their rows."""

from __future__ import annotations

import bz2
import csv
import gzip
import importlib
import lzma
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from wattmark.core.errors import EvidenceError, MissingExtra

BLOCK = 1 << 20
LINE_SUFFIXES = (".jsonl", ".ndjson", ".txt")
TABLE_SUFFIXES = (".csv", ".tsv")
COMPRESSED_SUFFIXES = (".gz", ".bz2", ".xz", ".lzma", ".zst")
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)


def uncompressed(path: Path, at: Callable[[int], None] | None = None) -> Iterator[bytes]:
    """The bytes of a file in blocks, unpacked when it is gzip, bzip2, xz or zstd (told by its first bytes).

    ``at`` hears how far into the file on disk the reading is. Raises EvidenceError when the file cannot
    be read or unpacked, MissingExtra for zstd without its package.
    """
    try:
        with path.open("rb") as raw:
            head = raw.read(6)
            raw.seek(0)
            kind = next((name for magic, name in _MAGIC if head.startswith(magic)), "")
            stream = _unpacker(kind, raw)
            while block := stream.read(BLOCK):
                if at is not None:
                    at(raw.tell())
                yield block
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise EvidenceError(str(path), f"cannot be read to its end: {error}") from None


def _unpacker(kind: str, raw: BinaryIO) -> BinaryIO:
    match kind:
        case "gzip":
            return cast("BinaryIO", gzip.GzipFile(fileobj=raw))
        case "bzip2":
            return cast("BinaryIO", bz2.BZ2File(raw))
        case "xz":
            return cast("BinaryIO", lzma.LZMAFile(raw))
        case "zstd":
            return _zstd(raw)
        case _:
            return raw


def _zstd(raw: BinaryIO) -> BinaryIO:
    try:  # in the standard library from Python 3.14 on
        return cast("BinaryIO", importlib.import_module("compression.zstd").ZstdFile(raw))
    except ImportError:
        pass
    try:
        zstandard = importlib.import_module("zstandard")
    except ImportError:
        raise MissingExtra("zstd files", "datasets") from None
    reader = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True)
    return cast("BinaryIO", reader)


def kind_of(path: Path) -> str:
    """``lines``, ``table`` or ``bytes``: how rows are counted, by the name without its compression."""
    suffixes = [s.lower() for s in path.suffixes]
    while suffixes and suffixes[-1] in COMPRESSED_SUFFIXES:
        suffixes.pop()
    last = suffixes[-1] if suffixes else ""
    if last in LINE_SUFFIXES:
        return "lines"
    return "table" if last in TABLE_SUFFIXES else "bytes"


class RowCounter:
    """Counts rows of text while its bytes pass by. ``rows`` is None for files that have none."""

    def __init__(self, kind: str, delimiter: str = ",") -> None:
        self._kind = kind
        self._delimiter = delimiter
        self._full = 0
        self._held = b""
        self._quoted = False
        self._head = b""
        self._first: bytes | None = None

    def feed(self, block: bytes) -> None:
        """Take note of a block."""
        if self._kind == "bytes":
            return
        if self._first is None:
            self._head += block
            line, break_, _ = self._head.lstrip().partition(b"\n")
            self._first = line if break_ or len(line) > BLOCK else None
        if self._kind == "table":
            block = self._without_quoted_breaks(block)
        whole, _, rest = (self._held + block).rpartition(b"\n")
        self._held = rest
        self._full += _lines(whole)

    def _without_quoted_breaks(self, block: bytes) -> bytes:
        """Drop what is quoted: a line break inside a cell ends no row. A doubled quote changes nothing."""
        parts = block.split(b'"')
        if len(parts) == 1:
            return b"" if self._quoted else block
        outside = parts[1::2] if self._quoted else parts[::2]
        if len(parts) % 2 == 0:
            self._quoted = not self._quoted
        return b'"'.join(outside) + b'"' if self._quoted else b'"'.join([b"", *outside])

    @property
    def rows(self) -> int | None:
        """Rows that are not blank, a table's header left out; None when the file has no rows."""
        if self._kind == "bytes":
            return None
        first = self._head.strip() if self._first is None else self._first
        header = self._kind == "table" and first != b"" and _is_header(first, self._delimiter)
        return self._full + _lines(self._held) - header


def _lines(text: bytes) -> int:
    """Lines with anything in them."""
    return sum(map(bool, text.replace(b"\r", b"").split(b"\n")))


def _is_header(line: bytes, delimiter: str) -> bool:
    """A first line without a single number in it is a header."""
    cells = next(csv.reader([line.decode("utf-8", "replace")], delimiter=delimiter), [])
    return not any(_is_number(cell) for cell in cells)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
