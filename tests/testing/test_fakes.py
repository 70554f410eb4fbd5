"""The fakes that third parties build on do what they say."""

from __future__ import annotations

from pathlib import Path

from wattmark.core.readings import CounterReading, Gap
from wattmark.core.units import Energy
from wattmark.testing.fakes import FakeMeter, ManualClock, SteadyMeter, Zone, a_device, powercap_tree


def test_a_script_is_read_out_and_then_gives_gaps() -> None:
    """One look per line; what a line does not mention is a gap."""
    one, two = a_device("a"), a_device("b")
    reading = CounterReading(Energy(1.0), 0.0)
    meter = FakeMeter([one, two], [{"a": reading}])
    assert meter.read() == {"a": reading, "b": Gap("the script says nothing here")}
    assert set(meter.read().values()) == {Gap("the script says nothing here")}
    meter.close()
    assert meter.read()["a"] == Gap("the meter is closed")
    assert meter.reads == 3


def test_a_steady_meter_follows_the_clock() -> None:
    """10 W for 3 s are 30 J; a change of power counts from then on."""
    clock = ManualClock()
    meter = SteadyMeter(clock, {"a": 10.0})
    clock.advance(3)
    assert meter.read()["a"] == CounterReading(Energy(30.0), 1003.0)
    meter.watts["a"] = 20.0
    clock.advance(1)
    assert meter.read()["a"] == CounterReading(Energy(50.0), 1004.0)


def test_a_powercap_counter_starts_again_at_its_end(tmp_path: Path) -> None:
    """90 J of 100 J, and 15 J more: it shows 5 J."""
    tree = powercap_tree(tmp_path, [Zone("intel-rapl:0", "package-0", 90_000_000, 100_000_000)])
    tree.spend("intel-rapl:0", 15)
    assert tree.shows("intel-rapl:0") == 5_000_000
