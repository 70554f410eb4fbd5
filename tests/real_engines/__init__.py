"""Starts real serving engines with tiny models, for tests that talk to them over HTTP.

    with running("llama.cpp", tmp_path) as engine:
        usage = engine.complete("hello", output_tokens=8)

``python scripts/install_engines.py llama.cpp`` installs one; a test of an engine that is not there is skipped
with that as the reason. llama.cpp starts in 1 s, Triton in 3 s, vLLM in 40 s or more.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
from scripts.install_engines import python_of

from tests.fakes.ports import free_port

INSIDE = Path(__file__).parent / "inside"
MODEL = "tiny"
"""The name under which every engine serves its model."""
MOST_BEFORE_ANOTHER_START = 130.0
"""Seconds after which an engine that did not come up is not started again."""


class DidNotStartError(Exception):
    """An engine ended, or gave no answer in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """How one engine is started and asked."""

    script: str
    """In ``inside``: called with a folder and the ports, serves until it is killed."""
    ready: str = "/health"
    metrics: str = "/metrics"
    ask: str = ""
    """The path that takes a request without tokens, ``""`` where completions are asked."""
    body: Callable[[float], Any] = float
    """Such a request, of a number to be doubled; every server but LitServe fails below 0."""
    start_seconds: float = 60.0
    ports: int = 1
    """It listens on so many: for requests, for metrics, for gRPC."""
    installed_as: str = ""
    """Whose environment it runs in, where another one's."""


def tensor(x: float) -> Any:
    """A request of the open inference protocol, which Triton and MLServer speak."""
    return {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 1], "data": [x]}]}


