"""What it adds to a request to be told of: ASGI, WSGI, a client of the package openai, and the proxy.

    python -m benchmarks.request_path --requests 5000

Everything is measured side by side, with and without, in alternating blocks, and told as medians per request.
Request lines go to a real Unix datagram socket that another process reads, as an agent's; figures come from
rates that are there. ASGI and WSGI applications are called as a server calls them, without a server; the
client has a transport that answers from memory; the proxy stands before a real server, over the loopback.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import multiprocessing
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from wattmark.core.serving.estimated import Rate, Rates
from wattmark.integrations import asgi, wsgi
from wattmark.integrations.request_path.exchange import RequestPath
from wattmark.integrations.request_path.settings import Settings

BLOCK = 250
PAUSE = 0.01
"""The shortest pause of an agent between two looks at its socket."""
RATE = Rate(
    joules=100.0, window_seconds=60.0, input_tokens=100.0, output_tokens=40.0, request_seconds=50.0,
    grams_per_joule=0.5, terms={"boundary": "device", "grade": "B", "rule": "request_tokens"},
    carbon_terms={"accounting": "location", "basis": "lifecycle"},
)  # fmt: skip
MESSAGES = [{"role": "user", "content": "word " * 400}]
ASKED = json.dumps({"messages": MESSAGES, "model": "chat"}).encode()
ANSWER = json.dumps(
    {
        "id": "c-1",
        "object": "chat.completion",
        "created": 1,
        "model": "chat",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "word " * 400}}],
        "usage": {"prompt_tokens": 400, "completion_tokens": 400, "total_tokens": 800},
    }
).encode()
EVENT = b'data: {"id":"c","model":"chat","choices":[{"index":0,"delta":{"content":" word"}}]}\n\n'
LAST = b'data: {"model":"chat","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":200}}\n\n'
EVENTS = [EVENT] * 200 + [LAST, b"data: [DONE]\n\n"]
JSON_HEAD = [(b"content-type", b"application/json"), (b"content-length", str(len(ANSWER)).encode())]
UPSTREAM = """
import sys, uvicorn
from benchmarks.request_path import answering
uvicorn.run(answering, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False)
"""
Once = Callable[[], float]
"""One request; gives its seconds."""


def reader(path: str, ready: Any) -> None:
    """Stands for an agent: takes all that is there, and then leaves the socket alone, as an agent does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(path)
        made.setblocking(False)
        ready.set()
        while True:
            try:
                if made.recv(65536) == b"end":
                    return
            except BlockingIOError:
                time.sleep(PAUSE)


@contextmanager
def a_path(folder: str) -> Iterator[RequestPath]:
    """A path whose lines another process reads."""
    name = f"{folder}/agent.sock"
    ready = multiprocessing.Event()
    process = multiprocessing.Process(target=reader, args=(name, ready))
    process.start()
    ready.wait(30)
    path = RequestPath(Settings(socket=name, agent=""))
    path.companion.rates = Rates(of_model={"chat": RATE})
    yield path
    path.companion.stop()
    time.sleep(0.1)
    print(f"lines lost: {path.teller.dropped.total()}")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ending:
        while ending.connect_ex(name) == 0:
            try:
                ending.send(b"end")
                break
            except BlockingIOError:
                time.sleep(PAUSE)
    process.join()


async def answering(scope: Any, receive: Any, send: Any) -> None:
    """The application: a document, or for `/stream` 202 events."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    if scope["path"].startswith("/stream"):
        head = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        for event in EVENTS:
            await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return
    await send({"type": "http.response.start", "status": 200, "headers": JSON_HEAD})
    await send({"type": "http.response.body", "body": ANSWER})


def asgi_once(app: Any, where: str) -> Callable[[], Any]:
    """One request as a server hands it over."""

    async def send(_: Any) -> None:
        return None

    async def once() -> float:
        scope = {
            "type": "http", "method": "POST", "path": where,
            "headers": [(b"host", b"a"), (b"content-type", b"application/json"), (b"accept", b"*/*"),
                        (b"user-agent", b"a"), (b"authorization", b"Bearer x")],
        }  # fmt: skip
        message: list[Any] = [{"type": "http.request", "body": ASKED, "more_body": False}]

        async def receive() -> Any:
            return message.pop()

        began = time.perf_counter()
        await app(scope, receive, send)
        return time.perf_counter() - began

    return once


def wsgi_once(app: Any) -> Once:
    """One request as a server hands it over."""

    def once() -> float:
        environ = {
            "REQUEST_METHOD": "POST", "PATH_INFO": "/v1/chat/completions", "CONTENT_LENGTH": str(len(ASKED)),
            "CONTENT_TYPE": "application/json", "wsgi.input": io.BytesIO(ASKED),
        }  # fmt: skip
        began = time.perf_counter()
        answer = app(environ, lambda *_: None)
        for _ in answer:
            pass
        if hasattr(answer, "close"):
            answer.close()
        return time.perf_counter() - began

    return once


def wsgi_answering(environ: Any, start_response: Any) -> list[bytes]:
    """The application's WSGI twin."""
    environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    head = [("Content-Type", "application/json"), ("Content-Length", str(len(ANSWER)))]
    start_response("200 OK", head)
    return [ANSWER]


