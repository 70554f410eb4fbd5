"""A look over HTTP gives a reading, or a gap with its reason; it never raises and never hangs."""

from __future__ import annotations

import base64
import gzip
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from wattmark.core.errors import UsageError
from wattmark.core.serving.engine import EngineDelta, EngineReading, FailedLook, difference
from wattmark.engines import scrape
from wattmark.engines.scrape import PASSWORD, TOKEN, USER, open_scraper
from wattmark.engines.table import engine_named

patient = partial(open_scraper, timeout_seconds=60.0)
"""What goes well may take its time on a busy machine; an agent waits for a second."""
PAGE = b'# TYPE vllm:generation_tokens_total counter\nvllm:generation_tokens_total{model_name="m"} %d\n'
OTHER = b"# TYPE node_load1 gauge\nnode_load1 1\n"


@dataclass
class Answers:
    """What a server answers, and what it was asked."""

    pages: dict[str, bytes] = field(default_factory=dict)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    send: Callable[[BaseHTTPRequestHandler], None] | None = None
    asked: list[str] = field(default_factory=list)
    said: list[dict[str, str]] = field(default_factory=list)
    connections: set[tuple[str, int]] = field(default_factory=set)


@contextmanager
def a_server(answers: Answers, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server on this machine; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answers.asked.append(self.path)
            answers.said.append({k.lower(): v for k, v in self.headers.items()})
            answers.connections.add(self.client_address)
            if answers.send is not None:
                answers.send(self)
                return
            page = answers.pages.get(self.path)
            self.send_response(404 if page is None else answers.status)
            for name, value in answers.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(page or b"")))
            self.end_headers()
            self.wfile.write(page or b"")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"{'http' if context is None else 'https'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def failed(url: str, **options: float) -> FailedLook:
    with closing(open_scraper(url, {}, timeout_seconds=options.get("timeout", 60.0))) as scraper:
        look = scraper.look()
    assert isinstance(look, FailedLook)
    return look


def test_looks_over_one_connection_tell_what_was_done() -> None:
    """10 tokens and then 25: 15 between the looks, over a connection that is kept."""
    answers = Answers({"/metrics": PAGE % 10})
    with a_server(answers) as url, closing(patient(url, {}, target="chat-1")) as scraper:
        before = scraper.look()
        answers.pages["/metrics"] = PAGE % 25
        done = difference(before, scraper.look())
    assert isinstance(done, EngineDelta)
    assert (done.target, done.counted["m"].output_tokens) == ("chat-1", 15.0)
    assert answers.asked == ["/metrics", "/metrics"]
    assert len(answers.connections) == 1


def test_metrics_are_looked_for_where_engines_have_them() -> None:
    """TensorRT-LLM answers something else at /metrics; the path that shows some is kept."""
    page = b'trtllm_request_success_total{model_name="m",finished_reason="stop"} 1\n'
    answers = Answers({"/metrics": b"[]", "/prometheus/metrics": page})
    with a_server(answers) as url, closing(patient(url, {})) as scraper:
        first, second = scraper.look(), scraper.look()
    assert isinstance(first, EngineReading)
    assert isinstance(second, EngineReading)
    assert first.engine == "tensorrt-llm"
    assert answers.asked == ["/metrics", "/prometheus/metrics", "/prometheus/metrics"]


def test_a_path_and_a_question_that_are_given_are_asked() -> None:
    """A router of several models wants its name."""
    answers = Answers({"/llama/metrics?model=a": b"llamacpp:tokens_predicted_total 3\n"})
    with a_server(answers) as url, closing(patient(f"{url}/llama/metrics?model=a", {})) as scraper:
        assert isinstance(scraper.look(), EngineReading)


def test_an_engine_that_is_said_is_not_guessed() -> None:
    """Its own path is asked, and its own metrics are read."""
    answers = Answers({"/prometheus/metrics": b'trtllm_num_requests_running{model_name="m"} 2\n' + OTHER})
    kind = engine_named("tensorrt-llm")
    with a_server(answers) as url, closing(patient(url, {}, kind=kind)) as scraper:
        look = scraper.look()
    assert isinstance(look, EngineReading)
    assert look.load["m"].running == 2.0
    assert answers.asked == ["/prometheus/metrics"]


def test_a_connection_that_the_engine_closed_is_opened_anew() -> None:
    """Engines close idle connections: that is no failed look."""
    answers = Answers({"/metrics": PAGE % 1}, headers={"keep-alive": "timeout=1"})

    def once(handler: BaseHTTPRequestHandler) -> None:
        page = PAGE % 1
        handler.send_response(200)
        handler.send_header("content-length", str(len(page)))
        handler.end_headers()
        handler.wfile.write(page)
        handler.wfile.flush()
        handler.close_connection = True  # without having said so

    answers.send = once
    with a_server(answers) as url, closing(patient(url, {})) as scraper:
        looks = [scraper.look() for _ in range(3)]
    assert all(isinstance(look, EngineReading) for look in looks)
    assert len(answers.connections) == 3


