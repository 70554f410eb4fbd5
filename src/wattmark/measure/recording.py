"""One live run: meters, timeline, journal and spool under one lock.

A recording lives inside other people's processes. Once started it never raises, prints, or changes
anything of the host; what goes wrong becomes a note of the run.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wattmark.core.errors import UsageError, WattmarkError, without_paths
from wattmark.core.readings import Device
from wattmark.core.run import (
    Dataset,
    Hardware,
    Host,
    Overhead,
    Run,
    Status,
    workload_of,
)
from wattmark.measure import ending
from wattmark.measure.journal import Journal
from wattmark.measure.loglines import LineReader, LineTaker
from wattmark.measure.meterset import MeterSet
from wattmark.measure.processes import CpuClock
from wattmark.measure.settings import Settings
from wattmark.measure.timeline import Timeline
from wattmark.ports import ConcludingExport, LiveExport

if TYPE_CHECKING:
    from wattmark.measure.budget import BudgetState
    from wattmark.measure.delivery import Delivery
    from wattmark.measure.spool import Spool

_live: weakref.WeakSet[Recording] = weakref.WeakSet()


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a recording needs from the machine it runs on."""

    meters: MeterSet
    host: Host
    cpu: CpuClock
    clock: Callable[[], float]
    environment: Mapping[str, str]
    finish: Callable[[Run], Run] = field(default=lambda run: run)
    """Applied to the run once it has ended, before it lands: adds this machine's calibration."""
    delivery: Delivery | None = None
    """Brings the landed run to a ledger; None when it is not to go to one."""
    exports: tuple[LiveExport, ...] = ()
    """What shows the run elsewhere while it goes on."""


