"""The ASGI middleware: what it notes, what it attaches, and that the host never notices it."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.integrations.request_path.world import CHAT, a_path
from wattmark.core.serving.estimated import NO_AGENT, Rates
from wattmark.integrations.asgi import STATE, EnergyMiddleware
from wattmark.integrations.request_path.exchange import RequestPath

ASKED = json.dumps({"messages": [{"role": "user", "content": "Hello"}], "model": "asked"}).encode()
ANSWER = json.dumps(CHAT).encode()
JSON_HEAD = [(b"content-type", b"application/json"), (b"content-length", str(len(ANSWER)).encode())]
SSE_HEAD = [(b"content-type", b"text/event-stream; charset=utf-8")]
App = Callable[..., Awaitable[None]]


def a_scope(**said: Any) -> dict[str, Any]:
    return {
        "type": "http",
        "method": "POST",
        "path": "/v1/chat/completions",
        "headers": [(b"content-type", b"application/json")],
        **said,
    }


class Wire:
    """A client: gives the request, keeps the answer."""

    def __init__(
        self, body: bytes = ASKED, pieces: int = 1, then: list[dict[str, Any]] | None = None
    ) -> None:
        step = max(1, -(-len(body) // pieces))
        parts = [body[i : i + step] for i in range(0, len(body), step)] or [b""]
        self.messages = [
            {"type": "http.request", "body": part, "more_body": i + 1 < len(parts)}
            for i, part in enumerate(parts)
        ] + (then or [])
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        if not self.messages:
            await asyncio.Event().wait()
        return self.messages.pop(0)

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(m.get("body", b"") for m in self.sent if m["type"] == "http.response.body")

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}


def answering(*pieces: bytes, head: list[tuple[bytes, bytes]] = JSON_HEAD, status: int = 200) -> App:
    """An application that reads the whole request, and answers in these pieces."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": status, "headers": head})
        for i, piece in enumerate(pieces):
            await send({"type": "http.response.body", "body": piece, "more_body": i + 1 < len(pieces)})

    return app


def passed(app: App, path: RequestPath, wire: Wire, scope: dict[str, Any] | None = None) -> Wire:
    asyncio.run(EnergyMiddleware(app, path=path)(scope or a_scope(), wire.receive, wire.send))
    return wire


def stream(*events: object, done: bool = True) -> bytes:
    lines = [f"data: {json.dumps(event, ensure_ascii=False)}\n\n" for event in events]
    return "".join(lines + ["data: [DONE]\n\n"] * done).encode()


def piece(text: str) -> dict[str, Any]:
    return {"model": "chat", "choices": [{"index": 0, "delta": {"content": text}}]}


