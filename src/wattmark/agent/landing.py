"""Brings windows from the spool to the ledger, in a thread of its own: a slow store holds up nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from wattmark.agent.spool import Spool
from wattmark.core.errors import EvidenceError, LedgerError, WattmarkError
from wattmark.core.serving.evidence import Origin, samples_of
from wattmark.core.serving.utilisation import utilisation_samples
from wattmark.core.serving.window import ServingWindow
from wattmark.core.serving.workload import WorkloadUse
from wattmark.core.serving.workload_telemetry import workload_samples
from wattmark.core.telemetry import Samples

Land = Callable[[Sequence[Samples]], object]
"""Lands samples durably. Raises EvidenceError, LedgerError, OSError."""
Say = Callable[[str], None]

AT_ONCE = 60
"""Files that go into one batch when many wait."""
LONGEST_PAUSE = 60.0
"""Seconds between two attempts at most, while the ledger takes nothing."""


class Lander:
    """The thread that empties a spool. ``open_land`` is called when there is something to bring."""

    def __init__(
        self,
        spool: Spool,
        open_land: Callable[[], Land],
        origin: Origin,
        say: Say,
        *,
        every_seconds: float = 60.0,
    ) -> None:
        self.trouble = ""
        """Why the ledger does not take what is here; empty while it does."""
        self.landed_us: int | None = None
        """End of the last window that is in the ledger."""
        self.failures = 0
        self._spool = spool
        self._open_land = open_land
        self._land: Land | None = None
        self._origin = origin
        self._say = say
        self._every = every_seconds
        self._committed = 0
        self._wake = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._go, name="wattmark-landing", daemon=True)

    def start(self) -> None:
        """Begin to bring what is committed."""
        self._thread.start()

    def committed(self, number: int) -> None:
        """All up to this number may go to the ledger."""
        with self._wake:
            self._committed = max(self._committed, number)

    def stop(self, seconds: float) -> bool:
        """Bring what is there, waiting so long at most; says whether all of it is in the ledger."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join(seconds)
        return not self._thread.is_alive() and not self._ready()

    def _ready(self) -> list[int]:
        return [number for number in self._spool.waiting() if number <= self._committed]

    def _go(self) -> None:
        pause = 1.0
        while True:
            with self._wake:
                last = self._stopping
            done = self._bring()
            if last:
                return
            pause = 1.0 if done else min(LONGEST_PAUSE, pause * 2)
            with self._wake:
                self._wake.wait_for(lambda: self._stopping, self._every if done else pause)

    def _bring(self) -> bool:
        """Bring all that may go; says whether it went."""
        while ready := self._ready():
            numbers = ready[:AT_ONCE]
            try:
                self._bring_some(numbers)
            except Exception as error:  # noqa: BLE001 - libraries of a store are behind it: what is kept stays, and is tried again
                self.failures += 1
                known = isinstance(error, (WattmarkError, OSError))
                self._tell(str(error) if known else f"{type(error).__name__}: {error}")
                return False
            self._tell("")
        return True

    def _bring_some(self, numbers: Sequence[int]) -> None:
        windows: list[ServingWindow] = []
        uses: list[WorkloadUse] = []
        for number in numbers:
            try:
                windows += self._spool.windows(number)
                uses += self._spool.uses(number)
            except LedgerError as error:
                kept = self._spool.set_aside(number)
                self._say(f"cannot be read and is kept as {kept}, please report it: {error}")
        if windows:
            if self._land is None:
                self._land = self._open_land()
            try:
                self._land(all_samples(windows, uses, self._origin))
            except EvidenceError as error:
                # A defect of ours: keep the windows, and let what follows go on.
                names = [str(self._spool.set_aside(number)) for number in numbers]
                self._say(f"cannot be landed and is kept as {names[0]}, please report it: {error}")
                return
            self.landed_us = max(window.end_us for window in windows)
        for number in numbers:
            self._spool.drop(number)

    def _tell(self, trouble: str) -> None:
        if trouble and trouble != self.trouble:
            self._say(f"cannot land now, and will try again: {trouble}")
        elif self.trouble and not trouble:
            self._say("the ledger takes windows again")
        self.trouble = trouble


def all_samples(
    windows: Sequence[ServingWindow], uses: Sequence[WorkloadUse], origin: Origin
) -> Sequence[Samples]:
    """Everything that lands of some windows: energy, shares and work, busy times, workloads."""
    busy = utilisation_samples(
        windows, source=origin.source, instance=origin.instance, subject=origin.subject, place=origin.place
    )
    shares = workload_samples(
        uses,
        charged=(),  # the agent left them out when it kept them
        source=origin.source,
        instance=origin.instance,
        subject=origin.subject,
        place=origin.place,
    )
    return (*samples_of(windows, origin), *busy, *shares)
