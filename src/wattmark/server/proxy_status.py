"""What the reverse proxy tells of itself, to this machine alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wattmark.server.own_metrics import family
from wattmark.server.proxy import ReverseProxy, Tally
from wattmark.server.serve import is_loopback

HEALTH, METRICS = "/-/wattmark/healthz", "/-/wattmark/metrics"
"""Paths that no upstream has."""
TEXT = b"text/plain; version=0.0.4; charset=utf-8"


class Status:
    """Answers on two paths of its own; all else goes to the application."""

    def __init__(self, app: Any, proxy: ReverseProxy, dropped: Mapping[str, int]) -> None:
        self._app = app
        self._proxy = proxy
        self._dropped = dropped

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One connection's request."""
        asked = scope["type"] == "http" and scope["path"] in (HEALTH, METRICS)
        if not asked or not is_loopback((scope.get("client") or ("",))[0]):
            await self._app(scope, receive, send)
            return
        text = "ok\n" if scope["path"] == HEALTH else exposition(self._proxy.tally, self._dropped)
        body = text.encode()
        headers = [(b"content-type", TEXT), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def exposition(tally: Tally, dropped: Mapping[str, int]) -> str:
    """What the proxy counts of itself, in Prometheus' text form."""
    return "".join(_families(tally, dropped))


def _families(tally: Tally, dropped: Mapping[str, int]) -> Iterator[str]:
    name = "wattmark_proxy"
    statuses = {f'{{status="{status}"}}': n for status, n in sorted(tally.answers.items())}
    yield family(f"{name}_requests_total", "counter", "Requests by the status of their answer.", statuses)
    failures = {f'{{reason="{reason}"}}': n for reason, n in sorted(tally.failures.items())}
    yield family(f"{name}_failures_total", "counter", "Requests without a whole answer.", failures)
    yield family(f"{name}_requests_under_way", "gauge", "Requests under way.", {"": tally.under_way})
    lines = {f'{{reason="{reason}"}}': n for reason, n in sorted(dropped.items())}
    yield family(f"{name}_lines_dropped_total", "counter", "Request lines that were lost.", lines)
