"""A conformance suite that any meter can run: inherit :class:`MeterSuite` and describe a world for it.

    class TestAcmeMeter(MeterSuite):
        @pytest.fixture
        def world(self, tmp_path):
            return AcmeWorld(tmp_path)

Each rule comes from a defect that was seen in a published tool: a failed reading taken for zero, a wrap
read as minus 262 kJ, a counter read in a child process with its parent's handle. A world that cannot do
something says why in ``cannot``; the rule is then skipped with that reason.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import pytest

from wattmark.core.errors import MeterUnavailable
from wattmark.core.known import GRADE_OF_METHOD, Boundary, Grade, Method
from wattmark.core.readings import (
    CounterReading,
    Device,
    Gap,
    PowerReading,
    Reading,
    energy_between,
    power_plausible,
)
from wattmark.core.units import Energy
from wattmark.ports import Meter
from wattmark.testing.fakes import ManualClock

WATTS, SECONDS = 50.0, 0.5


class MeterWorld(Protocol):
    """The hardware as a test commands it."""

    clock: ManualClock
    """The clock that the meter is opened with."""

    def open(self) -> Meter:
        """A new meter on this world."""
        ...

    def spend(self, watts: float, seconds: float) -> None:
        """Every device that is part of no other draws so many watts; the clock goes on."""
        ...

    def set_joules(self, device_id: str, joules: float) -> None:
        """Make the counter of a device show so many joules."""
        ...

    def damage(self, device_id: str) -> None:
        """Let the readings of this device fail from now on."""
        ...

    def remove(self) -> None:
        """Take the hardware away, before a meter is opened."""
        ...


class MeterSuite:
    """The rules every meter keeps."""

    cannot: Mapping[str, str] = {}
    """Name of a rule -> why this meter or its world cannot do it."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> MeterWorld:
        """The hardware; every suite gives its own."""
        raise NotImplementedError("a suite gives a fixture 'world'")

    @pytest.fixture(autouse=True)
    def _leave_out(self, request: pytest.FixtureRequest) -> None:
        reason = self.cannot.get(request.node.name.partition("[")[0])
        if reason is not None:
            pytest.skip(reason)

    def test_it_says_what_it_reads(self, world: MeterWorld) -> None:
        """A name, at least one device, and no id twice."""
        meter = world.open()
        ids = [d.id for d in meter.devices]
        assert meter.name
        assert ids
        assert len(set(ids)) == len(ids)
        assert {d.source for d in meter.devices} == {meter.name}

    def test_it_is_a_meter(self, world: MeterWorld) -> None:
        """It has what the protocol asks for."""
        assert isinstance(world.open(), Meter)

    def test_devices_stay_the_same(self, world: MeterWorld) -> None:
        """Whatever happens to the readings, the list of devices does not change."""
        meter = world.open()
        before = tuple(meter.devices)
        meter.read()
        world.damage(before[0].id)
        meter.read()
        assert tuple(meter.devices) == before
        meter.close()
        assert tuple(meter.devices) == before

    def test_every_device_answers_every_time(self, world: MeterWorld) -> None:
        """A reading or a gap for each, never a missing key."""
        meter = world.open()
        for _ in range(3):
            assert list(meter.read()) == [d.id for d in meter.devices]

    def test_readings_are_of_the_declared_kind(self, world: MeterWorld) -> None:
        """Counters count and sensors measure power; the first look already succeeds."""
        meter = world.open()
        kinds = {"counter": CounterReading, "power": PowerReading}
        readings = meter.read()
        for device in meter.devices:
            assert isinstance(readings[device.id], kinds[device.reads]), readings[device.id]

    def test_readings_are_stamped_by_the_given_clock(self, world: MeterWorld) -> None:
        """Not by the time of day, which is stepped under a running program."""
        meter = world.open()
        world.clock.advance(0.1)
        before = world.clock.now
        stamps = [r.at for r in meter.read().values() if not isinstance(r, Gap)]
        assert stamps
        assert all(before <= at <= world.clock.now for at in stamps)

    def test_it_reads_what_was_used(self, world: MeterWorld) -> None:
        """50 W for half a second are 25 J, on every device that is part of no other."""
        meter = world.open()
        before = meter.read()
        world.spend(WATTS, SECONDS)
        after = meter.read()
        for device in _outermost(meter):
            used = _joules(before[device.id], after[device.id], device)
            assert used == pytest.approx(WATTS * SECONDS, rel=device.relative_error, abs=0.02)

    def test_two_stretches_add_up(self, world: MeterWorld) -> None:
        """Reading in between changes nothing: the parts make the whole."""
        meter = world.open()
        looks = [meter.read()]
        for _ in range(2):
            world.spend(WATTS, SECONDS)
            looks.append(meter.read())
        for device in meter.devices:
            if device.reads == "counter":
                one, two, three = (look[device.id] for look in looks)
                parts = _joules(one, two, device) + _joules(two, three, device)
                assert parts == pytest.approx(_joules(one, three, device), rel=1e-9, abs=1e-6)

    def test_two_meters_read_the_same(self, world: MeterWorld) -> None:
        """Reading takes nothing away: a second meter on the same hardware sees the same energy."""
        first, second = world.open(), world.open()
        before = [first.read(), second.read()]
        world.spend(WATTS, SECONDS)
        after = [first.read(), second.read()]
        for device in _outermost(first):
            used = [_joules(b[device.id], a[device.id], device) for b, a in zip(before, after, strict=True)]
            assert used[0] == pytest.approx(used[1], rel=1e-6)

    def test_a_part_uses_no_more_than_its_whole(self, world: MeterWorld) -> None:
        """Overlaps are declared with part_of, point at a device that is there, and hold in numbers."""
        meter = world.open()
        before = meter.read()
        world.spend(WATTS, SECONDS)
        after = meter.read()
        by_id = {d.id: d for d in meter.devices}
        for device in meter.devices:
            if device.part_of is None or _either_is_a_gap(device, before, after):
                continue
            whole = by_id[device.part_of]
            part = _joules(before[device.id], after[device.id], device)
            assert part <= _joules(before[whole.id], after[whole.id], whole) * (1 + whole.relative_error)

    def test_no_device_is_inside_itself(self, world: MeterWorld) -> None:
        """Following part_of upwards comes to an end."""
        parents = {d.id: d.part_of for d in world.open().devices}
        for device_id in parents:
            seen: set[str] = set()
            inside: str | None = device_id
            while inside is not None:
                assert inside not in seen
                seen.add(inside)
                inside = parents.get(inside)

    def test_the_grade_is_that_of_the_method(self, world: MeterWorld) -> None:
        """A method's grade or a worse one: nothing passes for better than it is known."""
        for device in world.open().devices:
            assert GRADE_OF_METHOD[device.method].at_least(device.grade)
            if device.method is Method.HARDWARE_COUNTER:
                assert device.reads == "counter"
            if device.grade is Grade.A:
                assert device.boundary is not Boundary.DEVICE
                assert device.relative_error <= 0.05

    def test_limits_and_errors_are_stated(self, world: MeterWorld) -> None:
        """A bound on power, an uncertainty, and a wide one where the sensor looks only part of the time."""
        for device in world.open().devices:
            assert device.max_power.watts > 0
            assert device.relative_error > 0
            assert 0 < device.sensor_duty <= 1
            assert device.sensor_duty >= 0.5 or device.relative_error >= 0.25
            assert (device.component == "node") == (device.boundary is Boundary.NODE)

    def test_a_failed_reading_is_a_gap(self, world: MeterWorld) -> None:
        """With a reason, and never a zero; what does not depend on it goes on."""
        meter = world.open()
        meter.read()
        victim = meter.devices[0]
        world.damage(victim.id)
        world.spend(WATTS, SECONDS)
        readings = meter.read()
        gap = readings[victim.id]
        assert isinstance(gap, Gap)
        assert len(gap.reason) > 10
        others = [readings[d.id] for d in meter.devices[1:] if d.part_of is None]
        assert not any(isinstance(r, Gap) for r in others)

    def test_a_wrap_is_no_loss(self, world: MeterWorld) -> None:
        """A counter 5 J before its end, then 25 J: 25 J, not minus 262 kJ and not zero."""
        meter = world.open()
        wrapping = [d for d in meter.devices if d.wraps_at is not None and d.part_of is None]
        if not wrapping:
            pytest.skip("no counter of this meter wraps")
        for device in wrapping:
            assert device.wraps_at is not None
            world.set_joules(device.id, device.wraps_at.joules - 5)
        before = meter.read()
        world.spend(WATTS, SECONDS)
        after = meter.read()
        for device in wrapping:
            assert _joules(before[device.id], after[device.id], device) == pytest.approx(25, abs=0.02)

    def test_a_reset_is_a_gap(self, world: MeterWorld) -> None:
        """A driver that was loaded again starts from nothing: unknown, not negative and not a wrap."""
        meter = world.open()
        counters = [d for d in meter.devices if d.reads == "counter" and d.part_of is None]
        if not counters:
            pytest.skip("this meter has no counter")
        for device in counters:
            world.set_joules(device.id, 10_000)
        before = meter.read()
        for device in counters:
            world.set_joules(device.id, 1)
        world.clock.advance(SECONDS)
        after = meter.read()
        for device in counters:
            one, two = before[device.id], after[device.id]
            assert isinstance(one, CounterReading)
            used = two if isinstance(two, Gap) else energy_between(one, _counter(two), device)
            assert isinstance(used, Gap)

    def test_a_counter_that_died_is_not_zero_joules(self, world: MeterWorld) -> None:
        """Hardware that is on uses energy: a counter that stands still for a minute is a gap."""
        meter = world.open()
        counters = [d for d in _outermost(meter) if d.reads == "counter"]
        if not counters:
            pytest.skip("this meter has no counter")
        meter.read()
        world.clock.advance(60)
        readings = meter.read()
        assert all(isinstance(readings[d.id], Gap) for d in counters)

    def test_power_is_possible(self, world: MeterWorld) -> None:
        """Readings lie below the bound that the device states, so that the bound throws none away."""
        meter = world.open()
        world.spend(WATTS, SECONDS)
        for device in meter.devices:
            reading = meter.read()[device.id]
            if isinstance(reading, PowerReading):
                assert power_plausible(reading, device)

    def test_reading_after_closing_gives_gaps(self, world: MeterWorld) -> None:
        """And closing twice is fine."""
        meter = world.open()
        meter.close()
        meter.close()
        assert all(isinstance(r, Gap) for r in meter.read().values())

    def test_missing_hardware_is_said(self, world: MeterWorld) -> None:
        """MeterUnavailable, in words that a person can act on."""
        world.remove()
        with pytest.raises(MeterUnavailable) as caught:
            world.open()
        assert len(str(caught.value)) > 20

    def test_it_leaves_nothing_behind(self, world: MeterWorld) -> None:
        """No descriptor, thread or child process, once it is closed."""
        world.open().close()  # what a library keeps for good, it takes now
        before = _held_at_rest()
        meter = world.open()
        meter.read()
        meter.close()
        assert _held_at_rest() == before

    def test_it_leaves_its_host_alone(self, world: MeterWorld, capfd: pytest.CaptureFixture[str]) -> None:
        """Nothing printed, no signal handler, no change of folder."""
        handlers = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]
        folder = Path.cwd()
        meter = world.open()
        meter.read()
        meter.close()
        assert capfd.readouterr() == ("", "")
        assert [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)] == handlers
        assert Path.cwd() == folder

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
    def test_it_reads_in_a_child_process(self, world: MeterWorld) -> None:
        """After a fork the child reads too, and the parent goes on."""
        meter = world.open()
        meter.read()
        said = _in_a_child(meter)
        assert said == b""
        world.spend(WATTS, SECONDS)
        assert not any(isinstance(r, Gap) for r in _of(meter.read(), _outermost(meter)))

    def test_threads_may_read_at_once(self, world: MeterWorld) -> None:
        """Four threads, fifty looks each, no exception and no torn reading."""
        meter = world.open()
        wrong: list[object] = []

        def look() -> None:
            for _ in range(50):
                try:
                    wrong.extend(r for r in _of(meter.read(), _outermost(meter)) if isinstance(r, Gap))
                except Exception as error:  # noqa: BLE001 - whatever is raised, the rule is broken
                    wrong.append(error)

        threads = [threading.Thread(target=look) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []


def _outermost(meter: Meter) -> list[Device]:
    return [d for d in meter.devices if d.part_of is None]


def _of(readings: Mapping[str, Reading], devices: list[Device]) -> list[Reading]:
    return [readings[d.id] for d in devices]


def _either_is_a_gap(device: Device, *looks: Mapping[str, Reading]) -> bool:
    return any(isinstance(look[i], Gap) for look in looks for i in (device.id, device.part_of or device.id))


def _counter(reading: Reading) -> CounterReading:
    assert isinstance(reading, CounterReading)
    return reading


def _joules(before: Reading, after: Reading, device: Device) -> float:
    """Energy between two looks; for a power sensor the power of the second, held."""
    if device.reads == "power":
        assert isinstance(before, PowerReading), before
        assert isinstance(after, PowerReading), after
        return after.power.during(after.at - before.at).joules
    assert isinstance(before, CounterReading), before
    assert isinstance(after, CounterReading), after
    used = energy_between(before, after, device)
    assert isinstance(used, Energy), used
    return used.joules


def _held() -> tuple[int, int]:
    """Open descriptors (where /proc tells) and threads of this process."""
    folder = Path("/proc/self/fd")
    return (len(list(folder.iterdir())) if sys.platform == "linux" else 0, threading.active_count())


def _held_at_rest() -> tuple[int, int]:
    """The same once it no longer changes: a fake of the hardware may use threads of its own."""
    gc.collect()  # garbage of earlier tests is not this meter's
    held = _held()
    for _ in range(100):
        time.sleep(0.02)
        before, held = held, _held()
        if held == before:
            break
    return held


def _in_a_child(meter: Meter) -> bytes:
    """Read once in a forked child; empty when all is well, else what was wrong."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        said = "not read"
        try:
            readings = meter.read()
            said = "; ".join(r.reason for r in _of(readings, _outermost(meter)) if isinstance(r, Gap))
        finally:
            os.write(writer, said.encode())
            os._exit(0)  # the child must not run the tests of its parent
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as pipe:
        return pipe.read()
