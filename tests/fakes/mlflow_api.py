"""A server that answers as MLflow's REST API does, and fails as a test says."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.http_server import Quiet, serving

BASE = "/api/2.0/mlflow/"


@dataclass
class FakeMlflow:
    """What it holds, what it was asked, and how it fails."""

    url: str = ""
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    histories: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)
    page: int = 1000
    """Rows of one page."""
    failures: list[int] = field(default_factory=list)
    """Statuses of the next answers; after them it answers well."""
    always: int = 0
    """A status that every answer has; 0: none."""
    retry_after: str = ""
    slow_seconds: float = 0.0
    body: bytes = b""
    """What it answers instead of JSON; empty: JSON."""
    artifacts: dict[str, bytes] = field(default_factory=dict)
    """What it gives for a path of an artifact, whatever the run."""
    asked: list[tuple[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def add(self, run_id: str, **info: Any) -> dict[str, Any]:
        """A run that ended after a minute."""
        found = {
            "info": {
                "run_id": run_id,
                "experiment_id": "0",
                "status": "FINISHED",
                "start_time": 1_790_000_000_000,
                "end_time": 1_790_000_060_000,
                **info,
            },
            "data": {"metrics": [], "params": [], "tags": []},
        }
        self.runs[run_id] = found
        return found

    def metric(self, run_id: str, name: str, *points: tuple[float, Any]) -> None:
        """A metric by its points: seconds since the run began, and value."""
        start = self.runs[run_id]["info"]["start_time"]
        rows = [
            {"key": name, "value": value, "timestamp": start + round(t * 1000), "step": n}
            for n, (t, value) in enumerate(points)
        ]
        self.histories[run_id, name] = rows
        self.runs[run_id]["data"]["metrics"].append({**rows[-1]})

    def tag(self, run_id: str, **tags: str) -> None:
        """Tags; two underscores stand for a dot."""
        rows = [{"key": k.replace("__", "."), "value": v} for k, v in tags.items()]
        self.runs[run_id]["data"]["tags"] += rows

    def logged(self, key: str) -> list[Any]:
        """All metrics or tags that batches brought."""
        return [row for path, body in self.asked if path == "runs/log-batch" for row in body.get(key, ())]

    def answer(self, path: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and document."""
        if path == "experiments/search":
            return 200, {"experiments": [{"experiment_id": "0", "name": "Default"}]}
        if path == "runs/search":
            rows, more = self._page(list(self.runs.values()), asked)
            return 200, {"runs": rows, **more}
        if path == "metrics/get-history":
            found = self.histories[asked["run_id"], asked["metric_key"]]
            rows, more = self._page(found, asked)
            return 200, {"metrics": rows, **more}
        if path == "runs/get":
            found_run = self.runs.get(asked["run_id"])
            if found_run is None:
                return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Run not found"}
            return 200, {"run": found_run}
        if path == "runs/delete-tag":
            tags = self.runs[asked["run_id"]]["data"]["tags"]
            tags[:] = [tag for tag in tags if tag["key"] != asked["key"]]
            return 200, {}
        if path == "runs/create":
            return 200, {"run": self.add("made", status="RUNNING", start_time=asked["start_time"])}
        return 200, {}

    def _page(self, rows: list[Any], asked: dict[str, Any]) -> tuple[list[Any], dict[str, str]]:
        begin = int(asked.get("page_token") or 0)
        end = begin + self.page
        return rows[begin:end], {"next_page_token": str(end)} if end < len(rows) else {}


@contextmanager
def fake_mlflow() -> Iterator[FakeMlflow]:
    """One server, for as long as a block lasts."""
    fake = FakeMlflow()

    class Handler(Quiet):
        def do_GET(self) -> None:
            self._do(dict(parse_qsl(urlsplit(self.path).query)))

        def do_POST(self) -> None:
            self._do(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def do_PUT(self) -> None:
            self._do({"data": self.rfile.read(int(self.headers["Content-Length"]))})

        def _do(self, asked: Any) -> None:
            path = urlsplit(self.path).path.removeprefix(BASE)
            fake.headers.append(dict(self.headers))
            time.sleep(fake.slow_seconds)
            status = fake.always or (fake.failures.pop(0) if fake.failures else 0)
            document: dict[str, Any] = {"message": "told to fail"}
            if not status:
                fake.asked.append((path, asked))
                status, document = fake.answer(path, asked)
            content = fake.body or json.dumps(document).encode()
            if path == "/get-artifact" and status == 200:
                kept = fake.artifacts.get(asked["path"])
                status, content = (404, b"no such artifact") if kept is None else (200, kept)
            self.send_response(status)
            if fake.retry_after:
                self.send_header("Retry-After", fake.retry_after)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    with serving(Handler) as url:
        fake.url = url
        yield fake
