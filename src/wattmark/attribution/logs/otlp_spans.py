"""Spans of OpenTelemetry as OTLP writes them: JSON lines, and protobuf with or without lengths before it.

Only what says something of a request is kept of a span; its texts are passed over.
Shapes: opentelemetry-proto, opentelemetry/proto/trace/v1/trace.proto; the Collector's file exporter writes
the length of each protobuf message before it, as four bytes, the highest first.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import msgspec

from wattmark.protobuf_wire import BYTES, FIXED32, FIXED64, VARINT, Malformed, fields

MOST_MESSAGE = 1 << 28
SERVER, CLIENT = 2, 3
ERROR = 2
KINDS = {"SPAN_KIND_INTERNAL": 1, "SPAN_KIND_SERVER": SERVER, "SPAN_KIND_CLIENT": CLIENT}
Scalar = str | int | float | bool | None


class Any_(msgspec.Struct, rename="camel"):
    """A value of an attribute; lists and maps are passed over."""

    string_value: str | None = None
    int_value: int | str | None = None
    double_value: float | str | None = None
    bool_value: bool | None = None

    @property
    def scalar(self) -> Scalar:
        """The value, whatever its type."""
        if self.string_value is not None:
            return self.string_value
        if self.int_value is not None:
            return self.int_value
        return self.double_value if self.double_value is not None else self.bool_value


class KeyValue(msgspec.Struct):
    """One attribute."""

    key: str = ""
    value: Any_ | None = None


class Event(msgspec.Struct, rename="camel"):
    """Something that happened within a span."""

    name: str = ""
    time_unix_nano: int | str | None = None


class Status(msgspec.Struct):
    """How a span ended."""

    code: int | str | None = None


class Span(msgspec.Struct, rename="camel"):
    """One span, with its resource's attributes left to whoever walks the message."""

    trace_id: str = ""
    span_id: str = ""
    parent_span_id: str = ""
    kind: int | str | None = None
    start_time_unix_nano: int | str | None = None
    end_time_unix_nano: int | str | None = None
    attributes: list[KeyValue] | None = None
    events: list[Event] | None = None
    status: Status | None = None

    @property
    def kind_number(self) -> int:
        """Its kind as protobuf has it."""
        return self.kind if isinstance(self.kind, int) else KINDS.get(self.kind or "", 0)

    @property
    def failed(self) -> bool:
        """Whether it ended with an error."""
        return self.status is not None and self.status.code in (ERROR, "STATUS_CODE_ERROR")


class _ScopeSpans(msgspec.Struct):
    spans: list[Span] | None = None


class _ResourceSpans(msgspec.Struct, rename="camel"):
    scope_spans: list[_ScopeSpans] | None = None


class _Message(msgspec.Struct, rename="camel"):
    resource_spans: list[_ResourceSpans] | None = None


_decoder = msgspec.json.Decoder(_Message)


def spans_of_json(line: bytes) -> Iterator[Span]:
    """The spans of one line of JSON; none for a line of metrics or logs. Raises Malformed."""
    try:
        message = _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"is no OTLP JSON: {error}") from None
    for resource in message.resource_spans or ():
        for scope in resource.scope_spans or ():
            yield from scope.spans or ()


def spans_of_protobuf(data: bytes) -> Iterator[Span]:
    """The spans of one ExportTraceServiceRequest (or TracesData). Raises Malformed."""
    for resource in _messages(data, 1):
        for scope in _messages(resource, 2):
            for span in _messages(scope, 2):
                yield _span(span)


def _span(data: bytes) -> Span:
    attributes: list[KeyValue] = []
    events: list[Event] = []
    made = Span(attributes=attributes, events=events)
    for number, value in _fields(data):
        match number, value:
            case 1, bytes():
                made.trace_id = value.hex()
            case 2, bytes():
                made.span_id = value.hex()
            case 4, bytes():
                made.parent_span_id = value.hex()
            case 6, int():
                made.kind = value
            case 7, int():
                made.start_time_unix_nano = value
            case 8, int():
                made.end_time_unix_nano = value
            case 9, bytes():
                attributes.append(_attribute(value))
            case 11, bytes():
                events.append(_event(value))
            case 15, bytes():
                codes = (code for n, code in _fields(value) if n == 3 and isinstance(code, int))
                made.status = Status(next(codes, 0))
    return made


def _event(data: bytes) -> Event:
    told = dict(_fields(data))
    name, at = told.get(2), told.get(1)
    return Event(
        name=_text(name) if isinstance(name, bytes) else "",
        time_unix_nano=at if isinstance(at, int) else None,
    )


def _attribute(data: bytes) -> KeyValue:
    told = dict(_fields(data))
    key, value = told.get(1), told.get(2)
    made = Any_()
    for number, inside in _fields(value) if isinstance(value, bytes) else ():
        match number, inside:
            case 1, bytes():
                made.string_value = _text(inside)
            case 2, int():
                made.bool_value = bool(inside)
            case 3, int():
                made.int_value = inside - (1 << 64) if inside >> 63 else inside
            case 4, int():
                made.double_value = struct.unpack("<d", inside.to_bytes(8, "little"))[0]
    return KeyValue(_text(key) if isinstance(key, bytes) else "", made)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _messages(data: bytes, wanted: int) -> Iterator[bytes]:
    for number, value in _fields(data):
        if number == wanted and isinstance(value, bytes):
            yield value


def _fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    """Number and value of each field of a message: bytes, or a number as 64 bits. Raises Malformed."""
    for tag, start, end in fields(data, 0, len(data)):
        wire = tag & 7
        if wire == VARINT:
            yield tag >> 3, start
        elif wire == BYTES:
            yield tag >> 3, data[start:end]
        elif wire in (FIXED64, FIXED32):
            yield tag >> 3, int.from_bytes(data[start:end], "little")