def client_once(client: Any) -> Once:
    """One completion."""

    def once() -> float:
        began = time.perf_counter()
        client.chat.completions.create(model="chat", messages=MESSAGES)
        return time.perf_counter() - began

    return once


def http_once(port: int) -> Once:
    """One request over a connection that stays."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)

    def once() -> float:
        began = time.perf_counter()
        connection.request("POST", "/v1/chat/completions", ASKED, {"content-type": "application/json"})
        connection.getresponse().read()
        return time.perf_counter() - began

    return once


def side_by_side(name: str, ways: dict[str, Once], requests: int) -> None:
    """Alternating blocks of each way; the first block of each is left out."""
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for block in range(-1, max(1, requests // BLOCK)):
        for way, once in ways.items():
            times = [once() for _ in range(BLOCK)]
            if block >= 0:
                taken[way] += times
    told(name, taken)


async def side_by_side_async(name: str, ways: dict[str, Any], requests: int) -> None:
    """The same where a request is awaited."""
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for block in range(-1, max(1, requests // BLOCK)):
        for way, once in ways.items():
            times = [await once() for _ in range(BLOCK)]
            if block >= 0:
                taken[way] += times
    told(name, taken)


def told(name: str, taken: dict[str, list[float]]) -> None:
    """A row of each way: median and 99th percentile in microseconds, and what it adds."""
    base = None
    for way, times in taken.items():
        middle, high = statistics.median(times) * 1e6, statistics.quantiles(times, n=100)[98] * 1e6
        added = "" if base is None else f"{middle - base:10.1f}"
        base = middle if base is None else base
        print(f"{name:22} {way:20} {len(times):7} {middle:10.1f} {high:10.1f} {added}")


def clients(path: RequestPath) -> dict[str, Once] | None:
    """The same client with and without; None where the package is not installed."""
    try:
        import openai
    except ImportError:
        return None
    from wattmark.integrations.openai import metered

    try:
        import httpx2 as http
    except ImportError:
        import httpx as http
    head = {"content-type": "application/json"}
    transport = http.MockTransport(lambda _: http.Response(200, content=ANSWER, headers=head))
    plain = openai.OpenAI(base_url="http://a/v1", api_key="x", http_client=http.Client(transport=transport))
    return {"without": client_once(plain), "with": client_once(metered(plain, path=path))}


@contextmanager
def proxied(requests: int) -> Iterator[dict[str, Once]]:
    """A server, and the proxy before it, with metering and on a path that is not metered."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        server, proxy = one.getsockname()[1], other.getsockname()[1]
    arguments = ["--upstream", f"http://127.0.0.1:{server}", "--listen", f"127.0.0.1:{proxy}", "--agent", ""]
    started = [
        subprocess.Popen([sys.executable, "-c", UPSTREAM, str(server)]),
        subprocess.Popen([sys.executable, "-m", "wattmark", "proxy", *arguments, "--log", "/dev/null"]),
    ]
    try:
        for port in (server, proxy):
            wait_for(port)
        yield {"direct": http_once(server), "through the proxy": http_once(proxy)}
    finally:
        for process in started:
            process.terminate()
            process.wait()


def wait_for(port: int) -> None:
    """Until somebody listens there."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"nothing listens on port {port}")


def main() -> None:
    """Measure all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--requests", type=int, default=5000)
    asked = parser.parse_args()
    print(f"{'':22} {'':20} {'n':>7} {'median us':>10} {'p99 us':>10} {'added us':>10}")
    with tempfile.TemporaryDirectory() as folder, a_path(folder) as path:
        wrapped = asgi.EnergyMiddleware(answering, path=path)
        for name, where in (
            ("ASGI, document", "/v1/chat/completions"),
            ("ASGI, 202 events", "/stream/v1/chat/completions"),
            ("ASGI, another path", "/health"),
        ):
            ways = {"without": asgi_once(answering, where), "with": asgi_once(wrapped, where)}
            asyncio.run(side_by_side_async(name, ways, asked.requests))
        wsgi_ways = {
            "without": wsgi_once(wsgi_answering),
            "with": wsgi_once(wsgi.EnergyMiddleware(wsgi_answering, path=path)),
        }
        side_by_side("WSGI, document", wsgi_ways, asked.requests)
        if (both := clients(path)) is not None:
            side_by_side("openai client", both, asked.requests // 4)
    with proxied(asked.requests) as ways:
        side_by_side("proxy, document", ways, asked.requests // 4)


if __name__ == "__main__":
    assert Path(__file__).exists()
    main()
