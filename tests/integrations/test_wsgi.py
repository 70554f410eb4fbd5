"""The WSGI middleware: what it notes and attaches, and that the host never notices it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.integrations.request_path.world import CHAT, a_path
from wattmark.integrations.request_path.exchange import RequestPath
from wattmark.integrations.wsgi import STATE, EnergyMiddleware

ASKED = json.dumps({"messages": [{"role": "user", "content": "Hello"}], "model": "asked"}).encode()
ANSWER = json.dumps(CHAT).encode()
JSON = [("Content-Type", "application/json")]
WHOLE = [*JSON, ("Content-Length", str(len(ANSWER)))]
App = Callable[..., Iterable[bytes]]


def an_environ(**said: Any) -> dict[str, Any]:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/v1/chat/completions",
        "CONTENT_LENGTH": str(len(ASKED)),
        "CONTENT_TYPE": "application/json",
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "wsgi.input": io.BytesIO(ASKED),
        **said,
    }
    setup_testing_defaults(environ)
    return environ


class Server:
    """What a server keeps of one answer."""

    def __init__(self) -> None:
        self.status = ""
        self.headers: dict[str, str] = {}
        self.pieces: list[bytes] = []
        self.written: list[bytes] = []
        self.heads = 0

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        self.heads += 1
        self.status, self.headers = status, {name.lower(): value for name, value in headers}
        return self.written.append

    def run(self, app: App, environ: dict[str, Any]) -> Server:
        answer = app(environ, self.start_response)
        try:
            for piece in answer:
                assert self.status, "a piece came before the head"
                self.pieces.append(piece)
        finally:
            if hasattr(answer, "close"):
                answer.close()
        return self


def answering(*pieces: bytes, head: list[tuple[str, str]] = WHOLE, status: str = "200 OK") -> App:
    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        start_response(status, list(head))
        return iter(pieces)

    return app


def passed(app: App, path: RequestPath, **said: Any) -> Server:
    return Server().run(EnergyMiddleware(app, path=path), an_environ(**said))


def test_an_answer_carries_what_it_probably_cost() -> None:
    """10 J and 5 g, as the ASGI twin says; the body is what it was."""
    path, kept = a_path()
    server = passed(answering(ANSWER), path)
    assert server.headers["wattmark-energy"].startswith("10;unit=J;known=estimated")
    assert server.headers["wattmark-carbon"].startswith("5;unit=g;known=estimated")
    assert b"".join(server.pieces) == ANSWER
    start, _ = kept.lines
    assert start["model"] == "asked"
    assert (kept.only.service.model, kept.only.output_tokens, kept.only.failed) == ("chat", 4, False)


def test_a_single_piece_needs_no_length() -> None:
    """Frameworks give a list of one."""
    path, _ = a_path()

    def app(environ: Any, start_response: Any) -> list[bytes]:
        environ["wsgi.input"].read()
        start_response("200 OK", list(JSON))
        return [ANSWER]

    assert passed(app, path).headers["wattmark-energy"].startswith("10;unit=J")


@given(st.lists(st.integers(1, 400), max_size=20))
def test_a_stream_passes_piece_by_piece(cuts: list[int]) -> None:
    """As many pieces as the application gives, the same bytes, and the same tokens."""
    events = [{"choices": [{"delta": {"content": "für €"}}]}, CHAT]
    body = "".join(f"data: {json.dumps(event, ensure_ascii=False)}\n\n" for event in events).encode()
    edges = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    pieces = [body[a:b] for a, b in pairwise(edges)]
    path, kept = a_path()
    server = passed(answering(*pieces, head=[("Content-Type", "text/event-stream")]), path)
    assert server.pieces == pieces
    assert server.headers["wattmark-energy"] == "known=missing;reason=told_after_the_stream"
    assert kept.only.output_tokens == 4
    assert kept.only.first_token_us is not None


def test_a_stream_is_not_read_ahead() -> None:
    """The application is asked for a piece when the server asks for one."""
    asked: list[int] = []

    def pieces() -> Iterator[bytes]:
        for i in range(3):
            asked.append(i)
            yield b"data: {}\n\n"

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        return pieces()

    path, _ = a_path()
    answer = iter(EnergyMiddleware(app, path=path)(an_environ(), Server().start_response))
    next(answer)
    assert asked == [0]


def test_a_comment_ends_a_stream_when_asked_for() -> None:
    """One piece more."""
    path, _ = a_path(comment=True)
    server = passed(
        answering(b"data: " + ANSWER + b"\n\n", head=[("Content-Type", "text/event-stream")]), path
    )
    assert server.pieces[-1].startswith(b": wattmark-request: ")
    assert b"wattmark-energy: 10;unit=J" in server.pieces[-1]


def test_a_client_that_goes_away_failed() -> None:
    """The server closes an answer that it has not read to its end, and the application's is closed."""
    closed: list[str] = []

    class Answer:
        def __iter__(self) -> Iterator[bytes]:
            yield b"data: {}\n\n"
            yield b"data: {}\n\n"

        def close(self) -> None:
            closed.append("host")

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        return Answer()

    path, kept = a_path()
    answer: Any = EnergyMiddleware(app, path=path)(an_environ(), Server().start_response)
    next(iter(answer))
    answer.close()
    assert closed == ["host"]
    assert kept.only.failed


