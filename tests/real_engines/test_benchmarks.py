"""Real servers under test: pinned tokens, nothing from the cache, many requests in flight, embeddings."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.bench.endpoint.asking import a_query, opened
from tests.cli.running import verb
from tests.real_engines import Engine, running
from wattmark.bench.asking import Answer, Query
from wattmark.bench.concurrent import closed_loop
from wattmark.bench.endpoint.answering import EndpointAnswerer
from wattmark.cli.bench_run import command as bench
from wattmark.cli.bench_verify import command as verify

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]

TEXTS = [f"energy is measured in joules, power in watts, number {i}" for i in range(8)]
SERVED_BY = {"llama.cpp": "llama.cpp", "vllm": "vLLM "}


@pytest.fixture(scope="module", params=["llama.cpp", "vllm"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A real server, one after the other."""
    with running(request.param, tmp_path_factory.mktemp(request.param)) as started:
        yield started


def queries() -> list[Query]:
    return [a_query(index, text=text) for index, text in enumerate(TEXTS)]


def ask(answerer: EndpointAnswerer, batch: Sequence[Query], tokens: int | None = None) -> list[Answer]:
    return answerer.answer(batch, answerer.prepare(batch), output_tokens=tokens)


@pytest.mark.parametrize("streamed", [True, False])
def test_every_answer_has_the_tokens_that_are_pinned(engine: Engine, streamed: bool) -> None:
    """Eleven of them, and one where one is asked for; the engine says who it is."""
    how = {"output_tokens": 11, "max_input_tokens": 100, "streamed": streamed}
    with opened(engine.url, **how) as answerer:
        said = ask(answerer, queries()[:3])
        (one,) = ask(answerer, queries()[:1], 1)
        assert answerer.facts.id == "tiny"
        assert answerer.facts.served_by.startswith(SERVED_BY[engine.name])
        assert answerer.pinned.output_tokens == 11
    assert [a.failed for a in said] == ["", "", ""]
    assert [a.output_tokens for a in said] == [11, 11, 11]
    assert one.output_tokens == 1
    for answer in said:
        assert answer.input_tokens
        assert (answer.first_output_seconds is not None) == (streamed and bool(answer.output))


def test_the_same_prompt_is_read_anew_each_time(engine: Engine) -> None:
    """Nothing comes from the cache, where the engine tells; and the greedy answer is the same."""
    with opened(engine.url, output_tokens=6) as answerer:
        first, again = (ask(answerer, queries()[:1])[0] for _ in range(2))
    assert first.output == again.output
    assert first.input_tokens == again.input_tokens
    assert again.cached_input_tokens in (0, None)
    if engine.name == "llama.cpp":
        assert again.cached_input_tokens == 0


def test_vllm_cuts_prompts_off_where_it_is_told_to(engine: Engine) -> None:
    """At 20 tokens; llama.cpp cannot, so its pin names no limit and a prompt too long fails by name."""
    long = [a_query(0, text="word after word " * 2000)]
    with opened(engine.url, output_tokens=4, max_input_tokens=20) as answerer:
        (said,) = ask(answerer, long)
        if engine.name == "vllm":
            assert (said.failed, said.input_tokens) == ("", 20)
            assert answerer.pinned.max_input_tokens == 20
        else:
            assert said.failed == "status 400, exceed_context_size_error"
            assert answerer.pinned.max_input_tokens is None


def test_four_requests_are_in_flight(engine: Engine) -> None:
    """Each of two turns asks all eight; first tokens lie inside their requests."""
    line = ((turn, query) for turn in range(2) for query in queries())
    with opened(engine.url, output_tokens=150, max_input_tokens=100) as answerer:
        flight = closed_loop(answerer, line, 4, now_us=lambda: time.monotonic_ns() // 1000)
    assert [a.answer.failed for a in flight.asked] == [""] * 16
    assert {a.answer.output_tokens for a in flight.asked} == {150}
    at_once = [sum(b.start_us <= a.start_us < b.end_us for b in flight.asked) for a in flight.asked]
    assert max(at_once) == 4
    for asked in flight.asked:
        first = asked.span.first_output_us
        assert first is None or asked.start_us <= first <= asked.end_us
    assert flight.full is not None


def test_a_benchmark_of_a_real_engine_leaves_a_bundle_that_verifies(engine: Engine, tmp_path: Path) -> None:
    """No query failed, every answer had its tokens, and no text is in the bundle."""
    texts = tmp_path / "texts.jsonl"
    texts.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    verb(bench, "text_generation", "--endpoint", engine.url, "--concurrency", 4, "--profile", "quick",
         "--idle", 0, "--cool-down", 0, "--dataset", texts, "--queries", 8, "--output-tokens", 7,
         "--max-input-tokens", 100, "--out", tmp_path / "out")  # fmt: skip
    (bundle,) = (tmp_path / "out").glob("*.wattmark")
    result = json.loads((bundle / "result.json").read_bytes())
    assert result["output_tokens_per_query"] == 7.0
    assert result["key"]["batch_policy"] == "concurrency 4"
    reasons = {r["code"]: r["text"] for r in result["validity"]["reasons"]}
    assert "queries_failed" not in reasons, reasons["queries_failed"]
    assert all(b"measured in joules" not in p.read_bytes() for p in bundle.rglob("*") if p.is_file())
    assert verb(verify, bundle).return_value in (None, 0)


def test_embeddings_of_llama_cpp_become_similarities(tmp_path: Path) -> None:
    """A sentence and itself have 1, another one less; the server counts their tokens."""
    with (
        running("llama.cpp embeddings", tmp_path) as engine,
        opened(engine.url, "sentence_similarity") as answerer,
    ):
        batch = [
            a_query(0, first=TEXTS[0], second=TEXTS[0]),
            a_query(1, first=TEXTS[0], second="something else entirely"),
        ]
        same, other = ask(answerer, batch)
    assert (same.failed, other.failed) == ("", "")
    assert same.output == pytest.approx(1.0, abs=1e-5)
    assert other.output < same.output
    assert same.input_tokens
    assert same.input_tokens > 2
