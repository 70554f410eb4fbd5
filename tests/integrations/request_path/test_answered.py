"""What answers tell while they pass, in the words of each API."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.integrations.request_path.answered import KEPT, AnswerReader, Usage
from wattmark.integrations.request_path.requested import RequestReader, model_in

SSE, NDJSON, JSON = b"text/event-stream; charset=utf-8", b"application/x-ndjson", b"application/json"
OPENAI = {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}
LONG = "word " * 20_000


def read(kind: bytes, *pieces: bytes, encoding: bytes = b"") -> tuple[Usage, int | None]:
    """What it told, and in which piece the first token came."""
    reader = AnswerReader(kind, encoding)
    firsts = [i for i, piece in enumerate(pieces) if reader.feed(piece)]
    return reader.usage(), firsts[0] if firsts else None


def document(**said: Any) -> bytes:
    return json.dumps(said).encode()


def events(*said: Any) -> list[bytes]:
    return [f"data: {json.dumps(event)}\n\n".encode() for event in said]


def tokens(usage: Usage) -> tuple[int | None, int, int | None]:
    return usage.input_tokens, usage.cached_input_tokens, usage.output_tokens


@pytest.mark.parametrize("text", ["short", LONG])
@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ({"usage": OPENAI}, (10, 0, 4)),
        ({"usage": {**OPENAI, "prompt_tokens_details": {"cached_tokens": 6}}, "kv": None}, (10, 6, 4)),
        ({"usage": {**OPENAI, "prompt_tokens_details": None}}, (10, 0, 4)),
        ({"usage": {"prompt_tokens": 10, "total_tokens": 10}}, (10, 0, 0)),
        ({"usage": {"input_tokens": 10, "input_tokens_details": {"cached_tokens": 2}, "output_tokens": 4}},
         (10, 2, 4)),
        ({"usage": {"input_tokens": 3, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 2,
                    "output_tokens": 4}}, (10, 5, 4)),
        ({"timings": {"prompt_n": 4, "cache_n": 6, "predicted_n": 4, "predicted_ms": 1.5}}, (10, 6, 4)),
        ({"done": True, "prompt_eval_count": 10, "eval_count": 4, "eval_duration": 1}, (10, 0, 4)),
        ({"done": True, "eval_count": 4}, (None, 0, 4)),
    ],
)  # fmt: skip
def test_usage_is_read_in_the_words_of_each_api(text: str, after: dict[str, Any], expected: Any) -> None:
    """OpenAI, its embeddings, its responses, Anthropic, llama.cpp, Ollama; short and long."""
    body = document(choices=[{"text": text}], model="chat", **after)
    for pieces in ([body], [body[:100], body[100:]]):
        usage, _ = read(JSON, *pieces)
        assert tokens(usage) == expected
        assert usage.model == "chat"


@pytest.mark.parametrize("text", ["", LONG])
@pytest.mark.parametrize(
    "after",
    [
        {},
        {"usage": None},
        {"usage": {"prompt_tokens": -1, "completion_tokens": 4}},
        {"usage": {"prompt_tokens": "10", "completion_tokens": 4}},
        {"usage": {"prompt_tokens": 1.5, "completion_tokens": 4}},
        {"usage": {"prompt_tokens": 10**15, "completion_tokens": 4}},
        {
            "usage": {
                "prompt_tokens": 10,
                "completion_tokens": 4,
                "prompt_tokens_details": {"cached_tokens": 11},
            }
        },
        {"usage": [1, 2]},
        {"nested": {"usage": OPENAI}},
        {"nested": [{"usage": OPENAI, "eval_count": 3}]},
        {"text": '"usage": {"prompt_tokens": 10, "completion_tokens": 4}}'},
        {"text": 'x"}],"usage":{"prompt_tokens":10,"completion_tokens":4}}'},
    ],
)
def test_what_cannot_be_is_not_known(text: str, after: dict[str, Any]) -> None:
    """Wrong types, impossible counts, usage of something else, usage that was generated as text."""
    usage, _ = read(JSON, document(choices=[{"text": text}], **after))
    assert tokens(usage) == (None, 0, None)


def test_the_last_usage_of_a_stream_holds() -> None:
    """Some servers tell it in every event, running."""
    said = [
        {"choices": [{"delta": {"content": "a"}}], "usage": {"prompt_tokens": 10, "completion_tokens": i}}
        for i in (1, 2)
    ]
    usage, first = read(SSE, *events(*said), b"data: [DONE]\n\n")
    assert (tokens(usage), first) == ((10, 0, 2), 0)


def test_a_long_last_event_is_read_from_its_end() -> None:
    """The responses API tells the whole text once more beside the usage."""
    counts = {"input_tokens": 10, "output_tokens": 4, "output_tokens_details": {"reasoning_tokens": 3}}
    done = {
        "type": "response.completed",
        "response": {"model": "chat", "output": [LONG], "usage": counts, "user": None},
    }
    said = [*events({"type": "response.created"}, {"type": "response.output_text.delta", "delta": "a"})]
    usage, first = read(SSE, *said, b"event: response.completed\n" + events(done)[0])
    assert (tokens(usage), usage.reasoning_tokens, first) == ((10, 0, 4), 3, 1)


def test_messages_tell_input_first_and_output_last() -> None:
    """Anthropic's API, which several servers of open models speak as well."""
    said = events(
        {
            "type": "message_start",
            "message": {"model": "chat", "usage": {"input_tokens": 7, "cache_read_input_tokens": 3}},
        },
        {"type": "content_block_start"},
        {"type": "content_block_delta", "delta": {"text": "a"}},
        {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 4}},
        {"type": "message_stop"},
    )
    usage, first = read(SSE, *said)
    assert (tokens(usage), first) == ((10, 3, 4), 2)


