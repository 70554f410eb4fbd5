"""Asking somebody for a little JSON, safely: where they were said to be and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from wattmark.core.errors import DeliveryError, UsageError
from wattmark.webapi.addresses import is_loopback
from wattmark.webapi.answers import Answer
from wattmark.webapi.api import Api, Patience

MOST_BYTES = 16 << 20
NOT_FOUND = 404
ONCE = Patience(timeout=10.0, attempts=1)


class NoAnswer(Exception):
    """Nothing that can be used came back. Says why, without what was sent."""


def ask(url: str, what: str, headers: Mapping[str, str] | None = None) -> Any:
    """The JSON at an address: over https, or over http from this machine. Raises NoAnswer."""
    try:
        return _answer(url, what, headers).json()
    except DeliveryError as error:
        raise NoAnswer(f"{what} does not answer as it should: {error.problem[:160]}") from None


def fetch(url: str, what: str, headers: Mapping[str, str] | None = None) -> bytes | None:
    """The content at an address, asked in the same way; None where there is none. Raises NoAnswer."""
    answer = _answer(url, what, headers, absent=True)
    return None if answer.status == NOT_FOUND else answer.body


def _answer(url: str, what: str, headers: Mapping[str, str] | None, absent: bool = False) -> Answer:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise NoAnswer(f"{what} is not asked: only https:// is, or http:// on this machine")
    try:
        api = Api(url, headers=headers or {}, patience=ONCE, most_bytes=MOST_BYTES)
        return api.get(expect=(NOT_FOUND,) if absent else ())
    except UsageError as error:
        raise NoAnswer(f"{what} is not asked: {error}") from None
    except DeliveryError as error:
        raise NoAnswer(f"{what} does not answer as it should: {error.problem[:160]}") from None
