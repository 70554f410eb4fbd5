"""Where evidence goes while a benchmark is under way: what is told here survives a kill."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from wattmark.core.bench.evidence import DeviceLooks, Evidence, Phase, PhaseName, QueryRecord, StateLook

UNFINISHED = "unfinished"
"""``failed`` of a phase that has begun and not ended yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one device said at one moment."""

    device_id: str
    at_us: int
    energy_uj: int | None = None
    """What the counter showed; None for a power sensor and where there was a gap."""
    watts: float | None = None
    """What the sensor showed; None for a counter and where there was a gap."""
    gap: str = ""
    """Why it gave nothing."""


class Store(Protocol):
    """Takes evidence in the order in which it comes up, from several threads, and keeps it."""

    def begin(self, head: Evidence) -> None:
        """Everything that is known once the model is loaded; columns, phases and queries are empty.

        Told again where the benchmark is resumed, with notes added.
        """
        ...

    def looks(self, looks: Sequence[Look]) -> None:
        """What the devices said at one moment."""
        ...

    def states(self, states: Sequence[StateLook]) -> None:
        """How devices were at one moment."""
        ...

    def phase(self, phase: Phase) -> None:
        """A phase that has begun (``failed`` is UNFINISHED) or ended.

        One with the same name, repeat and start takes the place of the one before.
        """
        ...

    def queries(self, records: Sequence[QueryRecord]) -> None:
        """The queries of a phase that has ended, scored."""
        ...


class Forgetful:
    """Keeps nothing: for callers that want the evidence alone."""

    def begin(self, head: Evidence) -> None:
        """Nothing is kept."""

    def looks(self, looks: Sequence[Look]) -> None:
        """Nothing is kept."""

    def states(self, states: Sequence[StateLook]) -> None:
        """Nothing is kept."""

    def phase(self, phase: Phase) -> None:
        """Nothing is kept."""

    def queries(self, records: Sequence[QueryRecord]) -> None:
        """Nothing is kept."""


class Record:
    """Keeps everything in memory, and hands it on to a store as soon as that has begun."""

    def __init__(self, store: Store, earlier: Evidence | None = None) -> None:
        """``earlier``: what a benchmark that is resumed left; its store has it already."""
        self._store = store
        self._begun = False
        self._devices: frozenset[str] | None = None
        self._waiting: list[Callable[[], None]] = []
        self._lock = threading.RLock()
        self.looks_of: dict[str, list[Look]] = {}
        self.all_states: list[StateLook] = list(earlier.states) if earlier else []
        self.all_queries: list[QueryRecord] = list(earlier.queries) if earlier else []
        self._phases: dict[tuple[PhaseName, int | None, int], Phase] = {}
        for looks in earlier.looks if earlier else ():
            self.looks_of[looks.device_id] = _rows(looks)
        for phase in earlier.phases if earlier else ():
            self._phases[phase.name, phase.repeat, phase.start_us] = phase

    @property
    def phases(self) -> tuple[Phase, ...]:
        """In the order in which they began."""
        return tuple(self._phases.values())

    def begin(self, head: Evidence) -> None:
        """Tell the store everything that came up before."""
        with self._lock:
            self._devices = frozenset(d.id for d in head.devices)
            for device_id in self.looks_of.keys() - self._devices:
                del self.looks_of[device_id]
            self.all_states = [s for s in self.all_states if self._counts(s.device_id)]
            self._store.begin(head)
            self._begun = True
            for tell in self._waiting:
                tell()
            self._waiting.clear()

    def looks(self, looks: Sequence[Look]) -> None:
        """What the devices said at one moment."""
        with self._lock:
            for look in looks:
                if self._counts(look.device_id):
                    self.looks_of.setdefault(look.device_id, []).append(look)
            self._tell(lambda: self._store.looks([k for k in looks if self._counts(k.device_id)]))

    def states(self, states: Sequence[StateLook]) -> None:
        """How devices were at one moment."""
        with self._lock:
            self.all_states += [s for s in states if self._counts(s.device_id)]
            self._tell(lambda: self._store.states([s for s in states if self._counts(s.device_id)]))

    def phase(self, phase: Phase) -> None:
        """A phase that has begun or ended."""
        with self._lock:
            self._phases[phase.name, phase.repeat, phase.start_us] = phase
            self._tell(lambda: self._store.phase(phase))

    def queries(self, records: Sequence[QueryRecord]) -> None:
        """Queries of a phase that has ended."""
        with self._lock:
            self.all_queries += records
            self._tell(lambda: self._store.queries(records))

    def evidence(self, head: Evidence) -> Evidence:
        """The head with everything that has come up."""
        with self._lock:
            reads = {d.id: d.reads for d in head.devices}
            return replace(
                head,
                looks=tuple(_columns(i, rows, reads.get(i, "counter")) for i, rows in self.looks_of.items()),
                phases=self.phases,
                queries=tuple(self.all_queries),
                states=tuple(self.all_states),
            )

    def recent(self, head: Evidence, since_us: int) -> Evidence:
        """The head with the looks since then."""
        with self._lock:
            reads = {d.id: d.reads for d in head.devices}
            return replace(
                head,
                looks=tuple(
                    _columns(i, rows[bisect_left(rows, since_us, key=_at) :], reads.get(i, "counter"))
                    for i, rows in self.looks_of.items()
                ),
            )

    def _counts(self, device_id: str) -> bool:
        """Devices that the head leaves out are not kept; which those are is known once it is told."""
        return self._devices is None or device_id in self._devices

    def _tell(self, tell: Callable[[], None]) -> None:
        if self._begun:
            tell()
        else:
            self._waiting.append(tell)


def _at(look: Look) -> int:
    return look.at_us


def _columns(device_id: str, rows: Sequence[Look], reads: str) -> DeviceLooks:
    counter = reads == "counter"
    return DeviceLooks(
        device_id=device_id,
        at_us=tuple(row.at_us for row in rows),
        energy_uj=tuple(row.energy_uj for row in rows) if counter else (),
        watts=() if counter else tuple(row.watts for row in rows),
        gaps={str(n): row.gap for n, row in enumerate(rows) if row.gap},
    )


def _rows(looks: DeviceLooks) -> list[Look]:
    def row(n: int) -> Look:
        return Look(
            device_id=looks.device_id,
            at_us=looks.at_us[n],
            energy_uj=looks.energy_uj[n] if looks.energy_uj else None,
            watts=looks.watts[n] if looks.watts else None,
            gap=looks.gaps.get(str(n), ""),
        )

    return [row(n) for n in range(len(looks.at_us))]
