"""The reverse proxy, in a real server, before upstreams that behave and upstreams that do not."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead
from typing import Any

import pytest
import uvicorn

from tests.integrations.request_path.world import CHAT, Kept, a_path
from wattmark.core.errors import UsageError
from wattmark.integrations.asgi import EnergyMiddleware
from wattmark.server.proxy import ReverseProxy, Upstream
from wattmark.server.proxy_status import METRICS, Status
from wattmark.server.serve import bound

ANSWER = json.dumps(CHAT, ensure_ascii=False).encode()
WHOLE = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n"
    b"content-length: %d\r\n\r\n" % len(ANSWER) + ANSWER
)
"""Says that it closes: else a proxy may send its next request over a connection that is about to end."""
EVENTS = [
    b'data: {"choices":[{"delta":{"role":"assistant"}}]}\n\n',
    b'data: {"choices":[{"delta":{"content":"f\xc3\xbcr \xe2\x82\xac"}}]}\n\n',
    b'data: {"model":"chat","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":4}}\n\n',
    b"data: [DONE]\n\n",
]
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
CHAT_PATH = "/v1/chat/completions"
ASKED = b'{"model":"asked","messages":[]}'

Script = Callable[[socket.socket, bytes], None]
"""Answers one request, of which head and body are given, over its connection."""


def chunk(piece: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(piece), piece)


def saying(*parts: bytes) -> Script:
    """Says these bytes, and closes the connection."""

    def script(connection: socket.socket, _request: bytes) -> None:
        for part in parts:
            connection.sendall(part)

    return script


class Raw:
    """An upstream that says what it is told to, byte by byte."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[bytes] = []
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listening.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            request = received(connection)
            self.requests.append(request)
            self.script(connection, request)