@pytest.mark.parametrize("when", ["before", "while"])
def test_the_hosts_exception_goes_on(when: str) -> None:
    """From the call, or from the iterable; the request failed."""
    path, kept = a_path()

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        if when == "before":
            raise KeyError("mine")
        start_response("200 OK", [])
        return (1 // 0 for _ in range(1))  # type: ignore[misc]

    with pytest.raises((KeyError, ZeroDivisionError)):
        passed(app, path)
    assert kept.only.failed


def test_a_head_may_be_replaced_while_it_is_not_out() -> None:
    """An application that finds an error late starts again with its exc_info."""
    path, kept = a_path()

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", list(JSON))
        try:
            raise ValueError
        except ValueError as error:
            start_response("500 Oh", [], (ValueError, error, error.__traceback__))
        return [b"oh"]

    server = passed(app, path)
    assert (server.status, server.heads) == ("500 Oh", 1)
    assert kept.only.failed


def test_what_is_written_the_old_way_arrives() -> None:
    """PEP 3333 keeps write() for applications that cannot give pieces."""
    path, kept = a_path()

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        write = start_response("200 OK", list(JSON))
        write(ANSWER[:20])
        write(ANSWER[20:])
        return []

    server = passed(app, path)
    assert b"".join(server.written) == ANSWER
    assert kept.only.output_tokens == 4


@pytest.mark.parametrize("said", [{"REQUEST_METHOD": "GET"}, {"PATH_INFO": "/health"}, {STATE: object()}])
def test_everything_else_passes_untouched(said: dict[str, Any]) -> None:
    """The same environ, the same start_response, the same answer."""
    path, kept = a_path()
    given: list[Any] = []
    answer: list[bytes] = [b"x"]

    def app(*received: Any) -> Iterable[bytes]:
        given.extend(received)
        return answer

    environ, server = an_environ(**said), Server()
    assert EnergyMiddleware(app, path=path)(environ, server.start_response) is answer
    assert given[0] is environ
    assert given[1] == server.start_response
    assert kept.lines == []


@pytest.mark.parametrize(
    "read",
    [
        lambda stream: stream.read(),
        lambda stream: [stream.read(7) for _ in range(len(ASKED) // 7 + 1)],
        lambda stream: stream.readline(),
        lambda stream: stream.readlines(),
        list,
    ],
)
def test_the_body_may_be_read_in_any_way(read: Callable[[Any], Any]) -> None:
    """The start is told once, when all has come, and names the model."""
    path, kept = a_path()

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        read(environ["wsgi.input"])
        start_response("200 OK", list(JSON))
        return [ANSWER]

    passed(app, path)
    (start,) = kept.starts
    assert start["model"] == "asked"


def test_it_keeps_the_protocol() -> None:
    """wsgiref's validator, on both sides of it, finds nothing."""
    path, _ = a_path()

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        start_response("200 OK", list(WHOLE))
        return [ANSWER]

    wrapped = validator(EnergyMiddleware(validator(app), path=path))
    server = Server().run(wrapped, an_environ())
    assert b"".join(server.pieces) == ANSWER