OPENING = {"model": "chat", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}
USAGE = {"model": "chat", "choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 4}}
STREAM = stream(OPENING, piece("Grüße"), piece(" €"), USAGE)


def test_an_answer_carries_what_it_probably_cost() -> None:
    """10 input tokens at 0.2 J and 4 output tokens at 2 J are 10 J; at 0.5 g/J that is 5 g."""
    path, kept = a_path()
    wire = passed(answering(ANSWER), path, Wire())
    assert wire.headers["wattmark-energy"] == (
        "10;unit=J;known=estimated;by=tokens;window=60;boundary=device;grade=B;rule=request_tokens"
    )
    assert wire.headers["wattmark-carbon"] == (
        "5;unit=g;known=estimated;by=tokens;window=60;accounting=location;basis=lifecycle"
    )
    assert wire.headers["wattmark-request"] == kept.only.request_id
    assert wire.body == ANSWER


def test_the_agent_is_told_of_start_and_end() -> None:
    """The start names the model that is asked for, the end the one that answered; both have one id."""
    path, kept = a_path(model_version="v2", tenant="blue", target="a")
    passed(answering(ANSWER), path, Wire(pieces=3))
    start, end = kept.lines
    assert (start["event"], start["model"], start["tenant"]) == ("start", "asked", "blue")
    assert start["request_id"] == end["request_id"]
    request = kept.only
    assert (request.service.model, request.service.model_version, request.service.target) == (
        "chat",
        "v2",
        "a",
    )
    assert (request.input_tokens, request.output_tokens, request.failed) == (10, 4, False)
    assert request.first_token_us is None


def test_without_an_agent_nothing_is_claimed() -> None:
    """Missing with its reason, never 0."""
    path, _ = a_path(Rates(reason=NO_AGENT))
    wire = passed(answering(ANSWER), path, Wire())
    assert wire.headers["wattmark-energy"] == "known=missing;reason=no_agent"
    assert wire.headers["wattmark-carbon"] == "known=missing;reason=no_agent"


def test_a_stream_says_that_it_is_known_later() -> None:
    """Headers go before tokens are known; the end line has them, and the first token's time."""
    path, kept = a_path()
    half = len(STREAM) // 2
    wire = passed(answering(STREAM[:half], STREAM[half:], head=SSE_HEAD), path, Wire())
    assert wire.headers["wattmark-energy"] == "known=missing;reason=told_after_the_stream"
    assert wire.body == STREAM
    request = kept.only
    assert (request.input_tokens, request.output_tokens) == (10, 4)
    assert request.first_token_us is not None


@given(st.lists(st.integers(1, len(STREAM) - 1), max_size=40))
def test_pieces_may_be_cut_anywhere(cuts: list[int]) -> None:
    """In the middle of `data:`, of a character, of a number: the same tokens, the same bytes."""
    path, kept = a_path()
    edges = [0, *sorted(set(cuts)), len(STREAM)]
    pieces = [STREAM[a:b] for a, b in pairwise(edges)]
    wire = passed(answering(*pieces, head=SSE_HEAD), path, Wire())
    assert wire.body == STREAM
    request = kept.only
    assert (request.service.model, request.input_tokens, request.output_tokens) == ("chat", 10, 4)
    assert request.first_token_us is not None


def test_an_opening_is_no_first_token() -> None:
    """The event that only names the role comes before anything was generated."""
    path, kept = a_path()
    passed(answering(stream(OPENING, USAGE), head=SSE_HEAD), path, Wire())
    assert kept.only.first_token_us is None


def test_a_comment_ends_a_stream_when_asked_for() -> None:
    """After the last event; readers of events skip it."""
    path, _ = a_path(comment=True)
    wire = passed(answering(STREAM, head=SSE_HEAD), path, Wire())
    assert wire.body.startswith(STREAM)
    comment = wire.body[len(STREAM) :].decode()
    assert comment.startswith(": wattmark-request: ")
    assert "wattmark-energy: 10;unit=J;known=estimated" in comment
    assert comment.endswith("\n\n")


def test_trailers_end_a_stream_when_the_server_can() -> None:
    """The head announces them; they hold the estimate."""
    path, _ = a_path(trailers=True)
    scope = a_scope(extensions={"http.response.trailers": {}})
    wire = passed(answering(STREAM, head=SSE_HEAD), path, Wire(), scope)
    assert wire.sent[0]["trailers"] is True
    assert "wattmark-energy" in wire.headers["trailer"]
    trailers = dict(wire.sent[-1]["headers"])
    assert trailers[b"wattmark-energy"].startswith(b"10;unit=J")
    plain = passed(answering(STREAM, head=SSE_HEAD), path, Wire())
    assert "trailers" not in plain.sent[0]


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_an_error_answer_failed(status: int) -> None:
    """Nothing was inferred; what it cost is not guessed."""
    path, kept = a_path()
    wire = passed(answering(b"{}", head=[(b"content-length", b"2")], status=status), path, Wire())
    assert kept.only.failed
    assert wire.headers["wattmark-energy"] == "known=missing;reason=failed"


@pytest.mark.parametrize("status", [400, 401, 404, 422, 429])
def test_a_request_that_was_turned_away_had_no_tokens(status: int) -> None:
    """No model saw it: it is not charged like the mean of those that were answered."""
    path, kept = a_path()
    passed(answering(b"{}", status=status), path, Wire())
    assert kept.only.turned_away
    assert (kept.only.input_tokens, kept.only.output_tokens, kept.only.weight) == (0, 0, 0)


@pytest.mark.parametrize("status", [408, 499, 500, 503])
def test_a_request_that_may_have_been_worked_on_has_unknown_tokens(status: int) -> None:
    """Time ran out, or the server broke: what it did until then nobody told."""
    path, kept = a_path()
    passed(answering(b"{}", status=status), path, Wire())
    assert kept.only.failed
    assert (kept.only.input_tokens, kept.only.output_tokens) == (None, None)


def test_tokens_that_an_error_tells_are_told() -> None:
    """A server that read the input before it refused says so."""
    path, kept = a_path()
    body = b'{"error": "too long", "usage": {"prompt_tokens": 9000, "completion_tokens": 0}}'
    passed(answering(body, status=400), path, Wire())
    assert not kept.only.turned_away
    assert (kept.only.input_tokens, kept.only.output_tokens, kept.only.weight) == (9000, 0, None)


def test_an_error_inside_a_stream_failed() -> None:
    """Its status was good before anybody knew."""
    path, kept = a_path()
    body = stream(OPENING, piece("a"), {"error": {"message": "out of memory", "code": 500}})
    assert passed(answering(body, head=SSE_HEAD), path, Wire()).body == body
    assert kept.only.failed


def test_the_hosts_exception_goes_on() -> None:
    """It is raised as it was; the request failed."""
    path, kept = a_path()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        passed(app, path, Wire())
    assert kept.only.failed


def test_a_cancelled_request_failed() -> None:
    """Cancellation goes on, and the request is told of."""
    path, kept = a_path()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await asyncio.Event().wait()

    async def main() -> None:
        wire = Wire()
        task = asyncio.ensure_future(EnergyMiddleware(app, path=path)(a_scope(), wire.receive, wire.send))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert kept.only.failed


def test_a_client_that_goes_away_failed() -> None:
    """The application learns it as before, and ends without a last piece."""
    path, kept = a_path()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": SSE_HEAD})
        await send(
            {"type": "http.response.body", "body": stream(OPENING, piece("a"), done=False), "more_body": True}
        )
        assert (await receive())["type"] == "http.disconnect"

    passed(app, path, Wire(then=[{"type": "http.disconnect"}]))
    request = kept.only
    assert request.failed
    assert (request.input_tokens, request.output_tokens) == (None, None)
    assert request.first_token_us is not None


def test_a_request_ends_with_its_answer_not_with_its_background_tasks() -> None:
    """What the host does afterwards costs the request no time."""
    path, kept = a_path()
    ended: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await answering(ANSWER)(scope, receive, send)
        ended.append(len(kept.requests))

    passed(app, path, Wire())
    assert ended == [1]
    assert len(kept.requests) == 1


@pytest.mark.parametrize(
    "scope",
    [
        {"type": "websocket", "path": "/v1/chat/completions"},
        {"type": "lifespan"},
        a_scope(method="GET"),
        a_scope(path="/health"),
    ],
)
def test_everything_else_passes_untouched(scope: dict[str, Any]) -> None:
    """The application is given the very same scope and callables."""
    path, kept = a_path()
    wire = Wire()
    given: list[Any] = []

    async def app(*received: Any) -> None:
        given.extend(received)

    asyncio.run(EnergyMiddleware(app, path=path)(scope, wire.receive, wire.send))
    assert given[0] is scope
    assert given[1] == wire.receive
    assert given[2] == wire.send
    assert kept.lines == []


def test_who_asks_is_known_by_a_hash_of_the_key() -> None:
    """The key itself goes nowhere; an unknown key has no tenant."""
    digest = hashlib.sha256(b"sk-secret").hexdigest()
    path, kept = a_path(tenants={digest: "blue"})
    for name, value in (
        (b"Authorization", b"Bearer sk-secret"),
        (b"x-api-key", b"sk-secret"),
        (b"x-api-key", b"o"),
    ):
        passed(answering(ANSWER), path, Wire(), a_scope(headers=[(name, value)]))
    assert [request.service.tenant for request in kept.requests] == ["blue", "blue", ""]
    assert "secret" not in json.dumps(kept.lines)


def test_headers_name_tenant_and_release() -> None:
    """The release is the answer's, which knows it best."""
    path, kept = a_path(tenant_header="X-Tenant", release_header="X-Release", model_version="v0")
    said = [(b"x-tenant", b"green"), (b"x-release", b"v1")]
    told = [*JSON_HEAD, (b"x-release", b"v2")]
    passed(answering(ANSWER, head=told), path, Wire(), a_scope(headers=said))
    passed(answering(ANSWER), path, Wire(), a_scope(headers=said))
    passed(answering(ANSWER), path, Wire())
    assert [r.service.tenant for r in kept.requests] == ["green", "green", ""]
    assert [r.service.model_version for r in kept.requests] == ["v2", "v1", "v0"]


def test_names_that_clients_choose_are_not_endless() -> None:
    """The first thousand are told apart; a name that is none is not told."""
    path, kept = a_path(tenant_header="x-tenant")
    for i in range(1002):
        passed(answering(ANSWER), path, Wire(), a_scope(headers=[(b"x-tenant", f"t{i}".encode())]))
    names = [r.service.tenant for r in kept.requests]
    assert (names[0], names[-1]) == ("t0", "other")
    passed(answering(ANSWER), path, Wire(), a_scope(headers=[(b"x-tenant", b"x" * 300)]))
    assert kept.requests[-1].service.tenant == ""


def test_the_host_may_state_what_only_it_knows() -> None:
    """A model without usage in its answers: the application states tokens and weight."""
    path, kept = a_path(paths=("/predict",))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        scope[STATE].model = "fraud"
        scope[STATE].input_tokens, scope[STATE].output_tokens, scope[STATE].weight = 7, 0, 3
        await answering(b"{}", head=[])(scope, Wire().receive, send)

    passed(app, path, Wire(), a_scope(path="/api/predict"))
    request = kept.only
    assert (request.service.model, request.input_tokens, request.output_tokens, request.weight) == (
        "fraud",
        7,
        0,
        3,
    )


@pytest.mark.parametrize(
    "stated",
    [
        {"model": "\ud800"},
        {"model": 7},
        {"input_tokens": "7"},
        {"input_tokens": 1.5, "output_tokens": -3},
        {"weight": object(), "output_tokens": 10**30},
        {"cached_input_tokens": 9, "input_tokens": 3},
    ],
)
def test_nonsense_of_the_host_never_reaches_it_again(stated: dict[str, Any]) -> None:
    """The answer goes out; a line that is told can be read."""
    path, kept = a_path()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for name, value in stated.items():
            setattr(scope[STATE], name, value)
        await answering(ANSWER)(scope, receive, send)

    assert passed(app, path, Wire()).body == ANSWER
    assert kept.only.end_us >= kept.only.start_us


def test_an_answer_may_come_before_its_request_is_there() -> None:
    """The first token lies within the request all the same."""
    path, kept = a_path()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": SSE_HEAD})
        await send({"type": "http.response.body", "body": stream(piece("a"), done=False), "more_body": True})
        await receive()
        await send({"type": "http.response.body", "body": stream(USAGE)})

    passed(app, path, Wire())
    assert kept.starts == []
    assert kept.only.first_token_us is not None


def test_views_of_buffers_pass() -> None:
    """Servers take them, so we do."""
    path, kept = a_path(comment=True)
    wire = passed(answering(memoryview(STREAM[:60]), memoryview(STREAM[60:]), head=SSE_HEAD), path, Wire())  # type: ignore[arg-type]
    assert wire.body.startswith(STREAM)
    assert kept.only.output_tokens == 4


def test_other_messages_pass_in_their_order() -> None:
    """A head that waits goes before them; a file that is sent ends the request."""
    path, kept = a_path()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": JSON_HEAD})
        await send({"type": "http.response.pathsend", "path": "answer.json"})

    wire = passed(app, path, Wire())
    assert [m["type"] for m in wire.sent] == ["http.response.start", "http.response.pathsend"]
    assert not kept.only.failed


def test_two_middlewares_tell_of_a_request_once() -> None:
    """The outer one."""
    path, kept = a_path()
    wire = passed(EnergyMiddleware(answering(ANSWER), path=path), path, Wire())
    assert len(kept.requests) == 1
    assert [name for name, _ in wire.sent[0]["headers"]].count(b"wattmark-energy") == 1


def test_an_answer_without_a_length_is_not_held_back() -> None:
    """Whoever streams JSON gets its head out at once."""
    path, kept = a_path()
    wire = passed(
        answering(ANSWER[:50], ANSWER[50:], head=[(b"content-type", b"application/json")]), path, Wire()
    )
    assert [m["type"] for m in wire.sent] == [
        "http.response.start",
        "http.response.body",
        "http.response.body",
    ]
    assert wire.headers["wattmark-energy"] == "known=missing;reason=told_after_the_stream"
    assert (kept.only.input_tokens, kept.only.output_tokens) == (10, 4)


def test_headers_can_be_left_out() -> None:
    """Then messages pass as they are."""
    path, kept = a_path(headers=False)
    wire = passed(answering(ANSWER), path, Wire())
    assert wire.sent[0]["headers"] is JSON_HEAD
    assert kept.only.output_tokens == 4


def test_span_attributes_say_the_same() -> None:
    """On the span that is current when the request comes."""
    trace = pytest.importorskip("opentelemetry.sdk.trace")
    tracer = trace.TracerProvider().get_tracer("t")
    path, kept = a_path()
    with tracer.start_as_current_span("request") as span:
        passed(answering(ANSWER), path, Wire())
    assert span.attributes == {
        "wattmark.request.id": kept.only.request_id,
        "wattmark.energy.joules": 10.0,
        "wattmark.energy.known": "estimated",
        "wattmark.energy.by": "tokens",
        "wattmark.energy.window_seconds": 60.0,
        "wattmark.energy.boundary": "device",
        "wattmark.energy.grade": "B",
        "wattmark.energy.rule": "request_tokens",
        "wattmark.carbon.grams": 5.0,
        "wattmark.carbon.known": "estimated",
        "wattmark.carbon.accounting": "location",
        "wattmark.carbon.basis": "lifecycle",
    }
