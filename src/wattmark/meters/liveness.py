"""Notices sensors that have died: a counter that no longer moves, a power of exactly zero."""

from __future__ import annotations

from wattmark.core.readings import CounterReading, Gap, PowerReading

PATIENCE = 0.25
"""Seconds a counter of something that is switched on may show the same value. RAPL refreshes every
millisecond (Intel SDM volume 3B, section 16.10)."""


class Pulse:
    """Remembers what counters showed, and calls one that stands still a gap.

    A package, a DRAM module or a GPU that is on always draws power. A counter that shows the same
    value seconds later is broken (virtual machines and suspended drivers do this), and the
    difference of two such readings would be a silent zero.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._moved: dict[str, tuple[float, float]] = {}

    def check(self, device_id: str, reading: CounterReading) -> CounterReading | Gap:
        """The reading itself, or a Gap when the counter has not moved for longer than it may."""
        value, since = self._moved.get(device_id, (None, 0.0))
        if value != reading.total.joules:
            self._moved[device_id] = (reading.total.joules, reading.at)
            return reading
        still = reading.at - since
        if still < self._patience:
            return reading
        return Gap(f"the counter has not moved for {still:.1f} s, though the hardware is on")


def lit(reading: PowerReading) -> PowerReading | Gap:
    """The reading itself, or a Gap for 0 W: hardware that answers is on, and draws something."""
    if reading.power.watts == 0:
        return Gap("the sensor reads 0 W, though the hardware is on")
    return reading
