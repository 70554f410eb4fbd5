"""An agent whose time a test turns by hand: no thread, no server, a fake powercap tree, minute windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.agent.node import Powercap
from wattmark.agent.book import Book, BookSettings
from wattmark.agent.journal import Journal
from wattmark.agent.loop import Agent
from wattmark.agent.timeline import Timeline
from wattmark.core.serving.request import Request, Service
from wattmark.measure.meterset import MeterSet, linked
from wattmark.meters.rapl import RaplMeter

MINUTE_US = 60_000_000
NOON_US = 1_793_534_400_000_000
"""12:00 UTC on 1 November 2026."""


@dataclass
class Ticking:
    """The agent, its counter, and its time in seconds since noon."""

    agent: Agent
    powercap: Powercap
    at: float = 0.0
    said: list[str] = field(default_factory=list)

    def pass_seconds(self, seconds: int, watts: float = 100.0) -> None:
        """Let time pass, second by second, while the package uses so much."""
        for _ in range(seconds):
            self.at += 1.0
            self.powercap.use(round(watts * 1e6))
            self.agent.tick()


def ticking(folder: Path, **settings: Any) -> Ticking:
    """An agent that has looked once, at noon."""
    powercap = Powercap(folder / "powercap")
    found = Ticking(agent=None, powercap=powercap)  # type: ignore[arg-type]
    meter = RaplMeter(
        host_id="node", root=powercap.root, cpuinfo=powercap.root / "cpuinfo", clock=lambda: found.at
    )
    meters = MeterSet(meters=(meter,), devices=linked(meter.devices))
    rates = settings.pop("rates", None)
    told = BookSettings(**{"host_id": "node", "boot": "b" * 16, **settings})
    book = Book(meters.devices, told, Timeline(NOON_US), NOON_US)
    book.fresh = True
    more = {} if rates is None else {"rates": rates}
    found.agent = Agent(
        meters=meters,
        book=book,
        journal=Journal(folder / "state"),
        clock=lambda: found.at,
        utc_us=lambda: NOON_US + round(found.at * 1e6),
        period_seconds=1.0,
        say=found.said.append,
        **more,
    )
    found.agent.begin()
    found.agent._caught.close()  # a test's own signals are its own
    return found


def request(start: float, end: float, **more: Any) -> Request:
    """A request from one second after noon to another."""
    told: dict[str, Any] = {
        "request_id": f"r{start}-{end}",
        "service": Service(model="m"),
        "start_us": NOON_US + round(start * 1e6),
        "end_us": NOON_US + round(end * 1e6),
        "input_tokens": 10,
        "output_tokens": 5,
    }
    return Request(**{**told, **more})


def joules(agent: Agent, components: Sequence[str] = ()) -> float:
    """Energy of all windows so far."""
    return sum(
        use.energy_joules
        for window in agent.windows
        for use in window.devices
        if not components or use.component in components
    )
