"""Asking an agent."""

import pytest

from tests.agent.live_server import a_document, answering
from wattmark.agent.client import AgentClient, agent_url
from wattmark.core.errors import EvidenceError, UsageError


def test_it_reads_what_the_agent_shows() -> None:
    """The figures arrive as they were made, with their grade and terms."""
    with answering((200, a_document())) as url:
        live = AgentClient(url, 60.0).live(60)
    (model,) = live.models
    assert model.joules_per_request.service.known == 125.0
    assert model.joules_per_request.service.grade == "B"
    assert live.engines[1].reason == "connection refused"


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, "<html>", "does not answer with an agent's document"),
        (200, "[" * 100_000, "does not answer with an agent's document"),
        (200, "[]", "another service's port"),
        (200, '{"schema": "other"}', "another service's port"),
        (200, '{"schema": "wattmark.live", "schema_version": 9}', "version 9"),
        (200, '{"schema": "wattmark.live", "schema_version": 1}', "broken document"),
        (404, "no such page\nsecond line", "404 Not Found: no such page$"),
    ],
)
def test_what_is_no_agent_is_named_with_its_address(status: int, body: str, said: str) -> None:
    """Another service on that port, another release, a broken answer: each is told in its own words."""
    with answering((status, body)) as url, pytest.raises(EvidenceError, match=said) as refused:
        AgentClient(url, 60.0).live_json()
    assert f"{url}/v1/live" in str(refused.value)


def test_nobody_there() -> None:
    """The error says how to start one."""
    with answering((200, "")) as url:
        pass
    with pytest.raises(EvidenceError, match="is `wattmark agent` running there"):
        AgentClient(url, 60.0).live()


@pytest.mark.parametrize("url", ["localhost:9465", "ftp://x", "http://", "http://h:port", "http://[::1"])
def test_an_address_that_is_none(url: str) -> None:
    """Refused before anything is sent."""
    with pytest.raises(UsageError, match="write http://HOST:9465"):
        AgentClient(url)


def test_where_the_address_comes_from() -> None:
    """What is given, else the variable, else this machine."""
    assert agent_url("http://a:1", {"WATTMARK_AGENT": "http://b:1"}) == "http://a:1"
    assert agent_url(None, {"WATTMARK_AGENT": "http://b:1"}) == "http://b:1"
    assert agent_url(None, {}) == "http://127.0.0.1:9465"
