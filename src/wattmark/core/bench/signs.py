"""Characters that do something where they are shown: move a cursor, begin a line, turn text around.

A name from a stranger goes into tables, pages and terminals. With such characters it could draw over what
stands beside it (ECMA-48, control functions; Unicode Standard Annex 9, bidirectional formatting).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

LONGEST = 2000
"""Characters of a text in a result: a name, a reason, a note."""
_ODD = r"\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff"
_IN_TEXT = re.compile(rf"[\x00-\x1f{_ODD}]")
_IN_JSON = re.compile(rf'\\(?P<sign>["\\bfnrt]|u[0-9a-f]{{4}})|[{_ODD}]')
"""JSON has an escape for each of the first 32; its own line ends stand between texts."""


def shown_json(text: str) -> str:
    """JSON with a space for each line end or tab within a text, and ``?`` for each other odd character."""
    if "\\" not in text and not _IN_TEXT.search(text.replace("\n", "")):
        return text
    return _IN_JSON.sub(lambda found: _shown(found[0], found["sign"]), text)


def _shown(whole: str, sign: str | None) -> str:
    if sign is None:
        return "?"
    if sign in ('"', "\\"):
        return whole
    return " " if sign in ("n", "r", "t") else "?"


def first_odd(value: Any, place: str = "$") -> tuple[str, str] | None:
    """Place and fault of the first text in plain data that cannot be shown; None where all can."""
    return next(_odd(value, place), None)


def _odd(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if _IN_TEXT.search(value):
            yield place, "holds characters that no name has: control characters, line ends or the like"
        elif len(value) > LONGEST:
            yield place, f"is {len(value)} characters long, of {LONGEST}"
    elif isinstance(value, Mapping):
        for key, item in value.items():
            name = str(key)
            if _IN_TEXT.search(name) or len(name) > LONGEST:
                yield place, "holds a name that cannot be shown"
            else:
                yield from _odd(item, f"{place}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _odd(item, f"{place}[{index}]")
