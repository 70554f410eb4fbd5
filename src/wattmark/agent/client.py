"""Asks an agent, on this machine or another, for what it shows."""

from __future__ import annotations

import os
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.reports.live_read import LiveDocument, read_live

DEFAULT_URL = "http://127.0.0.1:9465"
URL_VARIABLE = "WATTMARK_AGENT"
LIVE = "/v1/live"
MOST_BYTES = 16 << 20
"""A document of ten thousand services is some 15 MB."""


class AgentClient:
    """One agent. It is asked anew each time; a connection that broke is made again."""

    def __init__(self, url: str | None = None, timeout_seconds: float = 5.0) -> None:
        self.url = (url or DEFAULT_URL).rstrip("/")
        try:
            parts = urlsplit(self.url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"{self.url} is no address of an agent: write http://HOST:9465")
        made = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._connection = made(parts.hostname, port, timeout=timeout_seconds)
        self._path = parts.path

    def live(self, seconds: float | None = None) -> LiveDocument:
        """Its figures over the last so many seconds. Raises EvidenceError when it gives none."""
        return read_live(self._document(seconds), f"{self.url}{LIVE}")

    def live_json(self, seconds: float | None = None) -> bytes:
        """The document as it came, once it was found to be one. Raises EvidenceError as above."""
        data = self._document(seconds)
        read_live(data, f"{self.url}{LIVE}")
        return data

    def _document(self, seconds: float | None) -> bytes:
        query = f"?seconds={seconds:g}" if seconds is not None else ""
        return self.get(f"{LIVE}{query}")

    def get(self, path: str) -> bytes:
        """The body of the answer to one path. Raises EvidenceError for anything but 200."""
        status, said, body = self.ask(path)
        if status != 200:
            place = f"{self.url}{path.partition('?')[0]}"
            raise EvidenceError(place, f"answers {status} {said}: {_first_line(body)}")
        return body

    def ask(self, path: str) -> tuple[int, str, bytes]:
        """Status, its phrase and the body of the answer to one path. Raises EvidenceError when none comes."""
        place = f"{self.url}{path.partition('?')[0]}"
        try:
            self._connection.request("GET", f"{self._path}{path}", headers={"Accept": "application/json"})
            answer = self._connection.getresponse()
            body = answer.read(MOST_BYTES + 1)
        except (OSError, HTTPException) as error:
            self._connection.close()
            said = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise EvidenceError(
                place, f"does not answer: {said}; is `wattmark agent` running there?"
            ) from None
        if len(body) > MOST_BYTES:
            self._connection.close()
            raise EvidenceError(place, f"answers with more than {MOST_BYTES >> 20} MiB")
        return answer.status, answer.reason, body

    def close(self) -> None:
        """Let the connection go."""
        self._connection.close()


def agent_url(given: str | None, environ: Mapping[str, str] = os.environ) -> str:
    """The address that was given, or that of ``WATTMARK_AGENT``, or the usual one on this machine."""
    return given or environ.get(URL_VARIABLE) or DEFAULT_URL


def _first_line(body: bytes) -> str:
    return body[:200].decode("utf-8", "replace").partition("\n")[0]
