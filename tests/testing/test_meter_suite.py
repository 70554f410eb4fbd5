"""The conformance suite finds what it is there to find: bad meters fail it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from wattmark.core.known import Grade, Method
from wattmark.core.readings import CounterReading, Device, Gap, Reading
from wattmark.core.units import Energy
from wattmark.ports import Meter
from wattmark.testing.fakes import ManualClock, SteadyMeter
from wattmark.testing.meter_suite import MeterSuite


class World:
    """A world around one way of being a bad meter."""

    def __init__(self, bad: Callable[[ManualClock], SteadyMeter]) -> None:
        self.clock = ManualClock()
        self.meter = bad(self.clock)

    def open(self) -> Meter:
        return self.meter

    def spend(self, watts: float, seconds: float) -> None:
        self.clock.advance(seconds)

    def set_joules(self, device_id: str, joules: float) -> None:
        self.meter.set_joules(device_id, joules)

    def damage(self, device_id: str) -> None:
        self.meter.broken[device_id] = "damaged on purpose"

    def remove(self) -> None:
        """Always there."""


def two(clock: ManualClock) -> dict[str, float]:
    return {"gpu:h/0": 50.0, "gpu:h/1": 50.0}


class ZeroForFailure(SteadyMeter):
    """Gives 0 J where it cannot read."""

    def read(self) -> Mapping[str, Reading]:
        said = super().read()
        return {
            i: CounterReading(Energy(0.0), self._clock()) if isinstance(r, Gap) else r
            for i, r in said.items()
        }


class Raises(SteadyMeter):
    """Lets the error of one device out."""

    def read(self) -> Mapping[str, Reading]:
        if self.broken:
            raise OSError("the sensor is gone")
        return super().read()


class LeavesOut(SteadyMeter):
    """Does not mention what it cannot read."""

    def read(self) -> Mapping[str, Reading]:
        return dict(list(super().read().items())[:1])


class CountsInMillijoules(SteadyMeter):
    """Takes millijoules for joules."""

    def read(self) -> Mapping[str, Reading]:
        return {
            i: CounterReading(r.total * 1000.0, r.at) if isinstance(r, CounterReading) else r
            for i, r in super().read().items()
        }


class UsesTheTimeOfDay(SteadyMeter):
    """Stamps with a clock of its own."""

    def read(self) -> Mapping[str, Reading]:
        return {
            i: CounterReading(r.total, 1.7e9) if isinstance(r, CounterReading) else r
            for i, r in super().read().items()
        }


class Prints(SteadyMeter):
    """Tells the host program's user about itself."""

    def read(self) -> Mapping[str, Reading]:
        print("reading")  # noqa: T201 - this is the offence
        return super().read()


class DropsDevices(SteadyMeter):
    """Forgets a device that failed."""

    @property
    def devices(self) -> tuple[Device, ...]:
        return tuple(d for d in self._devices if d.id not in self.broken)


RULES = [
    (ZeroForFailure, "test_a_failed_reading_is_a_gap"),
    (ZeroForFailure, "test_reading_after_closing_gives_gaps"),
    (Raises, "test_a_failed_reading_is_a_gap"),
    (LeavesOut, "test_every_device_answers_every_time"),
    (CountsInMillijoules, "test_it_reads_what_was_used"),
    (UsesTheTimeOfDay, "test_readings_are_stamped_by_the_given_clock"),
    (DropsDevices, "test_devices_stay_the_same"),
    (SteadyMeter, "test_a_counter_that_died_is_not_zero_joules"),
    (SteadyMeter, "test_missing_hardware_is_said"),
]


@pytest.mark.parametrize(("kind", "rule"), RULES, ids=lambda v: getattr(v, "__name__", v))
def test_a_bad_meter_breaks_the_rule(kind: type[SteadyMeter], rule: str) -> None:
    """Each defect is caught by the rule that was made for it."""
    world = World(lambda clock: kind(clock, two(clock)))
    with pytest.raises((AssertionError, OSError, pytest.fail.Exception)):
        getattr(MeterSuite(), rule)(world)


def test_a_meter_that_prints_is_caught(capfd: pytest.CaptureFixture[str]) -> None:
    """Standard output belongs to the host program."""
    world = World(lambda clock: Prints(clock, two(clock)))
    with pytest.raises(AssertionError):
        MeterSuite().test_it_leaves_its_host_alone(world, capfd)


def test_a_grade_that_is_too_good_is_caught() -> None:
    """Sampled power is C, not B."""
    world = World(
        lambda clock: SteadyMeter(
            clock, two(clock), method=Method.INTEGRATED_POWER, grade=Grade.B, reads="power"
        )
    )
    with pytest.raises(AssertionError):
        MeterSuite().test_the_grade_is_that_of_the_method(world)
