"""The agent's loop: looks at the meters once a second, and serves who comes by in between.

One thread does all that windows are made from. Engines, slow meters and the ledger have threads of their own
and are never waited for.
"""

from __future__ import annotations

import contextlib
import gc
import selectors
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from wattmark.agent.beside import Beside
from wattmark.agent.book import Book
from wattmark.agent.datagrams import Datagrams
from wattmark.agent.entries import Done, Looked, Ticked, Told
from wattmark.agent.hours import Hours
from wattmark.agent.http import Answer, HttpDoor
from wattmark.agent.intake import Intake
from wattmark.agent.journal import Journal
from wattmark.agent.landing import Lander
from wattmark.agent.looks import Looks
from wattmark.agent.searching import Searching
from wattmark.agent.sending import Sender
from wattmark.agent.settled import Settled
from wattmark.agent.spool import Spool
from wattmark.agent.tails import Tail
from wattmark.core.errors import UsageError
from wattmark.core.known import Boundary
from wattmark.core.readings import CounterReading, Gap, PowerReading
from wattmark.core.serving.attributing import Batch
from wattmark.core.serving.cumulative import AgentTotals, CarbonRate, Known
from wattmark.core.serving.window import ServingWindow
from wattmark.core.serving.workload import WorkloadUse
from wattmark.measure.meterset import MeterSet

KEPT_WINDOWS = 60
"""Windows that are kept for the live document."""
FILE_US = 60 * 1_000_000
"""A new journal file is begun so often."""
GC_THRESHOLDS = (50_000, 20, 100)
STALE_PERIODS = 30
"""Periods without a look at the meters after which the agent is not well."""

Say = Callable[[str], None]


