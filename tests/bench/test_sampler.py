"""Looks at meters and states, as they are kept."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from wattmark.bench.keeping import Forgetful, Look
from wattmark.bench.sampler import Sampler
from wattmark.bench.simulated import VirtualTime, simulated_world
from wattmark.bench.ticking import every
from wattmark.bench.world import World
from wattmark.core.bench.evidence import StateLook
from wattmark.core.errors import EvidenceError
from wattmark.core.readings import CounterReading, Gap, PowerReading, Reading
from wattmark.core.run import Host
from wattmark.core.units import Energy, Power
from wattmark.measure.meterset import MeterSet
from wattmark.testing.fakes import FakeMeter, a_device


@dataclass
class Kept(Forgetful):
    """Remembers what it was told."""

    seen: list[Look] = field(default_factory=list)
    how: list[StateLook] = field(default_factory=list)

    def looks(self, looks: Sequence[Look]) -> None:
        self.seen += looks

    def states(self, states: Sequence[StateLook]) -> None:
        self.how += states


def world_of(time: VirtualTime, script: Sequence[Mapping[str, Reading]], **changes: object) -> World:
    """One meter with a counter ``c`` and a power sensor ``p``; four looks find out how long a look takes."""
    devices = (a_device("c"), a_device("p", reads="power"))
    meter = FakeMeter(devices, [{}] * 4 + list(script))
    world = replace(
        simulated_world(1),
        meters=MeterSet(meters=(meter,), devices=devices),
        host=Host(id="h", fingerprint="f"),
        clock=time.clock,
        every=time.every,
        states=(),
    )
    return replace(world, **changes)  # type: ignore[arg-type]


def test_counters_sensors_and_gaps_are_kept_as_they_are() -> None:
    """2.5 J are 2 500 000 uJ; a gap keeps its reason; times are microseconds since the beginning."""
    time = VirtualTime()
    time.sleep(100)
    script: list[dict[str, Reading]] = [
        {"c": CounterReading(Energy(2.5), 103.0), "p": PowerReading(Power(40.0), 103.0)},
        {"c": Gap("lost")},
    ]
    kept = Kept()
    sampler = Sampler(world_of(time, script), kept)
    time.sleep(3)
    sampler.look()
    sampler.look()
    assert kept.seen == [
        Look(device_id="c", at_us=3_000_000, energy_uj=2_500_000),
        Look(device_id="p", at_us=3_000_000, watts=40.0),
        Look(device_id="c", at_us=3_000_000, gap="lost"),
        Look(device_id="p", at_us=3_000_000, gap="the script says nothing here"),
    ]


class Slow:
    """A meter whose look takes its time."""

    name = "slow"
    devices = ()

    def __init__(self, time: VirtualTime, seconds: float) -> None:
        self._time, self._seconds = time, seconds

    def read(self) -> Mapping[str, Reading]:
        self._time.sleep(self._seconds)
        return {}

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(("took", "period"), [(0.0, 0.1), (0.02, 0.1), (0.03, 0.2), (0.9, 5.0), (60.0, 10.0)])
def test_slow_meters_are_looked_at_less_often(took: float, period: float) -> None:
    """A look may take a fifth of the period; never less often than every 10 s."""
    time = VirtualTime()
    world = replace(world_of(time, ()), meters=MeterSet(meters=(Slow(time, took),), devices=()))
    assert Sampler(world, Kept()).period_us == round(period * 1e6)


class States:
    """Tells how hot it is."""

    def states(self) -> Sequence[StateLook]:
        return [StateLook(device_id="c", at_us=0, celsius=50.0)]


def test_states_are_looked_at_once_a_second_and_after_edges() -> None:
    """Ten looks in a second give one; after an edge the next look gives another."""
    time = VirtualTime()
    kept = Kept()
    sampler = Sampler(world_of(time, (), states=(States(),)), kept)
    with sampler.going():
        time.sleep(1.05)
        assert [s.at_us for s in kept.how] == [100_000]
        sampler.edge()
        time.sleep(0.1)
    assert [s.at_us for s in kept.how] == [100_000, 1_100_000]


def test_a_benchmark_that_is_resumed_goes_on_in_time() -> None:
    """Its first moment is the one it is told."""
    sampler = Sampler(world_of(VirtualTime(), ()), Kept(), begin_us=5_000_000)
    assert sampler.now_us() == 5_000_000


def test_what_cannot_be_kept_ends_the_sampling_and_is_raised_at_an_edge() -> None:
    """The thread that looks must not die in silence."""

    class Full(Forgetful):
        def looks(self, looks: Sequence[Look]) -> None:
            raise EvidenceError("b", "no space left on device")

    sampler = Sampler(world_of(VirtualTime(), ()), Full())
    sampler.look()
    sampler.look()
    assert sampler.overhead.reads == 1
    with pytest.raises(EvidenceError, match="no space left"):
        sampler.edge()


def test_what_looking_costs_is_told() -> None:
    """Each look costs two seconds of this CPU clock: five looks, ten seconds."""
    ticks = iter(range(0, 1000, 2))
    sampler = Sampler(world_of(VirtualTime(), (), cpu_seconds=lambda: float(next(ticks))), Kept())
    for _ in range(5):
        sampler.look()
    assert (sampler.overhead.cpu_seconds, sampler.overhead.reads) == (10.0, 5)


def test_a_thread_looks_until_the_context_ends() -> None:
    """Three looks come without anybody asking; after the context none comes."""
    enough = threading.Event()
    looks: list[str] = []

    def look() -> None:
        looks.append(threading.current_thread().name)
        if len(looks) >= 3:
            enough.set()

    with every(0.005, look):
        assert enough.wait(30)
    count = len(looks)
    assert set(looks) == {"wattmark-bench-meters"}
    assert not any(t.name == "wattmark-bench-meters" for t in threading.enumerate())
    assert len(looks) == count