def received(connection: socket.socket) -> bytes:
    """A whole request: its head, and its body by its length or its chunks."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536) or b"\r\n\r\n"
    head, _, body = data.partition(b"\r\n\r\n")
    fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:])
    if b"chunked" in fields.get(b"transfer-encoding", b""):
        while not body.endswith(b"0\r\n\r\n"):
            body += connection.recv(65536)
    while len(body) < int(fields.get(b"content-length", b"0")):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


class Running:
    """A proxy that answers, and what it told."""

    def __init__(self, port: int, proxy: ReverseProxy, kept: Kept) -> None:
        self.port = port
        self.proxy = proxy
        self.kept = kept

    def connect(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=60)

    def ask(
        self, body: Any = ASKED, path: str = CHAT_PATH, method: str = "POST", **headers: str
    ) -> HTTPResponse:
        connection = self.connect()
        connection.request(method, path, body, headers)
        return connection.getresponse()

    def wait_for(self, there: Callable[[], Any]) -> None:
        until = time.monotonic() + 60
        while not there():
            assert time.monotonic() < until, "it did not come to that"
            time.sleep(0.01)


@contextmanager
def running(
    url: str,
    how: dict[str, Any] | None = None,
    *,
    around: Callable[[Any], Any] = lambda app: app,
    **settings: Any,
) -> Iterator[Running]:
    path, kept = a_path(**settings)
    proxy = ReverseProxy(Upstream(url=url, **(how or {})))
    app = Status(around(EnergyMiddleware(proxy, path=path)), proxy, kept.dropped)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(
            app,
            lifespan="on",
            ws="none",
            log_config=None,
            server_header=False,
            date_header=False,
            proxy_headers=False,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        try:
            yield Running(listening.getsockname()[1], proxy, kept)
        finally:
            server.should_exit = True
            thread.join(120)


def test_a_request_and_its_answer_pass_as_they_are() -> None:
    """Method, path, query and body there, status, headers and body back; headers of ours added."""
    upstream = Raw(saying(WHOLE.replace(b"200 OK\r\n", b"203 Else\r\nX-Own: 1\r\nX-Own: 2\r\n")))
    with running(upstream.url + "/base") as proxy:
        answer = proxy.ask(
            path=CHAT_PATH + "?a=%2F&b=%C3%BC", **{"X-Mine": "yes", "Authorization": "Bearer sk"}
        )
        assert answer.read() == ANSWER
    assert answer.status == 203
    assert answer.headers.get_all("x-own") == ["1", "2"]
    assert str(answer.headers["wattmark-energy"]).startswith("10;unit=J;known=estimated")
    head, _, body = upstream.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /base/v1/chat/completions?a=%2F&b=%C3%BC HTTP/1.1\r\n")
    assert b"\r\nx-mine: yes\r\n" in head.lower()
    assert b"\r\nauthorization: bearer sk\r\n" in head.lower()
    assert body == ASKED
    assert proxy.kept.only.service.model == "chat"


def test_headers_of_a_connection_stay_with_it() -> None:
    """Both ways, those named by Connection too; a gateway adds Via and X-Forwarded-*."""
    told = b"200 OK\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n"
    upstream = Raw(saying(WHOLE.replace(b"200 OK\r\n", told)))
    with running(upstream.url) as proxy:
        said = {
            "Connection": "keep-alive, X-Local",
            "X-Local": "1",
            "TE": "trailers",
            "Proxy-Authorization": "x",
        }
        answer = proxy.ask(**said, **{"X-Forwarded-For": "192.0.2.7", "Via": "1.1 edge"})
        answer.read()
    assert answer.headers["x-hop"] is None
    assert answer.headers["keep-alive"] is None
    head = upstream.requests[0].partition(b"\r\n\r\n")[0].lower()
    for gone in (b"x-local", b"\r\nte:", b"proxy-authorization"):
        assert gone not in head
    assert b"x-forwarded-for: 192.0.2.7, 127.0.0.1\r\n" in head
    assert f"x-forwarded-host: 127.0.0.1:{proxy.port}\r\n".encode() in head
    assert b"x-forwarded-proto: http\r\n" in head
    assert b"via: 1.1 edge, 1.1 wattmark-" in head


def test_nothing_is_added_to_a_request_that_says_little() -> None:
    """No user agent of ours, no encoding that the client does not take."""
    upstream = Raw(saying(WHOLE))
    with running(upstream.url) as proxy, socket.create_connection(("127.0.0.1", proxy.port)) as client:
        client.sendall(b"GET /v1/models HTTP/1.1\r\nHost: models\r\n\r\n")
        client.recv(10)
    head = upstream.requests[0].lower()
    for name in (b"user-agent", b"accept", b"content-type", b"content-length", b"transfer-encoding"):
        assert b"\r\n" + name not in head


def test_a_stream_passes_while_it_is_made() -> None:
    """Each event arrives before the next one is made."""
    go = threading.Semaphore(0)

    def script(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(STREAM_HEAD)
        for event in EVENTS:
            go.acquire()
            connection.sendall(chunk(event))
        connection.sendall(b"0\r\n\r\n")

    upstream = Raw(script)
    with running(upstream.url) as proxy:
        answer = proxy.ask()
        assert answer.headers["wattmark-energy"] == "known=missing;reason=told_after_the_stream"
        for event in EVENTS:
            go.release()
            assert answer.read1(4096) == event
        assert answer.read() == b""
        proxy.wait_for(lambda: proxy.kept.requests)
    request = proxy.kept.only
    assert (request.input_tokens, request.output_tokens, request.failed) == (10, 4, False)
    assert request.first_token_us is not None


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_pieces_may_be_cut_anywhere(size: int) -> None:
    """In the middle of a character, of `data:`: bit-identical, with the same tokens."""
    body = b"".join(EVENTS)
    parts = [chunk(body[i : i + size]) for i in range(0, len(body), size)]
    upstream = Raw(saying(STREAM_HEAD, *parts, b"0\r\n\r\n"))
    with running(upstream.url) as proxy:
        assert proxy.ask().read() == body
        proxy.wait_for(lambda: proxy.kept.requests)
    assert proxy.kept.only.output_tokens == 4


def test_a_packed_answer_stays_packed() -> None:
    """Its tokens are read from a copy."""
    packed = gzip.compress(ANSWER)
    kind = b"content-type: application/json\r\ncontent-encoding: gzip\r\n"
    head = b"HTTP/1.1 200 OK\r\n" + kind + b"content-length: %d\r\n\r\n"
    upstream = Raw(saying(head % len(packed) + packed))
    with running(upstream.url) as proxy:
        answer = proxy.ask(**{"Accept-Encoding": "gzip"})
        assert answer.read() == packed
    assert answer.headers["content-encoding"] == "gzip"
    assert proxy.kept.only.output_tokens == 4


def test_an_upstream_that_drops_a_stream_drops_ours() -> None:
    """The client can tell that the answer is not whole; the request failed."""
    upstream = Raw(saying(STREAM_HEAD, chunk(EVENTS[0]), chunk(EVENTS[1])))
    with running(upstream.url) as proxy:
        answer = proxy.ask()
        with pytest.raises((IncompleteRead, HTTPException, ConnectionError)):
            answer.read()
        proxy.wait_for(lambda: proxy.kept.requests)
        assert proxy.proxy.tally.failures == {"upstream_broke_off": 1}
    assert proxy.kept.only.failed


def test_an_upstream_that_drops_a_document_is_a_bad_gateway() -> None:
    """Its head has not gone out yet, so the client learns why."""
    upstream = Raw(saying(WHOLE[:-5]))
    with running(upstream.url) as proxy:
        answer = proxy.ask()
        assert json.loads(answer.read())["error"]["code"] == "upstream_broke_off"
    assert answer.status == 502
    assert proxy.kept.only.failed


def test_an_upstream_that_is_not_there_is_a_bad_gateway() -> None:
    """The answer does not tell where it would be."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with running(f"http://127.0.0.1:{port}") as proxy:
        answer = proxy.ask()
        told = json.loads(answer.read())["error"]
        assert (answer.status, told["code"]) == (502, "upstream_unreachable")
        assert "127.0.0.1" not in told["message"]
    assert proxy.kept.only.turned_away