def test_a_page_in_pieces_and_a_packed_page_are_read() -> None:
    """Chunked transfer and gzip."""

    def in_pieces(handler: BaseHTTPRequestHandler) -> None:
        page = PAGE % 4
        handler.send_response(200)
        handler.send_header("transfer-encoding", "chunked")
        handler.end_headers()
        for piece in (page[:30], page[30:]):
            handler.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        handler.wfile.write(b"0\r\n\r\n")

    packed = Answers({"/metrics": gzip.compress(PAGE % 4)}, headers={"content-encoding": "gzip"})
    for answers in (Answers(send=in_pieces), packed):
        with a_server(answers) as url, closing(patient(url, {})) as scraper:
            for _ in range(2):
                look = scraper.look()
                assert isinstance(look, EngineReading)
                assert look.counted["m"].output_tokens == 4.0
        assert len(answers.connections) == 1


@pytest.mark.parametrize(
    "begin",
    [
        b"HTTP/1.1 200 OK\r\nX-Pad: ",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Trailer: ",
    ],
    ids=["head", "trailer"],
)
def test_an_engine_that_sends_byte_by_byte_is_a_gap_after_the_time_that_it_has(begin: bytes) -> None:
    """Each byte comes in time and the whole never does: what was seen before is not shown for ever."""
    enough = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(begin)
        while not enough.wait(0.05):
            try:
                handler.wfile.write(b"a")
            except OSError:
                return

    with a_server(Answers(send=drip)) as url:
        look: list[FailedLook] = []
        asking = threading.Thread(target=lambda: look.append(failed(url, timeout=0.3)), daemon=True)
        asking.start()
        asking.join(60)
        was_over = not asking.is_alive()
        enough.set()
        asking.join(60)
    assert was_over
    assert [found.kind for found in look] == ["timeout"]


def test_nobody_there_is_a_gap() -> None:
    """The port is free."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        assert failed(url) == FailedLook(f"{url}: no answer: Connection refused", "unreachable")


def test_an_engine_that_hangs_is_a_gap_after_the_time_that_it_has() -> None:
    """Whether it says nothing at all, or a little now and then for ever."""
    stop = threading.Event()

    def nothing(_: BaseHTTPRequestHandler) -> None:
        stop.wait(60)

    def drop_by_drop(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-length", "1000000")
        handler.end_headers()
        while not stop.wait(0.02):
            handler.wfile.write(b"#")
            handler.wfile.flush()

    for send in (nothing, drop_by_drop):
        stop.clear()
        with a_server(Answers(send=send)) as url:
            try:
                look = failed(url, timeout=0.3)
            finally:
                stop.set()
        assert (look.kind, look.reason) == ("timeout", f"{url}: no answer within 0.3 s")


@pytest.mark.parametrize(
    ("status", "headers", "kind", "says"),
    [
        (
            302,
            {"location": "http://elsewhere/"},
            "redirect",
            "leads to http://elsewhere/, which is not followed: give that address",
        ),
        (401, {}, "refused", f"answered 401: set {TOKEN}, or {USER} and {PASSWORD}"),
        (403, {}, "refused", f"answered 403: set {TOKEN}, or {USER} and {PASSWORD}"),
        (501, {}, "status", "answered 501: are its metrics switched on?"),
    ],
)
def test_an_answer_that_is_no_page_is_a_gap(
    status: int, headers: dict[str, str], kind: str, says: str
) -> None:
    """llama.cpp without --metrics answers 501; an account that lacks is named."""
    with a_server(Answers({"/metrics": b""}, status=status, headers=headers)) as url:
        look = failed(f"{url}/metrics")
    assert (look.kind, look.reason) == (kind, f"{url}: /metrics {says}")


def test_metrics_of_something_else_are_a_gap() -> None:
    """A node exporter on a port where engines usually are."""
    with a_server(Answers({"/metrics": OTHER, "/prometheus/metrics": OTHER})) as url:
        look = failed(url)
    assert look.kind == "no_metrics"
    assert "shows the metrics of no engine that is known" in look.reason


def test_half_a_page_is_no_page() -> None:
    """Broken off in its length, in its pieces, in its gzip and in a line."""

    def too_short(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-length", "1000")
        handler.end_headers()
        handler.wfile.write(PAGE % 4)
        handler.close_connection = True

    def half_a_piece(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("transfer-encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"400\r\n" + PAGE % 4)
        handler.close_connection = True

    packed = gzip.compress(PAGE % 4)
    answers = [
        Answers(send=too_short),
        Answers(send=half_a_piece),
        Answers({"/metrics": packed[:-12]}, headers={"content-encoding": "gzip"}),
        Answers({"/metrics": b"no gzip"}, headers={"content-encoding": "gzip"}),
        Answers({"/metrics": (PAGE % 4).rstrip()[:-1]}),
    ]
    for answer in answers:
        with a_server(answer) as url:
            assert failed(f"{url}/metrics").kind == "body"


def test_a_page_without_end_is_not_read_on() -> None:
    """Said to be too long, longer than it may be in pieces, or packed so that it becomes too long."""
    most = scrape.MOST_BYTES

    def said(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-length", str(most + 1))
        handler.end_headers()
        handler.close_connection = True

    bomb = gzip.compress(b"\0" * (most + 1), compresslevel=1)
    answers = [Answers(send=said), Answers({"/metrics": bomb}, headers={"content-encoding": "gzip"})]
    for answer in answers:
        with a_server(answer) as url:
            look = failed(f"{url}/metrics")
        assert (look.kind, look.reason) == ("body", f"{url}: its page is longer than {most >> 20} MiB")


def test_something_that_speaks_no_http_is_a_gap() -> None:
    """A port of another protocol."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            with server.accept()[0] as connection:
                connection.recv(1000)
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        look = failed(f"http://127.0.0.1:{server.getsockname()[1]}/metrics")
        thread.join()
    assert look.kind == "unreachable"


