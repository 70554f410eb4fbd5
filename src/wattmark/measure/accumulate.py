"""From readings to observed energy: one accumulator per device.

Counters are subtracted, sampled power is integrated by the trapezoid rule between successive good
readings that are at most two periods apart. What lies between is a gap with its reason.
"""

from __future__ import annotations

from typing import NamedTuple

from wattmark.core.readings import (
    CounterReading,
    Device,
    Gap,
    PowerReading,
    Reading,
    energy_between,
    power_plausible,
)

LONGEST_STEP = 2.0
"""Readings of a power sensor further apart than so many periods leave a gap (kpis.md, coverage)."""
EDGE = 1e-9


class Span(NamedTuple):
    """A stretch that was not observed, on the monotonic clock."""

    start: float
    end: float
    reason: str


class Piece(NamedTuple):
    """What one device was observed to use between two cuts."""

    start: float
    end: float
    joules: float
    observed_seconds: float
    gaps: tuple[Span, ...]

    @property
    def seconds(self) -> float:
        """Length of the piece."""
        return self.end - self.start


class Accumulator:
    """Adds up what one device uses. Not thread-safe: the recording holds the lock."""

    __slots__ = (
        "_device",
        "_gaps",
        "_joules",
        "_last",
        "_observed",
        "_pending",
        "_period",
        "_start",
        "total",
    )

    def __init__(self, device: Device, period_seconds: float, start: float) -> None:
        self._device = device
        self._period = max(period_seconds, device.update_seconds)
        self._start = start
        self._last: CounterReading | PowerReading | None = None
        self._pending: str | None = None
        self._joules = 0.0
        self._observed = 0.0
        self._gaps: list[Span] = []
        self.total = 0.0
        """Observed joules since the start, over all pieces."""

    def add(self, reading: Reading) -> None:
        """Take one reading. A failed one costs nothing yet: a counter may bridge it at the next."""
        match reading:
            case Gap(reason):
                self._pending = reason
            case CounterReading():
                self._counter(reading)
            case PowerReading():
                self._power(reading)

    def cut(self, now: float) -> Piece:
        """Close the piece at the last reading (or at ``now`` when that failed) and start the next there."""
        if self._last is None or self._pending is not None:
            self._lost(now, self._pending or "not read")
            self._last = None  # what a later reading bridges cannot be divided at the cut
        piece = self.peek(now)
        self._start = piece.end
        self._joules = self._observed = 0.0
        self._gaps = []
        return piece

    def peek(self, now: float) -> Piece:
        """The piece as it stands, without closing it."""
        end = now if self._last is None else max(self._last.at, self._start)
        observed = min(self._observed, end - self._start)
        return Piece(self._start, end, self._joules, observed, tuple(self._gaps))

    def _counter(self, now: CounterReading) -> None:
        before = self._last
        if isinstance(before, CounterReading):
            used = energy_between(before, now, self._device)
            if isinstance(used, Gap):
                self._lost(now.at, self._pending or used.reason)
            else:
                self._seen(used.joules, now.at - before.at)
        else:
            self._first(now.at)
        self._last, self._pending = now, None

    def _power(self, now: PowerReading) -> None:
        if not power_plausible(now, self._device):
            self._pending = f"the sensor reads nonsense: {now.power.watts:g} W"
            return
        before = self._last
        if isinstance(before, PowerReading):
            step = now.at - before.at
            if 0 <= step <= LONGEST_STEP * self._period:
                self._seen((before.power.watts + now.power.watts) / 2 * step, step)
            else:
                self._lost(now.at, self._pending or "readings further apart than two periods")
        else:
            self._first(now.at)
        self._last, self._pending = now, None

    def _first(self, at: float) -> None:
        """The first good reading: what came before it in this piece was not seen, if it was long."""
        if self._pending is not None:
            self._lost(at, self._pending)
        elif not self._gaps and self._observed == 0.0:
            self._start = at  # the piece starts where its first reading was taken
        else:
            self._lost(at, "not read")

    def _seen(self, joules: float, seconds: float) -> None:
        self._joules += joules
        self._observed += seconds
        self.total += joules

    def _lost(self, until: float, reason: str) -> None:
        since = self._last.at if self._last is not None else self._gap_start()
        if until - since > EDGE:
            if self._gaps and self._gaps[-1].reason == reason and abs(self._gaps[-1].end - since) < EDGE:
                since = self._gaps.pop().start
            self._gaps.append(Span(since, until, reason))

    def _gap_start(self) -> float:
        return self._gaps[-1].end if self._gaps else self._start
