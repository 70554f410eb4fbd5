"""The search beside an agent: in a thread of its own, so that no window waits for a fit, and over restarts.

The agent calls ``put`` with each window and shows ``states``. What was learnt is kept in a file, whole or not
at all; a file that cannot be read is begun anew, and ``trouble`` says why.
"""

from __future__ import annotations

import json
import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path

from wattmark.core.errors import WattmarkError
from wattmark.core.serving.window import ServingWindow
from wattmark.monitoring.detection.finding import Finding, State
from wattmark.monitoring.detection.watcher import Watcher

WAITING = 1000
"""Windows that may wait; a search that falls behind by more loses the newest, and says so."""
KEPT_EVERY = 60
"""Windows between two times that what was learnt is written down."""


class Beside:
    """Runs a watcher; ``told`` is called in its thread with every finding."""

    def __init__(self, watcher: Watcher, told: Callable[[Finding], None], kept: Path | None = None) -> None:
        self.states: list[State] = []
        self.trouble = ""
        self._watcher, self._told, self._kept = watcher, told, kept
        self._waiting: queue.Queue[ServingWindow | None] = queue.Queue(WAITING)
        self._restore()
        self._thread = threading.Thread(target=self._run, name="wattmark-regressions", daemon=True)
        self._thread.start()

    def put(self, window: ServingWindow) -> None:
        """One window more; never waits."""
        try:
            self._waiting.put_nowait(window)
        except queue.Full:
            self.trouble = "the search for regressions falls behind: a window was not looked at"

    def close(self) -> None:
        """Look at what waits, keep what was learnt, end."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        count = 0
        while (window := self._waiting.get()) is not None:
            try:
                for finding in self._watcher.look(window):
                    self._told(finding)
            except (
                WattmarkError,
                OSError,
            ) as error:  # a missing extra, a webhook: the next window is looked at
                self.trouble = str(error)
            self.states = self._watcher.states()
            count += 1
            if count % KEPT_EVERY == 0:
                self._keep()
        self._keep()

    def _keep(self) -> None:
        if self._kept is None:
            return
        beside = self._kept.with_name(self._kept.name + ".new")
        try:
            with beside.open("w", encoding="utf-8") as file:
                json.dump(self._watcher.as_dict(), file)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._kept)
        except OSError as error:
            self.trouble = f"what was learnt could not be kept in {self._kept}: {error.strerror}"

    def _restore(self) -> None:
        if self._kept is None:
            return
        try:
            self._watcher.restore(json.loads(self._kept.read_text("utf-8")))
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError) as error:
            self.trouble = f"{self._kept} could not be read, so models are learnt anew: {error}"
