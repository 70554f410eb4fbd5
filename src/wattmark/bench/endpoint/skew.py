"""How far another machine's clock is off ours, from the ``Date`` of its answers (RFC 9110, section 6.6.1).

A date has whole seconds, so one answer bounds the difference to a second; the answers around the moment at
which the second changes bound it to the time between them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from wattmark.core.errors import EvidenceError

NARROW_SECONDS = 0.06
MOST_ASKED = 60
PAUSE_SECONDS = 0.03

Dated = Callable[[], tuple[float, float, float]]
"""One answer: our clock before and after it, and its date; seconds since 1970."""


def difference(dated: Dated, sleep: Callable[[float], None] = time.sleep) -> tuple[float, float]:
    """Least and most that the other clock is ahead of ours, in seconds."""
    low, high = float("-inf"), float("inf")
    for _ in range(MOST_ASKED):
        before, after, date = dated()
        if date - after > high or date + 1 - before < low:
            low, high = float("-inf"), float("inf")  # one of the clocks was set meanwhile
        low, high = max(low, date - after), min(high, date + 1 - before)
        if high - low <= NARROW_SECONDS:
            break
        sleep(PAUSE_SECONDS)
    return low, high


def clock_error(url: str, timeout_seconds: float = 5.0) -> float:
    """How far the clock of this server may be off ours, in seconds. Raises EvidenceError."""
    parts = urlsplit(url)
    made = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = made(parts.hostname or "", parts.port, timeout=timeout_seconds)

    def dated() -> tuple[float, float, float]:
        before = time.time()
        connection.request("GET", parts.path or "/")
        answer = connection.getresponse()
        after = time.time()
        answer.read()
        date = parsedate_to_datetime(answer.headers.get("Date") or "")
        return before, after, date.timestamp()

    try:
        low, high = difference(dated)
    except (OSError, HTTPException, ValueError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise EvidenceError(
            f"{parts.scheme}://{parts.hostname}", f"does not tell the time ({why}): state --clock-error"
        ) from None
    finally:
        connection.close()
    return max(abs(low), abs(high))
