"""Looks at engines, each in a thread of its own: one that does not answer holds up nobody."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from wattmark.core.readings import Gap
from wattmark.core.serving.engine import EngineReading, Look

LONGEST_PAUSE = 30.0
"""Seconds between two looks at an engine that does not answer, at most."""
MEANWHILE = "it is looked at again, meanwhile its counts are not known"


class Looking(Protocol):
    """Looks at one engine again and again, and never raises."""

    def look(self) -> Look: ...

    def close(self) -> None: ...


@dataclass(slots=True)
class Watched:
    """One engine as it was found."""

    target: str
    engine: str = ""
    last: EngineReading | None = None
    """The last look that got an answer."""
    reason: str = ""
    """Why the last look failed; empty when it did not, or there was none yet."""
    failures: Counter[str] = field(default_factory=Counter)

    @property
    def up(self) -> bool:
        """Whether the last look got an answer."""
        return self.last is not None and not self.reason


class Looks:
    """All engines of the node. What was found waits to be fetched."""

    def __init__(self, engines: dict[str, tuple[str, Callable[[], Looking]]], every_seconds: float) -> None:
        """``engines``: target -> what it is, and what opens it."""
        self.say: Callable[[str], None] = lambda _: None
        """Is told when an engine stops answering, and when it answers again."""
        self._every = every_seconds
        self._found: deque[EngineReading] = deque(maxlen=10_000)
        self._stop = threading.Event()
        self.watched = {target: Watched(target, kind) for target, (kind, _) in engines.items()}
        self._threads = [
            threading.Thread(
                target=self._watch, args=(self.watched[target], opener), name="wattmark-looks", daemon=True
            )
            for target, (_, opener) in engines.items()
        ]

    def start(self) -> None:
        """Begin to look."""
        for thread in self._threads:
            thread.start()

    def found(self) -> list[EngineReading]:
        """The looks since this was asked for."""
        readings: list[EngineReading] = []
        while self._found:
            readings.append(self._found.popleft())
        return readings

    def stop(self) -> None:
        """Look no more; a look under way is not waited for long."""
        self._stop.set()
        for thread in self._threads:
            thread.join(0.2)

    def _watch(self, watched: Watched, opener: Callable[[], Looking]) -> None:
        looking = opener()
        pause = self._every
        while not self._stop.is_set():
            found = looking.look()
            if isinstance(found, Gap):
                if not watched.reason:
                    where = found.reason.removeprefix(f"{watched.target}: ")
                    self.say(f"engine {watched.target}: {where}; {MEANWHILE}")
                watched.reason = found.reason
                watched.failures[getattr(found, "kind", "failed")] += 1
                pause = min(max(self._every, LONGEST_PAUSE), pause * 1.5)
            else:
                if watched.reason:
                    self.say(f"engine {watched.target}: answers")
                watched.engine, watched.last, watched.reason = found.engine, found, ""
                self._found.append(found)
                pause = self._every
            self._stop.wait(pause)
        looking.close()
