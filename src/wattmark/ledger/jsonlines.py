"""In which lines of a JSON document something stands."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

_PARTS = re.compile(r'"(?:\\.|[^"\\])*"|[\[\]{},]')


def lines_at(text: str, path: Sequence[str | int]) -> tuple[int, int]:
    """First and last line of what lies inside of the object or list at a path; (0, 0): there is none.

    The text must be JSON. What its own brackets share a line with is not of it, unless it is all on one line.
    """
    at: list[str | int | None] = []
    first = 0
    for part in _PARTS.finditer(text):
        sign = part[0]
        if sign in "[{":
            if at == list(path):
                first = text.count("\n", 0, part.start()) + 1
            at.append(0 if sign == "[" else None)
        elif sign in "]}":
            at.pop()
            if first and at == list(path):
                last = text.count("\n", 0, part.start()) + 1
                return (first + 1, last - 1) if last > first + 1 else (first, last)
        elif sign == ",":
            at[-1] = at[-1] + 1 if isinstance(at[-1], int) else None
        elif at and at[-1] is None:
            at[-1] = str(json.loads(sign))
    return (0, 0)
