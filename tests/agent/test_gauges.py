"""From readings of one device to pieces of energy in the agent's time."""

from __future__ import annotations

from typing import Any

from tests.core.serving.test_disjoint import device
from wattmark.agent.gauges import Gauge
from wattmark.agent.timeline import Timeline
from wattmark.core.readings import CounterReading, Gap, PowerReading
from wattmark.core.serving.disjoint import Piece
from wattmark.core.units import Energy, Power

SECOND = 1_000_000
T0 = 100 * SECOND


def a_gauge(**changes: Any) -> Gauge:
    """A counter of the kernel, its clock 100 s behind UTC."""
    return Gauge(device("cpu", "cpu", **{"source": "rapl", **changes}), 1.0, Timeline(T0))


def counter(joules: float, at: float) -> CounterReading:
    return CounterReading(Energy(joules), at)


def test_the_first_reading_begins_and_tells_nothing() -> None:
    """The second one tells 50 J and 50 W over the second between them."""
    gauge = a_gauge()
    assert gauge.take(counter(1000.0, 5.0)) is None
    assert (gauge.until_us, gauge.watts) == (T0 + 5 * SECOND, None)
    assert gauge.take(counter(1050.0, 6.0)) == Piece(T0 + 5 * SECOND, T0 + 6 * SECOND, 50.0)
    assert gauge.watts == 50.0


def test_a_failed_reading_is_bridged_by_a_counter() -> None:
    """It says why it failed meanwhile; nothing of the counter is lost."""
    gauge = a_gauge()
    gauge.take(counter(0.0, 0.0))
    assert gauge.take(Gap("permission denied")) is None
    assert gauge.gap == "permission denied"
    assert gauge.take(counter(200.0, 2.0)) == Piece(T0, T0 + 2 * SECOND, 200.0)
    assert gauge.gap == ""


def test_a_failure_before_any_reading_begins_nothing() -> None:
    """Time of which nothing is known is no piece."""
    gauge = a_gauge()
    assert gauge.take(Gap("not read yet")) is None
    assert gauge.take(counter(0.0, 1.0)) is None
    assert gauge.until_us == T0 + SECOND


def test_a_slow_meter_that_shows_the_same_again_adds_nothing() -> None:
    """The reading of five seconds ago is not a reading of now."""
    gauge = a_gauge()
    gauge.take(counter(0.0, 1.0))
    assert gauge.take(counter(0.0, 1.0)) is None
    assert gauge.take(counter(100.0, 6.0)) == Piece(T0 + SECOND, T0 + 6 * SECOND, 100.0)


def test_a_counter_that_began_anew_is_a_gap() -> None:
    """Without a range that it wraps at, backwards is nonsense: a gap with its reason, and no energy."""
    gauge = a_gauge()
    gauge.take(counter(1000.0, 0.0))
    piece = gauge.take(counter(10.0, 1.0))
    assert piece is not None
    assert piece.joules is None
    assert "reset" in piece.reason


def test_a_power_sensor_is_integrated() -> None:
    """100 W and 200 W a second apart are 150 J."""
    gauge = a_gauge(source="nvml", reads="power")
    gauge.take(PowerReading(Power(100.0), 0.0))
    assert gauge.take(PowerReading(Power(200.0), 1.0)) == Piece(T0, T0 + SECOND, 150.0)
    assert gauge.last is None


def test_a_counter_of_the_kernel_outlives_the_agent() -> None:
    """What was used while no agent ran is counted too; a controller's counter begins anew."""
    gauge = a_gauge()
    gauge.resume(counter(0.0, 0.0))
    gauge.taken_over()
    assert gauge.take(counter(300.0, 3.0)) == Piece(T0, T0 + 3 * SECOND, 300.0)
    other = a_gauge(source="redfish")
    other.resume(counter(0.0, 0.0))
    assert other.take(counter(300.0, 3.0)) is None
    other.taken_over()
    assert other.last is None
    piece = other.take(counter(400.0, 4.0))
    assert piece is not None
    assert (piece.joules, piece.reason) == (None, "the agent was not running")


def test_after_a_jump_time_goes_on_where_it_stands_now() -> None:
    """The wall clock went an hour ahead: the next piece begins there, not an hour ago."""
    timeline = Timeline(T0)
    gauge = Gauge(device("cpu", "cpu", source="rapl"), 1.0, timeline)
    gauge.begin_anew()
    assert gauge.until_us is None
    gauge.take(counter(0.0, 0.0))
    timeline.offset_us += 3600 * SECOND
    gauge.begin_anew()
    assert gauge.take(counter(9.0, 1.0)) == Piece(T0 + 3600 * SECOND, T0 + 3601 * SECOND, 9.0)
