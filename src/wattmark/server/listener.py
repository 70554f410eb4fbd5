"""Takes requests of points: durable before they are acknowledged, in the ledger a little later.

Three things go on side by side. Requests are decoded in the event loop and wait for their commit. A writer
thread appends all that are waiting and makes them durable with one call (group commit). A landing thread
works out the intervals of closed journal files and lands them.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

from wattmark.core.errors import EvidenceError, LedgerError, WattmarkError
from wattmark.core.sound import fault_of_samples
from wattmark.core.telemetry import Samples
from wattmark.server.grouping import reads_of
from wattmark.server.journal import Journal, JournalFile, frames_of
from wattmark.sources.otlp_decode import Decoder
from wattmark.sources.otlp_intake import Intake, Points
from wattmark.sources.otlp_json import JsonDecoder
from wattmark.sources.otlp_names import WANTED, Naming
from wattmark.sources.otlp_state import State
from wattmark.sources.otlp_streams import pair

MOST_POINTS = 500_000
"""Points of one journal file: what is worked out at once stays below a quarter of a GB."""

MOST_SERIES = 200_000
MOST_REMEMBERED = 64 << 20
"""So many series, and bytes of attributes, are remembered between requests."""

Land = Callable[[Sequence[Samples]], object]
"""Lands samples in the ledger; raises LedgerError when it cannot."""
Say = Callable[[str], None]
"""Tells the operator."""


class NoRoom(Exception):
    """Nothing can be taken now; the message says why. What was sent is not acknowledged."""


@dataclass(slots=True)
class Tally:
    """What happened since the start, for the listener's own metrics."""

    requests: Counter[int] = field(default_factory=Counter)
    """HTTP status -> requests."""
    accepted: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    late: Counter[str] = field(default_factory=Counter)
    gaps: Counter[str] = field(default_factory=Counter)
    landed: int = 0
    """Intervals in the ledger."""
    batches: int = 0
    failures: int = 0
    """Times that landing failed."""


class _Open:
    """A journal file that takes frames, and those that wait to become durable."""

    def __init__(self, file: JournalFile) -> None:
        self.file = file
        self.begun = time.monotonic()
        self.waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self.commit: asyncio.Task[None] | None = None


