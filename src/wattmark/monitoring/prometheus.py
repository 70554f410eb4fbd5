"""Asks a running Prometheus a few questions over its HTTP API (v1), with the standard library alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from wattmark.core.errors import UsageError, WattmarkError, without_secrets
from wattmark.version import __version__

TIMEOUT = 20.0
MOST_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class Sample:
    """One result of an instant query."""

    labels: Mapping[str, str]
    value: float


class Prometheus:
    """One server. Raises UsageError for an address that cannot be meant, and where it does not answer."""

    def __init__(self, url: str, *, token: str | None = None, timeout: float = TIMEOUT) -> None:
        self.shown = without_secrets(url)
        try:
            parsed = urlsplit(url)
            right = parsed.scheme in ("http", "https") and bool(parsed.hostname)
            right = right and parsed.username is None and (parsed.port or 1) > 0
        except ValueError:
            right = False
        if not right or any(c.isspace() or not c.isprintable() for c in url):
            raise UsageError(f"{self.shown!r:.200}: give an address that begins with http:// or https://")
        self._url, self._token, self._timeout = url.rstrip("/"), token, timeout

    def get(self, path: str, **parameters: str) -> Any:
        """What is under ``data`` of an answer. Raises UsageError that names the address and the reason."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        headers = {"User-Agent": f"wattmark/{__version__}"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            asked = Request(f"{self._url}/api/v1/{path}{query}", headers=headers)
            with urlopen(asked, timeout=self._timeout) as answer:
                body = answer.read(MOST_BYTES + 1)
        except HTTPError as error:
            with error:
                body = error.read(MOST_BYTES)
            raise self._bad(path, f"HTTP {error.code} {_reason(body)}".strip()) from None
        except (OSError, HTTPException, ValueError) as error:
            why = getattr(error, "reason", error)
            raise self._bad(path, f"does not answer: {getattr(why, 'strerror', None) or why}") from None
        if len(body) > MOST_BYTES:
            raise self._bad(path, "answers more than 32 MiB")
        found = _json(body)
        if not isinstance(found, dict) or found.get("status") != "success" or "data" not in found:
            raise self._bad(path, f"is no answer of a Prometheus: {_reason(body)}")
        return found["data"]

    def query(self, expr: str) -> tuple[Sample, ...]:
        """The results of an instant query."""
        data = self.get("query", query=expr)
        try:
            return tuple(Sample(dict(one["metric"]), float(one["value"][1])) for one in data["result"])
        except (KeyError, TypeError, ValueError, IndexError):
            raise self._bad("query", "is no answer of a Prometheus") from None

    def _bad(self, path: str, why: str) -> WattmarkError:
        return UsageError(f"{self.shown}/api/v1/{path}: {without_secrets(why)[:300]}")


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _reason(body: bytes) -> str:
    """What an answer says is wrong, on one line."""
    found = _json(body)
    text = found.get("error", "") if isinstance(found, dict) else body[:200].decode("utf-8", "replace")
    return "".join(c if c.isprintable() else " " for c in str(text)).strip()[:200]
