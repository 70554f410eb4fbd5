"""One writer at a time of a file that is read, changed and put back: who comes second waits."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from wattmark.core.errors import LedgerError

PATIENCE_SECONDS = 30.0
PAUSE_SECONDS = 0.05


class Lockable(Protocol):
    """What this needs of a store."""

    url: str

    def read(self, name: str) -> bytes:
        """A whole file. Raises FileNotFoundError when it is not there."""
        ...

    def put_new(self, name: str, data: bytes) -> bool:
        """Make a file; False when there is one of this name."""
        ...

    def delete(self, name: str) -> None:
        """Remove a file."""
        ...


@contextmanager
def one_writer(store: Lockable, name: str, patience_seconds: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Nobody else changes the file meanwhile. Raises LedgerError where somebody does for too long.

    A writer that was killed leaves ``<name>.lock`` behind; no other can know, so a person removes it.
    """
    lock = f"{name}.lock"
    mine = f"{secrets.token_hex(8)} writes\n".encode()
    until = time.monotonic() + patience_seconds
    while not (store.put_new(lock, mine) or _is(store, lock, mine)):
        if time.monotonic() >= until:
            raise LedgerError(
                store.url,
                f"somebody else writes {name}: try again; if nobody does, remove {store.url}/{lock}",
            )
        time.sleep(PAUSE_SECONDS)
    try:
        yield
    finally:
        store.delete(lock)


def _is(store: Lockable, lock: str, mine: bytes) -> bool:
    """Whether the lock is ours after all: an object store's answer can be lost on the way."""
    try:
        return store.read(lock) == mine
    except FileNotFoundError:
        return False
