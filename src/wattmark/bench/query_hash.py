"""The sha256 of a set of queries: what is asked and what is held to be right decide, not a name.

Every value is written as one letter for its kind, its length in bytes, a colon and its bytes, so that no two
different sets give the same stream. Mappings go by sorted keys; numbers by their IEEE 754 bytes; pictures and
arrays by their raw bytes with shape and type, never by a file that holds them.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from wattmark.bench.asking import Query

VERSION = "wattmark-queries-1"
"""Raised when the encoding changes; part of what is hashed."""


def query_set_sha256(queries: Iterable[Query]) -> str:
    """The hash of queries in their order: inputs, references and the dataset each is from.

    Raises TypeError for a value that has no encoding here.
    """
    digest = hashlib.sha256()
    digest.update(_framed(b"v", VERSION.encode()))
    for query in queries:
        for piece in encoded([query.index, query.inputs, query.reference, query.part]):
            digest.update(piece)
    return digest.hexdigest()


def value_sha256(value: Any) -> str:
    """The hash of one value by the same encoding, e.g. of an answer."""
    digest = hashlib.sha256()
    for piece in encoded(value):
        digest.update(piece)
    return digest.hexdigest()


def encoded(value: Any) -> Iterator[bytes]:
    """The canonical bytes of a value, piece by piece. Raises TypeError where there are none."""
    if value is None:
        yield _framed(b"n", b"")
    elif isinstance(value, bool):
        yield _framed(b"b", b"1" if value else b"0")
    elif isinstance(value, int):
        yield _framed(b"i", str(value).encode())
    elif isinstance(value, float):
        yield _framed(b"f", struct.pack(">d", value))
    elif isinstance(value, str):
        yield _framed(b"s", value.encode("utf-8", "surrogatepass"))
    elif isinstance(value, bytes | bytearray | memoryview):
        yield _framed(b"y", bytes(value))
    elif isinstance(value, Mapping):
        yield from _mapping(value)
    elif isinstance(value, list | tuple):
        yield b"l%d:" % len(value)
        for item in value:
            yield from encoded(item)
    else:
        yield from _raw(value)


def _mapping(value: Mapping[Any, Any]) -> Iterator[bytes]:
    if not all(isinstance(key, str) for key in value):
        raise TypeError("only mappings with text as keys can be hashed")
    yield b"m%d:" % len(value)
    for key in sorted(value):
        yield from encoded(key)
        yield from encoded(value[key])


def _raw(value: Any) -> Iterator[bytes]:
    """Pictures (mode, size, palette, pixels) and arrays (type, shape, little-endian bytes in C order)."""
    if hasattr(value, "mode") and hasattr(value, "size") and hasattr(value, "tobytes"):
        yield b"p"
        palette = value.getpalette() if value.mode in ("P", "PA") else None
        yield from encoded([value.mode, list(value.size), palette, value.tobytes()])
    elif hasattr(value, "dtype") and hasattr(value, "shape") and hasattr(value, "tobytes"):
        little = value.astype(value.dtype.newbyteorder("<"))
        yield b"a"
        yield from encoded([little.dtype.str, list(little.shape), little.tobytes()])
    else:
        raise TypeError(f"a value of type {type(value).__name__} cannot be hashed")


def _framed(kind: bytes, data: bytes) -> bytes:
    return kind + b"%d:" % len(data) + data
