"""How a finished run comes into a ledger: by way of an outbox on this machine, so that nothing is lost.

A run lands in the outbox first, like any run file, and is there until the ledger holds it durably. What
could not be delivered (no network, a full disk, a killed process) is delivered by the next recording for
the same ledger, or by ``wattmark ledger fold``. A run that not even the outbox can take goes from memory.
The name in the ledger is the hash of the content: delivering twice is delivering once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from wattmark.core.errors import WattmarkError
from wattmark.hashing import sha256
from wattmark.measure.carrier import Carrier, carrier_of, forked_late
from wattmark.measure.home import outbox_folder
from wattmark.measure.spool import SUFFIX, keep

Put = Callable[[str, bytes], bool]
"""Puts bytes under a new name, durably; False when it is there. Raises OSError, WattmarkError."""

INBOX = "inbox"
AT_ONCE = 100
"""Runs that a recording takes along at most to a ledger in a folder: it must not be long in ending."""
FORKED = (
    "this process was forked from one that had spoken with a ledger across the network, which what it spoke "
    "through does not survive"
)


class Delivery:
    """Brings run files to one ledger. ``open_put`` is called when there is something to bring.

    ``wait`` brings them at once; else a thread does, for a slow ledger must not hold up the program.
    """

    def __init__(self, url: str, outbox: Path, open_put: Callable[[], Put], *, wait: bool) -> None:
        self.url = url
        self.outbox = outbox
        self.kept = False
        """Whether the run was put into the outbox."""
        self._open_put = open_put
        self._wait = wait
        self._carrier: Carrier | None = None
        self._problem: str | None = None
        self._nowhere: str | None = None
        self._delivered = 0

    @property
    def problem(self) -> str | None:
        """Why something is still to be delivered; None when all is."""
        found = self._carrier.problem if self._carrier is not None else self._problem
        return found if found is None or self._nowhere is None else f"{found}; {self._nowhere}"

    @property
    def delivered(self) -> int:
        """How many runs were brought, with those that had waited."""
        return self._carrier.delivered if self._carrier is not None else self._delivered

    def __call__(self, landed: Path) -> None:
        """Bring the run that has landed here, and whatever waits in the outbox. Never raises."""
        try:
            document = landed.read_bytes()
        except OSError as error:
            self._problem = f"{landed}: {error.strerror}"
            return
        self.kept = landed.parent == self.outbox or self.keep(landed.name, document)
        self.send(document)

    def keep(self, name: str, document: bytes) -> bool:
        """Put a run into the outbox, whole or not at all; False when that cannot be. Never raises."""
        try:
            keep(self.outbox, name, document)
        except OSError as error:
            self._nowhere = f"nor can it wait in {self.outbox}: {error.strerror}"
            return False
        self.kept = True
        return True

    def send(self, document: bytes) -> None:
        """Bring what waits in the outbox, and this run if it could not be put there. Never raises."""
        held = [] if self.kept else [document]
        if self._wait:
            self._delivered, self._problem = self._bring(held, AT_ONCE)
        elif forked_late():
            self._problem = FORKED
        else:
            self._carrier = carrier_of(self.outbox)
            self._carrier.carry(self._bring, held)

    def finish(self, seconds: float) -> None:
        """Wait for a delivery under way, so long at most."""
        if self._carrier is not None:
            self._carrier.wait(seconds)

    def _bring(self, held: list[bytes], most: int | None = None) -> tuple[int, str | None]:
        """How many runs were brought, and why not all."""
        count = 0
        try:
            put = self._open_put()
            for document in held:
                put(name_of(document), document)
                count += 1
            newest_first = sorted(waiting_in(self.outbox), reverse=True)
            count += deliver(newest_first[:most], put)
        except (OSError, WattmarkError) as error:
            return count, str(error)
        except Exception as error:  # noqa: BLE001 - the libraries of a store are behind it, and the host goes on
            return count, f"{type(error).__name__}: {error}"
        return count, None


def waiting_in(outbox: Path) -> list[Path]:
    """The runs that wait in an outbox."""
    return [path for path in outbox.glob(f"*{SUFFIX}") if path.is_file()]


def deliver(paths: list[Path], put: Put) -> int:
    """Put run files into a ledger's inbox, and remove each once the ledger holds it; says how many.

    One that cannot be read or removed keeps none of the others waiting. Raises OSError and WattmarkError.
    """
    count = 0
    stuck: OSError | None = None
    for path in paths:
        try:
            document = path.read_bytes()
        except FileNotFoundError:
            continue  # another process has delivered it meanwhile
        except OSError as error:
            stuck = error
            continue
        put(name_of(document), document)
        count += 1
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            stuck = error
    if stuck is not None:
        raise stuck
    return count


def name_of(document: bytes) -> str:
    """The name that a run has in a ledger's inbox."""
    return f"{INBOX}/{sha256(document).hexdigest()}{SUFFIX}"


def outbox_of(url: str, environ: Mapping[str, str]) -> Path:
    """Where this machine keeps runs on their way to one ledger."""
    return outbox_folder(environ) / sha256(url.encode()).hexdigest()[:16]
