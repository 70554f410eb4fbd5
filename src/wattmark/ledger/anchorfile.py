"""Heads of an audit log out of what kept them: decisions, tags of a registry, logs of CI jobs, plain text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from wattmark.core.errors import EvidenceError
from wattmark.core.governance.chain import Anchor

ENTRY = re.compile(r"\bentry (\d{1,10}), head\W{1,4}([0-9a-f]{64})\b")
"""As ``wattmark audit head``, gates and their comments write it."""
BARE = re.compile(r"(?i:audit_head)\W{1,6}([0-9a-f]{64})\b(?:\s+(?i:\w*audit_seq)\W{1,6}(\d{1,10})\b)?")
"""As outputs of a CI step."""
ONLY = re.compile(r"\s*([0-9a-f]{64})\s*")
PAIRS = (("audit_head", "audit_seq"), ("wattmark.audit_head", "wattmark.audit_seq"))
"""Names in JSON: of a decision, and of tags of a model registry."""
MOST_BYTES = 1 << 26


def head_line(seq: int, hashed: str) -> str:
    """The one line in which a head is printed, so that it is found again in any log."""
    return f"wattmark audit log: entry {seq}, head {hashed}"


def read_anchors(path: Path) -> list[Anchor]:
    """The heads that a file holds. Raises EvidenceError for none."""
    try:
        with open(path, "rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise EvidenceError(str(path), f"cannot be read: {error.strerror or error}") from None
    if len(content) > MOST_BYTES:
        raise EvidenceError(str(path), f"is larger than {MOST_BYTES >> 20} MiB: cut the log to what matters")
    found = anchors_in(content.decode("utf-8", "replace"), path.name)
    if not found:
        raise EvidenceError(str(path), "holds no head of an audit log: `wattmark audit head` prints one")
    return found


def anchors_in(text: str, source: str) -> list[Anchor]:
    """The heads in JSON or any other text, each once."""
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    found = list(_in_json(document, source)) if isinstance(document, (dict, list)) else []
    found = found or list(_in_text(text, source))
    return list(dict.fromkeys(found))


def _in_text(text: str, source: str) -> Iterator[Anchor]:
    if only := ONLY.fullmatch(text):
        yield Anchor(hash=only[1], source=source)
        return
    for match in ENTRY.finditer(text):
        yield Anchor(hash=match[2], seq=int(match[1]), source=source)
    for match in BARE.finditer(text):
        yield Anchor(hash=match[1], seq=int(match[2]) if match[2] else None, source=source)


def _in_json(value: Any, source: str) -> Iterator[Anchor]:
    """Wherever they stand; a registry's tags are an object, or a list of key and value."""
    if isinstance(value, list):
        pairs = {
            one["key"]: one["value"]
            for one in value
            if isinstance(one, dict) and {"key", "value"} <= one.keys()
        }
        yield from _in_object(pairs, source)
        for one in value:
            yield from _in_json(one, source)
    elif isinstance(value, dict):
        yield from _in_object(value, source)
        for one in value.values():
            yield from _in_json(one, source)


def _in_object(value: Mapping[Any, Any], source: str) -> Iterator[Anchor]:
    for head, seq in PAIRS:
        hashed, number = value.get(head), str(value.get(seq, ""))
        if isinstance(hashed, str) and ONLY.fullmatch(hashed):
            yield Anchor(hash=hashed.strip(), seq=int(number) if number.isdecimal() else None, source=source)
