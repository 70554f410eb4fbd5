"""A metered client of the package ``openai``, against a server that answers as we like."""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.integrations.request_path.world import CHAT, a_path
from wattmark.integrations.openai import energy_of, metered

openai = pytest.importorskip("openai", reason="the package openai is not installed")

OPENING = {"model": "chat", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}
USAGE = {"model": "chat", "choices": [], "usage": CHAT["usage"]}
BROKEN: tuple[type[Exception], ...] = (openai.APIConnectionError,)
if openai.VERSION < "3":  # the error of its HTTP library went on as it was
    BROKEN = (importlib.import_module("httpx").RemoteProtocolError,)
HELLO: Any = [{"role": "user", "content": "Hello"}]


def piece(text: str) -> dict[str, Any]:
    return {"id": "c", "object": "chat.completion.chunk", "model": "chat", "choices": [
        {"index": 0, "delta": {"content": text}}]}  # fmt: skip


class Fake(ThreadingHTTPServer):
    """Answers every request the same: with a document, an event stream, or a status."""

    daemon_threads = True

    def __init__(self, answer: Any, status: int = 200, breaks: bool = False) -> None:
        self.answer = answer
        self.status = status
        self.breaks = breaks
        self.asked: list[dict[str, Any]] = []
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    server: Fake
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append(asked)
        answer = self.server.answer
        if not isinstance(answer, list):
            self.head("application/json", json.dumps(answer).encode())
            return
        events = [e for e in answer if e is not USAGE or asked.get("stream_options")]
        body = "".join(f"data: {json.dumps(e)}\n\n" for e in events)
        if self.server.breaks:
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            self.wfile.write(f"{len(body):x}\r\n{body}\r\n".encode())
            self.close_connection = True
            return
        self.head("text/event-stream", (body + "data: [DONE]\n\n").encode())

    def head(self, kind: str, body: bytes) -> None:
        self.send_response(self.server.status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def server(answer: Any, **how: Any) -> Iterator[Fake]:
    fake = Fake(answer, **how)
    threading.Thread(target=fake.serve_forever, daemon=True).start()
    try:
        yield fake
    finally:
        fake.shutdown()
        fake.server_close()


def a_client(fake: Fake, kind: Any = None) -> Any:
    made = openai.OpenAI if kind is None else kind
    return made(base_url=f"http://127.0.0.1:{fake.server_port}/v1", api_key="sk-secret", max_retries=0)


def completed(client: Any, **how: Any) -> Any:
    return client.chat.completions.create(model="asked", messages=HELLO, **how)


def test_an_answer_comes_as_before_and_its_energy_beside_it() -> None:
    """The same document as without us; 10 J found by the answer."""
    path, kept = a_path()
    with server(CHAT) as fake:
        plain = completed(a_client(fake))
        answer = completed(metered(a_client(fake), path=path))
        assert fake.asked[0] == fake.asked[1]
    assert answer == plain
    assert answer.model_dump() == plain.model_dump()
    assert vars(answer).keys() == vars(plain).keys()
    told = energy_of(answer)
    assert told is not None
    assert told.spent.joules == 10.0
    assert (told.model, told.input_tokens, told.output_tokens) == ("chat", 10, 4)
    assert energy_of(plain) is None
    assert (kept.starts[0]["model"], kept.only.service.model) == ("asked", "chat")
    assert "secret" not in json.dumps(kept.lines)


def test_cached_and_reasoning_tokens_are_known() -> None:
    """As subsets of input and output."""
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 4,
        "total_tokens": 14,
        "prompt_tokens_details": {"cached_tokens": 6},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    path, kept = a_path()
    with server({**CHAT, "usage": usage}) as fake:
        told = energy_of(completed(metered(a_client(fake), path=path)))
    assert told is not None
    assert (told.cached_input_tokens, told.reasoning_tokens) == (6, 3)
    assert kept.only.cached_input_tokens == 6


@pytest.mark.parametrize("asks", [False, True])
def test_a_stream_is_the_same_whether_its_caller_asks_for_usage(asks: bool) -> None:
    """Who did not ask for the piece with usage is not given it; the tokens are known all the same."""
    path, kept = a_path()
    how = {"stream_options": {"include_usage": True}} if asks else {}
    with server([OPENING, piece("Gr"), piece("üße"), USAGE]) as fake:
        plain = list(completed(a_client(fake), stream=True, **how))
        stream = completed(metered(a_client(fake), path=path), stream=True, **how)
        assert type(stream) is openai.Stream
        assert energy_of(stream) is None
        assert list(stream) == plain
    assert len(plain) == (4 if asks else 3)
    told = energy_of(stream)
    assert told is not None
    assert told.spent.joules == 10.0
    assert kept.only.first_token_us is not None


def test_a_stream_may_be_left_alone() -> None:
    """Servers that refuse stream_options are not given any; then tokens are not known."""
    path, kept = a_path()
    with server([OPENING, piece("a"), USAGE]) as fake:
        assert len(list(completed(metered(a_client(fake), path=path, ask_usage=False), stream=True))) == 2
        assert "stream_options" not in fake.asked[0]
    assert (kept.only.output_tokens, kept.only.failed) == (None, False)


def test_a_stream_that_is_not_read_to_its_end_failed() -> None:
    """Closed by its context, or dropped."""
    path, kept = a_path()
    with server([OPENING, piece("a"), piece("b"), USAGE]) as fake:
        client = metered(a_client(fake), path=path)
        with completed(client, stream=True) as stream:
            next(stream)
            next(stream)
        (request,) = kept.requests
        assert request.failed
        assert request.first_token_us is not None
        for _ in completed(client, stream=True):
            break
        gc.collect()  # the client's streams hold themselves
    assert [r.failed for r in kept.requests] == [True, True]


def test_a_stream_that_breaks_off_failed() -> None:
    """The client's own error goes on."""
    path, kept = a_path()
    with server([OPENING, piece("a")], breaks=True) as fake, pytest.raises(BROKEN):
        list(completed(metered(a_client(fake), path=path), stream=True))
    assert kept.only.failed


def test_an_error_answer_failed() -> None:
    """The client's own error goes on."""
    path, kept = a_path()
    with server({"error": {"message": "no"}}, status=503) as fake, pytest.raises(openai.InternalServerError):
        completed(metered(a_client(fake), path=path))
    assert kept.only.failed


def test_a_request_that_was_turned_away_had_no_tokens() -> None:
    """No model saw it: it is not charged like the mean of those that were answered."""
    path, kept = a_path()
    with server({"error": {"message": "no"}}, status=401) as fake, pytest.raises(openai.AuthenticationError):
        completed(metered(a_client(fake), path=path))
    assert kept.only.turned_away


def test_no_server_is_a_failure() -> None:
    """Refused connections, too."""
    path, kept = a_path()
    with server(CHAT) as fake:
        pass
    with pytest.raises(openai.APIConnectionError):
        completed(metered(a_client(fake), path=path))
    assert kept.only.failed


def test_raw_answers_come_as_before() -> None:
    """Their tokens are read from their bytes."""
    path, _ = a_path()
    with server(CHAT) as fake:
        raw = metered(a_client(fake), path=path).chat.completions.with_raw_response.create(
            model="asked", messages=HELLO
        )
        assert raw.parse().id == CHAT["id"]
    told = energy_of(raw)
    assert told is not None
    assert told.spent.joules == 10.0


def test_answers_that_are_streamed_by_hand_are_left_alone() -> None:
    """Nobody knows when they end, so nothing is told."""
    path, kept = a_path()
    with server(CHAT) as fake:
        client = metered(a_client(fake), path=path)
        how = client.chat.completions.with_streaming_response
        with how.create(model="asked", messages=HELLO) as answer:
            assert json.loads(answer.read()) == CHAT
    assert kept.lines == []


def test_copies_of_the_client_are_metered_too() -> None:
    """And the client that was given never is."""
    path, kept = a_path()
    with server(CHAT) as fake:
        given = a_client(fake)
        client = metered(given, path=path)
        completed(client.with_options(timeout=60))
        completed(given)
    assert len(kept.requests) == 1


def test_embeddings_and_responses_are_told() -> None:
    """Embeddings write no tokens; the responses API has names of its own."""
    vectors = {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
        "model": "chat",
        "usage": {"prompt_tokens": 10, "total_tokens": 10},
    }
    path, kept = a_path()
    with server(vectors) as fake:
        told = energy_of(metered(a_client(fake), path=path).embeddings.create(model="chat", input="hello"))
    assert told is not None
    assert told.spent.joules == pytest.approx(2.0)
    done = {
        "id": "r",
        "object": "response",
        "created_at": 1,
        "model": "chat",
        "output": [],
        "status": "completed",
    }
    usage = {
        "input_tokens": 10,
        "output_tokens": 4,
        "total_tokens": 14,
        "input_tokens_details": {"cached_tokens": 5},
        "output_tokens_details": {"reasoning_tokens": 2},
    }
    with server({**done, "usage": usage}) as fake:
        told = energy_of(metered(a_client(fake), path=path).responses.create(model="chat", input="hello"))
    assert told is not None
    assert (told.input_tokens, told.cached_input_tokens, told.output_tokens, told.reasoning_tokens) == (
        10,
        5,
        4,
        2,
    )
    events = [
        {"type": "response.created", "sequence_number": 0, "response": done},
        {"type": "response.output_text.delta", "sequence_number": 1, "item_id": "i", "output_index": 0,
         "content_index": 0, "delta": "a", "logprobs": []},
        {"type": "response.completed", "sequence_number": 2, "response": {**done, "usage": usage}},
    ]  # fmt: skip
    with server(events) as fake:
        client = metered(a_client(fake), path=path)
        assert len(list(client.responses.create(model="chat", input="hello", stream=True))) == 3
    assert (kept.requests[-1].input_tokens, kept.requests[-1].output_tokens) == (10, 4)
    assert kept.requests[-1].first_token_us is not None


def test_the_asynchronous_client_does_the_same() -> None:
    """Answers, streams, errors."""
    path, kept = a_path()

    async def main(whole: Fake, streamed: Fake) -> None:
        async with metered(a_client(whole, openai.AsyncOpenAI), path=path) as client:
            told = energy_of(await completed(client))
            assert told is not None
            assert told.spent.joules == 10.0
        async with metered(a_client(streamed, openai.AsyncOpenAI), path=path) as client:
            stream = await completed(client, stream=True)
            assert type(stream) is openai.AsyncStream
            assert len([piece async for piece in stream]) == 2
            told = energy_of(stream)
            assert told is not None
            assert told.spent.joules == 10.0
            async with await completed(client, stream=True) as stream:
                await anext(stream)
        async with metered(a_client(whole, openai.AsyncOpenAI), path=path) as client:
            whole.status = 500
            with pytest.raises(openai.InternalServerError):
                await completed(client)

    with server(CHAT) as whole, server([OPENING, piece("a"), USAGE]) as streamed:
        asyncio.run(main(whole, streamed))
    assert [r.failed for r in kept.requests] == [False, False, True, True]


@pytest.mark.slow
def test_a_real_server_is_metered_as_it_counts(tmp_path: Any) -> None:
    """llama.cpp: plain and streamed, the tokens that it tells itself."""
    from tests.real_engines import running

    path, kept = a_path()
    with running("llama.cpp", tmp_path) as engine:
        client = metered(openai.OpenAI(base_url=f"{engine.url}/v1", api_key="none"), path=path)
        how = {"model": engine.model, "messages": HELLO, "max_tokens": 8, "extra_body": {"ignore_eos": True}}
        answer = client.chat.completions.create(**how)
        stream = client.chat.completions.create(**how, stream=True)
        text = "".join(c.choices[0].delta.content or "" for c in stream)
        assert f"llamacpp:tokens_predicted_total {8 + 8}\n" in engine.metrics()
    assert answer.usage is not None
    assert answer.choices[0].message.content
    assert text
    first, second = kept.requests
    assert (first.input_tokens, first.output_tokens) == (answer.usage.prompt_tokens, 8)
    assert second.output_tokens == 8
    assert second.first_token_us is not None
    assert first.service.model == engine.model
