"""Looks at all meters at a steady rate and at edges of phases, and at the devices' states each second."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from wattmark.bench.keeping import Look, Store
from wattmark.bench.world import World
from wattmark.core.bench.evidence import StateLook
from wattmark.core.errors import EvidenceError, WattmarkError, without_paths
from wattmark.core.readings import CounterReading, Gap, PowerReading, Reading
from wattmark.core.run import Overhead
from wattmark.ports import StateMeter

PERIODS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds between looks. The first suits counters of GPUs, which tick every 0.1 s (arXiv 2312.02741): 100
ticks in 10 s. A later one is taken where a look takes long (a BMC over IPMI answers in a second or so)."""
BUSY_SHARE = 0.2
"""A look may take so much of the period."""
STATE_SECONDS = 1.0
"""Temperatures change slowly, and throttling lasts: more often would cost and tell nothing."""
HUNG_SECONDS = 60.0
"""A look that takes longer will not come back: a driver that hangs, a BMC that is gone."""
MOST_JOULES, MOST_WATTS = 2.0**63 / 1e6, 1e9
"""Beyond it nothing was read: no bundle holds such a number (bundle/sound.py)."""
MOST_APART_SECONDS = 3600.0
"""Between a reading and now; more, and the meter's clock is another one than the benchmark's."""
MOST_SAID = 200


class Sampler:
    """What the world's meters and devices say, written into a store; microseconds since its start."""

    def __init__(
        self, world: World, store: Store, begin_us: int = 0, hung_seconds: float = HUNG_SECONDS
    ) -> None:
        """``begin_us``: what the first moment is called; a benchmark that is resumed goes on from there."""
        self._hung_seconds = hung_seconds
        self._looking_since: float | None = None
        self._state_devices: dict[int, tuple[str, ...]] = {}
        self._world = world
        self._store = store
        self._origin = world.clock() - begin_us / 1e6
        self._lock = threading.RLock()
        self._next_states_us = begin_us
        self._cpu_seconds = 0.0
        self._reads = 0
        self.trouble: WattmarkError | None = None
        """Why nothing can be kept any more (a full disk, a meter that hangs); nothing is looked at then."""
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
        if self.trouble is not None:
            return
        if not self._lock.acquire(timeout=self._hung_seconds):
            self.trouble = self._hung()
            return
        try:
            self._look_now(edge)
        finally:
            self._lock.release()

    def edge(self) -> None:
        """A look at the edge of a phase. Raises what kept the sampler from going on."""
        self.look(edge=True)
        self.check()

    def check(self) -> None:
        """Raise what kept the sampler from going on."""
        since = self._looking_since
        if since is not None and self._world.clock() - since > self._hung_seconds:
            self.trouble = self.trouble or self._hung()
        if self.trouble is not None:
            raise self.trouble

    @property
    def overhead(self) -> Overhead:
        """What looking has cost so far."""
        return Overhead(cpu_seconds=self._cpu_seconds, reads=self._reads)

    def _look_now(self, edge: bool) -> None:
        if self.trouble is not None:
            return
        began = self._world.cpu_seconds()
        self._looking_since = self._world.clock()
        try:
            self._store.looks(self._looks())
            self._store_states()
            if edge:
                self._next_states_us = 0
        except WattmarkError as error:
            self.trouble = error
        except Exception as error:  # noqa: BLE001 - a thread that dies in silence would leave a hole
            said = f"{type(error).__name__}: {without_paths(error)}"[:MOST_SAID]
            self.trouble = EvidenceError("the meters", f"cannot be looked at any more: {said}")
        self._looking_since = None
        self._reads += 1
        self._cpu_seconds += self._world.cpu_seconds() - began

    def _hung(self) -> EvidenceError:
        return EvidenceError(
            "the meters",
            f"gave no answer within {self._hung_seconds:g} s; what was measured before is kept, and the "
            "benchmark can be resumed",
        )

    def _looks(self) -> Sequence[Look]:
        readings = self._world.meters.read()
        known = (d for d in self._world.meters.devices if d.id in readings)
        return [self._look(d.id, readings[d.id]) for d in known]

    def _look(self, device_id: str, reading: Reading) -> Look:
        match reading:
            case Gap(reason):
                return Look(device_id=device_id, at_us=self.now_us(), gap=reason[:MOST_SAID] or "a gap")
            case CounterReading(total, at) if 0 <= total.joules < MOST_JOULES and self._near(at):
                at_us = self.microseconds(at)
                return Look(device_id=device_id, at_us=at_us, energy_uj=round(total.joules * 1e6))
            case PowerReading(power, at) if abs(power.watts) <= MOST_WATTS and self._near(at):
                return Look(device_id=device_id, at_us=self.microseconds(at), watts=power.watts)
            case _:
                said = f"the meter said what cannot be: {reading}"[:MOST_SAID]
                return Look(device_id=device_id, at_us=self.now_us(), gap=said)

    def _near(self, at: float) -> bool:
        """Whether a reading's time is one of this clock; not for NaN."""
        return abs(at - self._world.clock()) <= MOST_APART_SECONDS

    def _store_states(self) -> None:
        now = self.now_us()
        if now < self._next_states_us or not self._world.states:
            return
        self._next_states_us = now + round(STATE_SECONDS * 1e6)
        found: list[StateLook] = []
        for number, meter in enumerate(self._world.states):
            found += [replace(state, at_us=now) for state in self._states_of(number, meter)]
        self._store.states(found)

    def _states_of(self, number: int, meter: StateMeter) -> Sequence[StateLook]:
        """What a meter tells; where it breaks, that nothing is known of the devices it told of before."""
        try:
            told = meter.states()
        except Exception:  # noqa: BLE001 - a third party's meter must not end the benchmark
            return [StateLook(device_id=i, at_us=0) for i in self._state_devices.get(number, ())]
        self._state_devices[number] = tuple(state.device_id for state in told)
        return told

    def _period(self) -> float:
        """The shortest period of which a look takes little."""
        took = []
        for _ in range(4):
            began = self._world.clock()
            self._world.meters.read()
            took.append(self._world.clock() - began)
        slowest = max(took[1:])  # the first one may open what later ones find open
        return next((p for p in PERIODS if slowest <= BUSY_SHARE * p), PERIODS[-1])
