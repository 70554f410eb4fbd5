"""The thread that brings runs to a ledger across the network: one for each ledger, however many runs end.

It is a daemon, so that a ledger that does not answer never keeps a program from ending; a program that
ends waits for it a little while, once.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from wattmark.measure import ending

Bring = Callable[[list[bytes]], tuple[int, str | None]]
"""Brings these runs and what waits in the outbox; says how many, and why not all."""

AT_EXIT_SECONDS = 10.0
"""How long a program that ends waits for all its ledgers across the network; the outbox keeps the rest."""
MOST_HELD = 1000
"""Runs that are kept in memory for the next attempt, where the outbox cannot take them."""


class Carrier:
    """Brings runs to one ledger, one attempt at a time."""

    def __init__(self, waits: Callable[[], bool]) -> None:
        self._waits = waits
        self._lock = threading.Lock()
        self._held: list[bytes] = []
        self._asked = False
        self._bring: Bring | None = None
        self._thread: threading.Thread | None = None
        self._late: float | None = None
        self._told: str | None = None
        self.delivered = 0
        """How many runs were brought."""

    @property
    def problem(self) -> str | None:
        """Why something is still to be delivered; None when all is."""
        if self._thread is None:
            return self._told
        if self._late is not None:
            return f"the ledger did not answer within {self._late:g} s"
        return "the ledger has not answered yet"

    def carry(self, bring: Bring, held: list[bytes]) -> None:
        """Bring these runs and what waits, soon; an attempt under way is followed by another."""
        with self._lock:
            self._held = [*self._held, *held][-MOST_HELD:]
            self._bring, self._asked = bring, True
            if self._thread is not None:
                return
            thread = threading.Thread(target=self._go, name="wattmark-delivery", daemon=True)
            self._thread = thread
            try:
                thread.start()
            except RuntimeError as error:  # no more threads allowed, or the interpreter is going down
                self._thread, self._told = None, str(error)
        _finish_in_multiprocessing()

    def wait(self, seconds: float) -> None:
        """Wait for an attempt under way, so long at most."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)
            self._late = seconds if thread.is_alive() else None

    def last_call(self) -> None:
        """Before the program ends: take along what others have left, forked workers for one."""
        if self._bring is not None and self._thread is None and self._told is None and self._waits():
            self.carry(self._bring, [])

    @property
    def given_up(self) -> bool:
        """Whether somebody has waited for it in vain."""
        return self._thread is not None and self._late is not None

    def _go(self) -> None:
        while (order := self._next()) is not None:
            bring, held = order
            try:
                count, told = bring(held)
            except BaseException as error:  # noqa: BLE001 - a panic of a library must not be printed by a thread
                count, told = 0, f"{type(error).__name__}: {error}"
            with self._lock:
                self.delivered += count
                self._told = told
                if told is not None:
                    self._held = [*held, *self._held][-MOST_HELD:]

    def _next(self) -> tuple[Bring, list[bytes]] | None:
        with self._lock:
            if not self._asked or self._bring is None:
                self._thread = None
                return None
            held, self._held, self._asked = self._held, [], False
            return self._bring, held


_carriers: dict[Path, Carrier] = {}
_lock = threading.Lock()
_forked = False
_hooked: set[int] = set()


def carrier_of(outbox: Path) -> Carrier:
    """The one that serves an outbox."""
    with _lock:
        if outbox not in _carriers:
            _carriers[outbox] = Carrier(lambda: next(outbox.glob("*.run.json"), None) is not None)
        return _carriers[outbox]


def forked_late() -> bool:
    """Whether this process was forked from one that had spoken with a ledger across the network.

    The threads of the libraries that speak are gone then, while their sockets and queues are shared with
    the parent: using them was seen to hang the child and to kill the parent with a segmentation fault.
    """
    return _forked


def finish_all(seconds: float = AT_EXIT_SECONDS) -> None:
    """Bring what waits, and wait for all of it together so long at most."""
    deadline = time.monotonic() + seconds
    carriers = [carrier for carrier in list(_carriers.values()) if not carrier.given_up]
    for carrier in carriers:
        carrier.last_call()
    for carrier in carriers:
        carrier.wait(max(0.0, deadline - time.monotonic()))


def _finish_in_multiprocessing() -> None:
    """A worker of multiprocessing ends without atexit, but not without this. Once per process."""
    util = sys.modules.get("multiprocessing.util")
    if util is not None and os.getpid() not in _hooked:
        _hooked.add(os.getpid())
        util.Finalize(None, finish_all, exitpriority=0)


def _after_fork_in_child() -> None:
    global _forked, _lock  # noqa: PLW0603 - the state of a process
    _forked = _forked or bool(_carriers)
    _lock = threading.Lock()
    _carriers.clear()


ending.waits.append(finish_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
