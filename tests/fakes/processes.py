"""Processes that tests start: none of them outlives its test, whatever fails."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any


@contextmanager
def started(command: Sequence[str], **how: Any) -> Iterator[subprocess.Popen[str]]:
    """A process, in text, that Ctrl-C ends; what has not ended by the end of the block is killed."""
    with subprocess.Popen(command, text=True, preexec_fn=_take_interrupts, **how) as process:  # noqa: PLW1509 - it sets a signal and nothing more
        try:
            yield process
        finally:
            process.kill()


def _take_interrupts() -> None:
    """Who runs the tests in the background has it ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
