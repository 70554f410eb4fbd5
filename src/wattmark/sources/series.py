"""Readings of one device on their way to intervals: of all that was read, only the last is kept."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from wattmark.core.intervals import from_counter, from_power
from wattmark.core.telemetry import Samples, Stream
from wattmark.sources.lines import number_of

SPACINGS = 100
"""So many distances between readings tell how often a sensor is read."""
JITTER = 1.05
"""Two readings may lie two periods apart (kpis.md, coverage), and a timer is a little late."""
NOT_READ = ("", "n/a", "na", "nan", "none", "null", "-", "not supported", "unknown error")
"""What nvidia-smi, dcgmi and scripts around them write for a value that could not be read."""
READINGS = 20_000
"""Readings of one device in one portion."""


@dataclass(slots=True)
class Series:
    """The readings of one stream since the last portion."""

    stream: Stream
    counter: bool
    """True: the values are totals in microjoules. False: they are watts."""
    most_watts: float
    times_us: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    longest_gap_us: int = 0
    read: bool = False
    """Whether it was read at all."""
    last_us: int | None = None
    """When the device was last looked at, read or not."""

    def add(self, at_us: int, value: float | None) -> None:
        """One look at the device; None when it could not be read.

        Raises ValueError when it does not come after the look before it.
        """
        if self.last_us is not None and at_us <= self.last_us:
            raise ValueError("its time does not come after that of the row before it")
        self.last_us = at_us
        self.read = self.read or value is not None
        if value is not None:
            self.times_us.append(at_us)
            self.values.append(value)
        elif not self.counter:  # between two looks at a counter nothing is lost
            self.times_us.append(at_us)
            self.values.append(math.nan)

    @property
    def full(self) -> bool:
        """Time to give a portion away."""
        return len(self.times_us) >= READINGS

    def taken(self) -> Samples | None:
        """The intervals between the readings so far; None when there is none yet. The last reading stays."""
        if len(self.times_us) < 2:
            return None
        self.longest_gap_us = self.longest_gap_us or usual_gap_us(self.times_us)
        if self.counter:
            found = from_counter(
                self.times_us,
                [round(v) for v in self.values],
                self.longest_gap_us,
                max_watts=self.most_watts,
            )
        else:
            found = from_power(self.times_us, self.values, self.longest_gap_us, self.most_watts)
        del self.times_us[:-1], self.values[:-1]
        return Samples(
            stream=self.stream,
            start_us=found.start_us,
            end_us=found.end_us,
            energy_uj=found.energy_uj,
            observed=found.observed,
        )


def usual_gap_us(times_us: list[int]) -> int:
    """Two periods of a series: the longest distance at which its readings still cover the time between."""
    spacings = [b - a for a, b in pairwise(times_us[: SPACINGS + 1])]
    return round(2 * JITTER * median(spacings))


def reading_of(text: str) -> float | None:
    """The number in a cell, None for what tools write when they could not read.

    Raises ValueError for anything else.
    """
    if text.strip().strip("[]").lower() in NOT_READ:
        return None
    value = number_of(text)
    if value is None:
        raise ValueError(f"{text.strip()[:40]!r} is no number")
    return value
