"""Teams: a card that the published schema accepts, below 28 KB, whatever is told."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings

from tests.exporters.sinks.samples import MESSAGE, NASTY, OVER, check, messages, sink
from tests.webapi.api_server import Reply, api_server, in_turn
from wattmark.core.errors import ConfigError, DeliveryError
from wattmark.core.governance.message import Listing, Message
from wattmark.exporters.sinks.teams import payload, plain_text

CARD = "adaptive-card-1.5.json"


def card_of(message: Message) -> dict[str, object]:
    """The card, without `msteams`, which Teams adds to the schema."""
    return {k: v for k, v in payload(message)["attachments"][0]["content"].items() if k != "msteams"}


def test_a_workflow_gets_a_message_with_one_card() -> None:
    """As "Post to a channel when a webhook request is received" takes it; it answers 202."""
    with api_server(in_turn(Reply(202, b""))) as server:
        teams = sink("teams", {"url_env": "TEAMS"}, {"TEAMS": f"{server.url}/workflows/x?sig=xyzzy"})
        assert teams.deliver(MESSAGE).words == "sent"
    body = server.asked[0].json()
    assert body["type"] == "message"
    attachment = body["attachments"][0]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert attachment["contentUrl"] is None
    assert (attachment["content"]["type"], attachment["content"]["version"]) == ("AdaptiveCard", "1.4")
    assert server.asked[0].query["sig"] == ["xyzzy"]


@pytest.mark.parametrize("message", [MESSAGE, OVER, NASTY])
def test_a_card_is_what_the_schema_asks_for(message: Message) -> None:
    """Microsoft's own, of version 1.5, which holds all of 1.4."""
    check(CARD, card_of(message))


@settings(max_examples=40, deadline=None)
@given(messages)
def test_no_card_is_too_large(message: Message) -> None:
    """Teams refuses more than 28 KB as a whole."""
    assert len(json.dumps(payload(message), ensure_ascii=False).encode()) <= 28_000


def test_rows_that_do_not_fit_are_counted() -> None:
    """Of 2000 rows of 100 letters some 200 fit; how many do not is told."""
    rows = tuple((f"row {n}", "x" * 100) for n in range(2000))
    long = replace(MESSAGE, tables=(Listing(title="t", columns=("a", "b"), rows=rows),), notes=())
    body = payload(long)["attachments"][0]["content"]["body"]
    kept = sum(element.get("text", "").startswith("**row") for element in body)
    assert 100 < kept < 300
    assert body[-1]["text"] == f"{2000 - kept} more lines do not fit here"
    assert len(json.dumps(payload(long), ensure_ascii=False).encode()) <= 26_000


def test_nothing_in_a_card_formats_or_links() -> None:
    """Markdown of cards is escaped."""
    assert plain_text("[a](https://x) *b* _c_\n# d") == r"\[a\](https://x) \*b\* \_c\_ \# d"


def test_a_connector_of_old_that_fails_with_200_is_an_error() -> None:
    """It says so in its text only."""
    said = b"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 413"
    with api_server(in_turn(Reply(200, said))) as server:
        teams = sink("teams", {"url_env": "TEAMS"}, {"TEAMS": f"{server.url}/x"})
        with pytest.raises(DeliveryError, match="HTTP error 413"):
            teams.deliver(MESSAGE)


def test_the_address_does_not_belong_into_a_file() -> None:
    """Its signature is in it."""
    with pytest.raises(ConfigError, match="name where it is, as url_env = NAME"):
        sink("teams", {"url": "https://prod.example/workflows/x?sig=xyzzy"})
