"""Writes the YAML of rule files, of their tests and of configurations: the little of YAML that they need.

Mappings and lists in block style, texts in double quotes as JSON writes them (which YAML 1.2 reads alike),
and texts of several lines as literal blocks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TypeGuard

PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
SPOKEN_FOR = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""Plain words that YAML 1.1 takes for something else than text."""


def dump(value: object, *, header: str = "") -> str:
    """A whole document; ``header`` stands before it as comments."""
    comment = "".join(f"# {line}".rstrip() + "\n" for line in header.splitlines())
    return comment + "\n".join(_lines(value)) + "\n"


def _lines(value: object) -> list[str]:
    if isinstance(value, Mapping) and value:
        return [line for key, inner in value.items() for line in _entry(f"{_key(str(key))}:", inner)]
    if _is_list(value) and value:
        return [line for inner in value for line in _item(inner)]
    return [_scalar(value)]


def _entry(start: str, value: object) -> list[str]:
    if isinstance(value, str) and _is_block(value):
        return [f"{start} |-", *(f"  {line}".rstrip() for line in value.split("\n"))]
    if (isinstance(value, Mapping) or _is_list(value)) and value:
        return [start, *(f"  {line}" for line in _lines(value))]
    return [f"{start} {_scalar(value)}"]


def _item(value: object) -> list[str]:
    if isinstance(value, str) and _is_block(value):
        return _entry("-", value)
    first, *rest = _lines(value)
    return [f"- {first}", *(f"  {line}" for line in rest)]


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _is_block(text: str) -> bool:
    """Whether a literal block gives back exactly this text."""
    printable = all(c == "\n" or c.isprintable() for c in text)
    lines = text.split("\n")
    kept = all(line and line == line.rstrip() for line in lines) and not lines[0].startswith(" ")
    return len(lines) > 1 and printable and kept


def _key(text: str) -> str:
    plain = PLAIN_KEY.fullmatch(text) and text.lower() not in SPOKEN_FOR
    return text if plain else _scalar(text)


def _scalar(value: object) -> str:
    text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    if isinstance(value, float) and "e" in text and "." not in text:
        return text.replace("e", ".0e")  # YAML 1.1 takes 1e-09 for a text
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
