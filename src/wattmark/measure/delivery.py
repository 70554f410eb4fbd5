"""How a finished run comes into a ledger: by way of an outbox on this machine, so that nothing is lost.

A run lands in the outbox first, like any run file, and is there until the ledger holds it durably. What
could not be delivered (no network, a full disk, a killed process) is delivered by the next recording for
the same ledger, or by ``wattmark ledger fold``. The name in the ledger is the hash of the content:
delivering twice is delivering once.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from wattmark.core.errors import WattmarkError
from wattmark.hashing import sha256
from wattmark.measure.home import outbox_folder
from wattmark.measure.spool import SUFFIX

Put = Callable[[str, bytes], bool]
"""Puts bytes under a new name, durably; False when it is there. Raises OSError, WattmarkError."""

INBOX = "inbox"
AT_EXIT_SECONDS = 10.0
"""How long a program that ends waits for a ledger across the network; then the outbox keeps the run."""


class Delivery:
    """Brings run files to one ledger. ``open_put`` is called when there is something to bring."""

    def __init__(self, url: str, outbox: Path, open_put: Callable[[], Put], *, wait: bool) -> None:
        self.url = url
        self.outbox = outbox
        self._open_put = open_put
        self._wait = wait
        self._thread: threading.Thread | None = None
        self.problem: str | None = None
        """Why something is still in the outbox; None when all is delivered."""
        self.delivered = 0
        """How many runs were brought, with those that had waited."""
        if not wait:
            atexit.register(self.finish, AT_EXIT_SECONDS)

    def __call__(self, landed: Path) -> None:
        """Bring this run, and whatever waits in the outbox. Never raises.

        A ledger across a network is served by a thread: a slow one must not hold up the program.
        """
        if self._wait:
            self._bring(landed)
            return
        self._thread = threading.Thread(
            target=self._bring, args=(landed,), name="wattmark-delivery", daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError:  # no more threads allowed, or the interpreter is going down
            self._thread = None
            self._bring(landed)

    def finish(self, seconds: float) -> None:
        """Wait for a delivery under way, so long at most."""
        if self._thread is not None:
            self._thread.join(seconds)
            if self._thread.is_alive():
                self.problem = f"the ledger did not answer within {seconds:g} s"

    def _bring(self, landed: Path) -> None:
        waiting = [landed] if landed.parent != self.outbox else []
        try:
            put = self._open_put()
            self.delivered += deliver(waiting, put, keep=True)
            self.delivered += deliver(sorted(self.outbox.glob(f"*{SUFFIX}")), put)
        except (OSError, WattmarkError) as error:
            self.problem = str(error)
            for path in waiting:
                self._keep_for_later(path)
        else:
            self.problem = None
        atexit.unregister(self.finish)

    def _keep_for_later(self, path: Path) -> None:
        """Copy a run file that lies elsewhere into the outbox."""
        try:
            self.outbox.mkdir(parents=True, exist_ok=True)
            copy = self.outbox / f"{path.name}.{os.getpid()}.tmp"
            with open(copy, "wb") as file:
                file.write(path.read_bytes())
                file.flush()
                os.fsync(file.fileno())
            os.replace(copy, self.outbox / path.name)
        except OSError as error:
            self.problem = f"{self.problem}; nor can it wait in {self.outbox}: {error.strerror}"


def deliver(paths: list[Path], put: Put, *, keep: bool = False) -> int:
    """Put run files into a ledger's inbox; says how many. Raises OSError and WattmarkError.

    A file is removed once the ledger holds it, unless it is to be kept.
    """
    count = 0
    for path in paths:
        try:
            document = path.read_bytes()
        except FileNotFoundError:
            continue  # another process has delivered it meanwhile
        put(f"{INBOX}/{sha256(document).hexdigest()}{SUFFIX}", document)
        count += 1
        if not keep:
            path.unlink(missing_ok=True)
    return count


def outbox_of(url: str, environ: Mapping[str, str]) -> Path:
    """Where this machine keeps runs on their way to one ledger."""
    return outbox_folder(environ) / sha256(url.encode()).hexdigest()[:16]
