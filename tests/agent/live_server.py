"""A local server that answers as an agent does, with documents that a test gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.core.serving.test_figures import GRID, NO_PUE, a_window
from tests.fakes.http_server import Quiet, serving
from wattmark.core.serving.live import AgentState, EngineState, live_of
from wattmark.reports.live_json import live_document


def a_document(minute: int = 0, **said: object) -> str:
    """One minute of a model with two tenants, one engine that is up and one that is not."""
    engines = [
        EngineState(target="a", engine="vllm", up=True, running=2.0, waiting=0.0, kv_cache_usage=0.25),
        EngineState(target="b", engine="", up=False, reason="connection refused"),
    ]
    agent = AgentState(version="0.1", started_us=0, cpu_seconds=1.5, resident_bytes=30_000_000, **said)  # type: ignore[arg-type]
    live = live_of(
        [a_window(minute)],
        host_id="h" * 20,
        at_us=(minute + 1) * 60_000_000,
        pue=NO_PUE,
        intensity=GRID,
        engines=engines,
        agent=agent,
    )
    return live_document(live)


@contextmanager
def answering(*answers: tuple[int, str]) -> Iterator[str]:
    """Its address; each request takes the next answer, the last one again and again."""
    left = list(answers)

    class Handler(Quiet):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body = left.pop(0) if len(left) > 1 else left[0]
            data = body.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    with serving(Handler) as url:
        yield url
