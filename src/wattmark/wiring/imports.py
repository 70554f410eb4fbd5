"""From a source into a ledger or a folder: portion by portion, and a tally of what came."""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Protocol

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.imported import BadRow, Imported
from wattmark.core.known import Scope
from wattmark.core.run import Run, Subject
from wattmark.core.statements import only_states
from wattmark.core.telemetry import JOULES, Samples
from wattmark.hashing import sha256
from wattmark.ports import Source

HANDS = 8
"""Runs that are landed at once: each waits for a disk, or for an object store."""
MOST_BAD = 100_000
"""So many bad rows are kept with their places; the rest is counted."""
US = 1_000_000


class Landing(Protocol):
    """Where records go."""

    def refusal(self, subject: Subject) -> str:
        """Why records of this subject are not taken there; empty: they are."""
        ...

    def run(self, run: Run) -> None:
        """One run."""
        ...

    def samples(self, parts: Sequence[Samples]) -> None:
        """The samples of one portion."""
        ...


class Nowhere:
    """Lands nothing: a look at what would come."""

    def refusal(self, subject: Subject) -> str:
        """Nothing is refused."""
        return ""

    def run(self, run: Run) -> None:
        """Forget it."""

    def samples(self, parts: Sequence[Samples]) -> None:
        """Forget them."""


class Folder:
    """Writes a run file for each run; the highest ``seq`` of a run stays. Samples need a ledger."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._turn = Lock()

    def refusal(self, subject: Subject) -> str:
        """Nothing is refused."""
        return ""

    def run(self, run: Run) -> None:
        """Write it, unless the folder holds a later version of the run."""
        self.write(run)

    def write(self, run: Run) -> Path:
        """Write it so, and say where it is. Raises EvidenceError when it cannot be written."""
        from wattmark.ledger.runfile import SUFFIX, read_run
        from wattmark.measure.spool import write_atomically

        name = run.record_id
        if not re.fullmatch(r"[\w.-]{1,100}", name):
            name = sha256(name.encode()).hexdigest()
        path = self._out / f"{name}{SUFFIX}"
        try:
            with self._turn:  # two versions of one run have one name
                if not path.exists() or read_run(path).seq <= run.seq:
                    self._out.mkdir(parents=True, exist_ok=True)
                    write_atomically(path, run, self._out)
        except OSError as error:
            raise EvidenceError(str(path), f"cannot be written: {error.strerror}") from None
        return path

    def samples(self, parts: Sequence[Samples]) -> None:
        """Refuse: run files hold runs."""
        raise UsageError(
            "this input holds series of samples, which need a ledger: give --ledger; "
            "`wattmark ledger init FOLDER` begins one"
        )


class Ledger:
    """Lands in the inbox of a ledger, by the door that looks at tags."""

    def __init__(self, url: str) -> None:
        from wattmark.ledger.door import Door
        from wattmark.wiring.ledger import open_ledger

        ledger = open_ledger(url)
        self._door = Door(ledger.store, ledger.settings.tags)

    def refusal(self, subject: Subject) -> str:
        """What the ledger's tag rules say, in the mode ``refuse``."""
        return self._door.refusal(subject)

    def run(self, run: Run) -> None:
        """Land it."""
        self._door.run(run, run.record_id)

    def samples(self, parts: Sequence[Samples]) -> None:
        """Land them."""
        self._door.samples(parts, "stream")


@dataclass(slots=True)
class Tally:
    """What an import brought, before anything is counted once."""

    taken: int = 0
    ignored: int = 0
    bad: list[BadRow] = field(default_factory=list)
    bad_rows: int = 0
    sent_away: dict[str, BadRow] = field(default_factory=dict)
    """Records that the ledger refuses, by what they are called: read well, and kept nowhere."""
    notes: dict[str, None] = field(default_factory=dict)
    samples: int = 0
    gaps: int = 0
    """Intervals in which a device was not read."""
    streams: set[str] = field(default_factory=set)
    start_us: int | None = None
    end_us: int | None = None
    sampled_uj: dict[Scope, int] = field(default_factory=dict)
    stated: set[str] = field(default_factory=set)
    """Records that hold nothing but statements: no runs."""
    runs: dict[str, tuple[int, dict[Scope, float]]] = field(default_factory=dict)
    """Record id -> its highest seq, and the joules of that version."""

    def joules(self, scope: Scope) -> float:
        """Energy in rows of this scope that are part of no other."""
        runs = sum(found.get(scope, 0.0) for _, found in self.runs.values())
        return runs + self.sampled_uj.get(scope, 0) / 1e6

    def add(self, portion: Imported) -> None:
        """Count one portion in."""
        self.taken += portion.taken
        self.ignored += portion.ignored
        self.notes |= dict.fromkeys(portion.notes)
        self.refuse(portion.bad)
        for run in portion.runs:
            self._run(run)
        for part in portion.samples:
            self._samples(part)

    def refuse(self, bad: Sequence[BadRow]) -> None:
        """Count bad rows in."""
        self.bad_rows += len(bad)
        self.bad.extend(bad[: max(0, MOST_BAD - len(self.bad))])

    def _run(self, run: Run) -> None:
        start = round(datetime.fromisoformat(run.started_at).timestamp() * US)
        self._span(start, start + round(run.duration_seconds * US))
        if only_states(run):
            self.stated.add(run.record_id)
        if run.record_id in self.runs and self.runs[run.record_id][0] > run.seq:
            return
        joules: dict[Scope, float] = {}
        for row in run.energies:
            if row.part_of is None and row.party in (None, "own"):
                joules[row.scope] = joules.get(row.scope, 0.0) + row.energy_joules
        self.runs[run.record_id] = run.seq, joules

    def _samples(self, part: Samples) -> None:
        if not len(part):
            return
        self.streams.add(repr(part.stream))
        self.samples += len(part)
        self.gaps += sum(not seen for seen in part.observed)
        self._span(min(part.start_us), max(part.end_us))
        if part.stream.unit == JOULES and part.stream.part_of is None:
            scope = part.stream.scope
            self.sampled_uj[scope] = self.sampled_uj.get(scope, 0) + sum(part.energy_uj)

    def _span(self, start_us: int, end_us: int) -> None:
        self.start_us = start_us if self.start_us is None else min(self.start_us, start_us)
        self.end_us = end_us if self.end_us is None else max(self.end_us, end_us)


def bring(source: Source, landing: Landing) -> Tally:
    """Read a source to its end and land each portion. Importing again lands the same bytes again.

    Raises what the source and the landing raise; what has landed until then stays, and does no harm.
    """
    tally = Tally()
    with ThreadPoolExecutor(HANDS, "wattmark-import") as hands:
        for read in source.read():
            portion = _welcome(read, landing, tally)
            list(hands.map(landing.run, portion.runs))
            if any(len(part) for part in portion.samples):
                landing.samples(portion.samples)
            tally.add(portion)
    return tally


def _welcome(portion: Imported, landing: Landing, tally: Tally) -> Imported:
    """What of a portion may land; the rest is counted as sent away."""

    def may(name: str, subject: Subject) -> bool:
        refusal = landing.refusal(subject)
        if refusal:
            tally.sent_away[name] = BadRow(name, refusal)
        return not refusal

    runs = tuple(run for run in portion.runs if may(run.record_id, run.subject))
    samples = tuple(
        part
        for part in portion.samples
        if may(f"stream {part.stream.device_id or part.stream.unit}", part.stream.subject)
    )
    return replace(portion, runs=runs, samples=samples)
