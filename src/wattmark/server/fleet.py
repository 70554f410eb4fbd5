"""Asks the agents of a cluster again and again, and remembers what they said last."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from wattmark.agent.client import AgentClient
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.figure import Missing
from wattmark.core.serving.scaling import NodeLoad, Told, metric_named
from wattmark.reports.live_read import LiveDocument
from wattmark.wiring.node_loads import load_of

STALE_SECONDS = 300.0
"""An agent whose last minute is older shows what was, not what is."""
AT_ONCE = 16
"""Agents that are asked side by side."""


class Asks(Protocol):
    """Asks one agent."""

    def live(self, seconds: float | None = None) -> LiveDocument:
        """Its figures."""
        ...


@dataclass(frozen=True, slots=True)
class Agents:
    """Where the agents are: addresses, and names that stand for as many as there are now."""

    urls: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    """``HOST:PORT`` of a headless service: every address that it has is an agent."""

    def now(self) -> list[str]:
        """The addresses at this moment. Raises EvidenceError for a name that has none."""
        found = dict.fromkeys(self.urls)
        for name in self.names:
            host, _, port = name.rpartition(":")
            try:
                answers = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
            except OSError as error:
                raise EvidenceError(name, f"cannot be looked up: {error.strerror}") from None
            for family, *_, address in answers:
                at = f"[{address[0]}]" if family == socket.AF_INET6 else str(address[0])
                found.setdefault(f"http://{at}:{port}")
        return list(found)


def agents_of(urls: Sequence[str], names: Sequence[str]) -> Agents:
    """What was asked for. Raises UsageError when that is nothing, or no ``HOST:PORT``."""
    if not urls and not names:
        raise UsageError("say where the agents are: --agent http://NODE:9465, or --agents-dns SERVICE:9465")
    for name in names:
        host, _, port = name.rpartition(":")
        if not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise UsageError(f"--agents-dns {name}: write HOST:PORT of a headless service")
    for url in urls:
        AgentClient(url)
    return Agents(tuple(urls), tuple(names))


@dataclass(frozen=True, slots=True)
class Seen:
    """What the agents said at the last look."""

    loads: tuple[NodeLoad, ...] = ()
    unanswered: dict[str, str] = field(default_factory=dict)
    """Address, or name, of an agent -> why it said nothing."""
    at: float = 0.0
    """Seconds since 1970."""


def answer(seen: Seen, metric: str, model: str, component: str) -> Told | Missing:
    """The metric as it was last seen. A sum over replicas needs every agent; a ratio those that answer.

    Raises UsageError for a metric that there is not.
    """
    asked = metric_named(metric)
    if seen.unanswered and (asked.total or not seen.loads):
        first, reason = next(iter(seen.unanswered.items()))
        return Missing(f"{len(seen.unanswered)} of the agents", f"{first}: {reason}")
    return asked.of(seen.loads, model, component)


class Fleet:
    """All agents, looked at every few seconds by a thread of its own."""

    def __init__(
        self,
        agents: Agents,
        *,
        every_seconds: float = 15.0,
        window_seconds: float | None = None,
        ask: Callable[[str], Asks] = AgentClient,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._agents = agents
        self._every = every_seconds
        self._window = window_seconds
        self._ask = ask
        self._now = now
        self._clients: dict[str, Asks] = {}
        self._seen = Seen()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._again_and_again, name="wattmark-fleet", daemon=True)

    @property
    def seen(self) -> Seen:
        """The last look; one that is older than three intervals counts for nothing."""
        seen = self._seen
        if seen.at and self._now() - seen.at > 3 * self._every:
            said = f"the agents were last asked {self._now() - seen.at:.0f} s ago"
            return Seen(unanswered={"this server": said}, at=seen.at)
        return seen

    def look(self) -> Seen:
        """Ask every agent now."""
        at = self._now()
        try:
            urls = self._agents.now()
        except EvidenceError as error:
            self._seen = Seen(unanswered={error.file: error.problem}, at=at)
            return self._seen
        self._clients = {url: self._clients.get(url) or self._ask(url) for url in urls}
        loads: list[NodeLoad] = []
        unanswered: dict[str, str] = {}
        with ThreadPoolExecutor(min(AT_ONCE, max(1, len(urls)))) as pool:
            for url, said in zip(urls, pool.map(self._one, urls), strict=True):
                if isinstance(said, str):
                    unanswered[url] = said
                else:
                    loads.append(said)
        self._seen = Seen(tuple(loads), unanswered, at)
        return self._seen

    def start(self) -> None:
        """Look now, and then every few seconds."""
        self.look()
        self._thread.start()

    def stop(self) -> None:
        """No more looks."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _one(self, url: str) -> NodeLoad | str:
        try:
            live = self._clients[url].live(self._window)
        except EvidenceError as error:
            return error.problem
        late = (datetime.fromisoformat(live.at) - datetime.fromisoformat(live.end)).total_seconds()
        if live.seconds > 0 and late > STALE_SECONDS:
            return f"its last minute ended {late:.0f} s ago"
        return load_of(live, name_of(url))

    def _again_and_again(self) -> None:
        while not self._stopped.wait(self._every):
            self.look()


def name_of(url: str) -> str:
    """A node's name, from the address of its agent."""
    return url.partition("://")[2].rpartition(":")[0].strip("[]") or url
