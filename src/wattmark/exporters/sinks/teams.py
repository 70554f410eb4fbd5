"""A channel of Microsoft Teams, by a workflow that takes webhook requests, as an Adaptive Card.

Connectors and their MessageCard are retired; workflows take a message with Adaptive Cards
(https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook).
Cards are of version 1.4, which every client shows; a message of more than 28 KB is refused as a whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from wattmark.core.errors import DeliveryError
from wattmark.core.governance.message import Listing, Message, Severity
from wattmark.exporters.sinks.addresses import secret_api
from wattmark.exporters.sinks.sink import (
    Delivered,
    Sketch,
    World,
    cut,
    one_line,
)
from wattmark.fields import Fields
from wattmark.webapi.api import Api

KEYS = ("url_env",)
USUAL = "TEAMS_WEBHOOK_URL"
MOST_BYTES = 26_000
"""Of 28 KB: Teams counts what its service adds."""
MOST_CELL = 600
MOST_FACTS = 10
MOST_FACT = 300
COLOURS = {Severity.INFO: "good", Severity.WARNING: "warning", Severity.ERROR: "attention"}
_SPECIAL = re.compile(r"([\\`*_\[\]~#<>|])")


@dataclass(frozen=True, slots=True)
class Teams:
    """One workflow: it says new things, and cannot change what it said."""

    api: Api
    keeps: bool = False

    def sketch(self, message: Message) -> Sketch:
        """The payload."""
        return Sketch(
            place=f"POST {self.api.shown}",
            content=json.dumps(payload(message), ensure_ascii=False, indent=2),
        )

    def deliver(self, message: Message) -> Delivered:
        """Post it. A workflow answers 202; connectors of old answered 200 also when they had failed."""
        answer = self.api.post(body=payload(message))
        said = one_line(answer.body[:300].decode("utf-8", "replace"))
        if "failed" in said.lower():
            raise DeliveryError(answer.place, f"answered {said!r}", answer.status)
        return Delivered("sent")


def payload(message: Message) -> dict[str, Any]:
    """A message with one card; rows are left out, the last first, until it fits."""
    rest = [*(element for table in message.tables for element in _listed(table)), *_notes(message)]
    kept = len(rest)
    while True:
        left = len(rest) - kept
        more = [_text(f"{left} more lines do not fit here", isSubtle=True)] if left else []
        made = _enveloped(message, [*_head(message), *rest[:kept], *more])
        if not kept or len(json.dumps(made, ensure_ascii=False).encode()) <= MOST_BYTES:
            return made
        kept -= max(1, kept // 20)


def _enveloped(message: Message, body: list[dict[str, Any]]) -> dict[str, Any]:
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": cut(one_line(message.title), 300),
        "body": body,
        "msteams": {"width": "Full"},
    }
    if message.link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Show everything", "url": message.link}]
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "attachments": [attachment]}


def _head(message: Message) -> list[dict[str, Any]]:
    colour = COLOURS[Severity.INFO if message.resolved else message.severity]
    word = "over: " if message.resolved else ""
    title = _text(f"{word}{message.title}", weight="bolder", size="medium", color=colour)
    facts = [
        {"title": cut(one_line(name), 80), "value": cut(plain_text(value), MOST_FACT)}
        for name, value in message.facts[:MOST_FACTS]
    ]
    return [title, *([{"type": "FactSet", "facts": facts}] if facts else [])]


def _listed(table: Listing) -> Iterator[dict[str, Any]]:
    yield _text(table.title, weight="bolder", spacing="medium")
    for row in table.rows:
        first, *rest = (cut(plain_text(cell), MOST_CELL) for cell in row)
        said = f"**{first}**  " + " — ".join(cell for cell in rest if cell)
        yield {"type": "TextBlock", "text": said, "wrap": True, "spacing": "small"}
    for note in table.notes:
        yield _text(note, isSubtle=True)


def _notes(message: Message) -> Iterator[dict[str, Any]]:
    for note in message.notes:
        yield _text(note, isSubtle=True)


def _text(text: str, **more: object) -> dict[str, Any]:
    return {"type": "TextBlock", "text": cut(plain_text(text), 2 * MOST_CELL), "wrap": True, **more}


def plain_text(text: str) -> str:
    """Text in which nothing formats or links, in the Markdown of cards."""
    return _SPECIAL.sub(r"\\\1", one_line(text))


def table_of(target: str) -> dict[str, object]:
    """``teams:NAME``: the variable that holds the workflow's address, which is a secret."""
    return {"url_env": target}


def open_sink(table: Fields, world: World) -> Teams:
    """With ``url_env``."""
    return Teams(secret_api(table, world, USUAL, "https://not-set.invalid/"))
