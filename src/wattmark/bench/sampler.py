"""Looks at all meters at a steady rate and at edges of phases, and at the devices' states each second."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from wattmark.bench.keeping import Look, Store
from wattmark.bench.world import World
from wattmark.core.bench.evidence import StateLook
from wattmark.core.errors import WattmarkError
from wattmark.core.readings import CounterReading, Gap, Reading
from wattmark.core.run import Overhead

PERIODS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds between looks. The first suits counters of GPUs, which tick every 0.1 s (arXiv 2312.02741): 100
ticks in 10 s. A later one is taken where a look takes long (a BMC over IPMI answers in a second or so)."""
BUSY_SHARE = 0.2
"""A look may take so much of the period."""
STATE_SECONDS = 1.0
"""Temperatures change slowly, and throttling lasts: more often would cost and tell nothing."""


class Sampler:
    """What the world's meters and devices say, written into a store; microseconds since its start."""

    def __init__(self, world: World, store: Store, begin_us: int = 0) -> None:
        """``begin_us``: what the first moment is called; a benchmark that is resumed goes on from there."""
        self._world = world
        self._store = store
        self._origin = world.clock() - begin_us / 1e6
        self._lock = threading.RLock()
        self._next_states_us = begin_us
        self._cpu_seconds = 0.0
        self._reads = 0
        self.trouble: WattmarkError | None = None
        """Why nothing can be kept any more (a full disk); nothing is looked at then."""
        self.period_us = round(self._period() * 1e6)

    def now_us(self) -> int:
        """The present moment."""
        return self.microseconds(self._world.clock())

    def microseconds(self, seconds: float) -> int:
        """A moment of the world's clock."""
        return round((seconds - self._origin) * 1e6)

    @contextmanager
    def going(self) -> Iterator[None]:
        """Look all the time until the context ends."""
        with self._world.every(self.period_us / 1e6, self.look):
            yield

    def look(self, edge: bool = False) -> None:
        """Look at every meter now, and at states when they are due. Safe from any thread; never raises.

        After an edge they are due at once: the next look lies within the phase that begins.
        """
        with self._lock:
            if self.trouble is not None:
                return
            began = self._world.cpu_seconds()
            try:
                self._store.looks(self._looks())
                self._store_states()
                if edge:
                    self._next_states_us = 0
            except WattmarkError as error:
                self.trouble = error
            self._reads += 1
            self._cpu_seconds += self._world.cpu_seconds() - began

    def edge(self) -> None:
        """A look at the edge of a phase. Raises what kept the sampler from going on."""
        self.look(edge=True)
        self.check()

    def check(self) -> None:
        """Raise what kept the sampler from going on."""
        if self.trouble is not None:
            raise self.trouble

    @property
    def overhead(self) -> Overhead:
        """What looking has cost so far."""
        return Overhead(cpu_seconds=self._cpu_seconds, reads=self._reads)

    def _looks(self) -> Sequence[Look]:
        readings = self._world.meters.read()
        known = (d for d in self._world.meters.devices if d.id in readings)
        return [self._look(d.id, readings[d.id]) for d in known]

    def _look(self, device_id: str, reading: Reading) -> Look:
        match reading:
            case Gap(reason):
                return Look(device_id=device_id, at_us=self.now_us(), gap=reason)
            case CounterReading(total, at):
                at_us = self.microseconds(at)
                return Look(device_id=device_id, at_us=at_us, energy_uj=round(total.joules * 1e6))
            case _:
                at_us = self.microseconds(reading.at)
                return Look(device_id=device_id, at_us=at_us, watts=reading.power.watts)

    def _store_states(self) -> None:
        now = self.now_us()
        if now < self._next_states_us or not self._world.states:
            return
        self._next_states_us = now + round(STATE_SECONDS * 1e6)
        found: list[StateLook] = []
        for meter in self._world.states:
            found += [replace(state, at_us=now) for state in meter.states()]
        self._store.states(found)

    def _period(self) -> float:
        """The shortest period of which a look takes little."""
        took = []
        for _ in range(4):
            began = self._world.clock()
            self._world.meters.read()
            took.append(self._world.clock() - began)
        slowest = max(took[1:])  # the first one may open what later ones find open
        return next((p for p in PERIODS if slowest <= BUSY_SHARE * p), PERIODS[-1])
