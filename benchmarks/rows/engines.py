"""What a look at a serving engine costs: a real page of vLLM, alone and over the loopback."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from benchmarks.context import QUICK, Context
from benchmarks.results import Measurement, rounded
from wattmark.core.serving.engine import EngineReading
from wattmark.engines.reading import reading_of
from wattmark.engines.scrape import open_scraper
from wattmark.engines.table import engine_named

PAGE = Path(__file__).parents[2] / "tests" / "engines" / "pages" / "vllm-0.32.0.prom"
ROWS = ("engine-page", "engine-look")
REPEATS = 10
LOOKS = 300


def measure(context: Context) -> Iterator[Measurement]:
    """Milliseconds of CPU for one page, and for one look over a kept connection."""
    if not PAGE.is_file():
        context.skip(ROWS, "the page of a real vLLM is in the source tree, which this is not")
        return
    page, kind = PAGE.read_bytes(), engine_named("vllm")
    repeats, times = (3, 50) if context.settings == QUICK else (REPEATS, LOOKS)
    note = f"vLLM 0.32.0, {len(page) // 1000} kB"

    def read() -> None:
        reading_of(page, kind, target="", at_us=0)

    yield Measurement(ROWS[0], "wattmark", "ms", _each(read, repeats, times, time.process_time), note=note)
    with _Served(page) as url, closing(open_scraper(url, {})) as scraper:

        def look() -> None:
            assert isinstance(scraper.look(), EngineReading)

        # The server is a thread of this process: only the time of the thread that looks counts.
        yield Measurement(ROWS[1], "wattmark", "ms", _each(look, repeats, times, time.thread_time), note=note)


def _each(do: Callable[[], None], repeats: int, times: int, clock: Callable[[], float]) -> tuple[float, ...]:
    do()
    samples = []
    for _ in range(repeats):
        began = clock()
        for _ in range(times):
            do()
        samples.append((clock() - began) / times * 1e3)
    return rounded(samples)


class _Served:
    """A server that answers everything with one page."""

    def __init__(self, page: bytes) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("content-length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, *_: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
