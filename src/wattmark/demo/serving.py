"""A real engine, the agent and a load: what a platform engineer would start on a node, in one go."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

from wattmark.core.errors import MissingExtra, UsageError
from wattmark.demo.engine import MODEL
from wattmark.demo.load import TENANT_HEADER, Load
from wattmark.demo.tiny_gguf import LAYERS, WIDTH

if TYPE_CHECKING:
    from wattmark.attribution.attribute import Attributed

NEEDED = ("xllamacpp", "gguf", "uvicorn", "deltalake")
START_SECONDS = 60.0
SETTINGS = """\
# What the agent of this demonstration works with; `wattmark agent` in this folder reads it.
[place]
{place}

[agent]
listen = "127.0.0.1:{agent_port}"
socket = "none"
state = "state"
requests = ["requests.jsonl"]
lateness_seconds = {lateness:g}
land_seconds = 5

[[engine]]
name = "llama.cpp"
kind = "llama.cpp"
url = "http://127.0.0.1:{engine_port}"
model = "{model}"
"""
LATENESS = 5.0
"""No request of the load takes longer: a moment is divided so much later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What runs, and where."""

    folder: Path
    agent_url: str
    load: Load
    watched: dict[str, subprocess.Popen[bytes]]

    @property
    def ledger(self) -> Path:
        """Where the agent's windows land."""
        return self.folder / "ledger"

    @property
    def requests(self) -> Path:
        """The log of requests, as the proxy writes it."""
        return self.folder / "requests.jsonl"

    def check(self) -> None:
        """Raise UsageError, with the end of its log, when something has ended that should not."""
        for name, process in self.watched.items():
            if process.poll() is not None:
                raise _ended(name, process.returncode, self.folder)


@contextmanager
def started(folder: Path, place: str, say: Callable[[str], None]) -> Iterator[Started]:
    """Start all of it; end all of it afterwards, the agent last but one, so that its last minute lands.

    Raises MissingExtra, and UsageError when a part does not start.
    """
    if any(find_spec(name) is None for name in NEEDED):
        raise MissingExtra("a demonstration of serving", "serving-demo")
    engine_port, agent_port, proxy_port = _free_ports(3)
    (folder / "wattmark.toml").write_text(
        SETTINGS.format(
            place=place, agent_port=agent_port, engine_port=engine_port, model=MODEL, lateness=LATENESS
        ),
        encoding="utf-8",
    )
    (folder / "requests.jsonl").touch()
    engine_url, agent_url = (f"http://127.0.0.1:{port}" for port in (engine_port, agent_port))
    _wattmark(folder, "ledger", "init", "ledger")
    with ExitStack() as stack:
        watched: dict[str, subprocess.Popen[bytes]] = {}

        def start(name: str, url: str, *arguments: str) -> None:
            watched[name] = stack.enter_context(_process(folder, name, *arguments))
            _await(name, url, watched[name], folder)

        say(f"llama.cpp at {engine_url}, with a model of random weights")
        engine = ("wattmark.demo.engine", str(folder), str(engine_port), str(WIDTH), str(LAYERS))
        start("engine", f"{engine_url}/health", *engine)
        say(f"the agent at {agent_url}")
        start("agent", f"{agent_url}/metrics", "wattmark", "agent", "--ledger", "ledger")
        say(f"the proxy at http://127.0.0.1:{proxy_port}, which tells of each request")
        proxy = ["wattmark", "proxy", "--upstream", engine_url, "--listen", f"127.0.0.1:{proxy_port}"]
        proxy += ["--tenant-header", TENANT_HEADER, "--target", "llama.cpp", "--log", "requests.jsonl"]
        start("proxy", f"http://127.0.0.1:{proxy_port}/health", *proxy, "--agent", agent_url)
        load = Load("127.0.0.1", proxy_port, MODEL)
        say("three tenants ask")
        load.start()
        stack.callback(load.stop)
        yield Started(folder=folder, agent_url=agent_url, load=load, watched=watched)


def divided(running: Started) -> Attributed:
    """What each request of the log used of the power in the ledger, by `wattmark.attribute`."""
    from wattmark.attribution.attribute import attribute
    from wattmark.attribution.columns import joined
    from wattmark.attribution.logs.catalog import open_requests
    from wattmark.wiring.power import open_power

    _wattmark(running.folder, "ledger", "fold", "--ledger", "ledger")
    power = open_power(f"ledger:{running.ledger}")
    return attribute(joined(list(open_requests(running.requests))), power)


@contextmanager
def _process(folder: Path, name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A module of this Python in the folder, with its own log, until the end of the block."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("WATTMARK")}
    with open(folder / f"{name}.log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            env=environ,
            start_new_session=True,  # Ctrl-C is for us: they end in order
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wattmark(folder: Path, *arguments: str) -> None:
    made = subprocess.run(
        [sys.executable, "-m", "wattmark", *arguments], cwd=folder, capture_output=True, check=False
    )
    if made.returncode:
        raise UsageError(made.stderr.decode(errors="replace").strip() or f"wattmark {arguments[0]} failed")


def _await(name: str, url: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise _ended(name, process.returncode, folder)
        try:
            with urlopen(url, timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise UsageError(f"the {name} did not answer at {url} within {START_SECONDS:.0f} s: {folder / name}.log")


def _ended(name: str, code: int, folder: Path) -> UsageError:
    log = folder / f"{name}.log"
    last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
    return UsageError(f"the {name} has ended with {code}: " + " | ".join(last) + f" ({log})")


def _free_ports(number: int) -> list[int]:
    """So many that differ."""
    with ExitStack() as stack:
        taken = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(number)]
        return [int(each.getsockname()[1]) for each in taken]
