"""What comes back from an API: documents, pages, refusals, and how long it asks us to wait."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from wattmark.core.errors import DeliveryError

SAID_CHARACTERS = 300
"""Of what a server says of its refusal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, whole."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    """Names in small letters."""
    place: str
    """The address as it may be shown."""

    def json(self) -> Any:
        """The document. Raises DeliveryError that names the address when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise DeliveryError(self.place, "answered with something else than JSON", self.status) from None

    @property
    def next_page(self) -> str:
        """Address of the next page by the Link header (RFC 8288); empty when this is the last one."""
        for link in re.split(r",\s*(?=<)", self.headers.get("link", "")):
            found = re.match(r"<([^>]*)>(.*)", link.strip())
            if found and re.search(r';\s*rel="?(?:[^";]*\s)?next\b', found[2], re.IGNORECASE):
                return found[1]
        return ""


def seconds_asked(retry_after: str, now: float) -> float:
    """Seconds that a Retry-After asks for (RFC 9110, section 10.2.3); 0 when it says nothing that counts."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return 0.0


def said(words: str) -> str:
    """What a server says of a refusal, on one line: the messages of its JSON, or how its text begins."""
    try:
        found = json.loads(words)
    except (ValueError, RecursionError):
        found = words if not words.lstrip().startswith("<") else ""
    text = " ".join(_texts(found))
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:SAID_CHARACTERS]


MESSAGES = ("message", "error", "errors", "errorMessages", "error_description", "detail", "code", "field")
"""Keys under which GitHub, GitLab, Jira, Slack and others say what is wrong."""


def _texts(found: object, depth: int = 0) -> Iterator[str]:
    if isinstance(found, str):
        yield found
    elif isinstance(found, Mapping) and depth < 4:
        known = [found[key] for key in MESSAGES if key in found]
        for value in known or found.values():
            yield from _texts(value, depth + 1)
    elif isinstance(found, list) and depth < 4:
        for value in found[:8]:
            yield from _texts(value, depth + 1)
