"""Shows a run every so often, from a thread of its own, and never disturbs the program around it."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable

from wattmark.core.run import Run

AT_LEAST_SECONDS = 0.2
STOP_SECONDS = 10.0
"""How long the end of a run waits for a show under way."""


class Periodic(ABC):
    """Calls :meth:`show` with the run as it stands: at once, every ``period_seconds``, and at the end."""

    name = "export"

    def __init__(self, period_seconds: float) -> None:
        self._period = max(AT_LEAST_SECONDS, period_seconds)
        self._ended = threading.Event()
        self._look: Callable[[], Run] | None = None
        self._problem: str | None = None
        self._thread: threading.Thread | None = None

    @abstractmethod
    def show(self, run: Run) -> None:
        """Show it. May raise what its channel raises."""

    def withdraw(self, run: Run) -> None:  # noqa: B027 - most have nothing to take back
        """Take back what would stay behind and go stale. May raise what its channel raises."""

    def start(self, look: Callable[[], Run]) -> None:
        """Begin to show."""
        self._look = look
        self._thread = threading.Thread(target=self._watch, name=f"wattmark-{self.name}", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:  # no more threads allowed: shown at the end only
            self._thread, self._problem = None, str(error)

    def stop(self) -> str | None:
        """Show for the last time; says what went wrong, if anything."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)
        if self._look is not None and not (self._thread is not None and self._thread.is_alive()):
            run = self._look()
            self._try(self.show, run)
            self._try(self.withdraw, run)
        return None if self._problem is None else f"{self.name}: {self._problem}"

    def _watch(self) -> None:
        look = self._look
        while look is not None:
            self._try(self.show, look())
            if self._ended.wait(self._period):
                return

    def _try(self, act: Callable[[Run], None], run: Run) -> None:
        try:
            act(run)
        except Exception as error:  # noqa: BLE001 - libraries of other people are behind it, the host goes on
            self._problem = f"{type(error).__name__}: {error}"