def test_an_account_comes_from_the_environment() -> None:
    """A token, or a user with a password; the token first."""
    answers = Answers({"/metrics": PAGE % 1})
    basic = base64.b64encode(b"me:secret").decode()
    with a_server(answers) as url:
        for environment in ({USER: "me", PASSWORD: "secret"}, {TOKEN: "t", USER: "me"}, {}):
            with closing(patient(url, environment)) as scraper:
                scraper.look()
    assert [s.get("authorization") for s in answers.said] == [f"Basic {basic}", "Bearer t", None]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("localhost:8000", "is no address of an engine: write http://host:8000"),
        ("ftp://host", "is no address of an engine"),
        ("http://", "is no address of an engine"),
        ("http://host:port", "names no port"),
        ("http://me:secret@host:8000", f"would end up in logs: set {USER}"),
        ("http://elsewhere:8000", "must not travel in the clear: ask elsewhere over https"),
    ],
)
def test_addresses_that_cannot_be_or_must_not_be_asked_are_refused(url: str, says: str) -> None:
    """Before anything is sent; a password is not repeated."""
    with pytest.raises(UsageError, match=says) as error:
        open_scraper(url, {TOKEN: "t"})
    assert "secret" not in str(error.value)


def test_an_engine_without_metrics_is_refused_with_what_to_do() -> None:
    """Ollama has none."""
    with pytest.raises(UsageError, match=r"Ollama shows no metrics: .*prompt_eval_count"):
        open_scraper("http://127.0.0.1:11434", {}, kind=engine_named("ollama"))


def test_another_machine_is_asked_for_a_packed_page() -> None:
    """On this one packing costs more than it saves."""
    assert "Accept-Encoding" in open_scraper("http://elsewhere:8000", {}).headers
    assert "Accept-Encoding" not in open_scraper("http://localhost:8000", {}).headers


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that its own key has signed, for 127.0.0.1."""
    file = tmp_path_factory.mktemp("tls") / "cert.pem"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = ["-newkey", "rsa:2048", "-nodes", "-keyout", str(file.with_name("key.pem")), "-out", str(file)]
    try:
        subprocess.run(
            ["openssl", "req", "-x509", "-days", "2", *made, *subject], check=True, capture_output=True
        )
    except FileNotFoundError:
        pytest.skip("openssl makes the certificate and is not installed")
    return file


def test_https_is_checked(certificate: Path) -> None:
    """An authority that is given is trusted; without it the certificate is not accepted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    with a_server(Answers({"/metrics": PAGE % 6}), context) as url:
        with closing(patient(url, {TOKEN: "t"}, cafile=str(certificate))) as scraper:
            assert isinstance(scraper.look(), EngineReading)
        look = failed(url)
    assert look.kind == "unreachable"
    assert "its certificate or TLS is not accepted" in look.reason


def test_a_file_that_holds_no_certificate_is_refused(tmp_path: Path) -> None:
    """With its name."""
    with pytest.raises(UsageError, match="holds no certificates"):
        open_scraper("https://host", {}, cafile=str(tmp_path / "none.pem"))
