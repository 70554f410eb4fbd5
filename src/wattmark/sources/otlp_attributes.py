"""Attributes from their protobuf bytes: of a resource, of a scope, of a point."""

from __future__ import annotations

import struct
from collections.abc import Callable

from wattmark.protobuf_wire import MOST_DEPTH, Malformed, fields, span, text
from wattmark.sources.otlp_points import Scope, Value

_f64 = struct.Struct("<d").unpack_from


def scope_from(data: bytes) -> Scope:
    """An InstrumentationScope."""
    name = version = ""
    attributes: dict[str, Value] = {}
    for tag, a, z in fields(data, 0, len(data)):
        if tag == 0x0A:
            name = text(data, a, z)
        elif tag == 0x12:
            version = text(data, a, z)
        elif tag == 0x1A:
            _pair(data, a, z, attributes, 1)
    return Scope(name, version, attributes)


def resource_from(data: bytes) -> dict[str, Value]:
    """The attributes of a Resource."""
    found: dict[str, Value] = {}
    for tag, a, z in fields(data, 0, len(data)):
        if tag == 0x0A:
            _pair(data, a, z, found, 1)
    return found


def listed(block: bytes) -> dict[str, Value]:
    """KeyValues one after the other, each with its length before it."""
    found: dict[str, Value] = {}
    pos = 0
    while pos < len(block):
        first, pos = span(block, pos, len(block))
        _pair(block, first, pos, found, 1)
    return found


def _pair(data: bytes, start: int, end: int, into: dict[str, Value], depth: int) -> None:
    """A KeyValue. Of two with one key the later one stands."""
    key = ""
    value = b""
    for tag, a, z in fields(data, start, end):
        if tag == 0x0A:
            key = text(data, a, z)
        elif tag == 0x12:
            value += data[a:z]
    into[key] = _any(value, depth + 1)


def _any(data: bytes, depth: int) -> Value:
    """An AnyValue."""
    if depth > MOST_DEPTH:
        raise Malformed("an attribute is nested too deeply")
    value: Value = None
    merged, body = 0, b""
    for tag, a, z in fields(data, 0, len(data)):
        if tag in _SCALARS:
            value, merged = _SCALARS[tag](data, a, z), 0
        elif tag in (0x2A, 0x32):
            body = (body if merged == tag else b"") + data[a:z]
            merged = tag
            value = _array(body, depth) if tag == 0x2A else _map(body, depth)
    return value


def _array(data: bytes, depth: int) -> Value:
    return tuple(_any(data[a:z], depth + 2) for tag, a, z in fields(data, 0, len(data)) if tag == 0x0A)


def _map(data: bytes, depth: int) -> Value:
    found: dict[str, Value] = {}
    for tag, a, z in fields(data, 0, len(data)):
        if tag == 0x0A:
            _pair(data, a, z, found, depth + 2)
    return tuple(sorted(found.items()))


def _signed(data: bytes, value: int, _: int) -> int:
    return value - (1 << 64) if value >> 63 else value


_SCALARS: dict[int, Callable[[bytes, int, int], Value]] = {
    0x0A: text,
    0x10: lambda _, a, __: bool(a),
    0x18: _signed,
    0x21: lambda data, a, _: _f64(data, a)[0],
    0x3A: lambda data, a, z: data[a:z],
}
