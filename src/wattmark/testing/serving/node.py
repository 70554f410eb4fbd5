"""A machine to run an agent on: counters of energy in a folder, and an engine's /metrics over HTTP.

It moves only when it is told to, or with ``run`` at the pace of a clock; what it has used and done is known.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

RANGE_UJ = 262_143_328_850


class Node:
    """One CPU package under ``root`` (a powercap tree) and one engine that answers like vLLM."""

    def __init__(self, root: Path, model: str = "chat-8b", watts: float = 60.0) -> None:
        self.model, self.watts = model, watts
        self.joules = 0.0
        self.counts = {"success": 0.0, "prompt_tokens": 0.0, "generation_tokens": 0.0}
        self.running = self.waiting = 0.0
        self._zone = root / "intel-rapl:0"
        self._zone.mkdir(parents=True)
        (self._zone / "name").write_text("package-0\n")
        (self._zone / "max_energy_range_uj").write_text(f"{RANGE_UJ}\n")
        self._server: ThreadingHTTPServer | None = None
        self.advance(0.0)

    def advance(self, seconds: float, requests: int = 0, read: int = 0, written: int = 0) -> None:
        """Let time pass: power is drawn, and so many requests end with so many tokens."""
        self.joules += self.watts * seconds
        self.counts["success"] += requests
        self.counts["prompt_tokens"] += read
        self.counts["generation_tokens"] += written
        (self._zone / "energy_uj").write_text(f"{round(self.joules * 1e6) % RANGE_UJ}\n")

    def run(
        self,
        stop: threading.Event,
        per_second: tuple[int, int, int] = (2, 200, 400),
        period: float = 0.2,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Advance with a clock until it is stopped; requests, input and output tokens for each second."""
        last, owed = clock(), 0.0
        while not stop.wait(period):
            now = clock()
            owed += now - last
            whole = int(owed)
            owed -= whole
            self.advance(now - last, *(amount * whole for amount in per_second))
            last = now

    def metrics(self) -> str:
        """The page that vLLM shows (its names: docs.vllm.ai, Production Metrics)."""
        label = f'{{engine="0",model_name="{self.model}"}}'
        lines = [
            f"vllm:num_requests_running{label} {self.running}",
            f"vllm:num_requests_waiting{label} {self.waiting}",
            f"vllm:prompt_tokens_total{label} {self.counts['prompt_tokens']}",
            f"vllm:generation_tokens_total{label} {self.counts['generation_tokens']}",
            f'vllm:request_success_total{{engine="0",finished_reason="stop",model_name="{self.model}"}} '
            f"{self.counts['success']}",
        ]
        return "\n".join(lines) + "\n"

    def serve(self) -> str:
        """Answer on a port of this machine; the address."""
        node = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = node.metrics().encode()
                self.send_response(200 if self.path == "/metrics" else 404)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing is said for every request."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop answering."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
