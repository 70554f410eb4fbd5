"""Sends alerts over HTTP where no Prometheus does: to an Alertmanager, or to any address as JSON.

It tries again where that may help, gives up after some seconds, and never raises for what a network does:
whoever sends has better things to do than to fall over. Redirects are not followed, because a token would go
with them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPException, HTTPResponse
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from wattmark.core.errors import UsageError, without_secrets
from wattmark.version import __version__

ALERTMANAGER = "alertmanager"
GENERIC = "json"
FORMS = (ALERTMANAGER, GENERIC)
API = "/api/v2/alerts"
TRY_AGAIN = (408, 429, 500, 502, 503, 504)
LONGEST_WAIT = 30.0
"""Seconds that a Retry-After can hold us up, each time."""
MOST_ANSWER = 2000
"""Bytes of an answer that are read: it says why something was refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert that begins, goes on or ends."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    """What tells it from others of its name."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """``summary``, ``description``, ``changed``, ...: they do not tell it from others."""
    starts: float
    """Unix time."""
    ends: float | None = None
    """Unix time; None: it goes on, and an Alertmanager wants to hear of it again every few minutes."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of what was sent."""

    sent: bool
    attempts: int
    problem: str = ""
    """Why not, without secrets; empty when it was sent."""


class Webhook:
    """One address. Raises UsageError for an address that cannot be meant."""

    def __init__(
        self,
        url: str,
        *,
        form: str = ALERTMANAGER,
        token: str | None = None,
        timeout: float = 5.0,
        attempts: int = 4,
        first_wait: float = 0.5,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """``timeout`` is of one attempt; between two it waits ``first_wait`` seconds, then twice as long."""
        self._url, self.shown = _address(url, form), without_secrets(url)
        self._form = form
        self._token = token
        self._timeout = timeout
        self._attempts = max(1, attempts)
        self._first_wait = first_wait
        self._wait = wait
        self._opener = build_opener(_NoRedirect)

    def send(self, alerts: Sequence[Alert]) -> Outcome:
        """Send them all in one request; it counts as sent when the other side says so."""
        if not alerts:
            return Outcome(True, 0)
        request = Request(self._url, data=self._body(alerts), method="POST", headers=self._headers())
        pause, attempt = self._first_wait, 0
        while True:
            attempt += 1
            problem, again, asked = self._try(request)
            if not problem:
                return Outcome(True, attempt)
            if not again or attempt == self._attempts:
                return Outcome(False, attempt, f"{self.shown}: {self._hidden(problem)}")
            self._wait(min(LONGEST_WAIT, max(pause, asked)))
            pause *= 2

    def _try(self, request: Request) -> tuple[str, bool, float]:
        """What went wrong (empty: nothing), whether to try again, and what wait the other side asks for."""
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                return _said(answer, answer.status)
        except HTTPError as error:
            with error:
                return _said(error, error.code)
        except (OSError, HTTPException, ValueError) as error:  # broken connections, timeouts, no HTTP at all
            return without_secrets(str(error) or type(error).__name__), True, 0.0

    def _hidden(self, problem: str) -> str:
        """Servers may say again what they were sent."""
        return problem.replace(self._token, "***") if self._token else problem

    def _headers(self) -> dict[str, str]:
        named = {"Content-Type": "application/json", "User-Agent": f"wattmark/{__version__}"}
        return named | ({"Authorization": f"Bearer {self._token}"} if self._token else {})

    def _body(self, alerts: Sequence[Alert]) -> bytes:
        if self._form == ALERTMANAGER:
            return json.dumps([postable(alert) for alert in alerts]).encode()
        return json.dumps(
            {"schema": "wattmark.alerts", "schema_version": 1, "alerts": [generic(a) for a in alerts]}
        ).encode()


def postable(alert: Alert) -> dict[str, object]:
    """As the Alertmanager takes it: postableAlert of its API v2
    (https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml, 2024).

    Labels without a value are left out: there, an empty label is none.
    """
    made: dict[str, object] = {
        "labels": {"alertname": alert.name, **{k: v for k, v in alert.labels.items() if v}},
        "annotations": dict(alert.annotations),
        "startsAt": rfc3339(alert.starts),
    }
    return made if alert.ends is None else made | {"endsAt": rfc3339(alert.ends)}


def generic(alert: Alert) -> dict[str, object]:
    """As any other address gets it."""
    return {
        "name": alert.name,
        "status": "firing" if alert.ends is None else "resolved",
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "starts_at": rfc3339(alert.starts),
        "ends_at": None if alert.ends is None else rfc3339(alert.ends),
    }


def rfc3339(seconds: float) -> str:
    """A Unix time as RFC 3339 writes it, UTC, to the millisecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def _said(answer: HTTPResponse | HTTPError, status: int) -> tuple[str, bool, float]:
    if 200 <= status < 300:
        return "", False, 0.0
    try:
        words = answer.read(MOST_ANSWER).decode("utf-8", "replace")
    except (OSError, HTTPException):
        words = ""
    words = "".join(c if c.isprintable() else " " for c in words).strip()
    asked = answer.headers.get("Retry-After", "")
    wait = float(asked) if asked.isascii() and asked.isdigit() else 0.0
    return f"HTTP {status} {without_secrets(words)[:200]}".strip(), status in TRY_AGAIN, wait


def _address(url: str, form: str) -> str:
    if form not in FORMS:
        raise UsageError(f"{form!r}: alerts go out as {' or '.join(FORMS)}")
    try:
        parsed = urlsplit(url)
        _ = parsed.port
    except ValueError:
        parsed = None
    bad = parsed is None or parsed.scheme not in ("http", "https") or not parsed.hostname
    if parsed is None or bad or any(c.isspace() or not c.isprintable() for c in url):
        raise UsageError(
            f"{without_secrets(url)!r:.200}: give an address that begins with http:// or https://"
        )
    if parsed.username is not None:
        raise UsageError(f"{without_secrets(url)}: put no account into the address: give a token")
    if form == ALERTMANAGER and not parsed.path.endswith(API):
        return parsed._replace(path=parsed.path.rstrip("/") + API).geturl()
    return url
