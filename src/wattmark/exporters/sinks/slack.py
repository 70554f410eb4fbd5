"""A channel of Slack, by an incoming webhook (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).

Limits are those of Block Kit (https://docs.slack.dev/reference/block-kit/blocks): a message with more is
refused as a whole, so what does not fit is cut, and it is said how much.
"""

from __future__ import annotations

import json
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
USUAL = "SLACK_WEBHOOK_URL"
MOST_BLOCKS = 50
MOST_HEADER = 150
MOST_TEXT = 3000
MOST_FIELDS = 10
MOST_FIELD = 500
"""Slack takes 2000; facts are for a glance, and leave room for the rest."""
MOST_IN_ALL = 12_000
"""Characters of all blocks: Slack refuses more than about 13 000 (https://github.com/slackapi/bolt-js/issues/2509)."""
SIGNS = {Severity.INFO: "🟢", Severity.WARNING: "🟠", Severity.ERROR: "🔴"}


@dataclass(frozen=True, slots=True)
class Slack:
    """One incoming webhook: it says new things, and cannot change what it said."""

    api: Api
    keeps: bool = False

    def sketch(self, message: Message) -> Sketch:
        """The payload."""
        return Sketch(
            place=f"POST {self.api.shown}",
            content=json.dumps(payload(message), ensure_ascii=False, indent=2),
        )

    def deliver(self, message: Message) -> Delivered:
        """Post it. Slack answers ``ok`` in plain text."""
        answer = self.api.post(body=payload(message))
        if answer.body.strip() != b"ok":
            said = answer.body[:200].decode("utf-8", "replace")
            raise DeliveryError(answer.place, f"answered {one_line(said)!r} and not 'ok'", answer.status)
        return Delivered("sent")


def payload(message: Message) -> dict[str, Any]:
    """Text for notifications, and blocks for the channel."""
    sign = "✅" if message.resolved else SIGNS[message.severity]
    title = one_line(f"Over: {message.title}" if message.resolved else message.title)
    blocks: list[dict[str, Any]] = [
        {
            "type": "header",
            "text": {"type": "plain_text", "text": cut(f"{sign} {title}", MOST_HEADER), "emoji": True},
        }
    ]
    fields = [
        {"type": "mrkdwn", "text": cut(f"*{mrkdwn(name)}*\n{mrkdwn(value)}", MOST_FIELD)}
        for name, value in message.facts[:MOST_FIELDS]
    ]
    if fields:
        blocks.append({"type": "section", "fields": fields})
    texts = [*(text for table in message.tables for text in _sections(table)), *_end(message)]
    blocks += _fitting(
        texts, MOST_BLOCKS - len(blocks), MOST_IN_ALL - len(json.dumps(blocks, ensure_ascii=False))
    )
    return {"text": cut(f"{sign} {mrkdwn(title)}", MOST_TEXT), "blocks": blocks}


def mrkdwn(text: str) -> str:
    """Text in which nothing mentions, links or makes an entity (& < > are escaped, as Slack asks)."""
    return one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _sections(table: Listing) -> Iterator[str]:
    """A table as texts of at most MOST_TEXT characters: a line per row."""
    lines = [f"*{mrkdwn(table.title)}*"]
    for row in table.rows:
        first, *rest = (mrkdwn(cell) for cell in row)
        lines.append(cut(f"• *{first}*  " + " — ".join(cell for cell in rest if cell), MOST_TEXT // 4))
    lines += [cut(f"_{mrkdwn(note)}_", MOST_TEXT // 4) for note in table.notes]
    said = ""
    for line in lines:
        if said and len(said) + len(line) + 1 > MOST_TEXT:
            yield said
            said = ""
        said = f"{said}\n{line}" if said else line
    yield said


def _end(message: Message) -> Iterator[str]:
    for note in filter(None, map(mrkdwn, message.notes)):
        yield cut(note, MOST_TEXT)
    if message.link:
        # `|` ends an address in mrkdwn, and `>` the link.
        address = one_line(message.link).replace("|", "%7C").replace("<", "%3C").replace(">", "%3E")
        yield cut(f"<{address.replace('&', '&amp;')}|Show everything>", MOST_TEXT, "")


def _fitting(texts: list[str], most_blocks: int, most_characters: int) -> list[dict[str, Any]]:
    """As many sections as fit; how many do not is said."""
    blocks: list[dict[str, Any]] = []
    left = most_characters
    for n, text in enumerate(texts):
        left -= len(text) + 60  # what the block is written around it
        if len(blocks) == most_blocks - 1 or left < 120:
            blocks.append(_section(f"_{len(texts) - n} more parts do not fit here_"))
            break
        blocks.append(_section(text))
    return blocks


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def table_of(target: str) -> dict[str, object]:
    """``slack:NAME``: the variable that holds the webhook's address, which is a secret."""
    return {"url_env": target}


def open_sink(table: Fields, world: World) -> Slack:
    """With ``url_env``."""
    return Slack(secret_api(table, world, USUAL, "https://hooks.slack.com/not-set"))
