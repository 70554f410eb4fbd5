"""On which line of a TOML file its tables and keys stand; the parser of the standard library does not say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from wattmark.core.errors import ConfigError
from wattmark.fields import MARK, Fields, parse_toml

Made = TypeVar("Made")
_TABLE = re.compile(r"^\s*\[(?!\[)\s*([^\]\[]+?)\s*\]\s*(?:#.*)?$")
_ARRAY = re.compile(r"^\s*\[\[\s*([^\]\[]+?)\s*\]\]\s*(?:#.*)?$")
_KEY = re.compile(r"""^\s*((?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[\w-]+))*)\s*=""")
_PLACE = re.compile(r"^\[{1,2}([^\]]+)\]{1,2}(?: (\d+))?(?: (.+))?$")
_STRING = re.compile(r'"""|\'\'\'|"(?:\\.|[^"\\])*"|\'[^\']*\'|#.*|[\[\]{}]')


@dataclass(slots=True)
class TomlLines:
    """Lines from 1 up. A table of an array is told by its number, from 1 up; others have number 0."""

    tables: dict[tuple[str, int], int] = field(default_factory=dict)
    keys: dict[tuple[str, int, str], int] = field(default_factory=dict)

    def of(self, place: str) -> int | None:
        """The line of a place as errors name it: ``[[limit]] 2 max``, ``[policy] owner``, ``factors``."""
        match = _PLACE.match(place)
        if match is None:
            key = self.keys.get(("", 0, place.partition(" ")[0]))
            return key or self.tables.get((place, 0)) or self.tables.get((place, 1))
        name, number, rest = match[1], int(match[2] or 0), match[3] or ""
        inner = rest.partition(" ")[0]
        return self.keys.get((name, number, inner)) or self.tables.get((name, number))


def parsed(text: str, file: str, make: Callable[[Fields, TomlLines], Made]) -> Made:
    """What is made of a TOML file. Raises ConfigError that names the file, the line and the place in it."""
    document, lines = parse_toml(text, file), lines_of(text)
    try:
        return make(Fields(file, "", document), lines)
    except ConfigError as error:
        line = lines.of(error.place)
        where = file if line is None else f"{file}:{line}"
        raise ConfigError(where, error.place, error.problem) from None


def lines_of(text: str) -> TomlLines:
    """Where the tables and keys of a document stand. Of what is no TOML it tells what it can."""
    found, counts = TomlLines(), dict[str, int]()
    table, number, inside, depth = "", 0, "", 0
    # As TOML, editors and git count them: other marks that end a line for Python may stand in a comment.
    for line, content in enumerate(text.removeprefix(MARK).split("\n"), start=1):
        rest = content
        if not inside and not depth:
            if (array := _ARRAY.match(content)) is not None:
                table = _plain(array[1])
                number = counts[table] = counts.get(table, 0) + 1
                found.tables[table, number] = line
                continue
            if (header := _TABLE.match(content)) is not None:
                table, number = _within(_plain(header[1]), counts, found, line)
                continue
            if (key := _KEY.match(content)) is not None:
                found.keys.setdefault((table, number, _plain(key[1]).split(".")[0]), line)
                rest = content[key.end() :]
        inside, depth = _after(rest, inside, depth)
    return found


def _within(name: str, counts: Mapping[str, int], found: TomlLines, line: int) -> tuple[str, int]:
    """A plain table, or one inside the last table of an array: ``[limit.scope]``."""
    above, _, key = name.partition(".")
    if key and above in counts:
        found.keys.setdefault((above, counts[above], key.split(".")[0]), line)
        return name, counts[above]
    if key:
        found.keys.setdefault((above, 0, key.split(".")[0]), line)
    found.tables.setdefault((name, 0), line)
    return name, 0


def _after(content: str, inside: str, depth: int) -> tuple[str, int]:
    """Whether a string of several lines, and how many brackets, are open at the end of a line."""
    at = 0
    while at < len(content):
        if inside:
            end = content.find(inside, at)
            if end < 0:
                return inside, depth
            at, inside = end + len(inside), ""
            continue
        match = _STRING.search(content, at)
        if match is None:
            break
        token, at = match[0], match.end()
        if token in ('"""', "'''"):
            inside = token
        elif token in "[{":
            depth += 1
        elif token in "]}":
            depth = max(0, depth - 1)
    return inside, depth


def _plain(name: str) -> str:
    """A name without quotation marks and blanks."""
    return re.sub(r"\s*\.\s*", ".", re.sub(r"[\"']", "", name)).strip()
