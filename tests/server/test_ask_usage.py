"""Streams are asked for their usage, and clients get the stream that they asked for."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.client import HTTPException, IncompleteRead
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.real_engines import running as engine_running
from tests.server.test_proxy import ANSWER, EVENTS, STREAM_HEAD, WHOLE, Raw, Running, chunk, saying
from tests.server.test_proxy import running as proxy_running
from wattmark.server.ask_usage import MOST_BODY, AskUsage, asked, tells_usage_only

STREAMS = b'{"model":"asked","messages":[],"stream":true}'
USAGE = EVENTS[2]
WANTED = b"".join(event for event in EVENTS if event != USAGE)


@contextmanager
def running(url: str) -> Iterator[Running]:
    with proxy_running(url, around=AskUsage) as proxy:
        yield proxy


def body_of(request: bytes) -> Any:
    return json.loads(request.partition(b"\r\n\r\n")[2])


def test_a_stream_is_asked_for_usage_and_its_client_does_not_see_it() -> None:
    """The agent is told of the tokens; the client gets the other events, byte for byte."""
    upstream = Raw(saying(STREAM_HEAD, *map(chunk, EVENTS), b"0\r\n\r\n"))
    with running(upstream.url) as proxy:
        answer = proxy.ask(STREAMS, **{"Accept-Encoding": "gzip"})
        assert answer.read() == WANTED
        proxy.wait_for(lambda: proxy.kept.requests)
    assert (proxy.kept.only.input_tokens, proxy.kept.only.output_tokens) == (10, 4)
    assert body_of(upstream.requests[0])["stream_options"] == {"include_usage": True}
    assert b"\r\naccept-encoding: identity\r\n" in upstream.requests[0].lower()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_pieces_may_be_cut_anywhere(size: int, end: bytes) -> None:
    """Whatever ends lines, and wherever pieces end."""
    body, wanted = (events.replace(b"\n", end) for events in (b"".join(EVENTS), WANTED))
    parts = [chunk(body[i : i + size]) for i in range(0, len(body), size)]
    upstream = Raw(saying(STREAM_HEAD, *parts, b"0\r\n\r\n"))
    with running(upstream.url) as proxy:
        assert proxy.ask(STREAMS).read() == wanted


def test_each_event_passes_when_it_is_whole() -> None:
    """Nothing waits for what comes after it."""
    go = threading.Semaphore(0)

    def script(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(STREAM_HEAD)
        for event in EVENTS:
            go.acquire()
            connection.sendall(chunk(event))
        connection.sendall(b"0\r\n\r\n")

    upstream = Raw(script)
    with running(upstream.url) as proxy:
        answer = proxy.ask(STREAMS)
        for event in EVENTS:
            go.release()
            if event != USAGE:
                assert answer.read1(4096) == event
        assert answer.read() == b""


def test_who_asks_for_usage_gets_it() -> None:
    """The request passes as it is, and so does the answer."""
    said = b'{"stream":true, "stream_options":{"include_usage":true}}'
    upstream = Raw(saying(STREAM_HEAD, *map(chunk, EVENTS), b"0\r\n\r\n"))
    with running(upstream.url) as proxy:
        assert proxy.ask(said).read() == b"".join(EVENTS)
    assert upstream.requests[0].endswith(said)


@pytest.mark.parametrize(
    "said",
    [b'{"model": "m"}', b'{"stream": false}', b"no JSON", b'["stream"]', b"", b"\xff\xfe", b"[" * 100_000],
)
def test_other_requests_pass_as_they_are(said: bytes) -> None:
    """Those that do not stream, and those that are none."""
    upstream = Raw(saying(WHOLE))
    with running(upstream.url) as proxy:
        assert proxy.ask(said).read() == ANSWER
    assert upstream.requests[0].partition(b"\r\n\r\n")[2] == said


def test_what_cannot_be_looked_into_passes_as_it_is() -> None:
    """A packed request, one that is too long, and one to another path."""
    upstream = Raw(saying(WHOLE))
    packed = gzip.compress(STREAMS)
    long = STREAMS[:-1] + b',"x":"' + b"y" * MOST_BODY + b'"}'
    with running(upstream.url) as proxy:
        answers = [
            proxy.ask(packed, **{"Content-Encoding": "gzip"}).read(),
            proxy.ask(long).read(),
            proxy.ask(iter([long[:100], long[100:]])).read(),
            proxy.ask(STREAMS, path="/v1/messages").read(),
        ]
    assert answers == [ANSWER] * 4
    bodies = [request.partition(b"\r\n\r\n")[2] for request in upstream.requests]
    assert bodies[:2] == [packed, long]
    assert b"include_usage" not in bodies[2]
    assert bodies[3] == STREAMS


def test_a_packed_answer_passes_as_it_is() -> None:
    """An upstream that packs though it was asked not to."""
    packed = gzip.compress(b"".join(EVENTS))
    head = STREAM_HEAD.replace(b"transfer", b"content-encoding: gzip\r\ntransfer")
    upstream = Raw(saying(head, chunk(packed), b"0\r\n\r\n"))
    with running(upstream.url) as proxy:
        assert proxy.ask(STREAMS).read() == packed


def test_a_stream_with_a_length_loses_it_with_the_event() -> None:
    """A length that is wrong would break the answer."""
    body = b"".join(EVENTS)
    head = STREAM_HEAD.replace(b"transfer-encoding: chunked", b"content-length: %d" % len(body))
    upstream = Raw(saying(head + body))
    with running(upstream.url) as proxy:
        answer = proxy.ask(STREAMS)
        assert answer.read() == WANTED
        assert answer.headers["content-length"] is None


def test_an_upstream_that_refuses_the_field_is_heard() -> None:
    """Its error reaches the client, and no work is charged."""
    error = b'{"error":{"message":"unknown field stream_options"}}'
    head = b"HTTP/1.1 400 Bad\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(error)
    upstream = Raw(saying(head + error))
    with running(upstream.url) as proxy:
        answer = proxy.ask(STREAMS)
        assert (answer.status, answer.read()) == (400, error)
    assert proxy.kept.only.turned_away


def test_an_upstream_that_drops_a_stream_drops_ours() -> None:
    """What it began with arrives, also half an event; the client can tell that it is not whole."""
    upstream = Raw(saying(STREAM_HEAD, chunk(EVENTS[0]), chunk(EVENTS[1][:20])))
    with running(upstream.url) as proxy:
        answer = proxy.ask(STREAMS)
        with pytest.raises((IncompleteRead, HTTPException, ConnectionError)) as broken:
            answer.read()
        proxy.wait_for(lambda: proxy.kept.requests)
    assert proxy.kept.only.failed
    if isinstance(broken.value, IncompleteRead):
        assert broken.value.partial == EVENTS[0] + EVENTS[1][:20]


def test_a_stream_that_ends_without_a_blank_line_is_whole() -> None:
    """Its last event passes, unless it is the one that nobody asked for."""
    for last, wanted in ((b"data: [DONE]", WANTED[:-2]), (USAGE[:-2], EVENTS[0] + EVENTS[1])):
        upstream = Raw(saying(STREAM_HEAD, chunk(EVENTS[0] + EVENTS[1] + last), b"0\r\n\r\n"))
        with running(upstream.url) as proxy:
            assert proxy.ask(STREAMS).read() == wanted


def test_an_endless_event_does_not_pile_up() -> None:
    """2 MiB without a blank line pass."""
    text = b"data: " + b"x" * (2 << 20)
    upstream = Raw(saying(STREAM_HEAD, chunk(text), b"0\r\n\r\n"))
    with running(upstream.url) as proxy:
        assert proxy.ask(STREAMS).read() == text


@pytest.mark.parametrize(
    "event",
    [
        b'data: {"choices":[{"delta":{"content":"\\"usage\\": {}"}}],"usage":null}\n\n',
        b'data: {"choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":1}}\n\n',
        b'data: {"choices":[],"usage":null,"prompt_filter_results":[]}\n\n',
        b'data: {"choices":[],"usage":{},"error":{"message":"x"}}\n\n',
        b'data: {"usage":{"prompt_tokens":1}}\n\n',
        b': "usage"\n\n',
        b'data: {"usage": broken\n\n',
    ],
)
def test_other_events_are_left_alone(event: bytes) -> None:
    """Text that looks like usage, usage beside choices, a null, an error, other APIs, what is no JSON."""
    assert not tells_usage_only(event)


def test_usage_may_come_in_many_lines_and_with_a_name() -> None:
    """As the format of event streams has it."""
    assert tells_usage_only(
        b'event: chunk\nid: 7\ndata: {"choices":[],\ndata: "usage":{"prompt_tokens":1}}\n\n'
    )


@given(
    st.dictionaries(st.text(max_size=5), st.recursive(st.none() | st.integers() | st.text(), st.lists)),
    st.none() | st.dictionaries(st.text(max_size=5), st.booleans()),
)
def test_only_the_one_field_is_added(fields: dict[str, Any], options: dict[str, bool] | None) -> None:
    """All others stay, digits and all; options that are there stay beside it."""
    fields = {**fields, "stream": True, "stream_options": options}
    text = json.dumps(fields)
    found = asked(text.encode())
    if options is not None and "include_usage" in options:
        assert found is None
        return
    assert found is not None
    assert json.loads(found) == {**fields, "stream_options": {**(options or {}), "include_usage": True}}


def test_numbers_keep_their_digits() -> None:
    """What no float holds passes all the same."""
    found = asked(b'{"stream":true,"seed":123456789012345678901234567890,"temperature":0.10}')
    assert found is not None
    kept = msgspec.json.decode(found, type=dict[str, msgspec.Raw])
    assert bytes(kept["seed"]) == b"123456789012345678901234567890"
    assert bytes(kept["temperature"]) == b"0.10"


@pytest.mark.slow
def test_a_real_engine_tells_its_tokens_and_the_client_sees_none(tmp_path: Path) -> None:
    """llama.cpp: the same events as without us, but for what changes with every answer."""
    how = {
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": 8,
        "stream": True,
        "ignore_eos": True,
        "temperature": 0,
    }
    with engine_running("llama.cpp", tmp_path) as engine:
        body = json.dumps({"model": engine.model, **how}).encode()
        streams = []
        for kind in (proxy_running, running):
            with kind(engine.url) as proxy:
                streams.append(proxy.ask(body).read())
                proxy.wait_for(partial(_told, proxy))
        request = proxy.kept.only
    plain, ours = ([_shape(event) for event in stream.split(b"\n\n") if event] for stream in streams)
    assert ours == plain
    assert ours[-1] == "[DONE]"
    assert request.input_tokens
    assert request.output_tokens == 8


def _told(proxy: Running) -> bool:
    return bool(proxy.kept.requests)


def _shape(event: bytes) -> Any:
    """An event without its id, time and timings."""
    data = event.removeprefix(b"data: ")
    if not data.startswith(b"{"):
        return data.decode()
    fields = json.loads(data)
    return {name: fields[name] for name in sorted(fields) if name not in ("id", "created", "timings")}
