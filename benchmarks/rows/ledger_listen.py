"""What a point costs a listener that has one core: over HTTP, durable, decoded, paired and landed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec

from benchmarks.context import QUICK, Context
from benchmarks.listening import measure as one_run
from benchmarks.results import Measurement, rounded

POINTS = (200, 2000, 8192)
ROWS = tuple(f"listen-{points}" for points in POINTS)
SECONDS, QUICK_SECONDS = 15.0, 3.0
REPEATS = 5


def measure(context: Context) -> Iterator[Measurement]:
    """Microseconds per point, from the first request until the last interval is in the inbox."""
    if why := _why_not():
        context.skip(ROWS, why)
        return
    quick = context.settings == QUICK
    for row, points in zip(ROWS, POINTS, strict=True):
        runs = [one_run(points, QUICK_SECONDS if quick else SECONDS) for _ in range(1 if quick else REPEATS)]
        note = f"{points} points per request, 8192 series"
        yield Measurement(
            row, "wattmark", "us", rounded([1e6 / r.landed_per_second for r in runs]), note=note
        )


def _why_not() -> str:
    if not hasattr(os, "sched_setaffinity"):
        return "a process cannot be pinned to a core here"
    if len(os.sched_getaffinity(0)) < 2:
        return "the listener has one core to itself, and the sender needs another"
    if find_spec("uvicorn") is None or find_spec("pyarrow") is None:
        return "this Python has not the extra: pip install 'wattmark[listen]'"
    return ""
