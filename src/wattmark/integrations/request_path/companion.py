"""What is done beside the requests, in one daemon thread of a process: lines that wait, and live figures.

The thread begins with the first request, and anew in a process that was forked. It never touches the host:
nothing is printed, raised or signalled.
"""

from __future__ import annotations

import atexit
import json
import os
import threading
import time
from collections.abc import Callable

from wattmark.core.errors import WattmarkError
from wattmark.core.serving.estimated import NO_AGENT, STALE, UNKNOWN, Rates, rates_of
from wattmark.integrations.request_path.telling import Teller, with_all_sent

TICK_SECONDS = 0.25
BUSY_SECONDS = 0.01
"""How soon lines that an agent was too busy to take are sent again."""
STALE_SECONDS = 180.0
"""Figures that are older estimate nothing any more."""
WINDOW_SECONDS = 60.0
LAST_SECONDS = 0.5
"""What waits at the end of a process is given so long."""

Ask = Callable[[], bytes]
"""Gives the agent's live document, or raises WattmarkError or OSError."""


class Companion:
    """Flushes a teller and keeps the newest rates. ``ask`` None: no figures are asked for."""

    def __init__(
        self,
        teller: Teller,
        ask: Ask | None,
        every_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.rates: Rates = UNKNOWN
        self._teller = teller
        self._ask = ask
        self._every = every_seconds
        self._clock = clock
        self._asked_at: float | None = None
        self._known_at = 0.0
        self._pid = -1
        self._stop = threading.Event()

    def accompany(self) -> None:
        """Be there: cheap when the thread runs already, in this process."""
        if self._pid != os.getpid():
            self._begin()

    def stop(self) -> None:
        """End the thread; what waits is given a moment."""
        self._stop.set()
        with_all_sent(self._teller, LAST_SECONDS)

    def turn(self) -> float:
        """Hand on what waits, and ask for figures when it is time. Gives the seconds to the next turn."""
        pause = TICK_SECONDS if self._teller.flush() else BUSY_SECONDS
        now = self._clock()
        if self._ask is not None and (self._asked_at is None or now - self._asked_at >= self._every):
            self._look(self._ask, now)
        return pause

    def _look(self, ask: Ask, now: float) -> None:
        self._asked_at = now
        try:
            self.rates = rates_of(json.loads(ask()))
            self._known_at = self._clock()
        except (WattmarkError, OSError, ValueError, KeyError, TypeError, AttributeError):
            # Whatever the agent answers, or nothing: estimates end once what was known is old.
            if not self.rates.of_model:
                self.rates = Rates(reason=NO_AGENT)
            elif self._clock() - self._known_at > STALE_SECONDS:
                self.rates = Rates(reason=STALE)

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._stop = threading.Event()
        atexit.register(self.stop)
        try:
            threading.Thread(target=self._run, args=(self._stop,), name="wattmark-path", daemon=True).start()
        except RuntimeError:  # no thread can begin, as while the interpreter ends: lines are sent without it
            return

    def _run(self, stop: threading.Event) -> None:
        pause = self.turn()
        while not stop.wait(pause):
            pause = self.turn()


def asking(url: str) -> Ask:
    """Asks an agent for its figures of the last minute."""
    clients: list[object] = []

    def ask() -> bytes:
        from wattmark.agent.client import AgentClient  # in the background: it takes some 50 ms

        if not clients:
            clients.append(AgentClient(url, timeout_seconds=2.0))
        client = clients[0]
        assert isinstance(client, AgentClient)
        return client.live_json(WINDOW_SECONDS)

    return ask
