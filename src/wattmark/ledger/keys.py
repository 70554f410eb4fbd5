"""What the keys of a file are: described once, and read, checked and published from that description."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from wattmark.core.governance.scope import Scope
from wattmark.core.tags import LABEL, TAGS
from wattmark.fields import Fields


class Holds(StrEnum):
    """What a key holds."""

    TEXT = "a string"
    NUMBER = "a number"
    WHOLE = "a whole number"
    FLAG = "true or false"
    DAY = "a day"
    TEXTS = "a list of strings"
    SCOPE = "patterns on tags"
    TAGS = "a list of tags"
    WORDS = "a table of strings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key: what it holds, what it may hold, and what it means."""

    holds: Holds = Holds.TEXT
    says: str
    required: bool = False
    choices: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    """Choices that are known and never allowed: what checks the whole table says why."""
    checked_later: bool = False
    """Whether what checks the whole table has a better sentence for another choice."""
    least: float | None = None
    above: float | None = None
    """As ``least``, which is not allowed itself."""
    most: float | None = None
    pattern: str = ""
    left_out: str = ""
    """What holds then, in words."""
    example: str = ""
    """As it is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of a file, or one array of tables."""

    says: str
    keys: Mapping[str, Key]
    many: bool = False
    """Written as ``[[name]]``."""
    free: bool = False
    """Whether its keys are names that the file chooses (as of roles); then ``keys`` has one, ``*``."""


def read_keys(fields: Fields, keys: Mapping[str, Key]) -> dict[str, Any]:
    """The values that are there, each as what its key holds. Raises ConfigError that names the place."""
    fields.only(*keys)
    for name, key in keys.items():
        if key.required and name not in fields.values:
            raise fields.wrong(name, "is missing")
    return {name: read_key(fields, name, keys[name]) for name in fields.values}


def read_key(fields: Fields, name: str, key: Key) -> Any:
    """One value that is there. Raises ConfigError that names the place."""
    match key.holds:
        case Holds.TEXT:
            return _text(fields, name, key)
        case Holds.NUMBER | Holds.WHOLE:
            return _number(fields, name, key)
        case Holds.FLAG:
            return fields.flag(name)
        case Holds.DAY:
            return fields.day(name)
        case Holds.TEXTS:
            return fields.texts(name)
        case Holds.SCOPE:
            return read_scope(fields, name)
        case Holds.TAGS:
            return _tags(fields, name)
        case Holds.WORDS:
            inside = fields.table(name)
            return {each: inside.named(each) for each in inside.values}


def read_scope(fields: Fields, name: str) -> Scope:
    """Patterns on tags: a string or a list of strings each; labels as ``label.KEY``, dotted or quoted."""
    value = fields.values[name]
    if not isinstance(value, dict):
        raise fields.wrong(name, f'must be a table of tags: write {name} = {{team = "vision-*"}}')
    labels = value.get("label", {})
    if not isinstance(labels, dict):
        raise fields.wrong(f"{name} label", 'write {label.KEY = "pattern"}')
    flat = {k: v for k, v in value.items() if k != "label"} | {f"{LABEL}{k}": v for k, v in labels.items()}
    inside = Fields(fields.file, f"{fields.place} {name}", flat)
    inside.only(*TAGS, *(tag for tag in flat if tag.startswith(LABEL) and tag != LABEL))
    patterns: dict[str, tuple[str, ...]] = {}
    for tag, given in flat.items():
        one = (given,) if isinstance(given, str) else inside.texts(tag)
        if not one or not all(one):
            raise inside.wrong(tag, "needs a pattern that is not empty; leave the tag out for any")
        patterns[tag] = one
    return Scope(patterns)


def _text(fields: Fields, name: str, key: Key) -> str:
    if key.choices and not key.checked_later:
        found = fields.choice(name, key.choices)
        return next(
            choice for choice in key.choices if choice == found
        )  # a member, where they are of an enum
    value = fields.text(name)
    if key.pattern and not re.fullmatch(key.pattern, value):
        raise fields.wrong(name, f"{value!r:.80} must look like {key.example or key.pattern}")
    return value


def _number(fields: Fields, name: str, key: Key) -> float | int:
    number = fields.number(name)
    whole = key.holds is Holds.WHOLE
    low = key.least if key.above is None else key.above
    if (
        number is None
        or (whole and number != math.floor(number))
        or (low is not None and (number < low or (key.above is not None and number <= low)))
        or (key.most is not None and number > key.most)
    ):
        shown = f"{number:g}" if number is not None else "nothing"
        raise fields.wrong(
            name, f"must be {'a whole number' if whole else 'a number'}{_range(key)}, not {shown}"
        )
    return int(number) if whole else number


def _range(key: Key) -> str:
    low = f" from {key.least:g}" if key.least is not None else ""
    low = f" above {key.above:g}" if key.above is not None else low
    if key.most is None:
        return f"{low} up" if key.least is not None and key.above is None else low
    return f"{low}{' to' if key.above is None and low else ', at most'} {key.most:g}"


def _tags(fields: Fields, name: str) -> tuple[str, ...]:
    found = fields.texts(name)
    for tag in found:
        if tag not in TAGS and not (tag.startswith(LABEL) and tag != LABEL):
            raise fields.wrong(name, f"{tag!r:.80} is no tag; tags: {', '.join(TAGS)}, or {LABEL}KEY")
    return found
