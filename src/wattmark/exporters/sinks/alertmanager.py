"""An Alertmanager, which groups, silences and routes further (API v2, POST /api/v2/alerts:
https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml).

An alert is known by its labels, so they hold what never changes of a matter; figures are annotations. Its
severity is one of them, because people route by it: with each message those of other severity end. A gate
speaks once, so an alert says itself how long it holds: an Alertmanager would end it after five minutes. It
keeps no alert over a restart of its own, so what lasts is told again and again where somebody can.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from wattmark.core.governance.message import Message, Severity, Topic
from wattmark.exporters.sinks.addresses import host_of, path_of
from wattmark.exporters.sinks.sink import (
    Delivered,
    Sketch,
    World,
    address_of,
    cut,
    mark_of,
    one_line,
    secret_if_named,
)
from wattmark.fields import Fields
from wattmark.webapi.api import Api

KEYS = ("url", "url_env", "token_env", "hold_days")
FORGETS = True
"""What goes on must be told again and again, or it ends there."""
PATH = "/api/v2/alerts"
HOLD_DAYS = 7
NAMES = {Topic.BUDGET: "WattmarkBudget", Topic.DIGEST: "WattmarkDigest", Topic.ALERT: "WattmarkAlert"}
GATE = "WattmarkGate"
_ODD = re.compile(r"[^a-zA-Z0-9_]")


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """One Alertmanager."""

    api: Api
    world: World
    hold: timedelta = timedelta(days=HOLD_DAYS)
    keeps: bool = True

    def sketch(self, message: Message) -> Sketch:
        """The alerts: one that fires, or none, and those that end."""
        content = json.dumps(self._alerts(message), ensure_ascii=False, indent=2)
        return Sketch(place=f"POST {self.api.shown or self.api.base}{PATH}", content=content)

    def deliver(self, message: Message) -> Delivered:
        """Post them; the same alert twice is one, so it is tried again where that helps."""
        self.api.post(PATH, self._alerts(message), repeatable=True)
        return Delivered("ended" if message.resolved else "firing")

    def _alerts(self, message: Message) -> list[dict[str, Any]]:
        return alerts_of(message, datetime.fromtimestamp(self.world.now(), UTC), self.hold)


def alerts_of(message: Message, now: datetime, hold: timedelta) -> list[dict[str, Any]]:
    """One alert per severity: the message's own fires, unless it is resolved; the others end."""
    own = message.alert or next((NAMES[t] for t in message.topics[:1] if t in NAMES), GATE)
    if message.lasts_seconds is not None:
        hold = timedelta(seconds=message.lasts_seconds)
    labels = {
        "alertname": own,
        "matter": mark_of(message.key),
        **{_ODD.sub("_", name).lstrip("0123456789"): one_line(v) for name, v in message.labels.items() if v},
    }
    annotations = {
        "summary": one_line(message.title),
        "description": cut("; ".join(f"{name}: {one_line(value)}" for name, value in message.facts), 4000),
        **{name: cut(one_line(text), 4000) for name, text in message.annotations.items() if text},
    }
    found = []
    for severity in Severity:
        fires = severity is message.severity and not message.resolved
        alert: dict[str, Any] = {
            "labels": {**labels, "severity": severity.value},
            "annotations": annotations,
            "startsAt": message.began or _iso(now),
            "endsAt": _iso(now + hold if fires else now),
        }
        found.append(alert | ({"generatorURL": message.link} if message.link else {}))
    return found


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def table_of(target: str) -> dict[str, object]:
    """``alertmanager:http://HOST:9093``."""
    return {"url": target} if "://" in target else {"url_env": target}


def open_sink(table: Fields, world: World) -> Alertmanager:
    """With ``url``; ``token_env`` names a bearer token; ``hold_days``: how long it fires at most."""
    url, hidden = address_of(table, world)
    token = secret_if_named(table, "token_env", world)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    api = world.api(
        url.removesuffix(PATH).rstrip("/"),
        headers=headers,
        secrets=path_of(url) if hidden else (),
        shown=host_of(url) if hidden else "",
    )
    days = table.amount("hold_days", 1 / 24, 366, HOLD_DAYS)
    return Alertmanager(api, world, timedelta(days=days))
