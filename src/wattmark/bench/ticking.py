"""Calls a function at a steady rate from a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from wattmark.core.errors import EvidenceError

JOIN_SECONDS = 20.0
"""A meter that hangs must not keep the process from its end."""


@contextmanager
def every(seconds: float, look: Callable[[], None]) -> Iterator[None]:
    """Call ``look`` each so many seconds until the context ends; a call that comes late is not made up for.

    ``look`` must not raise.
    """
    ended = threading.Event()

    def go_on() -> None:
        due = time.monotonic()
        while True:
            due += seconds
            late = time.monotonic() - due
            if late > 0:
                due += late - late % seconds
            if ended.wait(max(0.0, due - time.monotonic())):
                return
            look()

    thread = threading.Thread(target=go_on, name="wattmark-bench-meters", daemon=True)
    try:
        thread.start()
    except RuntimeError as error:  # the system's limit of threads or of memory
        raise EvidenceError("the meters", f"cannot be looked at: {error}") from None
    try:
        yield
    finally:
        ended.set()
        thread.join(JOIN_SECONDS)
