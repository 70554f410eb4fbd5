"""Reads TOML tables strictly: every mistake names the file, the place and what to write instead."""

from __future__ import annotations

import contextlib
import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import Any

from wattmark.core.errors import ConfigError, UsageError
from wattmark.core.whole_numbers import huge_number


def read_toml(path: Path) -> Mapping[str, Any]:
    """A TOML document. Raises ConfigError when it cannot be read or is not TOML."""
    return parse_toml(text_of(path), str(path))


def text_of(path: Path) -> str:
    """The text of a file. Raises ConfigError when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problem = error.strerror if isinstance(error, OSError) else "is not UTF-8"
        raise ConfigError(str(path), "", f"cannot be read: {problem}") from None


def parse_toml(text: str, file: str) -> Mapping[str, Any]:
    """A TOML document from text. Raises ConfigError with the line when it is not TOML."""
    try:
        document = tomllib.loads(text.removeprefix(MARK))
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, endless nesting
        raise ConfigError(file, "", f"is not valid TOML: {error}") from None
    if (huge := huge_number(document)) is not None:
        raise ConfigError(file, huge, "is a whole number of more than 64 bits, which no TOML file may hold")
    return document


MARK = "\ufeff"
"""What editors of Windows write before a text in UTF-8; it is no part of the document."""
MOST = 1e30
"""No number in a policy or a rubric is larger."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class Fields:
    """One table of a file, read key by key."""

    file: str
    place: str
    values: Mapping[str, Any]

    def only(self, *known: str) -> None:
        """Raise ConfigError for a key that is not known."""
        for key in self.values:
            if key not in known:
                close = difflib.get_close_matches(key, known, n=1)
                meant = f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"
                raise self.wrong(key, f"unknown key{meant}")

    def text(self, key: str, default: str | None = None) -> str:
        """A string; required unless there is a default."""
        value = self.values.get(key, default)
        if value is None:
            raise self.wrong(key, "is missing")
        if not isinstance(value, str):
            raise self.wrong(key, f"must be a string, not {value!r}")
        return value

    def number(self, key: str) -> float | None:
        """A finite number, or None when it is not there."""
        value = self.values.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MOST:
            raise self.wrong(key, f"must be a number, not {value!r:.40}")
        return float(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings; empty when it is not there."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.wrong(key, f"must be a list of strings, not {value!r}")
        return tuple(value)

    def choice(self, key: str, allowed: Sequence[str], default: str = "") -> str:
        """One of a few strings, or the default when it is not there."""
        if key not in self.values:
            return default
        value = self.values[key]
        if value not in allowed:
            raise self.wrong(key, f"must be one of {', '.join(allowed)}, not {value!r}")
        return str(value)

    def tables(self, key: str) -> list[Fields]:
        """The tables of an array of tables, each with its number as its place."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.wrong(key, f"must be written as [[{key}]] tables")
        return [Fields(self.file, f"[[{key}]] {n}", item) for n, item in enumerate(value, start=1)]

    def named(self, key: str) -> str:
        """A string that is there and says something, without spaces around it."""
        name = self.text(key).strip()
        if not name:
            raise self.wrong(key, "is empty")
        return name

    def amount(self, key: str, least: float, most: float, default: float | None = None) -> float:
        """A number within limits; required unless there is a default."""
        number = self.number(key)
        if number is None:
            number = default
        if number is None:
            raise self.wrong(key, "is missing")
        if not least <= number <= most:
            raise self.wrong(key, f"must be from {least:g} to {most:g}, not {number:g}")
        return number

    def whole(self, key: str, least: int, most: int) -> int | None:
        """A whole number within limits, or None when it is not there."""
        value = self.values.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.wrong(key, f"must be a whole number from {least} to {most}, not {value!r:.40}")
        return value

    def moment(self, key: str, zone: tzinfo) -> int | None:
        """Microseconds since 1970, or None when it is not there.

        A day is its first moment; what states no offset from UTC is in ``zone``.
        """
        value = self.values.get(key)
        if value is None:
            return None
        if isinstance(value, str):
            try:
                value = (
                    date.fromisoformat(value) if ISO_DAY.fullmatch(value) else datetime.fromisoformat(value)
                )
            except ValueError:
                raise self.wrong(
                    key, f"{value!r:.40} is no day and no time: write {key} = 2026-01-01"
                ) from None
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime.combine(value, time())
        if not isinstance(value, datetime):
            raise self.wrong(key, f"must be a day or a time such as 2026-01-01, not {value!r:.40}")
        moment = value if value.tzinfo else value.replace(tzinfo=zone)
        return (moment - EPOCH) // timedelta(microseconds=1)

    def flag(self, key: str, default: bool = False) -> bool:
        """True or false, or the default when it is not there."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, f"must be true or false, not {value!r:.40}")
        return value

    def day(self, key: str) -> date | None:
        """A day, or None when it is not there."""
        value = self.values.get(key)
        if isinstance(value, str) and ISO_DAY.fullmatch(value):
            with contextlib.suppress(ValueError):
                value = date.fromisoformat(value)
        if value is not None and (not isinstance(value, date) or isinstance(value, datetime)):
            raise self.wrong(key, f"must be a day such as 2026-01-31, not {value!r:.40}")
        return value

    def beside(self, key: str) -> str:
        """The name of a file that lies beside this one or in a folder there; empty when none is named.

        Whoever reads a file that others wrote is not led to files of their own by it.
        """
        name = self.text(key, "").strip()
        parts = re.split(r"[/\\\\]", name)
        if name and (not name.isprintable() or ".." in parts or "" in parts or ":" in parts[0]):
            raise self.wrong(key, f"{name!r:.80} leads elsewhere: name a file that lies beside this one")
        return name

    def table(self, key: str) -> Fields:
        """A table inside this one; an empty one when it is not there."""
        value = self.values.get(key, {})
        if self.place.startswith("[["):  # one of an array, told by its number
            if not isinstance(value, dict):
                raise self.wrong(key, f"must be a table: write {key} = {{...}}")
            return Fields(self.file, f"{self.place} {key}", value)
        inside = f"{self.place[1:-1]}.{key}" if self.place else key
        if not isinstance(value, dict):
            raise self.wrong(key, f"must be a table: write [{inside}]")
        return Fields(self.file, f"[{inside}]", value)

    def wrong(self, key: str, problem: str) -> ConfigError:
        """The error for one key of this table."""
        return ConfigError(self.file, f"{self.place} {key}".strip(), problem)

    def refused(self, error: UsageError) -> ConfigError:
        """A rule of the core that this table breaks, with its place."""
        return ConfigError(self.file, self.place, str(error))
