"""Pushes to a Prometheus Pushgateway while the run goes on, and takes the series back when it ends.

A Pushgateway keeps what it was sent until somebody deletes it. So the group of a run is deleted at its
end, and groups of ours that nobody has pushed to for long (killed runs) are deleted by the next run.
"""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

from wattmark.core.errors import UsageError, without_secrets
from wattmark.core.run import Run
from wattmark.exporters.periodic import Periodic

JOB = "wattmark"
TIMEOUT_SECONDS = 5.0
MOST_BYTES = 64 << 20
"""Of what a Pushgateway says that it holds."""
STALE_SECONDS = 300.0
STALE_PERIODS = 10


class Pushgateway(Periodic):
    """Replaces the group ``job="wattmark", run="<id>"`` at every push. Raises UsageError for no address."""

    name = "pushgateway"

    def __init__(self, target: str, period_seconds: float, now: Callable[[], float] = time.time) -> None:
        from wattmark.exporters.collector import registry_of

        super().__init__(period_seconds)
        self._registry_of = registry_of
        self._now = now
        self._url, self._account = _address(target)
        self._swept = False

    def show(self, run: Run) -> None:
        """Push the run as it stands; it replaces what was there of it."""
        from prometheus_client import push_to_gateway

        if not self._swept:
            self._swept = True
            self.sweep()
        registry = self._registry_of(lambda: run)
        push_to_gateway(
            self._url, JOB, registry, grouping_key=_group(run), timeout=TIMEOUT_SECONDS, handler=self._handler
        )

    def withdraw(self, run: Run) -> None:
        """Delete the run's group, so that no series of it goes stale."""
        self._delete(_group(run))

    def sweep(self) -> int:
        """Delete groups of ours that nobody has pushed to for long; says how many."""
        oldest = self._now() - max(STALE_SECONDS, STALE_PERIODS * self._period)
        asked = Request(f"{self._url}/api/v1/metrics", headers=self._account)
        with urlopen(asked, timeout=TIMEOUT_SECONDS) as answer:
            groups = json.loads(answer.read(MOST_BYTES)).get("data", [])
        stale = [g["labels"] for g in groups if _pushed_at(g) < oldest and g["labels"].get("job") == JOB]
        for labels in stale:
            self._delete({k: v for k, v in labels.items() if k != "job"})
        return len(stale)

    def _delete(self, group: dict[str, str]) -> None:
        from prometheus_client import delete_from_gateway

        delete_from_gateway(
            self._url, JOB, grouping_key=group, timeout=TIMEOUT_SECONDS, handler=self._handler
        )

    def _handler(
        self, url: str, method: str, timeout: float | None, headers: list[tuple[str, str]], data: bytes
    ) -> Callable[[], None]:
        from prometheus_client.exposition import default_handler

        return default_handler(url, method, timeout, [*headers, *self._account.items()], data)


def _address(target: str) -> tuple[str, dict[str, str]]:
    """The address without the account that stands in it, and the header that says the account."""
    try:
        parts = urlsplit(target)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        place = host if parts.port is None else f"{host}:{parts.port}"
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(
            f"pushgateway:{without_secrets(target)} is no address: write pushgateway:http://127.0.0.1:9091"
        )
    url = f"{parts.scheme}://{place}{parts.path}".rstrip("/")
    if parts.username is None:
        return url, {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return url, {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def _group(run: Run) -> dict[str, str]:
    return {"run": run.record_id[:8]}


def _pushed_at(group: dict[str, Any]) -> float:
    """When the group was last pushed to; now, if the gateway does not say."""
    try:
        return float(group["push_time_seconds"]["metrics"][0]["value"])
    except (KeyError, IndexError, TypeError, ValueError):
        return float("inf")


def open_export(target: str, period_seconds: float) -> Pushgateway:
    """``pushgateway:http://HOST:PORT``."""
    return Pushgateway(target, period_seconds)
