"""A path of requests that tests can look into: lines kept in a list, rates as they like, no threads."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from wattmark.core.serving.estimated import Rate, Rates
from wattmark.core.serving.line import told
from wattmark.core.serving.request import Request
from wattmark.integrations.request_path.companion import Companion
from wattmark.integrations.request_path.exchange import RequestPath
from wattmark.integrations.request_path.settings import Settings

CHAT_RATE = Rate(
    joules=100.0,
    window_seconds=60.0,
    input_tokens=100.0,
    output_tokens=40.0,
    prefill_joules=20.0,
    decode_joules=80.0,
    request_seconds=50.0,
    grams_per_joule=0.5,
    terms={"boundary": "device", "grade": "B", "rule": "request_tokens"},
    carbon_terms={"accounting": "location", "basis": "lifecycle"},
)
"""0.2 J per input token, 2 J per output token, 2 J per second, 0.5 g per joule."""

CHAT = {
    "id": "c-1",
    "object": "chat.completion",
    "model": "chat",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Guten Tag, wie geht's? äöü €"}}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14},
}
"""10 x 0.2 J + 4 x 2 J = 10 J, and so 5 g."""


class Kept:
    """Keeps every line."""

    def __init__(self) -> None:
        self.dropped: Counter[str] = Counter()
        self.lines: list[dict[str, Any]] = []

    def tell(self, line: bytes) -> None:
        self.lines.append(json.loads(line))

    def flush(self) -> bool:
        return True

    @property
    def starts(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == "start"]

    @property
    def requests(self) -> list[Request]:
        """The requests that are over, read as an agent reads them: a line that it refused would raise."""
        found = [told(line) for line in self.lines]
        return [request for request in found if isinstance(request, Request)]

    @property
    def only(self) -> Request:
        """The one request that there was."""
        (request,) = self.requests
        return request


class Quiet(Companion):
    """Does nothing in the background."""

    def accompany(self) -> None:
        pass


def a_path(rates: Rates | None = None, **settings: Any) -> tuple[RequestPath, Kept]:
    """A path with the rates of one model ``chat``, and where its lines go."""
    kept = Kept()
    companion = Quiet(kept, None, 5.0)
    companion.rates = Rates(of_model={"chat": CHAT_RATE}) if rates is None else rates
    return RequestPath(Settings(**settings), kept, companion), kept
