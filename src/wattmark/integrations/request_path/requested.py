"""Which model a request asks for: read from its body as it passes, of which only both ends are kept."""

from __future__ import annotations

import re

import msgspec

SMALL = 16384
END = 4096
_NAME = re.compile(rb'"model"\s*:\s*"((?:[^"\\]|\\.){0,512})"')


class _Asked(msgspec.Struct):
    model: str | None = None


_asked = msgspec.json.Decoder(_Asked)


class RequestReader:
    """Reads one request as its pieces pass."""

    __slots__ = ("_head", "_size", "_tail")

    def __init__(self) -> None:
        self._head = b""
        self._tail = b""
        self._size = 0

    def feed(self, piece: bytes) -> None:
        """Take the next bytes."""
        if not self._size:
            self._head = piece
        elif len(self._head) < SMALL:
            self._head += piece
        else:
            self._tail = (self._tail + piece)[-END:] if len(piece) < END else piece[-END:]
        self._size += len(piece)

    def model(self) -> str:
        """The model that is asked for; empty where the body does not say, or is no JSON."""
        return model_in(self._head, self._tail)


def model_in(head: bytes, tail: bytes = b"") -> str:
    """The model that an outermost field ``model`` names, where head and tail are the ends of one JSON text.

    What stands before the field's end, closed by a brace, is a whole object exactly when the field belongs to
    the outermost one; the same holds for what comes from its beginning on. So most of a long text, which may
    be a picture, is never parsed.
    """
    if len(head) <= SMALL and not tail:
        return _model(head)
    for found in _NAME.finditer(head[:SMALL]):
        if model := _model(head[: found.end()] + b"}"):
            return model
    end = tail if len(tail) >= END else (head[-END:] + tail)[-END:]
    for found in _NAME.finditer(end):
        if model := _model(b"{" + end[found.start() :]):
            return model
    return ""


def _model(text: bytes) -> str:
    try:
        return _asked.decode(text).model or ""
    except (msgspec.DecodeError, RecursionError):
        return ""
