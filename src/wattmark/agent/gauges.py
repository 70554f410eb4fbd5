"""From the readings of one device to what it used, piece by piece, in the agent's time."""

from __future__ import annotations

from wattmark.agent.timeline import Timeline
from wattmark.core.readings import CounterReading, Device, Gap, PowerReading, Reading
from wattmark.core.serving.disjoint import Piece
from wattmark.measure.accumulate import Accumulator

OUTLIVING = ("rapl", "nvml", "amdsmi", "hwmon", "model", "stated")
"""Meters whose counters the kernel, the driver or the clock keep: they go on when a process ends."""


class Gauge:
    """One device that is read. Not thread-safe."""

    def __init__(self, device: Device, period_seconds: float, timeline: Timeline) -> None:
        self.device = device
        self._period = period_seconds
        self._timeline = timeline
        self._sums: Accumulator | None = None
        self.until_us: int | None = None
        """The agent's time of the last good reading."""
        self.last: CounterReading | None = None
        """The last good reading of a counter."""
        self._read: float | None = None
        self.gap = ""
        """Why the last reading failed; empty when it did not."""
        self.watts: float | None = None
        """Mean power of the last piece that was observed."""

    def resume(self, reading: CounterReading) -> None:
        """Go on from what an agent before this one has read."""
        if self._outlives:
            self.take(reading)

    def taken_over(self) -> None:
        """Another process reads from here on."""
        if not self._outlives:
            self._sums = None
            self.last = None

    @property
    def _outlives(self) -> bool:
        return self.device.source in OUTLIVING and self.device.reads == "counter"

    def take(self, reading: Reading) -> Piece | None:
        """The next reading; gives what lies between the last good one and this one."""
        if isinstance(reading, Gap):
            self.gap = reading.reason
            if self._sums is not None:
                self._sums.add(reading)
            return None
        if self._read is not None and reading.at <= self._read:
            return None  # a slow meter shows what it showed before
        if self._sums is None:
            self._sums = Accumulator(self.device, self._period, reading.at)
        self.gap = ""
        self._sums.add(reading)
        made = self._sums.cut(reading.at)
        self._read = reading.at
        if isinstance(reading, CounterReading):
            self.last = reading
        elif isinstance(reading, PowerReading):
            self.last = None
        until = self._timeline.at(reading.at)
        since = self.until_us
        self.until_us = until if since is None else max(until, since)
        if since is None or until <= since:
            return None
        if made.seconds <= 0:
            return Piece(since, until, None, "the agent was not running")
        if made.gaps or made.observed_seconds <= 0:
            self.gap = made.gaps[-1].reason if made.gaps else "not read"
            return Piece(since, until, None, self.gap)
        self.watts = made.joules / made.observed_seconds
        return Piece(since, until, made.joules)

    def begin_anew(self) -> None:
        """The agent's time jumped: what follows begins where it stands now."""
        if self._read is not None:
            self.until_us = self._timeline.at(self._read)