class Recording:
    """Measures from :meth:`start` to :meth:`stop`."""

    def __init__(self, settings: Settings, world: World) -> None:
        self._settings = settings
        self._world = world
        self._lock = threading.RLock()
        self._disk = threading.RLock()  # a slow disk holds up the watcher, never a window's edge
        self._asleep = threading.Lock()  # free: the watcher may go. An Event costs a third more per second
        self._asleep.acquire()
        self._thread: threading.Thread | None = None
        self._spool: Spool | None = None
        self._own_cpu = 0.0
        self._seq = 0
        self._foreign = False
        self._problem: str | None = None
        self._result: Run | None = None
        self._exports: tuple[LiveExport, ...] = ()
        self._checkpointed = 0.0
        self.record_id = _random_uuid()
        self.path: Path | None = None
        """The run file, once it has landed."""
        self.untold: tuple[str, ...] = ()
        """What could not be shown elsewhere of the finished run; its evidence has landed all the same."""

    def start(self) -> None:
        """Read the meters for the first time and begin to watch."""
        before = time.thread_time()
        self._started_at = datetime.now(UTC)
        self._timeline = Timeline(
            self._world.meters,
            self._world.cpu,
            self._world.clock,
            self._settings.period_seconds,
            workload_of(self._settings.subject, self.record_id),
        )
        self._journal = Journal(self._timeline.start, self._settings.most_windows, self._settings.work)
        self._reader: LineReader | None = None
        self._taker = LineTaker(self._journal, self._begin, self._end)
        folder = self._settings.out or (self.delivery.outbox if self.delivery is not None else None)
        if folder is not None:
            self._open_spool(folder)
        _live.add(self)
        self._thread = threading.Thread(target=self._watch, name="wattmark", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:  # no more threads allowed: edges are still read
            self._journal.note(f"read at the edges only, no thread could be started: {error}")
        self._exports = self._world.exports
        for export in self._exports:
            export.start(self.snapshot)
        self._own_cpu += time.thread_time() - before

    def stop(
        self,
        *,
        exit_code: int | None = None,
        failed: bool = False,
        interrupted: bool = False,
        describe: Callable[[], Dataset | None] | None = None,
    ) -> Run:
        """Read the meters for the last time, land the run file and say what was observed.

        ``describe`` reads the dataset after the last reading, so that its cost is not in the run.
        """
        if self._foreign:
            return self._snapshot(Status.OPEN, self._world.clock())
        before = time.thread_time()
        self._stop_watching()
        with self._lock:
            if self._result is not None:
                return self._result
            self._take_lines(final=True)
            end = self._timeline.cut()
            self._own_cpu += time.thread_time() - before
            if describe is not None:
                self._describe(describe)
            status = Status.INTERRUPTED if interrupted else Status.CLOSED
            ended = replace(self._snapshot(status, end), exit_code=exit_code, failed=failed)
            self._result = ended
        concluding = [export for export in self._exports if isinstance(export, ConcludingExport)]
        notes = self._stop_exports()
        with self._lock:
            self._result = self._finished(replace(ended, notes=(*ended.notes, *notes)))
        _live.discard(self)
        self._land(self._result)
        if concluding:
            self._conclude(concluding, self._result)
        return self._result

    def discard(self) -> None:
        """Stop and keep nothing: there was nothing to measure."""
        self._stop_watching()
        self._stop_exports()
        with self._lock:
            if self._result is None:
                self._result = self._snapshot(Status.CLOSED, self._timeline.cut())
        _live.discard(self)
        if self._spool is not None:
            with self._disk:
                self._spool.discard()

    def begin(self, name: str, stage: str | None = None, parent: int | None = None) -> int:
        """Open a window; gives its id."""
        before = time.thread_time()
        with self._lock:
            if self._done:
                return 0
            window = self._begin(name, stage, parent)
            self._own_cpu += time.thread_time() - before
            return window

    def end(self, window: int) -> None:
        """Close a window."""
        before = time.thread_time()
        with self._lock:
            if not self._done:
                self._end(window)
                self._own_cpu += time.thread_time() - before

    def _begin(self, name: str, stage: str | None, parent: int | None) -> int:
        now = self._timeline.cut() if self._journal.keeps(stage, parent) else self._world.clock()
        return self._journal.begin(name, stage, parent, now)

    def _end(self, window: int) -> None:
        self._journal.end(
            window, self._timeline.cut() if self._journal.is_kept(window) else self._world.clock()
        )

    def log(self, *, dataset: Dataset | None = None, window: int | None = None, **entry: Any) -> None:
        """Take down what was done. What cannot be an entry (a loss that is NaN) becomes a remark of the run:
        it must not end the program that is measured.
        """
        with self._lock:
            if self._done:
                return
            try:
                self._journal.log(dataset=dataset, window=window, now=self._world.clock(), **entry)
            except UsageError as error:
                self._journal.note(f"an entry was ignored: {error}")

    def note(self, text: str) -> None:
        """Take down a remark."""
        with self._lock:
            self._journal.note(text)

    def follow(self, path: Path) -> None:
        """Take JSON lines from this file as they come."""
        with self._lock:
            self._reader = LineReader(path)

    def poll_lines(self) -> None:
        """Take what was written to the followed file since; one stat call when there is nothing."""
        reader = self._reader
        if reader is not None and reader.grown():
            with self._lock:
                if not self._done:
                    self._take_lines()

    def budget_state(self) -> BudgetState | None:
        """Where the budget stands; None without one."""
        budget = self._settings.budget
        if budget is None:
            return None
        from wattmark.measure.budget import state_of

        with self._lock:
            return state_of(budget, self._timeline.observed_joules(), self._journal.progress)

    @property
    def log_path(self) -> Path | None:
        """Where other processes may write lines for this run; None when nothing is written anywhere."""
        return self._spool.log_path if self._spool is not None else None

    @property
    def foreign(self) -> bool:
        """Whether this is a forked child's copy: it neither measures nor writes."""
        return self._foreign

    @property
    def problem(self) -> str | None:
        """Why the run file could not be written, if it could not."""
        return self._problem

    @property
    def delivery(self) -> Delivery | None:
        """How the run goes to its ledger, when it goes to one."""
        return self._world.delivery

    def snapshot(self) -> Run:
        """The run as it stands."""
        with self._lock:
            if self._result is not None:
                return self._result
            now = self._world.clock() if self._foreign else self._timeline.tick()
            return self._snapshot(Status.OPEN, now)

    def _describe(self, describe: Callable[[], Dataset | None]) -> None:
        try:
            found = describe()
        except Exception as error:  # noqa: BLE001 - any dataset class may be behind it, and the host must go on
            self._journal.note(
                f"the dataset could not be described: {type(error).__name__}: {without_paths(error)}"
            )
        else:
            self._journal.dataset = found or self._journal.dataset

    def _finished(self, run: Run) -> Run:
        try:
            return self._world.finish(run)
        except (WattmarkError, OSError, ValueError) as error:
            return replace(run, notes=(*run.notes, f"no calibration was applied: {without_paths(error)}"))

    @property
    def _done(self) -> bool:
        return self._result is not None or self._foreign

    def _stop_watching(self) -> None:
        with suppress(RuntimeError):  # it was told before
            self._asleep.release()

    def _stop_exports(self) -> list[str]:
        """What could not be shown. After the last reading: a server that does not answer is waited for, and
        that time and energy are not the program's.
        """
        with self._lock:
            exports, self._exports = self._exports, ()
        problems = [export.stop() for export in exports]
        return [f"not shown elsewhere: {problem}" for problem in problems if problem is not None]

    def _conclude(self, exports: Sequence[ConcludingExport], run: Run) -> None:
        """Tell what the run came to, when it has landed: what goes wrong here costs no evidence."""
        from wattmark.measure.spool import document_of

        try:
            document = document_of(run)
        except ValueError:  # said when it was to land
            return
        problems = [export.conclude(run, document) for export in exports]
        self.untold = tuple(problem for problem in problems if problem is not None)

    def _watch(self) -> None:
        while not self._asleep.acquire(timeout=min(self._settings.period_seconds, threading.TIMEOUT_MAX)):
            before = time.thread_time()
            with self._lock:
                if self._done:
                    return
                try:
                    now = self._timeline.tick()
                    self._take_lines()
                except Exception as error:  # noqa: BLE001 - the watcher must outlive any surprise, and say so
                    self._journal.note(f"a reading failed: {type(error).__name__}: {error}")
                    now = self._world.clock()
            if now - self._checkpointed >= self._settings.checkpoint_seconds:
                self._checkpoint(now)
            with self._lock:
                self._own_cpu += time.thread_time() - before

    def _take_lines(self, final: bool = False) -> None:
        if self._reader is None and self._spool is not None and self._spool.log_path.exists():
            self._reader = LineReader(self._spool.log_path)
        if self._reader is not None and (self._reader.grown() or final):
            for number, line in self._reader.new_lines(final):
                self._taker.take(number, line)
            while self._reader.problems:
                self._journal.note(self._reader.problems.pop())

    def _open_spool(self, out: Path) -> None:
        from wattmark.measure.spool import Spool, close_orphans  # at the start: nothing is loaded at the end

        outbox = self.delivery.outbox if self.delivery is not None else None
        stamp = self._started_at.strftime("%Y%m%dT%H%M%SZ")
        spool = Spool(out, self.record_id, stamp, outbox if outbox != out else None)
        try:
            out.mkdir(parents=True, exist_ok=True)
            close_orphans(out)
            spool.open()
            self._spool = spool
            self._checkpoint(self._timeline.start)
        except (OSError, ValueError) as error:
            self._trouble("nothing can be kept on disk", error)

    def _checkpoint(self, now: float) -> None:
        self._checkpointed = now
        if self._spool is None:
            return
        with self._disk:
            with self._lock:
                if self._done:
                    return
                self._seq += 1
                run = self._snapshot(Status.OPEN, now)
            try:
                self._spool.checkpoint(run)
            except (OSError, ValueError) as error:
                self._trouble("a checkpoint could not be written", error)

    def _land(self, run: Run) -> None:
        """Into its folder, and on its way to the ledger first: whoever is killed in between has done both."""
        delivery = self.delivery
        if self._spool is None and delivery is None:
            return
        from wattmark.measure.spool import SUFFIX, document_of

        with self._disk:
            try:
                document = document_of(run)
            except ValueError as error:
                self._trouble("the run file could not be written", error)
                return
            if delivery is not None and (self._spool is None or self._spool.folder != delivery.outbox):
                delivery.keep(f"{self.record_id}{SUFFIX}", document)
            if self._spool is not None:
                self._land_file(self._spool, document)
        if delivery is not None:
            delivery.send(document)

    def _land_file(self, spool: Spool, document: bytes) -> None:
        try:
            path = spool.land(document)
        except OSError as error:
            self._trouble("the run file could not be written", error)
            spool.forget_lock()  # what was checkpointed is an orphan now: the next process lands it
            return
        if self.delivery is not None and spool.folder == self.delivery.outbox:
            self.delivery.kept = True  # it is the ledger's from here on
        else:
            self.path = path

    def _trouble(self, what: str, error: Exception) -> None:
        self._problem = f"{what}: {error}"
        self._journal.note(f"{what}: {without_paths(error)}")

    def _snapshot(self, status: Status, now: float) -> Run:
        s, world = self._settings, self._world
        quality = tuple(self._journal.quality)
        devices = world.meters.devices
        return Run(
            record_id=self.record_id,
            # An orphan of the last checkpoint is one above it (spool.py): the whole run goes before it.
            seq=self._seq + 2 * (status is not Status.OPEN),
            status=status,
            started_at=self._started_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            started_monotonic_seconds=self._timeline.start,
            duration_seconds=max(0.0, now - self._timeline.start),
            solution_id=s.solution_id,
            parent=s.parent,
            rank=s.rank,
            world_size=s.world_size,
            host=world.host,
            subject=s.subject,
            windows=self._journal.kept_windows(now),
            energies=self._timeline.rows(),
            work=self._journal.work,
            quality=quality,
            outcome=s.goal.outcome(quality) if s.goal else None,
            dataset=self._journal.dataset,
            place=replace(
                s.place,
                hardware=s.place.hardware or _hardware(devices),
                utilisation=self._timeline.utilisation(),
                others_share=self._timeline.others_share(),
            ),
            overhead=Overhead(
                cpu_seconds=self._own_cpu,
                workload_cpu_seconds=self._timeline.own_cpu_seconds(),
                reads=self._timeline.reads,
            ),
            not_seen=world.meters.not_seen,
            meters=world.meters.choices,
            series=self._timeline.series(),
            notes=self._journal.remarks(),
            environment=world.environment,
        )


def _random_uuid() -> str:
    """A random UUID, version 4 (RFC 9562, section 5.4); the uuid module costs more than a whole window."""
    digits = f"{int.from_bytes(os.urandom(16)) & ~(0xF << 76) | 4 << 76:032x}"
    variant = f"{int(digits[16], 16) & 0b0011 | 0b1000:x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def _hardware(devices: tuple[Device, ...]) -> tuple[Hardware, ...]:
    counts: dict[tuple[str, str], int] = {}
    for device in devices:
        if device.name and device.component in ("cpu", "gpu", "module", "node"):
            component = "cpu" if device.component == "node" else device.component
            counts[component, device.name] = counts.get((component, device.name), 0) + 1
    return tuple(Hardware(component=c, name=n, count=float(k)) for (c, n), k in counts.items())


def _after_fork_in_child() -> None:
    """A forked child must not measure, write or hold the parent's locks."""
    for recording in list(_live):
        recording._foreign = True
        recording._lock = threading.RLock()
        recording._disk = threading.RLock()
        if recording._spool is not None:
            recording._spool.forget_lock()
    _live.clear()


def _at_exit() -> None:
    """A process that ends without stopping its recordings leaves them interrupted, not lost."""
    for recording in list(_live):
        recording.stop(interrupted=True)


ending.stops.append(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
