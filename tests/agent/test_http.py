"""The agent's own HTTP server, against clients that mean it ill."""

from __future__ import annotations

import select
import selectors
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from wattmark.agent.http import MOST_BODY, MOST_CLIENTS, MOST_HELD, PATIENCE, Answered, Asked, HttpDoor, bound
from wattmark.core.errors import UsageError


class Served:
    """A door, and a hand that turns its loop and its clock."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self.listening = bound("127.0.0.1:0")
        self.asked: list[Asked] = []
        self.now = 0.0
        self.door = HttpDoor(self.listening, self.selector, self._answer)
        self.clients: list[socket.socket] = []

    def _answer(self, asked: Asked) -> Answered:
        self.asked.append(asked)
        if asked.path == "/defect":
            raise LookupError("no such thing")
        return Answered(200, b"yes\n")

    def turn(self, most: int = 10_000, until: Callable[[], bool] = lambda: True) -> int:
        """Serve until this is so and nothing is left to do; gives the longest run of answers within one turn.

        What was sent may come a little later on a busy machine: ``until`` says what it leads to.
        """
        longest = 0
        for _ in range(most):
            ready = self.selector.select(0.02)
            if not ready:
                if until():
                    break
                continue
            before = len(self.asked)
            for key, _ in ready:
                key.data(self.now)
            longest = max(longest, len(self.asked) - before)
        else:
            assert until(), "it never came to that"
        self.door.let_go(self.now)
        return longest

    def client(self) -> socket.socket:
        """One more that is connected."""
        made = socket.create_connection(self.listening.getsockname())
        made.settimeout(60.0)
        self.clients.append(made)
        name = made.getsockname()
        self.turn(until=lambda: any(c.socket.getpeername() == name for c in self.door._clients.values()))
        return made

    def answer(self, client: socket.socket) -> None:
        """Serve until there is something for this client to read, if only the end."""
        self.turn(until=lambda: bool(select.select([client], [], [], 0)[0]))


@contextmanager
def served() -> Iterator[Served]:
    """A door that listens."""
    made = Served()
    try:
        yield made
    finally:
        made.door.close()
        made.selector.close()
        for client in made.clients:
            client.close()


def test_many_requests_at_once_are_answered_in_turns() -> None:
    """A thousand requests in one piece neither end the agent nor hold up whoever comes beside them."""
    with served() as here:
        greedy, other = here.client(), here.client()
        greedy.sendall(b"GET /many HTTP/1.1\r\n\r\n" * 1000)
        other.sendall(b"GET /one HTTP/1.1\r\n\r\n")
        assert here.turn(until=lambda: len(here.asked) == 1001) <= 2
        assert [asked.path for asked in here.asked].count("/many") == 1000
        assert "/one" in [asked.path for asked in here.asked[:4]]


def test_who_sends_a_request_byte_by_byte_is_let_go() -> None:
    """Only a whole request makes a client one that is heard: a byte now and then does not."""
    with served() as here:
        slow = here.client()
        for number in range(5):
            here.now += PATIENCE / 3
            slow.sendall(b"G")
            here.turn(until=lambda sent=number + 1: here.door._held() == sent)  # type: ignore[misc]
        assert slow.recv(1) == b""


def test_a_crowd_that_says_nothing_locks_nobody_out() -> None:
    """With as many silent clients as there may be, who comes next is served; the oldest one goes."""
    with served() as here:
        silent = []
        for number in range(MOST_CLIENTS):
            here.now = number / 100
            silent.append(here.client())
        late = here.client()
        late.sendall(b"GET /late HTTP/1.1\r\n\r\n")
        here.answer(late)
        assert late.recv(100).startswith(b"HTTP/1.1 200")
        assert silent[0].recv(1) == b""


def test_bodies_that_never_end_take_a_bounded_memory() -> None:
    """Of many half bodies of 4 MiB the last are refused with 503, and those before stay taken."""
    with served() as here:
        answers = []
        for _ in range(MOST_HELD // MOST_BODY + 2):
            client = here.client()
            client.setblocking(False)
            rest = memoryview(
                b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % MOST_BODY + b"x" * (MOST_BODY - 1)
            )
            while rest:
                try:
                    rest = rest[client.send(rest) :]
                except BlockingIOError:
                    here.turn(50)
                except OSError:
                    break
            here.turn()
            try:
                answers.append(client.recv(12))
            except BlockingIOError:
                answers.append(b"")
        assert answers[0] == b""
        assert answers[-1] == b"HTTP/1.1 503"


def test_who_sends_a_body_that_is_too_long_can_read_that_it_is() -> None:
    """The rest of it is passed over, up to a bound, and the answer is there to its end; then he is let go."""
    with served() as here:
        client = here.client()
        client.setblocking(False)
        length = 2 * MOST_BODY
        rest = memoryview(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % length + b"x" * length)
        while rest:
            try:
                rest = rest[client.send(rest) :]
            except BlockingIOError:
                here.turn(50)
        here.turn()
        client.settimeout(60.0)
        answer = client.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 413")
        assert answer.endswith(b"at most 4 MiB: send it in parts\n")
        assert here.asked == []
        here.now += PATIENCE + 1
        here.turn()
        assert not here.door._clients


def test_who_goes_on_sending_after_a_refusal_is_let_go() -> None:
    """More than 32 MiB are not passed over."""
    with served() as here:
        client = here.client()
        client.setblocking(False)
        client.send(b"nonsense\r\n\r\n")
        for _ in range(10 * MOST_HELD >> 16):
            try:
                client.send(b"x" * (1 << 16))
            except BlockingIOError:
                here.turn(50)
            except OSError:
                break
        assert not here.door._clients


@pytest.mark.parametrize(
    "head",
    [b"Content-Length: 5\r\nContent-Length: 6", b"Content-Length: 1\r\nTransfer-Encoding: chunked", b" X: y"],
)
def test_a_request_of_two_lengths_is_refused(head: bytes) -> None:
    """What two servers could read differently is refused, and nothing behind it is read."""
    with served() as here:
        client = here.client()
        client.sendall(b"POST / HTTP/1.1\r\n" + head + b"\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n")
        here.answer(client)
        assert client.recv(12) in (b"HTTP/1.1 400", b"HTTP/1.1 411")
        assert not here.asked


def test_a_defect_in_an_answer_ends_nothing_but_that_answer() -> None:
    """Whoever asked is told with 500; the agent goes on, and so does the connection."""
    with served() as here:
        client = here.client()
        client.sendall(b"GET /defect HTTP/1.1\r\n\r\n")
        here.answer(client)
        assert client.recv(1000).endswith(b"LookupError: no such thing\n")
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        here.answer(client)
        assert client.recv(1000).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /" + b"x" * 20_000, b"431"),
        (b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nContent-Length: 9999999999999\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"411"),
    ],
)
def test_what_cannot_be_taken_is_told_and_let_go(sent: bytes, status: bytes) -> None:
    """With the status that names it; the connection is closed."""
    with served() as here:
        client = here.client()
        client.sendall(sent)
        here.answer(client)
        answer = client.recv(1000)
        assert answer.startswith(b"HTTP/1.1 " + status)
        assert b"Connection: close" in answer
        assert here.asked == []


def test_a_connection_is_kept_unless_it_is_asked_to_close() -> None:
    """Two requests over one connection; HEAD has the length and no body; then it is closed."""
    with served() as here:
        client = here.client()
        client.sendall(b"HEAD / HTTP/1.1\r\n\r\n")
        here.answer(client)
        answer = client.recv(1000)
        assert b"Content-Length: 4" in answer
        assert answer.endswith(b"\r\n\r\n")
        client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc")
        here.answer(client)
        assert here.asked[-1].body == b"abc"
        assert client.recv(1000).endswith(b"yes\n")
        assert client.recv(1) == b""


@pytest.mark.parametrize("listen", ["nowhere", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:x"])
def test_an_address_that_is_none_is_refused(listen: str) -> None:
    """With what one looks like."""
    with pytest.raises(UsageError, match=r"HOST:PORT"):
        bound(listen)


def test_an_address_that_is_taken_is_named() -> None:
    """And what to do about it."""
    with served() as here, pytest.raises(UsageError, match="does another agent"):
        bound("{}:{}".format(*here.listening.getsockname()))
