"""JSON as tools write it: one document, a list of them, or one per line."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from wattmark.core.errors import EvidenceError
from wattmark.sources.lines import lines_of

MOST_CHARACTERS = 1 << 28
"""A single document that is larger is not read; one document per line has no such limit."""

Document = Mapping[str, Any]


def documents_of(path: Path) -> Iterator[tuple[str, Document | None, str]]:
    """Place, object and reason of each document; None and why for what is no object.

    Raises EvidenceError when nothing in the file is JSON.
    """
    lines = ((n, line) for n, line in lines_of(path) if line.strip())
    first = next(lines, None)
    if first is None:
        raise EvidenceError(str(path), "is empty: expected JSON")
    number, text = first
    if isinstance(parsed(text)[0], dict):
        yield _one(f"{path}:{number}", text)
        for number, text in lines:
            yield _one(f"{path}:{number}", text)
        return
    whole = [text]
    size = 0
    for _, line in lines:
        size += len(line)
        if size > MOST_CHARACTERS:
            raise EvidenceError(str(path), "is too large for one document: write one object per line")
        whole.append(line)
    document, reason = parsed("\n".join(whole))
    if isinstance(document, dict):
        yield str(path), document, ""
    elif isinstance(document, list):
        for index, entry in enumerate(document):
            good = entry if isinstance(entry, dict) else None
            yield f"{path}:$[{index}]", good, "is not a JSON object"
    else:
        raise EvidenceError(str(path), f"is not JSON with objects: {reason or 'it holds a single value'}")


def parsed(text: str) -> tuple[Any, str]:
    """The value, or None and why there is none."""
    try:
        return json.loads(text), ""
    except RecursionError:
        return None, "it is nested too deeply"
    except ValueError as error:
        return None, str(error)


def _one(place: str, text: str) -> tuple[str, Document | None, str]:
    value, reason = parsed(text)
    if isinstance(value, dict):
        return place, value, ""
    return place, None, f"is not a JSON object: {reason}" if reason else "is not a JSON object"


def at(document: Any, *path: str) -> Any:
    """What stands under these keys, one inside the other; None when something is not there."""
    for key in path:
        if not isinstance(document, Mapping):
            return None
        document = document.get(key)
    return document


def text_at(document: Any, *path: str) -> str:
    """The text there, stripped; empty when there is none."""
    found = at(document, *path)
    return found.strip() if isinstance(found, str) else ""


def number_at(document: Any, *path: str) -> float | None:
    """The finite number there; None when there is none."""
    found = at(document, *path)
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    try:
        value = float(found)
    except OverflowError:
        return None
    return value if math.isfinite(value) else None


def list_at(document: Any, *path: str) -> list[Any]:
    """The list there; empty when there is none."""
    found = at(document, *path)
    return found if isinstance(found, list) else []
