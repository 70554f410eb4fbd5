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


@pytest.mark.parametrize(
    "said",
    [
        CounterReading(Energy(float("nan")), 0.0),
        CounterReading(Energy(float("inf")), 0.0),
        CounterReading(Energy(-1.0), 0.0),
        CounterReading(Energy(1.0), float("nan")),
        CounterReading(Energy(1.0), 1.7e9),
        CounterReading(Energy(1e13), 0.0),
    ],
)
def test_what_no_counter_can_say_is_a_gap(said: CounterReading) -> None:
    """Kept as it is, it would make the whole bundle one that cannot be read."""
    kept = Kept()
    Sampler(world_of(VirtualTime(), [{"c": said}]), kept).look()
    assert (kept.seen[0].energy_uj, kept.seen[0].at_us) == (None, 0)
    assert kept.seen[0].gap.startswith("the meter said what cannot be")


@pytest.mark.parametrize("watts", [float("nan"), float("-inf"), 1e10])
def test_what_no_sensor_can_say_is_a_gap(watts: float) -> None:
    """No JSON holds NaN, and no sensor shows 10 GW."""
    kept = Kept()
    Sampler(world_of(VirtualTime(), [{"p": PowerReading(Power(watts), 0.0)}]), kept).look()
    assert kept.seen[1].watts is None
    assert kept.seen[1].gap.startswith("the meter said what cannot be")


def test_a_meter_that_hangs_ends_the_benchmark_and_not_the_patience() -> None:
    """An edge waits for so long and no longer; between edges each query asks too."""
    hangs, begun = threading.Event(), threading.Event()

    class Hanging(Slow):
        def read(self) -> Mapping[str, Reading]:
            if self._seconds:
                begun.set()
                hangs.wait(250)
            return {}

    time = VirtualTime()
    meter = Hanging(time, 0.0)
    world = replace(world_of(time, ()), meters=MeterSet(meters=(meter,), devices=()))
    sampler = Sampler(world, Kept(), hung_seconds=0.05)
    meter._seconds = 1.0
    thread = threading.Thread(target=sampler.look, daemon=True)
    thread.start()
    try:
        assert begun.wait(120)
        sampler.check()
        time.sleep(0.06)
        with pytest.raises(EvidenceError, match="gave no answer within"):
            sampler.check()
        sampler.trouble = None
        with pytest.raises(EvidenceError, match="gave no answer within"):
            sampler.edge()
    finally:
        hangs.set()
        thread.join(120)


def test_states_that_break_are_not_known_any_more() -> None:
    """The devices that they were told of before have looks that say nothing."""

    class Breaking(States):
        broken = False

        def states(self) -> Sequence[StateLook]:
            if self.broken:
                raise OSError("the GPU is lost")
            return super().states()

    kept, states = Kept(), Breaking()
    sampler = Sampler(world_of(VirtualTime(), (), states=(states,)), kept)
    sampler.edge()
    states.broken = True
    sampler.edge()
    assert kept.how == [
        StateLook(device_id="c", at_us=0, celsius=50.0),
        StateLook(device_id="c", at_us=0),
    ]


def test_a_store_that_breaks_in_any_other_way_is_said_at_an_edge() -> None:
    """A defect must not end the thread that looks in silence."""

    class Defective(Forgetful):
        def looks(self, looks: Sequence[Look]) -> None:
            raise RuntimeError("odd")

    sampler = Sampler(world_of(VirtualTime(), ()), Defective())
    with pytest.raises(EvidenceError, match="cannot be looked at any more: RuntimeError: odd"):
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
        assert enough.wait(120)
    count = len(looks)
    assert set(looks) == {"wattmark-bench-meters"}
    assert not any(t.name == "wattmark-bench-meters" for t in threading.enumerate())
    assert len(looks) == count
