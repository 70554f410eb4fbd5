"""Keep processors busy while a wall meter is read: plain Python in processes of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

BUSY = "x = 1.0\nwhile True:\n    for _ in range(1000000):\n        x = (x * 1.0000001 + 0.5) % 1e9\n"
"""Floating-point work that fits into the first cache: steady power, no memory traffic."""


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """So many processes compute until the block ends; they are ended whatever happens in it."""
    command = [sys.executable, "-I", "-S", "-c", BUSY]
    started: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(processes):
            started.append(subprocess.Popen(command, stdin=subprocess.DEVNULL))
        yield
    finally:
        for process in started:
            process.kill()
        for process in started:
            process.wait()
