"""Any address that takes JSON: the body, its signature, and what is not said."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

import pytest

from tests.exporters.sinks.samples import MESSAGE, OVER, sink
from tests.webapi.api_server import Reply, api_server, in_turn
from wattmark.core.errors import ConfigError, DeliveryError
from wattmark.exporters.sinks.webhook import signature


def test_a_message_arrives_whole_and_signed() -> None:
    """The receiver computes the same HMAC over the very bytes."""
    with api_server(in_turn(Reply(204, b""))) as server:
        hook = sink(
            "webhook",
            {"url": server.url, "key_env": "KEY", "token_env": "TOKEN"},
            {"KEY": "k3y", "TOKEN": "t"},
        )
        assert hook.deliver(MESSAGE).words == "sent"
    asked = server.asked[0]
    body = asked.json()
    assert (body["schema"], body["schema_version"], body["state"]) == ("wattmark.message", 1, "open")
    assert body["title"] == MESSAGE.title
    assert body["tables"][0]["rows"][0][2] == "1.20 [1.10 .. 1.30], grade B"
    mac = hmac.new(b"k3y", asked.body, hashlib.sha256).hexdigest()
    assert asked.headers["x-wattmark-signature-256"] == f"sha256={mac}"
    assert asked.headers["authorization"] == "Bearer t"


def test_the_signature_is_the_one_of_githubs_documentation() -> None:
    """Its test values: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries."""
    assert signature("It's a Secret to Everybody", b"Hello, World!") == (
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    )


def test_the_same_message_has_the_same_delivery() -> None:
    """Whoever receives can tell that it came twice; another message is another delivery."""
    with api_server(in_turn(Reply(500), Reply(200), Reply(200))) as server:
        hook = sink("webhook", {"url": server.url})
        hook.deliver(MESSAGE)
        hook.deliver(OVER)
    first, again, other = (asked.headers["x-wattmark-delivery"] for asked in server.asked)
    assert first == again != other
    assert server.asked[2].json()["state"] == "resolved"


def test_an_address_that_is_a_secret_is_in_no_error_and_no_sketch() -> None:
    """Only its host is."""
    with api_server(in_turn(Reply(400, {"message": "no hook at /in/xyzzy?code=1"}))) as server:
        hook = sink("webhook", {"url_env": "HOOK"}, {"HOOK": f"{server.url}/in/xyzzy?code=1"})
        with pytest.raises(DeliveryError) as error:
            hook.deliver(MESSAGE)
    assert "xyzzy" not in str(error.value)
    assert "xyzzy" not in hook.sketch(MESSAGE).place


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({}, r"url_env: is missing"),
        (
            {"url_env": "HOOK"},
            r"\[\[notify\]\] 1 url_env: there is no secret HOOK: set it in the environment",
        ),
        ({"url": "https://x", "url_env": "HOOK"}, "give one of them"),
        ({"url": "x"}, "begins with https://"),
        ({"url": "http://hooks.example", "key_env": "K"}, "in clear: write https://"),
    ],
)
def test_a_table_that_cannot_be_meant_names_its_place(values: dict[str, str], why: str) -> None:
    """File, table and key."""
    with pytest.raises(ConfigError, match=why) as error:
        sink("webhook", values, {"K": "k3y"})
    assert str(error.value).startswith("wattmark.toml: [[notify]] 1")


def test_who_reads_alerts_gets_alerts() -> None:
    """Name, status, labels, annotations and both times: for receivers that are programs."""
    message = replace(MESSAGE, alert="WattmarkRegressionFound", began="2026-11-20T08:00:00Z")
    with api_server(in_turn(Reply(204, b""))) as server:
        sink("webhook", {"url": server.url, "form": "alerts"}).deliver(message)
    assert server.asked[0].json() == {
        "schema": "wattmark.alerts",
        "schema_version": 1,
        "alerts": [
            {
                "name": "WattmarkRegressionFound",
                "status": "firing",
                "labels": {"team": "language", "model": "sorter"},
                "annotations": {"summary": "sorter 2.1.0: failed (1 failed, 2 passed)"},
                "starts_at": "2026-11-20T08:00:00Z",
                "ends_at": None,
            }
        ],
    }
