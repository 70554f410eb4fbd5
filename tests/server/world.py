"""A listener in a test: its application asked without a network, its ledger a list or a folder."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tests.sources.otlp_messages import GPU, Request, counter, number, request
from wattmark.core.telemetry import Samples
from wattmark.server.journal import Journal
from wattmark.server.listen import App
from wattmark.server.listener import Listener
from wattmark.sources.catalog import Asked
from wattmark.sources.otlp_names import Naming
from wattmark.sources.otlp_streams import LONGEST_GAP_US

Result = TypeVar("Result")
PROTOBUF = "application/x-protobuf"
J = 1_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Ledger:
    """Keeps what is landed, and fails as a test tells it to."""

    landed: list[tuple[Samples, ...]] = field(default_factory=list)
    error: Exception | None = None

    def __call__(self, parts: Sequence[Samples]) -> None:
        if self.error is not None:
            raise self.error
        self.landed.append(tuple(parts))

    @property
    def joules(self) -> float:
        """All energy that landed."""
        return sum(sum(s.energy_uj) for parts in self.landed for s in parts) / J


@dataclass(slots=True)
class World:
    """A listener that runs."""

    app: App
    listener: Listener
    journal: Journal
    ledger: Ledger
    said: list[str]

    async def post(
        self,
        body: bytes | Request,
        kind: str = PROTOBUF,
        *,
        path: str = "/v1/metrics",
        chunk: int = 0,
        **headers: str,
    ) -> Answer:
        """Send a request; ``chunk``: in so many bytes at a time."""
        data = body if isinstance(body, bytes) else body.SerializeToString()
        named = {"content-type": kind, **{k.replace("_", "-"): v for k, v in headers.items()}}
        return await ask(self.app, "POST", path, data, named, chunk)

    async def get(self, path: str, **headers: str) -> Answer:
        """Look at something."""
        return await ask(self.app, "GET", path, b"", headers)


@asynccontextmanager
async def running(
    folder: Path, ledger: Ledger | None = None, *, app: Mapping[str, Any] | None = None, **options: Any
) -> Any:
    """A listener on the journal of a folder; it ends in order."""
    said: list[str] = []
    say = options.pop("say", said.append)
    journal = Journal(folder / "journal", LONGEST_GAP_US)
    ledger = ledger or Ledger()
    naming = options.pop("naming", Naming(asked=Asked(), from_start=True))
    listener = Listener(journal, naming, ledger, say, **{"land_every": 3600.0, **options})
    listener.start()
    try:
        yield World(App(listener, **(app or {})), listener, journal, ledger, said)
    finally:
        await listener.stop()


async def ask(
    app: App, method: str, path: str, body: bytes, headers: Mapping[str, str], chunk: int = 0
) -> Answer:
    """One request to an ASGI application."""
    size = chunk or max(len(body), 1)
    parts = [body[i : i + size] for i in range(0, len(body), size)] or [b""]
    waiting = [
        {"type": "http.request", "body": part, "more_body": i < len(parts) - 1}
        for i, part in enumerate(parts)
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    encoded = [(k.encode(), v.encode()) for k, v in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": encoded}
    await app(scope, receive, send)
    start, *rest = sent
    told = {k.decode(): v.decode() for k, v in start["headers"]}
    return Answer(start["status"], told, b"".join(m["body"] for m in rest))


def look(second: float, joules: float, **resource: str) -> Request:
    """A counter of a GPU that began at 0 s, as one request."""
    return request(
        counter("hw.energy", [number(joules, second, GPU)]), resource={"host.name": "node1", **resource}
    )


def run(play: Callable[[], Awaitable[Result]]) -> Result:
    """Play a scene in an event loop of its own."""

    async def limited() -> Result:
        return await asyncio.wait_for(play(), 60)

    return asyncio.run(limited())


async def until(true: Callable[[], bool]) -> None:
    """Wait for something that another thread does."""
    while not true():
        await asyncio.sleep(0.005)
