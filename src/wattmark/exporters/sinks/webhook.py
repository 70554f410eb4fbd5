"""Any address that takes JSON. With a key, each body is signed, as GitHub signs its own webhooks."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass

from wattmark.core.governance.message import Message
from wattmark.core.plain import plain
from wattmark.exporters.sinks.addresses import host_of, path_of
from wattmark.exporters.sinks.sink import Delivered, Sketch, World, address_of, secret_if_named
from wattmark.fields import Fields
from wattmark.webapi.api import Api

KEYS = ("url", "url_env", "key_env", "token_env", "form")
SCHEMA, VERSION = "wattmark.message", 1
MESSAGE, ALERTS = "message", "alerts"
FORMS = (MESSAGE, ALERTS)
ALERTS_SCHEMA, ALERTS_VERSION = "wattmark.alerts", 1
SIGNATURE = "X-Wattmark-Signature-256"
"""``sha256=`` and the HMAC of the body (RFC 2104), in the form of GitHub's ``X-Hub-Signature-256``
(https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries)."""
DELIVERY = "X-Wattmark-Delivery"
"""The same when the same body comes again: whoever receives can tell a repetition."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """One address."""

    api: Api
    key: str = ""
    form: str = MESSAGE
    keeps: bool = False

    def sketch(self, message: Message) -> Sketch:
        """The body; the signature needs the key and is not shown."""
        note = f"signed in {SIGNATURE}" if self.key else ""
        return Sketch(
            place=f"POST {self.api.shown or self.api.base}", content=body_of(message, self.form), note=note
        )

    def deliver(self, message: Message) -> Delivered:
        """Post it; the address can tell a repetition by its header, so it is tried again where that helps."""
        data = body_of(message, self.form).encode()
        headers = {DELIVERY: hashlib.sha256(data).hexdigest()[:32]}
        if self.key:
            headers[SIGNATURE] = signature(self.key, data)
        self.api.post(data=data, headers=headers, repeatable=True)
        return Delivered("sent")


def body_of(message: Message, form: str = MESSAGE) -> str:
    """The message with its schema in front; what is empty is left out. ``alerts``: for machines."""
    if form == ALERTS:
        body = {"schema": ALERTS_SCHEMA, "schema_version": ALERTS_VERSION, "alerts": [_alert(message)]}
    else:
        status = "resolved" if message.resolved else "open"
        body = {"schema": SCHEMA, "schema_version": VERSION, "state": status, **plain(message)}
    return json.dumps(body, ensure_ascii=False, indent=2)


def _alert(message: Message) -> dict[str, object]:
    """As a receiver of alerts reads it."""
    return {
        "name": message.alert or "Wattmark",
        "status": "resolved" if message.resolved else "firing",
        "labels": dict(message.labels),
        "annotations": {"summary": message.title, **message.annotations},
        "starts_at": message.began or message.at,
        "ends_at": message.at if message.resolved else None,
    }


def signature(key: str, data: bytes) -> str:
    """What a receiver compares, in constant time, with its own."""
    return "sha256=" + hmac.new(key.encode(), data, hashlib.sha256).hexdigest()


def table_of(target: str) -> dict[str, object]:
    """``webhook:https://...``, or the name of a variable that holds the address."""
    return {"url": target} if "://" in target else {"url_env": target}


def open_sink(table: Fields, world: World) -> Webhook:
    """With ``url`` or ``url_env``; ``key_env`` names the signature's key, ``token_env`` a bearer token.

    ``form``: ``message``, or ``alerts`` for who reads names, labels and times of alerts.
    """
    url, hidden = address_of(table, world)
    token, key = secret_if_named(table, "token_env", world), secret_if_named(table, "key_env", world)
    api = world.api(
        url,
        headers={"Authorization": f"Bearer {token}"} if token else {},
        secrets=tuple(filter(None, (key, *path_of(url))) if hidden else filter(None, (key,))),
        shown=host_of(url) if hidden else "",
    )
    return Webhook(api, key, table.choice("form", FORMS, MESSAGE))
