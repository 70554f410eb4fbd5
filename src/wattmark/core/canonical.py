"""One spelling of a value as JSON, so that a hash over it means something.

It is the canonical form of RFC 8785 (A. Rundgren and others, JSON Canonicalization Scheme, 2020,
https://www.rfc-editor.org/rfc/rfc8785) for texts, whole numbers, truth values, lists and objects. Numbers
with a fraction are refused: how they are spelt is the one hard part of that standard, and nothing here needs
it.
"""

from __future__ import annotations

from collections.abc import Mapping

ESCAPES = {code: f"\\u{code:04x}" for code in range(0x20)} | {
    ord(letter): short
    for letter, short in (
        ("\b", "\\b"),
        ("\t", "\\t"),
        ("\n", "\\n"),
        ("\f", "\\f"),
        ("\r", "\\r"),
        ('"', '\\"'),
        ("\\", "\\\\"),
    )
}
"""Every other letter stands for itself (RFC 8785, 3.2.2.2)."""
MOST = 2**53 - 1
"""Whole numbers beyond it are read as others by some (RFC 8785, 3.1)."""

Plain = str | int | bool | None | Mapping[str, "Plain"] | list["Plain"] | tuple["Plain", ...]


def canonical(value: Plain) -> str:
    """The one JSON text of a value: keys sorted, no blanks, the fewest escapes.

    Raises TypeError for what has no such form here, ValueError for a whole number that is too large.
    """
    match value:
        case str():
            return _text(value)
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case int():
            if abs(value) > MOST:
                raise ValueError(f"{value} is too large for JSON that everybody reads alike")
            return str(value)
        case Mapping():
            keys = sorted(value, key=lambda key: key.encode("utf-16-be"))  # by UTF-16 units (RFC 8785, 3.2.3)
            return "{" + ",".join(f"{_text(key)}:{canonical(value[key])}" for key in keys) + "}"
        case list() | tuple():
            return "[" + ",".join(canonical(item) for item in value) + "]"
        case _:
            raise TypeError(f"{type(value).__name__} has no canonical form here")


def _text(text: str) -> str:
    return f'"{text.translate(ESCAPES)}"'
