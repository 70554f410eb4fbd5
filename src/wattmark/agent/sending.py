"""Sends what the agent shows to a collector of OpenTelemetry, from a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from wattmark.core.errors import without_secrets
from wattmark.exporters.agent_otlp import address_of, send

Say = Callable[[str], None]
STOP_SECONDS = 6.0
"""How long the end waits for the last delivery: a little longer than one may take."""


class Sender:
    """Delivers one body at a time. Counters lose nothing by a delivery that fails: the next holds it, too.

    Raises UsageError for what is no address. ``make`` gives a body, and is called where :meth:`tick` is.
    """

    def __init__(
        self,
        target: str,
        every_seconds: float,
        make: Callable[[], bytes],
        say: Say,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.trouble = ""
        """Why the collector does not take it; empty while it does."""
        self._address = address_of(target)
        self._every = max(1.0, every_seconds)
        self._make = make
        self._say = say
        self._headers = headers
        self._due = 0.0
        self._body: bytes | None = None
        self._stopping = False
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._go, name="wattmark-otlp", daemon=True)
        self._thread.start()

    @property
    def idle(self) -> bool:
        """Whether the last body was delivered, or could not be, so that the next one would be made."""
        with self._wake:
            return self._body is None

    def tick(self, now: float) -> None:
        """Make a body when it is time, unless the one before still waits. ``now``: steady seconds."""
        if now < self._due:
            return
        self._due = now + self._every
        with self._wake:
            if self._body is None:
                self._body = self._make()
                self._wake.notify()

    def stop(self) -> None:
        """Send what is shown now as the last one."""
        with self._wake:
            self._body = self._make()
            self._stopping = True
            self._wake.notify()
        self._thread.join(STOP_SECONDS)

    def _go(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._body is not None or self._stopping)
                body, last = self._body, self._stopping
            if body is not None:
                try:
                    said = send(self._address, body, self._headers)
                except OSError as error:
                    said = f"{without_secrets(self._address)}: {error}"
                self._tell(said)
            with self._wake:
                if self._body is body:
                    self._body = None
            if last:
                return

    def _tell(self, trouble: str) -> None:
        if trouble and trouble != self.trouble:
            self._say(f"OTLP: {trouble}")
        elif self.trouble and not trouble:
            self._say("OTLP: the collector takes figures again")
        self.trouble = trouble


def headers_of(text: str) -> dict[str, str]:
    """``key=value,key2=value2`` as ``OTEL_EXPORTER_OTLP_HEADERS`` holds it (OTLP exporter specification)."""
    from urllib.parse import unquote

    pairs = (piece.partition("=") for piece in text.split(",") if "=" in piece)
    return {key.strip(): unquote(value.strip()) for key, _, value in pairs if key.strip()}


def now_ns() -> int:
    """Nanoseconds since 1970. No duration is made of it."""
    return time.time_ns()
