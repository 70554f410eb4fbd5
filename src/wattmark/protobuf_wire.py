"""Protobuf's wire format: the fields of a message by their place, each checked against the message's end.

Tags, lengths and integers as protobuf.dev/programming-guides/encoding describes them; what cannot be raises
Malformed and names the byte.
"""

from __future__ import annotations

MOST_BYTES = 0x7FFFFFFF
"""No protobuf message is longer."""
MOST_DEPTH = 100
"""Messages inside messages: what protobuf's own parsers allow."""
VARINT, FIXED64, BYTES, GROUP, END_GROUP, FIXED32 = 0, 1, 2, 3, 4, 5

Field = tuple[int, int, int]
"""A field's tag (number and wire type), and where it starts and ends; for a varint the value, twice."""


class Malformed(ValueError):
    """Bytes, or JSON in their place, that are no such message; says where and why."""


def fields(data: bytes, pos: int, end: int) -> list[Field]:
    """Every field of a message. Raises Malformed at the first byte that cannot be."""
    found: list[Field] = []
    while pos < end:
        tag = data[pos]
        if tag & 7 == BYTES and 8 <= tag < 128:  # the usual case, without another call
            first, pos = span(data, pos + 1, end)
            found.append((tag, first, pos))
        else:
            tag, first, past, pos = one_field(data, pos, end)
            found.append((tag, first, past))
    return found


def one_field(data: bytes, pos: int, end: int) -> tuple[int, int, int, int]:
    """Tag, start and end of one field (of a varint its value), and the position behind it."""
    at = pos
    tag, pos = varint(data, pos, end)
    wire = tag & 7
    if not 8 <= tag <= 0xFFFFFFFF:
        raise Malformed(f"byte {at}: {tag >> 3} is no field number")
    if wire == VARINT:
        value, pos = varint(data, pos, end)
        return tag, value, value, pos
    if wire == BYTES:
        first, past = span(data, pos, end)
        return tag, first, past, past
    if wire in (FIXED64, FIXED32):
        past = pos + (8 if wire == FIXED64 else 4)
        if past > end:
            raise Malformed(f"byte {at}: the message ends within a number")
        return tag, pos, past, past
    if wire == GROUP:
        past = _skip_group(data, pos, end, tag >> 3, 1)
        return tag, pos, past, past
    raise Malformed(f"byte {at}: {wire} is no wire type")


def _skip_group(data: bytes, pos: int, end: int, number: int, depth: int) -> int:
    """The position behind a group, a form that is no longer used but may be there."""
    if depth > MOST_DEPTH:
        raise Malformed(f"byte {pos}: is nested too deeply")
    while pos < end:
        at = pos
        tag, after = varint(data, pos, end)
        if tag & 7 == END_GROUP:
            if tag >> 3 != number:
                raise Malformed(f"byte {at}: a group ends that did not begin")
            return after
        if tag & 7 == GROUP:
            pos = _skip_group(data, after, end, tag >> 3, depth + 1)
        else:
            pos = one_field(data, pos, end)[3]
    raise Malformed(f"byte {pos}: the message ends within a group")


def span(data: bytes, pos: int, end: int) -> tuple[int, int]:
    """Start and end of what has its length before it."""
    if pos < end and data[pos] < 128:
        length = data[pos]
        pos += 1
    elif pos + 1 < end and data[pos + 1] < 128:
        length = data[pos] & 127 | data[pos + 1] << 7
        pos += 2
    else:
        at = pos
        length, pos = varint(data, pos, end)
        if length > MOST_BYTES:
            raise Malformed(f"byte {at}: a length of {length} cannot be")
    if pos + length > end:
        raise Malformed(f"byte {pos}: {length} bytes are announced and {end - pos} are there")
    return pos, pos + length


def varint(data: bytes, pos: int, end: int) -> tuple[int, int]:
    """An integer of one to ten bytes, as 64 bits without sign, and the position behind it."""
    value = shift = 0
    at = pos
    while pos < end:
        byte = data[pos]
        pos += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & 0xFFFFFFFFFFFFFFFF, pos
        shift += 7
        if shift == 70:
            raise Malformed(f"byte {at}: an integer of more than ten bytes")
    raise Malformed(f"byte {at}: the message ends within an integer")


def length(size: int) -> bytes:
    """A length in its shortest form."""
    found = bytearray()
    while size > 127:
        found.append(size & 127 | 128)
        size >>= 7
    found.append(size)
    return bytes(found)


def text(data: bytes, start: int, end: int) -> str:
    """The text in these bytes. Raises Malformed when it is not UTF-8."""
    try:
        return data[start:end].decode()
    except UnicodeDecodeError:
        raise Malformed(f"byte {start}: a text is not UTF-8") from None
