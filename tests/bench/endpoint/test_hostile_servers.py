"""Servers that do not play by the rules: a request ends in time whatever comes back."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import pytest

from wattmark.bench.endpoint.address import Address
from wattmark.bench.endpoint.http import MOST_LINE, Client, Failed

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
PIECE = b'data: {"choices":[{"text":"a"}]}\n\n'
MOST_SENDS = 2000
"""Far more than a request takes; no server goes on after the test."""

Says = Callable[[socket.socket, threading.Event], None]


def dripping(data: bytes) -> Says:
    """Says this, then one more byte every 20 ms."""

    def say(connection: socket.socket, gone: threading.Event) -> None:
        connection.sendall(data)
        for _ in range(MOST_SENDS):
            if gone.wait(0.02):
                return
            connection.sendall(b"x")

    return say


def flooding(data: bytes, flood: bytes) -> Says:
    """Says this, then the other without end."""

    def say(connection: socket.socket, gone: threading.Event) -> None:
        connection.sendall(data)
        for _ in range(MOST_SENDS):
            if gone.is_set():
                return
            connection.sendall(flood)

    return say


@pytest.fixture
def server() -> Iterator[Callable[..., Client]]:
    """Makes a client of a server that says this to every request; it waits for half a second or longer."""
    gone = threading.Event()
    sockets: list[socket.socket] = []

    def serve(listening: socket.socket, say: Says) -> None:
        with suppress(OSError):
            connection, _ = listening.accept()
            sockets.append(connection)
            connection.recv(1 << 16)
            say(connection, gone)

    def made(say: Says, seconds: float = 0.5) -> Client:
        listening = socket.create_server(("127.0.0.1", 0))
        sockets.append(listening)
        threading.Thread(target=serve, args=(listening, say), daemon=True).start()
        return Client(
            Address("http", "127.0.0.1", listening.getsockname()[1], "/v1"), timeout_seconds=seconds
        )

    try:
        yield made
    finally:
        gone.set()
        for one in sockets:
            one.close()


@pytest.mark.parametrize(
    "say",
    [
        dripping(b"HTTP/1.1 200 OK\r\nX: "),
        dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"),
        flooding(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    ],
)
def test_an_answer_that_comes_byte_by_byte_ends_in_time(server: Callable[..., Client], say: Says) -> None:
    """In its headers, in its body, before both: the time is that of the whole answer."""
    with closing(server(say)) as client, pytest.raises(Failed, match=r"no whole answer within 0\.5 s"):
        client.get("/models")


def test_a_stream_that_comes_byte_by_byte_ends_in_time(server: Callable[..., Client]) -> None:
    """Within one line, too."""
    with (
        closing(server(dripping(STREAM + b"data: "))) as client,
        pytest.raises(Failed, match=r"no whole answer within 0\.5 s"),
    ):
        list(client.stream("/completions", {}))


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("after", [dripping, lambda data: flooding(data, b"x" * (1 << 16))])
def test_what_follows_the_end_of_a_stream_is_not_waited_for(
    server: Callable[..., Client], after: Callable[[bytes], Says], kept: bool
) -> None:
    """The answer was whole; the connection is not used again."""
    with closing(server(after(STREAM + PIECE + b"data: [DONE]\n\n"), 30)) as client:
        client.keeps_after_streams = kept
        assert len(list(client.stream("/completions", {}))) == 1


def test_a_line_without_end_is_refused(server: Callable[..., Client]) -> None:
    """After 16 MiB."""
    with (
        closing(server(flooding(STREAM + b"data: ", b"x" * (1 << 16)), 60)) as client,
        pytest.raises(Failed, match=f"answered with more than {MOST_LINE >> 20} MiB"),
    ):
        list(client.stream("/completions", {}))