def test_an_upstream_that_says_nothing_is_a_timeout() -> None:
    """Before its head: 504."""
    over = threading.Event()
    upstream = Raw(lambda connection, _: over.wait(250) and None)
    with running(upstream.url, {"silent_seconds": 0.2}) as proxy:
        assert proxy.ask().status == 504
    over.set()
    assert proxy.kept.only.failed


@pytest.mark.parametrize("streams", [False, True])
def test_a_client_that_goes_away_ends_the_work_upstream(streams: bool) -> None:
    """The upstream's connection is closed; the request failed."""
    closed = threading.Event()

    def script(connection: socket.socket, _request: bytes) -> None:
        if streams:
            connection.sendall(STREAM_HEAD + chunk(EVENTS[1]))
        if connection.recv(1) == b"":
            closed.set()

    upstream = Raw(script)
    with running(upstream.url) as proxy:
        connection = proxy.connect()
        connection.request("POST", CHAT_PATH, ASKED)
        proxy.wait_for(lambda: upstream.requests)
        if streams:
            connection.getresponse().read1(10)
        sock = connection.sock
        assert sock is not None
        sock.shutdown(socket.SHUT_RDWR)
        connection.close()
        assert closed.wait(60)
        proxy.wait_for(lambda: proxy.kept.requests)
        assert proxy.proxy.tally.failures == {"client_gone": 1}
        proxy.wait_for(lambda: proxy.proxy.tally.under_way == 0)
    assert proxy.kept.only.failed


