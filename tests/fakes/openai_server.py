"""A local server that answers as OpenAI's API is documented, and misbehaves where a test wants it to."""

from __future__ import annotations

import base64
import io
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.http_server import Quiet, serving

SECRET = "the prompt that nobody may see"


@dataclass
class Behaviour:
    """How it answers; everything that it was asked is kept."""

    owned_by: str = "vllm"
    models: tuple[str, ...] = ("tiny",)
    tokens: int = 4
    """Output tokens of every answer, where nothing is fixed."""
    usage: bool = True
    cached: int | None = None
    fail: str = ""
    """500, 429, cut, half, html, no json, no choices, slow, drip, error in stream, fewer, empty: what goes
    wrong with every answer (or the first ``failing`` ones)."""
    failing: int = 1 << 30
    key: str = ""
    """What a client must show."""
    delay: float = 0.0
    gate: threading.Event | None = None
    """Answers wait until it is set."""
    asked: list[tuple[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    over: threading.Event = field(default_factory=threading.Event)
    """Set when the server ends: who is too slow waits for nothing else."""
    now: int = 0
    most: int = 0
    """The most requests that it worked on at a time."""
    connections: int = 0

    def bodies(self, path: str) -> list[Any]:
        """What was sent to one path."""
        return [body for where, body in self.asked if where == path]

    def wrong(self) -> str:
        """What goes wrong with this request."""
        with self.lock:
            self.failing -= 1
            return self.fail if self.failing >= 0 else ""


@contextmanager
def answering(behaviour: Behaviour) -> Iterator[str]:
    """The address of its API, ``http://127.0.0.1:PORT/v1``."""

    class Handler(Quiet):
        protocol_version = "HTTP/1.1"
        is_new = True

        def do_GET(self) -> None:
            if behaviour.key and self.headers.get("Authorization") != f"Bearer {behaviour.key}":
                self._json(401, {"error": {"type": "authentication_error", "message": SECRET}})
            elif self.path == "/v1/models":
                rows = [{"id": name, "owned_by": behaviour.owned_by} for name in behaviour.models]
                self._json(200, {"object": "list", "data": rows})
            elif self.path == "/version":
                self._json(200, {"version": "0.32.0"})
            elif self.path == "/props":
                self._json(200, {"build_info": "b7000-abc", "model_path": "/home/somebody/tiny.gguf"})
            else:
                self._json(404, {"error": {"type": "not_found_error"}})

        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            kind = self.headers.get("Content-Type", "")
            body = json.loads(data) if kind.startswith("application/json") else data
            with behaviour.lock:
                if self.is_new:
                    behaviour.connections += 1
                    self.is_new = False
                behaviour.asked.append((self.path, body))
                behaviour.headers.append(dict(self.headers))
                behaviour.now += 1
                behaviour.most = max(behaviour.most, behaviour.now)
            try:
                self._post(body, behaviour.wrong())
            finally:
                with behaviour.lock:
                    behaviour.now -= 1

        def _post(self, body: Any, wrong: str) -> None:
            if behaviour.gate is not None:
                behaviour.gate.wait(60)
            time.sleep(behaviour.delay)
            if wrong == "500":
                self._json(500, {"error": {"type": "internal_error", "message": SECRET}})
            elif wrong == "429":
                self._json(429, {"error": {"code": "rate_limited", "message": SECRET}}, {"Retry-After": "7"})
            elif wrong == "html":
                self._bytes(200, f"<html>{SECRET}</html>".encode(), "text/html", {})
            elif wrong == "no json":
                self._bytes(200, SECRET.encode(), "application/json", {})
            elif wrong == "slow":
                behaviour.over.wait(60)
                self._json(200, {})
            elif wrong == "half":
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b'{"choices": [')
                self.close_connection = True
            elif self.path == "/v1/embeddings":
                self._embeddings(body, wrong)
            elif self.path == "/v1/audio/transcriptions":
                self._json(200, {} if wrong else {"text": "what was said"})
            elif self.path == "/v1/images/generations":
                self._picture(body, wrong)
            elif self.path in ("/v1/completions", "/v1/chat/completions"):
                self._text(body, wrong)
            else:
                self._json(404, {"error": {"type": "not_found_error"}})

        def _text(self, body: Any, wrong: str) -> None:
            chat = self.path.endswith("chat/completions")
            count = body["max_tokens"] if body.get("ignore_eos") else behaviour.tokens
            count = min(count, body.get("max_tokens", count))
            words = [f"w{i} " for i in range(count)]
            usage: dict[str, Any] = {"prompt_tokens": 9, "completion_tokens": count}
            if behaviour.cached is not None:
                usage["prompt_tokens_details"] = {"cached_tokens": behaviour.cached}
            told = {"usage": usage} if behaviour.usage else {}
            if wrong == "no choices":
                self._json(200, {"choices": []})
                return
            if not body.get("stream"):
                said = {"message": {"content": "".join(words)}} if chat else {"text": "".join(words)}
                self._json(200, {"choices": [{"index": 0, "finish_reason": "length", **said}], **told})
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream; charset=utf-8")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            if chat:
                self._event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
            for place, word in enumerate(words):
                if place == 2 and wrong == "cut":
                    self.close_connection = True
                    return
                if place == 2 and wrong == "ends early":
                    self._chunk(b"")
                    return
                if place == 2 and wrong == "error in stream":
                    self._event({"error": {"type": "engine_dead", "message": SECRET}})
                    self._chunk(b"")
                    return
                said = {"delta": {"content": word}} if chat else {"text": word}
                self._event({"choices": [{"index": 0, "finish_reason": None, **said}]})
                while wrong == "drip" and not behaviour.over.wait(0.4):
                    self._event({"choices": [{"index": 0, "finish_reason": None, **said}]})
            last = {"delta": {}} if chat else {"text": ""}
            self._event({"choices": [{"index": 0, "finish_reason": "length", **last}]})
            if behaviour.usage and body.get("stream_options", {}).get("include_usage"):
                self._event({"choices": [], "usage": usage})
            done = b": a remark\n\ndata: [DONE]\n\n"
            # The end comes with it: a client waits only a moment for it.
            self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(done), done))

        def _embeddings(self, body: Any, wrong: str) -> None:
            rows = [
                {"index": place, "embedding": [1.0, float(len(text)), 0.0]}
                for place, text in enumerate(body["input"])
            ]
            if wrong == "fewer":
                rows = rows[:1]
            if wrong == "unlike":
                rows[1]["embedding"] = [1.0]
            if wrong == "empty":
                rows[0]["embedding"] = [0.0, 0.0, 0.0]
            if wrong == "words":
                rows[0]["embedding"] = ["a", "b", "c"]
            self._json(200, {"data": list(reversed(rows)), "usage": {"prompt_tokens": 5, "total_tokens": 5}})

        def _picture(self, body: Any, wrong: str) -> None:
            from PIL import Image

            held = io.BytesIO()
            width, _, height = body.get("size", "8x8").partition("x")
            Image.new("RGB", (int(width), int(height)), "red").save(held, "PNG")
            text = "no picture" if wrong == "broken" else base64.b64encode(held.getvalue()).decode()
            self._json(200, {"data": [] if wrong == "fewer" else [{"b64_json": text}]})

        def _event(self, said: Any) -> None:
            self._chunk(b"data: " + json.dumps(said).encode() + b"\n\n")

        def _chunk(self, data: bytes) -> None:
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.flush()

        def _json(self, status: int, said: Any, more: dict[str, str] | None = None) -> None:
            self._bytes(status, json.dumps(said).encode(), "application/json", more or {})

        def _bytes(self, status: int, data: bytes, kind: str, more: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **more}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

    with serving(Handler) as url:
        try:
            yield f"{url}/v1"
        finally:
            behaviour.over.set()
