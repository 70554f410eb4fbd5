"""The proxy before a real engine, asked by the client that people use."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.real_engines import running as engine_running
from tests.server.test_proxy import running

pytestmark = pytest.mark.slow


def test_the_client_of_openai_notices_nothing(tmp_path: Path) -> None:
    """Plain and streamed: what it is told by llama.cpp is what we tell, and what the engine counts."""
    openai = pytest.importorskip("openai", reason="the package openai is not installed")
    with engine_running("llama.cpp", tmp_path) as engine, running(engine.url) as proxy:
        client = openai.OpenAI(base_url=f"http://127.0.0.1:{proxy.port}/v1", api_key="none", max_retries=0)
        how = {
            "model": engine.model,
            "messages": [{"role": "user", "content": "Grüße €"}],
            "max_tokens": 8,
            "extra_body": {"ignore_eos": True},
        }
        answer = client.chat.completions.with_raw_response.create(**how)
        usage = answer.parse().usage
        pieces = list(client.chat.completions.create(**how, stream=True))
        proxy.wait_for(lambda: len(proxy.kept.requests) == 2)
        # What an engine counted comes a moment after its last answer.
        proxy.wait_for(lambda: "llamacpp:tokens_predicted_total 16\n" in engine.metrics())
    first, second = proxy.kept.requests
    assert usage is not None
    assert (first.input_tokens, first.output_tokens) == (usage.prompt_tokens, 8)
    assert (second.input_tokens, second.output_tokens) == (usage.prompt_tokens, 8)
    assert second.first_token_us is not None
    assert len(pieces) > 1  # fewer than tokens where several make one character
    assert "wattmark-energy" in answer.headers


def test_bodies_are_bit_identical(tmp_path: Path) -> None:
    """The models of a server, asked for directly and through the proxy."""
    with engine_running("llama.cpp", tmp_path) as engine, running(engine.url) as proxy:
        bodies = []
        for port in (urlsplit(engine.url).port, proxy.port):
            connection = HTTPConnection("127.0.0.1", port or 0, timeout=120)
            connection.request("POST", "/tokenize", json.dumps({"content": "Grüße €" * 5000}))
            bodies.append(connection.getresponse().read())
    assert bodies[0] == bodies[1]