def test_ollama_streams_lines_of_json() -> None:
    """The last one is done and has the counts; the first may have no text."""
    said = [
        {"model": "chat", "message": {"content": ""}, "done": False},
        {"model": "chat", "message": {"content": "a"}, "done": False},
        {"model": "chat", "message": {"content": ""}, "done": True, "prompt_eval_count": 10, "eval_count": 4},
    ]
    usage, first = read(NDJSON, *(json.dumps(line).encode() + b"\n" for line in said))
    assert (tokens(usage), usage.model, first) == ((10, 0, 4), "chat", 1)


@pytest.mark.parametrize(
    ("event", "brings"),
    [
        ({"choices": [{"delta": {"role": "assistant", "content": ""}}]}, False),
        ({"choices": [{"delta": {"reasoning_content": "hm"}}]}, True),
        ({"choices": [{"delta": {"tool_calls": [{"id": "t"}]}}]}, True),
        ({"choices": [{"text": "a"}]}, True),
        ({"choices": [{"text": ""}]}, False),
        ({"choices": [7]}, False),
        ({"choices": []}, False),
        ({"content": "a"}, True),
        ({"response": "a", "done": False}, True),
        ({"type": "response.created", "response": {"id": "r"}}, False),
        ([1], False),
    ],
)
def test_a_token_comes_when_something_was_generated(event: Any, brings: bool) -> None:
    """Not when the answer is only opened."""
    _, first = read(SSE, *events(event))
    assert (first == 0) is brings


@pytest.mark.parametrize(
    "said", [{"error": {"message": "no"}}, {"type": "error"}, {"type": "response.failed"}]
)
def test_errors_inside_a_stream_are_seen(said: dict[str, Any]) -> None:
    """Though what came before was good."""
    usage, _ = read(SSE, *events({"choices": [{"delta": {"content": "a"}}], "usage": OPENAI}, said))
    assert usage.failed
    usage, _ = read(SSE, *events({"choices": [{"delta": {"content": "a"}}], "error": None}))
    assert not usage.failed


LINES = [
    "data: {}\r\n\r\n",
    ": a comment\n\n",
    'data:{"choices":[]}\r\r',
    "event: x\nid: 1\nretry: 5\n\n",
    "data: €\n\n",
]
STREAM = st.lists(st.sampled_from(LINES), max_size=6).map(lambda lines: "".join(lines).encode())


@given(STREAM, STREAM, st.sampled_from(["\n", "\r", "\r\n"]), st.randoms(use_true_random=False))
def test_cuts_change_nothing(before: bytes, after: bytes, end: str, rand: random.Random) -> None:
    """Any line ends, comments, other fields, cut anywhere: the same tokens, and a first token."""
    token = f'data: {{"choices":[{{"delta":{{"content":"ü€"}}}}]}}{end}{end}'.encode()
    last = f'data: {{"model":"chat","choices":[],"usage":{json.dumps(OPENAI)}}}{end}{end}'.encode()
    body = before + token + after + last + b"data: [DONE]\n\n"
    cuts = sorted({0, len(body), *(rand.randrange(len(body)) for _ in range(8))})
    usage, first = read(SSE, *(body[a:b] for a, b in pairwise(cuts)))
    assert (tokens(usage), usage.model) == ((10, 0, 4), "chat")
    assert first is not None
    assert cuts[first + 1] >= len(before) + len(token) - len(end) * 2


@given(
    st.binary(max_size=300),
    st.sampled_from([SSE, NDJSON, JSON, b""]),
    st.sampled_from([b"", b"gzip", b"deflate", b"br"]),
)
def test_no_bytes_make_it_raise(body: bytes, kind: bytes, encoding: bytes) -> None:
    """Whatever passes, the host never notices."""
    usage, _ = read(kind, body[:100], body[100:], encoding=encoding)
    assert usage.input_tokens is None or usage.input_tokens >= 0


def test_little_is_kept_of_much() -> None:
    """A hundred megabytes pass; some kilobytes stay."""
    reader = AnswerReader(JSON)
    for _ in range(100):
        reader.feed(b"x" * (1 << 20))
    assert len(reader._tail) <= 2 * KEPT + (1 << 20)


@pytest.mark.parametrize(("encoding", "pack"), [(b"gzip", gzip.compress), (b"deflate", zlib.compress)])
def test_packed_answers_are_read_from_a_copy(encoding: bytes, pack: Any) -> None:
    """In pieces, too."""
    body = pack(document(choices=[LONG], usage=OPENAI))
    usage, _ = read(JSON, body[:20], body[20:], encoding=encoding)
    assert tokens(usage) == (10, 0, 4)


@given(st.text(max_size=50), st.integers(0, 60_000), st.booleans(), st.integers(1, 70_000))
def test_the_model_is_found_wherever_it_stands(text: str, size: int, first: bool, step: int) -> None:
    """First or last, before or after a picture; never one that the text only mentions."""
    rest = {"messages": [text, '"model":"other"', {"model": "other"}, "x" * size]}
    asked = {"model": "chat", **rest} if first else {**rest, "model": "chat", "stream": True}
    body = json.dumps(asked).encode()
    reader = RequestReader()
    for i in range(0, len(body), step):
        reader.feed(body[i : i + step])
    assert reader.model() == "chat"


@pytest.mark.parametrize(
    "body", [b"", b"not json", b"[1]", b'{"model":7}', b'{"messages":[{"model":"a"}]}', b"\xff" * 40_000]
)
def test_no_model_is_no_model(body: bytes) -> None:
    """Nothing is guessed."""
    assert model_in(body) == ""
    assert model_in(body[:16384], body[-4096:] or b"x") == ""