@dataclass(kw_only=True)
class Agent:
    """Everything that runs together. Not thread-safe."""

    meters: MeterSet
    book: Book
    journal: Journal
    clock: Callable[[], float]
    utc_us: Callable[[], int]
    period_seconds: float
    spool: Spool | None = None
    lander: Lander | None = None
    looks: Looks | None = None
    tails: Sequence[Tail] = ()
    datagrams: Datagrams | None = None
    say: Say
    rates: Callable[[ServingWindow], Sequence[CarbonRate]] = field(default=lambda window: ())
    totals: AgentTotals = field(default_factory=AgentTotals)
    beside: Beside = field(default_factory=Beside)
    sender: Sender | None = None
    hours: Hours | None = None
    """Asks for the grid intensity of each hour."""
    searching: Searching | None = None
    settled: Settled = field(default_factory=Settled)
    windows: deque[ServingWindow] = field(default_factory=lambda: deque(maxlen=KEPT_WINDOWS))
    started_us: int = 0
    disk_trouble: str = ""
    """Why windows wait in memory; empty while the disk takes them."""

    def __post_init__(self) -> None:
        self.intake = Intake(self.book.timeline.heard, lambda: self.book.now_us, self._keep)
        self._pending: list[ServingWindow] = []
        self._uses: list[WorkloadUse] = []
        self._file_us = 0
        self._ticked = self.clock()
        self._door: HttpDoor | None = None
        self._selector = selectors.DefaultSelector()
        self._wake: socket.socket | None = None
        self._asked_to_stop = False
        self._caught = contextlib.ExitStack()

    # What comes in ---------------------------------------------------------------------------------

    def _keep(self, entry: Told) -> bool:
        """Requests: into the journal first, then into the book."""
        if not self.journal.write(entry):
            return False
        self.book.told(entry)
        return True

    def begin(self, batches: Sequence[Batch] = ()) -> None:
        """Take over what an agent before this one left, and look for the first time."""
        self.started_us = self.utc_us()
        if threading.current_thread() is threading.main_thread():
            self._caught.enter_context(self._signals())
        for batch in batches:
            self._made(batch)
        self._new_file()
        fresh = self.book.fresh
        self.tick()
        if fresh and not self._pending:
            self._begun()
        if self.lander is not None:
            self.lander.start()
            self.lander.committed(self.journal.state.number)
        if self.looks is not None:
            self.looks.start()
        if self.hours is not None:
            self.hours.start()

    def _begun(self) -> None:
        """Say in the journal when time began. Nothing was taken from anybody before."""
        try:
            self.journal.commit(self.journal.state.number, self.book.divided_us)
        except OSError as error:
            raise UsageError(
                f"{self.journal.folder}: no journal can be kept there: {error.strerror or error}"
            ) from None

    def tick(self) -> None:
        """One look at everything that is read; windows that are due go on their way."""
        if self.datagrams is not None:
            self.datagrams.drain(self.intake, self.clock())
            self.datagrams.give(self.intake)
        self._read_meters()
        for reading in self.looks.found() if self.looks is not None else ():
            entry = Looked(replace(reading, at_us=self.book.timeline.heard(reading.at_us)))
            if self.journal.write(entry):
                self.book.take(entry)
        for tail in self.tails:
            tail.follow(self.intake)
        self.beside.tick(self._ticked, self.book.now_us)
        self._made(self.book.due())
        self.journal.retry()
        if self.sender is not None:
            self.sender.tick(self._ticked)
        if self.book.now_us - self._file_us >= FILE_US:
            self._new_file()

    def _read_meters(self) -> None:
        found = self.meters.read()
        at, utc_us = self.clock(), self.utc_us()
        values: list[float | None] = []
        ats: list[float] = []
        reasons: dict[int, str] = {}
        for position, device in enumerate(self.book.devices):
            reading = found.get(device.id)
            if isinstance(reading, CounterReading):
                values.append(reading.total.joules)
                ats.append(reading.at)
            elif isinstance(reading, PowerReading):
                values.append(reading.power.watts)
                ats.append(reading.at)
            else:
                reasons[position] = reading.reason if isinstance(reading, Gap) else "the meter is silent"
                values.append(None)
                ats.append(at)
        entry = Ticked(at, utc_us, values, ats, reasons)
        if self.journal.write(entry):
            batch = self.book.take(entry)
            if batch is not None:
                self._made(batch)
        self._ticked = at

    def _new_file(self) -> None:
        self._file_us = self.book.now_us
        self.journal.begin(self.book.head(), self.book.now_us)

    # What goes out ---------------------------------------------------------------------------------

    def _made(self, batch: Batch) -> None:
        for made in batch.windows:
            window = self.beside.completed(made)
            self._uses += self.beside.uses(window)
            self.totals.fold(window, self.rates(window))
            self.windows.append(window)
            if self.searching is not None:
                self.searching.put(window)
            self._pending.append(window)
        if batch.requests:
            self.settled.take(batch.requests, self.windows, self.rates)
        known = _known(batch.windows[-1]) if batch.windows else None
        for energy in batch.requests:
            request = energy.request
            if known is not None and request is not None and not energy.late_us:
                self.totals.observe(energy.service, known, energy.joules, request.end_us)
        if self._pending:
            self._commit()

    def _commit(self) -> None:
        """Put windows into the spool and say so in the journal; what cannot be put stays here."""
        number = self.journal.state.number + 1
        try:
            if self.spool is not None:
                self.spool.put(number, self._pending, self._uses)
            self.journal.commit(number, self._pending[-1].end_us)
        except OSError as error:
            trouble = f"windows wait in memory: the spool cannot be written: {error.strerror or error}"
            if trouble != self.disk_trouble:
                self.say(trouble)
            self.disk_trouble = trouble
            return
        if self.disk_trouble:
            self.say("the spool takes windows again")
        self.disk_trouble = ""
        self._pending, self._uses = [], []
        self.journal.write(Done(number))
        if self.lander is not None:
            self.lander.committed(number)

    @property
    def pending(self) -> int:
        """Windows that wait in memory for the disk."""
        return len(self._pending)

    # The loop --------------------------------------------------------------------------------------

    def open_door(self, listening: socket.socket, answer: Answer) -> str:
        """Serve HTTP from now on; says where."""
        self._door = HttpDoor(listening, self._selector, answer)
        return self._door.address

    def run(self, seconds: float | None = None) -> None:
        """Until SIGTERM or SIGINT, or for so long; then everything is brought where it belongs."""
        # What is here now stays; what comes holds no cycles and is looked at seldom.
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        try:
            self._loop(seconds)
        finally:
            self.end()
            self._caught.close()

    def _loop(self, seconds: float | None) -> None:
        begun = self.clock()
        until = float("inf") if seconds is None else begun + seconds
        next_tick = begun + self.period_seconds
        drain = self.datagrams
        drain_at: float | None = None
        self._listen(drain is not None)
        while not self._asked_to_stop:
            now = self.clock()
            if now >= until:
                return
            if now >= next_tick:
                self.tick()
                if self._door is not None:
                    self._door.let_go(now)
                next_tick += self.period_seconds
                if next_tick <= self.clock():
                    next_tick = self.clock() + self.period_seconds  # a look took long, or the machine slept
                continue
            if drain is not None and drain_at is not None and now >= drain_at:
                came = drain.drain(self.intake, now)
                drain_at = now + drain.pause if came else None
                self._listen(not came)
                continue
            wait = min(next_tick, until, drain_at or until) - now
            for key, _ in self._selector.select(wait):
                if drain is not None and key.fileobj is drain.socket:
                    self._listen(False)
                    drain_at = self.clock()
                else:
                    key.data(self.clock())

    def _listen(self, wanted: bool) -> None:
        """Wake for datagrams, or leave the socket alone because it is read by the clock."""
        if self.datagrams is None:
            return
        registered = self.datagrams.socket in self._selector.get_map()
        if wanted and not registered:
            self._selector.register(self.datagrams.socket, selectors.EVENT_READ)
        elif registered and not wanted:
            self._selector.unregister(self.datagrams.socket)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT end the loop; SIGHUP is refused in words."""
        ours, self._wake = socket.socketpair()
        for end in (ours, self._wake):
            end.setblocking(False)
        self._selector.register(ours, selectors.EVENT_READ, lambda now: self._woken(ours))
        numbers = [signal.SIGTERM, signal.SIGINT, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
        before = {number: signal.signal(number, lambda *_: None) for number in numbers}
        old = signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(old)
            for number, handler in before.items():
                signal.signal(number, handler)
            ours.close()
            self._wake.close()

    def _woken(self, ours: socket.socket) -> None:
        for number in ours.recv(64):
            if hasattr(signal, "SIGHUP") and number == signal.SIGHUP:
                self.say("settings are read at the start only: restart the agent, it goes on where it was")
            else:
                self._asked_to_stop = True

    def end(self) -> None:
        """Bring everything where it belongs: the last window, the journal, the ledger."""
        if self._door is not None:
            self._door.close()
            self._door = None
        self._listen(False)
        if self.looks is not None:
            self.looks.stop()
        if self.hours is not None:
            self.hours.stop()
        self.tick()
        if self.datagrams is not None:
            self.datagrams.close()
        self._made(self.book.finish())
        if self.sender is not None:
            self.sender.stop()
        if self.searching is not None:
            self.searching.close()
        self._new_file()
        if self.lander is not None and not self.lander.stop(LAST_LANDING_SECONDS):
            self.say("windows wait in the spool: the next agent, with the same --state, brings them")
        if problem := self.settled.stop():
            self.say(problem)
        for tail in self.tails:
            tail.close()
        self.journal.close()
        self.meters.close()
        self._selector.close()

    def stale(self) -> bool:
        """Whether the meters were not looked at for long."""
        return self.clock() - self._ticked > max(10.0, STALE_PERIODS * self.period_seconds)


LAST_LANDING_SECONDS = 20.0
"""How long the end waits for the ledger; the spool keeps the rest."""


def utc_now_us() -> int:
    """Microseconds since 1970 by the wall clock. No duration is made of it."""
    return time.time_ns() // 1000


def _known(window: ServingWindow) -> Known | None:
    """How the energy of a request is known: by all devices that models run on, as the worst of them."""
    charged = {share.device_id for share in window.shares}
    uses = [use for use in window.devices if use.device_id in charged]
    if not uses:
        return None
    grade = max((use.grade for use in uses), key=lambda g: g.value)
    node = any(use.boundary is Boundary.NODE for use in uses)
    return Known(window.rule, Boundary.NODE if node else Boundary.DEVICE, grade)
