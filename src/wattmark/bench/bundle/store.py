"""Where evidence is kept while a benchmark runs: nothing that was seen is lost when its process dies."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import msgspec

from wattmark.bench.bundle.journal import JOURNAL, Journal
from wattmark.bench.bundle.layout import MANIFEST, OPEN
from wattmark.bench.keeping import UNFINISHED, Look
from wattmark.core.bench.evidence import DeviceLooks, Evidence, Phase, QueryRecord, StateLook
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.plain import plain

LOOKS, QUERIES, STATES, PHASE, HEAD = "looks", "queries", "states", "phase", "head"
CUT_SHORT = "the process ended before the phase did"


class EvidenceStore:
    """Takes what is seen, in any thread: every line is kept at once, every phase for good when it ends.

    A :class:`wattmark.bench.keeping.Store`. The folder is the bundle's, ``NAME.wattmark``; what is seen lies
    in its folder ``open`` until :func:`wattmark.bench.bundle.write.write_bundle` has sealed it. A context
    manager that lets go of the files. Every method raises EvidenceError when something cannot be written;
    what was kept before stays.
    """

    def __init__(self, folder: Path, journal: Journal) -> None:
        self.folder = folder
        self._journal = journal
        self._writing = threading.Lock()

    @classmethod
    def open(cls, folder: Path) -> Self:
        """A folder of its own for a new benchmark.

        Raises UsageError where there is a benchmark already, finished or not, or another process writes one.
        """
        if (folder / MANIFEST).exists():
            raise UsageError(f"{folder}: holds a finished benchmark: give another folder")
        store = cls(folder, Journal(folder / OPEN, new=True))
        if not store._journal.empty:
            store.close()
            raise UsageError(f"{folder}: holds a benchmark that was not finished: resume it, or remove it")
        return store

    @classmethod
    def resume(cls, folder: Path) -> Self:
        """Go on with a benchmark whose process ended; :meth:`so_far` tells how far it came.

        A phase that had not ended is closed as failed: it counts as an attempt. Raises UsageError where there
        is none to go on with, or another process writes it.
        """
        if (folder / MANIFEST).exists():
            _clear(folder)
            raise UsageError(f"{folder}: this benchmark is finished: there is nothing to resume")
        if not (folder / OPEN / JOURNAL).exists():
            raise UsageError(f"{folder}: holds no benchmark to resume")
        store = cls(folder, Journal(folder / OPEN, new=False))
        try:
            seen = store._read()
            for phase in seen.phases.values():
                if phase.failed == UNFINISHED:
                    store.phase(replace(phase, end_us=max(seen.last_us, phase.end_us), failed=CUT_SHORT))
        except BaseException:
            store.close()
            raise
        return store

    @property
    def cut_bytes(self) -> int:
        """How much of a half line was cut off when it was resumed."""
        return self._journal.cut_bytes

    def begin(self, head: Evidence) -> None:
        """Everything known beside what is seen; told again, it takes the place of what was told before."""
        empty = replace(head, looks=(), phases=(), queries=(), states=())
        self._append(HEAD, plain(empty))
        self.settle()

    def looks(self, looks: Sequence[Look]) -> None:
        """What the devices said at one moment."""
        self._append(LOOKS, [[k.device_id, k.at_us, k.energy_uj, k.watts, k.gap] for k in looks])

    def states(self, states: Sequence[StateLook]) -> None:
        """How devices were at one moment."""
        self._append(STATES, plain(tuple(states)))

    def phase(self, phase: Phase) -> None:
        """A phase that has begun or ended. When it has ended, everything so far is on the disk."""
        self._append(PHASE, plain(phase))
        if phase.failed != UNFINISHED:
            self.settle()

    def queries(self, records: Sequence[QueryRecord]) -> None:
        """Queries that were answered, or failed; they are on the disk when this returns."""
        self._append(QUERIES, plain(tuple(records)))
        self.settle()

    def settle(self) -> None:
        """Wait until everything so far is on the disk."""
        with self._writing:
            self._journal.settle()

    def so_far(self) -> Evidence | None:
        """All that was seen so far, as it stands on the disk; None where :meth:`begin` was never called."""
        return self._read().evidence()

    @property
    def last_us(self) -> int:
        """The latest moment that anything was recorded at."""
        return self._read().last_us

    def finish(self) -> Evidence:
        """The evidence, whole; the files stay until it is sealed.

        Raises EvidenceError for a benchmark that never began, and while one of its phases goes on.
        """
        self.settle()
        seen = self._read()
        evidence = seen.evidence()
        if evidence is None:
            raise EvidenceError(str(self.folder), "holds nothing: the benchmark never began")
        if going := [p.name for p in evidence.phases if p.failed == UNFINISHED]:
            raise EvidenceError(str(self.folder), f"is not finished: {going[0]} has not ended")
        return evidence

    def close(self) -> None:
        """Let go of the files and the lock."""
        with self._writing:
            self._journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _append(self, kind: str, record: Any) -> None:
        with self._writing:
            self._journal.append(kind, record)

    def _read(self) -> _Seen:
        seen = _Seen()
        with self._writing:
            try:
                for kind, record in self._journal.records():
                    seen.take(kind, record)
            except (msgspec.ValidationError, ValueError, TypeError) as error:
                raise EvidenceError(str(self._journal.path), f"is not of this wattmark: {error}") from None
        return seen


def _clear(folder: Path) -> None:
    """Remove what was left open in a finished bundle by a process that was killed just then."""
    if (folder / OPEN).is_dir():
        Journal(folder / OPEN, new=True).close()  # raises while the one that seals it is at it
        shutil.rmtree(folder / OPEN, ignore_errors=True)


@dataclass(slots=True)
class _Columns:
    at_us: list[int] = field(default_factory=list)
    energy_uj: list[int | None] = field(default_factory=list)
    watts: list[float | None] = field(default_factory=list)
    gaps: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Seen:
    """The records of a journal, gathered."""

    head: Evidence | None = None
    last_us: int = 0
    looks: dict[str, _Columns] = field(default_factory=dict)
    phases: dict[tuple[str, int | None, int], Phase] = field(default_factory=dict)
    queries: list[QueryRecord] = field(default_factory=list)
    states: list[StateLook] = field(default_factory=list)

    def take(self, kind: str, record: Any) -> None:
        """One record. Raises ValueError, TypeError or ValidationError for one that is none of ours."""
        if kind == LOOKS:
            for look in record:
                self._look(*look)
        elif kind == QUERIES:
            self.queries.extend(records := msgspec.convert(record, list[QueryRecord]))
            self._at(*(query.end_us for query in records))
        elif kind == STATES:
            self.states.extend(states := msgspec.convert(record, list[StateLook]))
            self._at(*(state.at_us for state in states))
        elif kind == PHASE:
            phase = msgspec.convert(record, Phase)
            self.phases[phase.name, phase.repeat, phase.start_us] = phase
            self._at(phase.end_us)
        elif kind == HEAD:
            self.head = msgspec.convert(record, Evidence)
        else:
            raise ValueError(f"it holds a record {kind!r:.40}")

    def evidence(self) -> Evidence | None:
        """What the records make up."""
        if self.head is None:
            return None
        reads = {device.id: device.reads for device in self.head.devices}
        return replace(
            self.head,
            looks=tuple(_looks_of(name, seen, reads) for name, seen in self.looks.items()),
            phases=tuple(self.phases.values()),
            queries=tuple(self.queries),
            states=tuple(self.states),
        )

    def _look(self, device_id: str, at_us: int, energy_uj: int | None, watts: float | None, gap: str) -> None:
        columns = self.looks.setdefault(device_id, _Columns())
        if gap:
            columns.gaps[str(len(columns.at_us))] = gap
        columns.at_us.append(at_us)
        columns.energy_uj.append(energy_uj)
        columns.watts.append(watts)
        self._at(at_us)

    def _at(self, *moments: int) -> None:
        self.last_us = max(self.last_us, *moments) if moments else self.last_us


def _looks_of(device_id: str, seen: _Columns, reads: Mapping[str, str]) -> DeviceLooks:
    """The column of the device's kind, whole; the other one only where something is in it."""
    kind = reads.get(device_id)
    counter = kind == "counter" or any(e is not None for e in seen.energy_uj)
    power = kind == "power" or any(w is not None for w in seen.watts)
    return DeviceLooks(
        device_id=device_id,
        at_us=tuple(seen.at_us),
        energy_uj=tuple(seen.energy_uj) if counter else (),
        watts=tuple(None if w is None else float(w) for w in seen.watts) if power else (),
        gaps=seen.gaps,
    )
