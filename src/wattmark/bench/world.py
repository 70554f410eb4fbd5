"""Everything of the outside world that a benchmark needs, as one argument."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from wattmark.bench.asking import Answer, Query
from wattmark.core.bench.pinned import ModelFacts
from wattmark.core.readings import Device
from wattmark.core.run import Host
from wattmark.measure.meterset import MeterSet
from wattmark.ports import Clock, StateMeter

Every = Callable[[float, Callable[[], None]], AbstractContextManager[None]]
"""``every(seconds, look)``: calls ``look`` each so many seconds until the context ends."""


def _nothing(batch: Sequence[Query], answers: Sequence[Answer]) -> Sequence[Answer]:
    return answers


def _all_of_them(facts: ModelFacts, devices: Sequence[Device]) -> Sequence[Device]:
    return devices


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Meters, clocks, states of devices: the real ones (wiring/bench_world.py), or bench/simulated.py's."""

    meters: MeterSet
    host: Host
    clock: Clock
    """Seconds that never step; meters stamp their readings with the same."""
    utc: Callable[[], str]
    """Wall-clock time, ISO 8601 with a trailing Z."""
    sleep: Callable[[float], None]
    every: Every
    """In a thread of its own, or whenever simulated time passes."""
    cpu_seconds: Callable[[], float]
    """CPU time of the calling thread: what watching costs is told with it."""
    states: Sequence[StateMeter] = ()
    hardware: tuple[str, ...] = ()
    """What devices call themselves."""
    environment: Callable[[], Mapping[str, str]] = field(default=dict)
    """Versions of libraries, drivers and kernel, asked for when the model is loaded."""
    after: Callable[[Sequence[Query], Sequence[Answer]], Sequence[Answer]] = _nothing
    """Told of each batch that was answered: simulated time passes, and answers get times of that kind."""
    new_id: Callable[[str], str] = field(default=lambda pinned: pinned)
    """The id of the evidence, from the hash of what is pinned: random, or made of it where simulated."""
    used: Callable[[ModelFacts, Sequence[Device]], Sequence[Device]] = _all_of_them
    """Those of the devices that the model runs on; what others do is left out."""
    notes: tuple[str, ...] = ()
    """What must be known of how it is measured: why a calibration was not applied."""
    simulated: bool = False
