"""The end of a process: recordings that are still open end, then what is under way to ledgers is waited for.

Loaded before anything is measured, whatever is loaded later: what the program itself, or a framework, does
at its end comes first, and may end its own runs in order.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable

stops: list[Callable[[], None]] = []
"""End what is open."""
waits: list[Callable[[], None]] = []
"""Wait for what those that ended have sent."""


def _run(what: list[Callable[[], None]]) -> None:
    for one in what:
        one()


atexit.register(_run, waits)
atexit.register(_run, stops)  # last to come, first to go
