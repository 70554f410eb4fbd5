"""Shows a run every so often, from a thread of its own, and never disturbs the program around it."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable

from wattmark.core.errors import without_secrets
from wattmark.core.run import Run

AT_LEAST_SECONDS = 0.2
STOP_SECONDS = 10.0
"""How long the end of a run waits for the last show."""


class Periodic(ABC):
    """Calls :meth:`show` with the run as it stands: at once, every ``period_seconds``, and at the end."""

    name = "export"

    def __init__(self, period_seconds: float) -> None:
        self._period = max(AT_LEAST_SECONDS, period_seconds)
        self._ended = threading.Event()
        self._problem: str | None = None
        self._thread: threading.Thread | None = None

    @abstractmethod
    def show(self, run: Run) -> None:
        """Show it. May raise what its channel raises."""

    def withdraw(self, run: Run) -> None:  # noqa: B027 - most have nothing to take back
        """Take back what would stay behind and go stale. May raise what its channel raises."""

    def start(self, look: Callable[[], Run]) -> None:
        """Begin to show."""
        self._thread = threading.Thread(
            target=self._watch, args=(look,), name=f"wattmark-{self.name}", daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError as error:  # no more threads allowed, and without one nobody waits for a network
            self._thread, self._problem = None, str(error)

    def stop(self) -> str | None:
        """Show for the last time; says what went wrong, if anything.

        The thread does it: a server that does not answer, or answers drop by drop, is left behind.
        """
        self._ended.set()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)
            if self._thread.is_alive():
                self._problem = f"did not end within {STOP_SECONDS:g} s; what it shows of this run may stay"
        return None if self._problem is None else f"{self.name}: {without_secrets(self._problem)}"

    def _watch(self, look: Callable[[], Run]) -> None:
        while not self._ended.is_set():
            self._try(self.show, look)
            self._ended.wait(self._period)
        self._try(self.show, look)
        self._try(self.withdraw, look)

    def _try(self, act: Callable[[Run], None], look: Callable[[], Run]) -> None:
        try:
            act(look())
        except Exception as error:  # noqa: BLE001 - libraries of other people are behind it, the host goes on
            self._problem = f"{type(error).__name__}: {error}"