def test_a_slow_reader_slows_its_upstream_down() -> None:
    """64 MiB do not pile up in the proxy while nobody reads them."""
    sent: list[int] = []

    def script(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(STREAM_HEAD)
        piece = chunk(b": " + b"x" * 65532 + b"\n\n")
        for _ in range(1024):
            connection.sendall(piece)
            sent.append(65536)
        connection.sendall(b"0\r\n\r\n")

    upstream = Raw(script)
    with running(upstream.url) as proxy:
        answer = proxy.ask()
        answer.read(1)
        before = -1
        while before != len(sent):  # until it stands still
            before = len(sent)
            time.sleep(0.3)
        assert sum(sent) < 32 << 20
        assert len(answer.read()) == (64 << 20) - 1


def test_a_long_request_passes_piece_by_piece() -> None:
    """With its length, or in chunks; both arrive whole, and the model is read from its end."""
    body = json.dumps({"messages": ["x" * 300_000], "model": "asked"}).encode()
    upstream = Raw(saying(WHOLE))
    with running(upstream.url) as proxy:
        assert proxy.ask(body).status == 200
        assert proxy.ask(iter([body[:1000], body[1000:]])).status == 200
    first, second = (request.partition(b"\r\n\r\n") for request in upstream.requests)
    assert first[2] == body
    assert b"chunked" in second[0].lower()
    assert body[-2000:] in second[2]
    assert [line["model"] for line in proxy.kept.starts] == ["asked", "asked"]


def test_a_request_that_is_too_long_is_refused() -> None:
    """Announced: before it is read; in chunks: when it is too long."""
    upstream = Raw(saying(WHOLE))
    with running(upstream.url, {"most_body": 1000}) as proxy:
        assert proxy.ask(b"x" * 1001).status == 413
        assert proxy.ask(iter([b"x" * 900, b"x" * 900])).status == 413
        assert proxy.proxy.tally.failures == {"too_large": 2}


def test_too_many_at_once_are_sent_away() -> None:
    """503, with the time after which to try again."""
    go = threading.Event()

    def script(connection: socket.socket, _request: bytes) -> None:
        go.wait(60)
        connection.sendall(WHOLE)

    upstream = Raw(script)
    with running(upstream.url, {"most_at_once": 1}) as proxy:
        connection = proxy.connect()
        connection.request("POST", CHAT_PATH, ASKED)
        proxy.wait_for(lambda: upstream.requests)
        answer = proxy.ask()
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        go.set()
        assert connection.getresponse().status == 200


def test_what_is_no_path_is_refused() -> None:
    """``OPTIONS *`` means the server that is asked, and is no path of the upstream's."""
    upstream = Raw(saying(WHOLE))
    with running(upstream.url) as proxy:
        assert proxy.ask(None, "*", "OPTIONS").status == 400
        assert not upstream.requests


def test_a_proxy_before_itself_is_a_loop() -> None:
    """A request that it has handed on comes back: 508 instead of going round."""
    upstream = Raw(saying(WHOLE))
    with running(upstream.url) as proxy:
        proxy.ask().read()
        (via,) = [line for line in upstream.requests[0].decode().split("\r\n") if line.startswith("Via: ")]
        assert proxy.ask(Via=via.removeprefix("Via: ")).status == 508


def test_redirects_and_cookies_are_the_clients_matter() -> None:
    """They pass; nothing is followed or kept."""
    upstream = Raw(
        saying(
            b"HTTP/1.1 307 Go\r\nlocation: /else\r\nset-cookie: a=b\r\n"
            b"connection: close\r\ncontent-length: 0\r\n\r\n"
        )
    )
    with running(upstream.url) as proxy:
        answer = proxy.ask()
        assert (answer.status, answer.headers["location"], answer.headers["set-cookie"]) == (
            307,
            "/else",
            "a=b",
        )
        assert proxy.ask().status == 307
    assert len(upstream.requests) == 2
    assert all(b"cookie" not in request for request in upstream.requests)


def test_a_listening_socket_sends_at_once() -> None:
    """Two parts of an answer do not wait for an acknowledgement of the first."""
    with bound("127.0.0.1", 0) as listening:
        assert listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_it_counts_what_it_did() -> None:
    """In Prometheus' text form, for this machine."""
    upstream = Raw(saying(WHOLE))
    with running(upstream.url) as proxy:
        proxy.ask().read()
        proxy.wait_for(lambda: proxy.proxy.tally.under_way == 0)  # the client has its answer a moment before
        text = proxy.ask(None, METRICS, "GET").read().decode()
    assert 'wattmark_proxy_requests_total{status="200"} 1\n' in text
    assert "wattmark_proxy_requests_under_way 0\n" in text


@pytest.mark.parametrize(
    "url",
    ["", "127.0.0.1:80", "ftp://a", "http://", "http://a:0", "http://a:x", "http://u:p@a", "http://a/?q=1"],
)
def test_what_is_no_upstream_is_refused(url: str) -> None:
    """With what to write."""
    with pytest.raises(UsageError, match="upstream"):
        Upstream(url=url)