SERVERS: Mapping[str, Server] = {
    "llama.cpp": Server(script="serve_llamacpp.py"),
    "llama.cpp embeddings": Server(script="serve_llamacpp_embeddings.py", installed_as="llama.cpp"),
    "vllm": Server(script="serve_vllm.py", start_seconds=240),
    "triton": Server(
        script="serve_triton.py",
        ready="/v2/models/tiny/ready",
        ask="/v2/models/tiny/infer",
        body=tensor,
        ports=3,
    ),
    "mlserver": Server(
        script="serve_mlserver.py",
        ready="/v2/models/tiny/ready",
        ask="/v2/models/tiny/infer",
        body=tensor,
        ports=3,
    ),
    "kserve": Server(
        script="serve_kserve.py",
        ready="/v2/health/ready",
        ask="/v1/models/tiny:predict",
        body=lambda x: {"instances": [x]},
    ),
    "bentoml": Server(script="serve_bentoml.py", ready="/readyz", ask="/double", body=lambda x: {"x": x}),
    "ray-serve": Server(
        script="serve_ray.py",
        ready="/-/healthz",
        ask="/double",
        body=lambda x: {"x": x},
        ports=2,
        start_seconds=120,
    ),
    "litserve": Server(script="serve_litserve.py", ask="/predict", body=lambda x: {"x": x}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A server that answers."""

    name: str
    url: str
    """Without a path, ``http://127.0.0.1:PORT``."""
    metrics_url: str
    pid: int
    folder: Path
    """Where its model and its log are."""
    model: str = MODEL

    def complete(self, prompt: str | list[int], output_tokens: int, **more: Any) -> Mapping[str, int]:
        """Ask for exactly so many tokens; gives the usage that the engine tells."""
        asked = {"model": self.model, "prompt": prompt, "max_tokens": output_tokens, "ignore_eos": True}
        answer = post(f"{self.url}/v1/completions", {**asked, **more})
        usage: Mapping[str, int] = answer["usage"]
        return usage

    def ask(self, x: float = 1.0) -> bool:
        """One request to an engine that has no tokens; True when it ended well."""
        server = SERVERS[self.name]
        try:
            post(f"{self.url}{server.ask}", server.body(x))
        except HTTPError as error:
            error.close()
            return False
        return True

    def metrics(self) -> str:
        """The page of metrics as it is now."""
        with urlopen(self.metrics_url, timeout=10) as answer:
            return str(answer.read().decode())


def post(url: str, body: Any) -> Any:
    """What a server answers to JSON, as JSON where it is some. Raises URLError and HTTPError."""
    asked = Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urlopen(asked, timeout=120) as answer:
        said = answer.read()
    try:
        return json.loads(said)
    except ValueError:
        return said.decode()


@contextmanager
def running(name: str, folder: Path, *, log: Path | None = None) -> Iterator[Engine]:
    """An engine from when it answers until the end of the block; skips the test when it is not installed.

    The folder takes its model and its log, and may be used again. These are other people's programs, which
    start many processes and choose ports of their own: one that does not come up is started once more, and
    told of as a warning.
    """
    server = SERVERS[name]
    installed = server.installed_as or name
    python = python_of(installed)
    if python is None:
        pytest.skip(f"{installed} is not installed: python scripts/install_engines.py {installed}")
    folder.mkdir(parents=True, exist_ok=True)
    told = log or folder / f"{name}.log"
    with ExitStack() as stack:
        began = time.monotonic()
        try:
            engine = stack.enter_context(_started(name, python, folder, told))
        except DidNotStartError as error:
            if time.monotonic() - began > MOST_BEFORE_ANOTHER_START:
                raise
            warnings.warn(f"{name} is started again: {error}", stacklevel=3)
            engine = stack.enter_context(_started(name, python, folder, told))
        yield engine


@contextmanager
def _started(name: str, python: Path, folder: Path, log: Path) -> Iterator[Engine]:
    server = SERVERS[name]
    ports = [free_port() for _ in range(server.ports)]
    scratch = TemporaryDirectory(prefix="engine-", ignore_cleanup_errors=True)  # vLLM leaves its sockets
    with open(log, "w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [str(python), str(INSIDE / server.script), str(folder), *map(str, ports)],
            stdout=output,
            stderr=output,
            cwd=folder,
            env=environment(python, scratch.name),
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{ports[0]}"
    engine = Engine(
        name=name,
        url=url,
        metrics_url=f"http://127.0.0.1:{ports[min(1, server.ports - 1)]}{server.metrics}",
        pid=process.pid,
        folder=folder,
    )
    try:
        await_answer(process, f"{url}{server.ready}", log, server.start_seconds)
        yield engine
    finally:
        stop(process)
        scratch.cleanup()


def environment(python: Path, scratch: str) -> dict[str, str]:
    """Nothing of ours, nothing that makes a server look up something outside."""
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV", "WATTMARK", "COV"))
    }
    return kept | {
        "PATH": f"{python.parent}{os.pathsep}{kept.get('PATH', '')}",
        "TMPDIR": scratch,
        "PYTHONUNBUFFERED": "1",  # its log has all that it said when it fails
        "HF_HUB_OFFLINE": "1",
        "DO_NOT_TRACK": "1",
        "NO_PROXY": "127.0.0.1,localhost",
    }


def await_answer(process: subprocess.Popen[bytes], url: str, log: Path, seconds: float) -> None:
    """Wait until it answers with 200. Raises DidNotStartError with the end of its log."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            said = log.read_text(errors="replace")[-3000:]
            raise DidNotStartError(f"it ended with {process.returncode}: {said}")
        if answers(url):
            return
        time.sleep(0.05)
    said = log.read_text(errors="replace")[-3000:]
    raise DidNotStartError(f"no answer from {url} in {seconds:g} s: {said}")


def answers(url: str) -> bool:
    """True when there is an answer, whatever it holds, that is no error."""
    try:
        with urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except HTTPError:
        return False
    except (URLError, OSError):
        return False


def stop(process: subprocess.Popen[bytes]) -> None:
    """End it with everything that it started."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            break
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            continue
        time.sleep(0.1)
    process.wait(60)