class Listener:
    """One journal and the ledger behind it. Lives in one event loop."""

    def __init__(
        self,
        journal: Journal,
        naming: Naming,
        land: Land,
        say: Say,
        *,
        land_every: float = 30.0,
        most_backlog: int = 1 << 30,
        most_points: int = MOST_POINTS,
        most_remembered: int = MOST_REMEMBERED,
        fold: Callable[[], None] | None = None,
        fold_every: float | None = None,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.tally = Tally()
        self.trouble = ""
        """Why the ledger does not take what is here; empty while it does."""
        self._journal = journal
        self._land = land
        self._say = say
        self._land_every = land_every
        self._most_backlog = most_backlog
        self._most_points = most_points
        self._most_remembered = most_remembered
        self._fold = fold if fold_every is not None else None
        self._fold_every = fold_every or 0.0
        self._folded = time.monotonic()
        self._now_ns = now_ns
        self._naming = naming
        self._begin_anew()
        self._open: _Open | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._in_use: set[Path] = set()
        self._backlog = sum(path.stat().st_size for path in journal.waiting())
        self._oldest: float | None = time.monotonic() if self._backlog else None
        self._writer = ThreadPoolExecutor(1, "wattmark-journal")
        self._lander = ThreadPoolExecutor(1, "wattmark-landing")
        self._wake = asyncio.Event()
        self._landing: asyncio.Task[None] | None = None
        self._stopping = False
        self._said: set[str] = set()

    @property
    def remembered(self) -> int:
        """Bytes of attributes that are kept, because they come again."""
        return self._protobuf.remembered + self._json.remembered

    def _begin_anew(self) -> None:
        """Forget the attributes and series that were seen; they are learnt again when they come again."""
        self._protobuf = Decoder(WANTED)
        self._json = JsonDecoder(WANTED)
        self._intake = Intake(self._naming)

    @property
    def backlog(self) -> int:
        """Bytes that are acknowledged and not in the ledger yet."""
        return self._backlog

    @property
    def lag_seconds(self) -> float:
        """For how long the oldest of them has been waiting, at most."""
        return 0.0 if self._oldest is None else time.monotonic() - self._oldest

    async def take(self, body: bytes, *, is_json: bool) -> Points:
        """One request; when this returns, its points are durable. Raises Malformed or NoRoom.

        The answer's ``refused`` holds what was left out for a reason that the sender should know.
        """
        if self.remembered > self._most_remembered or self._intake.known > MOST_SERIES:
            self._begin_anew()
        request = (self._json if is_json else self._protobuf).decode(body)
        points = self._intake.take(request, self._now_ns())
        if len(points):
            await self._durable(points)
        self.tally.accepted += len(points)
        self.tally.rejected += points.refused
        self.tally.ignored += points.ignored
        for reason in (*points.refused, *points.ignored):
            self._once(f"left out: {reason}")
        return points

    async def _durable(self, points: Points) -> None:
        if self._backlog > self._most_backlog:
            raise NoRoom(
                f"{self._backlog >> 20} MiB wait to be landed"
                + (f": {self.trouble}" if self.trouble else ": the listener cannot keep up")
            )
        try:
            mine = self._open or self._begin()
            frame = mine.file.frame(points)
        except OSError as error:
            raise NoRoom(f"the journal cannot be written: {error.strerror or error}") from None
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        mine.waiting.append((frame, ready))
        if mine.commit is None:
            mine.commit = asyncio.create_task(self._commit(mine))
        if mine.file.points >= self._most_points:
            self._retire(mine)
            self._wake.set()
        try:
            await ready
        except OSError as error:
            raise NoRoom(f"the journal cannot be written: {error.strerror or error}") from None

    def _begin(self) -> _Open:
        self._open = _Open(self._journal.begin())
        self._in_use.add(self._open.file.path)
        self._backlog += self._open.file.size
        if self._oldest is None:
            self._oldest = time.monotonic()
        return self._open

    async def _commit(self, mine: _Open) -> None:
        """Write what is waiting, all at once, until nothing is."""
        loop = asyncio.get_running_loop()
        while mine.waiting:
            batch, mine.waiting = mine.waiting, []
            frames = [frame for frame, _ in batch]
            before = mine.file.size
            try:
                await loop.run_in_executor(self._writer, mine.file.write, frames)
            except OSError as error:
                # What comes after a failed write could not be read back: the file ends here.
                batch += mine.waiting
                mine.waiting = []
                for _, ready in batch:
                    _answer(ready, error)
                self._retire(mine)
                break
            self._backlog += mine.file.size - before
            for _, ready in batch:
                _answer(ready, None)
        mine.commit = None

    def _retire(self, mine: _Open) -> None:
        """Take no more frames into this file; it is closed once what is waiting is durable."""
        if self._open is mine:
            self._open = None
            task = asyncio.create_task(self._close(mine))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def _close(self, mine: _Open) -> None:
        while mine.commit is not None:
            await asyncio.wait({mine.commit})
        await asyncio.get_running_loop().run_in_executor(self._writer, mine.file.close)
        self._in_use.discard(mine.file.path)

    def start(self) -> None:
        """Begin to land what is there and what comes; once, or one that lands misses the call to end."""
        if self._landing is None:
            self._landing = asyncio.create_task(self._land_again_and_again())

    async def stop(self) -> None:
        """Land what is there, as far as the ledger lets us, and let go of the journal."""
        self._stopping = True
        self._wake.set()
        if self._landing is not None:
            await self._landing
        self._writer.shutdown()
        self._lander.shutdown()
        self._journal.close()
        if waiting := len(self._journal.waiting()):
            self._say(f"{waiting} files wait in {self._journal.folder}: they are landed at the next start")

    async def _land_again_and_again(self) -> None:
        """At once what an earlier listener left; then every ``land_every`` seconds, and full files."""
        while True:
            last = self._stopping
            if last and self._open is not None:
                self._retire(self._open)
            if self._closing:
                await asyncio.gather(*self._closing)
            # In their order: what is behind a file that is still open must wait for it.
            closed = list(takewhile(lambda path: path not in self._in_use, self._journal.waiting()))
            loop = asyncio.get_running_loop()
            if await loop.run_in_executor(self._lander, self._land_files, closed, loop):
                self._oldest = self._open.begun if self._open else None
            if last:
                return
            if self._fold is not None and time.monotonic() - self._folded >= self._fold_every:
                await loop.run_in_executor(self._lander, self._fold_now, self._fold)
                self._folded = time.monotonic()
            try:
                await asyncio.wait_for(self._wake.wait(), self._land_every)
            except TimeoutError:
                if self._open is not None:
                    self._retire(self._open)
            self._wake.clear()

    def _took(self, size: int) -> None:
        self._backlog = max(0, self._backlog - size)

    def _land_files(self, paths: Sequence[Path], loop: asyncio.AbstractEventLoop) -> bool:
        """In the landing thread: files in their order, up to the first that the ledger does not take."""
        for path in paths:
            try:
                size = path.stat().st_size
                self._land_file(path)
            except Exception as error:  # noqa: BLE001
                # Whatever it is, a defect included: what was acknowledged stays, and is tried again.
                self.tally.failures += 1
                known = isinstance(error, (WattmarkError, OSError))
                reason = str(error) if known else f"{type(error).__name__}: {error}"
                if reason != self.trouble:
                    self._say(f"cannot land now, and will try again: {reason}")
                    if not known:
                        self._say("".join(traceback.format_exception(error)))
                self.trouble = reason
                return False
            if self.trouble:
                self._say("the ledger takes what is sent again")
            self.trouble = ""
            loop.call_soon_threadsafe(self._took, size)  # last: who sees no backlog finds no trouble either
        return True

    def _land_file(self, path: Path) -> None:
        before = self._journal.state
        state = State(dict(before.kept), before.newest_us, dict(before.counted_newly))
        longest_gap_us, frames = frames_of(path)
        paired = pair(reads_of(frames), state, longest_gap_us)
        samples = paired.samples
        rows = sum(map(len, samples))
        if rows:
            try:
                self._land(samples)
            except EvidenceError as error:
                # A defect of ours: nothing that can be sent should lead here. Keep the points, land the rest.
                kept = self._journal.copy_aside(path)
                self._say(f"has intervals that cannot be landed: kept as {kept}, please report it: {error}")
                samples = tuple(part for part in samples if fault_of_samples(part) is None)
                self._land(samples)
        self._journal.done(path, state)
        self.tally.landed += rows
        self.tally.batches += 1 if rows else 0
        self.tally.repeated += paired.repeated
        self.tally.late += paired.late
        self.tally.gaps += paired.gaps
        for reason in paired.late:
            self._once(f"a point {reason}")

    def _fold_now(self, fold: Callable[[], None]) -> None:
        try:
            fold()
        except (LedgerError, OSError) as error:
            self._say(f"cannot fold now; whoever reads the ledger will: {error}")

    def _once(self, text: str) -> None:
        """Say it the first time; the metrics hold how often it was so."""
        if text not in self._said and len(self._said) < 1000:
            self._said.add(text)
            self._say(text)


def _answer(ready: asyncio.Future[None], error: OSError | None) -> None:
    if ready.done():
        return  # whoever waited has gone away
    if error is None:
        ready.set_result(None)
    else:
        ready.set_exception(error)
