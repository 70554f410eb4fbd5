"""Slack: within the limits of Block Kit, whatever is told, and nothing in it mentions anybody."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings

from tests.exporters.sinks.samples import MESSAGE, NASTY, OVER, messages, sink
from tests.webapi.api_server import Reply, api_server, in_turn
from wattmark.core.errors import ConfigError, DeliveryError
from wattmark.core.governance.message import Message
from wattmark.exporters.sinks.slack import mrkdwn, payload


def test_a_channel_gets_blocks_and_a_text_for_notifications() -> None:
    """A header, the facts beside each other, a line per rule, the link."""
    with api_server(in_turn(Reply(200, b"ok"))) as server:
        slack = sink("slack", {"url_env": "SLACK"}, {"SLACK": f"{server.url}/services/T0/B0/xyzzy"})
        assert slack.deliver(MESSAGE).words == "sent"
    assert server.asked[0].path == "/services/T0/B0/xyzzy"
    body = server.asked[0].json()
    assert body["text"] == "🔴 sorter 2.1.0: failed (1 failed, 2 passed)"
    kinds = [block["type"] for block in body["blocks"]]
    assert kinds == ["header", "section", "section", "section", "section"]
    assert body["blocks"][1]["fields"][1]["text"] == "*Score*\n92.0 points [88.0 .. 96.0], grade B"
    assert (
        "• *failed*  Carbon per Inference at most 1 g — 1.20 [1.10 .. 1.30], grade B — beyond"
        in (body["blocks"][2]["text"]["text"])
    )
    assert body["blocks"][4]["text"]["text"] == "<https://ci.example/jobs/1?a=1&amp;b=2|Show everything>"


def test_what_is_over_says_so() -> None:
    """With another sign, and in words: a title may be that of what was wrong."""
    payload_over = payload(OVER)
    assert payload_over["text"] == "✅ Over: sorter 2.2.0: passed (3 passed)"
    assert payload_over["blocks"][0]["text"]["text"] == "✅ Over: sorter 2.2.0: passed (3 passed)"


@settings(max_examples=60, deadline=None)
@given(messages)
def test_no_message_is_too_large_for_slack(message: Message) -> None:
    """Limits of Block Kit: 50 blocks; 150, 2000 and 3000 characters; never an empty text."""
    made = payload(message)
    blocks = made["blocks"]
    assert 1 <= len(blocks) <= 50
    assert 0 < len(made["text"]) <= 3000
    assert len(json.dumps(blocks, ensure_ascii=False)) < 40_000
    assert sum(len(text) for text in _texts(blocks)) <= 13_000
    for block in blocks:
        for field in block.get("fields", []):
            assert 0 < len(field["text"]) <= 2000
        assert len(block.get("fields", [])) <= 10
        text = block.get("text", {}).get("text", "x")
        assert 0 < len(text) <= (150 if block["type"] == "header" else 3000)


@settings(max_examples=60, deadline=None)
@given(messages)
def test_nothing_in_a_message_mentions_or_links(message: Message) -> None:
    """The only angle brackets are those of our own link."""
    for text in _texts([b for b in payload(message)["blocks"] if b["type"] != "header"]):
        assert not re.search(r"<(?!https://ci\.example/)", text)


def test_a_name_that_would_call_everybody_calls_nobody() -> None:
    """`<!channel>` is text."""
    assert "<!channel>" not in json.dumps(payload(NASTY)["blocks"][1:])
    assert mrkdwn("<!channel> & <@U1>") == "&lt;!channel&gt; &amp; &lt;@U1&gt;"


def test_an_answer_that_is_not_ok_is_an_error() -> None:
    """A proxy's page with status 200 told nobody."""
    with api_server(in_turn(Reply(200, b"<html>login</html>"))) as server:
        slack = sink("slack", {"url_env": "SLACK"}, {"SLACK": f"{server.url}/services/xyzzy"})
        with pytest.raises(DeliveryError, match="and not 'ok'") as error:
            slack.deliver(MESSAGE)
    assert "xyzzy" not in str(error.value)


@pytest.mark.parametrize(
    ("status", "word"), [(400, "invalid_payload"), (404, "no_service"), (410, "channel_is_archived")]
)
def test_a_refusal_is_told_in_slacks_words(status: int, word: str) -> None:
    """As https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks lists them."""
    with api_server(in_turn(Reply(status, word.encode()))) as server:
        slack = sink("slack", {"url_env": "SLACK"}, {"SLACK": f"{server.url}/services/xyzzy"})
        with pytest.raises(DeliveryError, match=f"HTTP {status} {word}"):
            slack.deliver(MESSAGE)
    assert len(server.asked) == 1


def test_the_address_does_not_belong_into_a_file() -> None:
    """It is a secret: whoever has it can write to the channel."""
    with pytest.raises(ConfigError, match="is a secret, and does not belong into a file") as error:
        sink("slack", {"url": "https://hooks.slack.com/services/T0/B0/xyzzy"})
    assert "xyzzy" not in str(error.value)


def _texts(blocks: list[dict[str, Any]]) -> list[str]:
    found = [block["text"]["text"] for block in blocks if "text" in block]
    return found + [field["text"] for block in blocks for field in block.get("fields", [])]


@pytest.mark.parametrize(
    "pasted", ["https://hooks.example/services/T0/B0/xyzzy", "ghp_Xyzzy0123456789", "xoxb-1-xyzzy=="]
)
def test_a_secret_in_the_place_of_its_name_is_not_shown(pasted: str) -> None:
    """Whoever pastes the address where its name belongs does not read it in the log of a CI job."""
    with pytest.raises(ConfigError, match="url_env: holds what looks like the secret itself") as error:
        sink("slack", {"url_env": pasted})
    assert "yzzy" not in str(error.value)


@pytest.mark.parametrize("name", ["HOOK_2", "ci.slack-hook", "Team_Hook"])
def test_a_name_without_a_secret_is_shown(name: str) -> None:
    """So that one knows what to set."""
    with pytest.raises(ConfigError, match=f"there is no secret {name}: set it in the environment"):
        sink("slack", {"url_env": name})
