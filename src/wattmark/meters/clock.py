"""The clock all meters stamp their readings with."""

from __future__ import annotations

import time


def _pick() -> int | None:
    """The clock that also runs while the machine sleeps, where there is one (Linux)."""
    clock: int | None = getattr(time, "CLOCK_BOOTTIME", None)
    return clock


_BOOTTIME = _pick()


def boot_clock() -> float:
    """Seconds that never step: CLOCK_BOOTTIME on Linux, elsewhere ``time.monotonic``.

    ``time.time`` is stepped by NTP and by people, which turns a window inside out; plain
    CLOCK_MONOTONIC stands still during suspend while energy goes on.
    """
    if _BOOTTIME is None:
        return time.monotonic()
    return time.clock_gettime(_BOOTTIME)
