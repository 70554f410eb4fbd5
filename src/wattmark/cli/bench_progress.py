"""Shows on a terminal how far a benchmark is, and lets Ctrl-C end it in order."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from types import FrameType

import click

from wattmark.bench.job import Stage, Watch
from wattmark.reports.quantities import duration

WIDTH = 24
LINE = 78
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Line:
    """One line of stderr, written over and over."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def show(self, stage: Stage) -> None:
        """Write how far it is."""
        self._write("\r" + stage_text(stage).ljust(LINE)[:LINE])

    def end(self) -> None:
        """Clear the line."""
        self._write("\r" + " " * LINE + "\r")


def stage_text(stage: Stage) -> str:
    """Phase, repeat, a bar and the time left, as far as they are known."""
    name = stage.phase.value.replace("_", " ")
    if stage.repeat is not None:
        name += f" {stage.repeat + 1}" + (f" of {stage.repeats}" if stage.repeats else "")
    bar = ""
    if stage.share is not None:
        done = round(WIDTH * stage.share)
        bar = f"[{'#' * done}{'-' * (WIDTH - done)}]"
    left = "" if stage.left_seconds is None else f"{duration(stage.left_seconds)} left"
    return f"{name:<20} {bar} {left}".rstrip()


class Stopping:
    """The first Ctrl-C (or SIGTERM) asks to end in order, the second ends at once."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def __call__(self) -> bool:
        """Whether it shall end."""
        return self._asked.is_set()

    def handle(self, number: int, frame: FrameType | None) -> None:
        """A signal has come."""
        if self._asked.is_set():
            raise KeyboardInterrupt
        self._asked.set()
        click.echo("\nwattmark: ending in order; what was measured is kept (again: at once)", err=True)


@contextmanager
def watching() -> Iterator[Watch]:
    """Progress on a terminal, and signals while it goes on; what models print goes to standard error."""
    stopping = Stopping()
    line = Line(_to_terminal) if sys.stderr.isatty() else None
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.signal(number, stopping.handle) for number in SIGNALS}
    try:
        with words_aside():
            yield Watch(stopped=stopping) if line is None else Watch(progress=line.show, stopped=stopping)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if line is not None:
            line.end()


@contextmanager
def words_aside() -> Iterator[None]:
    """Send what a model and its libraries print to standard error: standard output holds the result alone.

    What compiled code writes to file number 1 goes the same way.
    """
    sys.stdout.flush()
    with redirect_stdout(sys.stderr), _file_aside():
        yield


@contextmanager
def _file_aside() -> Iterator[None]:
    try:
        kept = os.dup(1)
    except OSError:  # closed: there is nothing to keep clean
        yield
        return
    try:
        with suppress(OSError):  # no standard error
            os.dup2(2, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _to_terminal(text: str) -> None:
    click.echo(text, nl=False, err=True)
