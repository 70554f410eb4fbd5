"""The run's own timeline: what each device used between the edges of its windows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from wattmark.core.known import Scope
from wattmark.core.readings import Device, Gap
from wattmark.core.rows import Stretch, row_of
from wattmark.core.run import EnergyRow, GapSpan, Series, Utilisation
from wattmark.measure.accumulate import Accumulator, Piece
from wattmark.measure.busy import RULE as BUSY_RULE
from wattmark.measure.busy import Busyness
from wattmark.measure.meterset import MeterSet
from wattmark.measure.processes import RULE, CpuClock, CpuTimes, Shares, shares

MOST_POINTS = 512
"""Points kept per series; when there are more, they are thinned evenly in time. The rest stay exact."""
UTILISATION_SECONDS = 300.0
"""Length of the windows for sustained utilisation (kpis.md)."""
SHARED_COMPONENTS = ("cpu", "dram", "rest_of_node", "node")
"""Components whose energy is divided by CPU time."""
ACCELERATORS = ("gpu", "module")
"""Components whose energy is divided by busy time, where their meter tells it."""


class _Cut(NamedTuple):
    """All pieces between two edges, with the CPU times at both."""

    pieces: tuple[tuple[Device, Piece, Shares | None], ...]
    shares: Shares | None
    """By CPU time; what stands beside a piece is its own device's, by busy time."""


class Timeline:
    """Reads all meters at edges and ticks. Not thread-safe: the recording holds the lock."""

    def __init__(
        self,
        meters: MeterSet,
        cpu: CpuClock,
        clock: Callable[[], float],
        period_seconds: float,
        workload: str = "any",
    ) -> None:
        self._workload = workload
        self._meters = meters
        self._cpu = cpu
        self._clock = clock
        self._period = period_seconds
        self._cuts: list[_Cut] = []
        self._closed: list[EnergyRow] = []
        self._times: list[float] = []
        self._totals: list[list[float]] = [[] for _ in meters.devices]
        self._spacing = 0.0
        self._utilisation = _CpuUtilisation()
        self._busyness = Busyness(meters.meters, cpu.pids)
        self.reads = 0
        self.start = clock()
        self._accumulators = [Accumulator(d, period_seconds, self.start) for d in meters.devices]
        self._edge = self._at_start = self._now = cpu.read()
        self._look()

    def tick(self) -> float:
        """Read everything once, between edges; says when."""
        self._now = self._cpu.read()
        self._look()
        return self._times[-1] + self.start

    def cut(self) -> float:
        """Read everything and close the current pieces: the edge of a window. Says when."""
        now = self.tick()
        divided = shares(self._edge, self._now) if self._edge and self._now else None
        pieces = tuple(
            (d, a.cut(now), self._busyness.peek(d.id))
            for d, a in zip(self._meters.devices, self._accumulators, strict=True)
        )
        self._busyness.cut()
        self._cuts.append(_Cut(pieces, divided))
        self._edge = self._now
        return now

    def rows(self) -> tuple[EnergyRow, ...]:
        """Everything so far as evidence, the piece that is still growing included."""
        now = self._times[-1] + self.start
        growing = tuple(
            (d, a.peek(now), self._busyness.peek(d.id))
            for d, a in zip(self._meters.devices, self._accumulators, strict=True)
        )
        divided = shares(self._edge, self._now) if self._edge and self._now else None
        # Closed cuts never change: each becomes rows once, at the next checkpoint and not at the edge.
        for cut in self._cuts:
            self._closed.extend(self._rows_of(cut))
        self._cuts.clear()
        return (*self._closed, *self._rows_of(_Cut(growing, divided)))

    def series(self) -> tuple[Series, ...]:
        """Cumulative energy per device, thinned."""
        return tuple(
            Series(
                device_id=d.id, component=d.component, t_seconds=tuple(self._times), energy_joules=tuple(e)
            )
            for d, e in zip(self._meters.devices, self._totals, strict=True)
        )

    def observed_joules(self) -> float:
        """Energy observed so far without counting parts twice: for budgets."""
        watched = {d.id for d in self._meters.devices}
        return sum(
            a.total
            for d, a in zip(self._meters.devices, self._accumulators, strict=True)
            if d.part_of not in watched
        )

    def utilisation(self) -> tuple[Utilisation, ...]:
        """How busy the CPUs were, and the accelerators whose meters tell it."""
        found = []
        if self._utilisation.mean is not None:
            found.append(
                Utilisation(
                    component="cpu",
                    signal="cpu_busy_time",
                    mean=self._utilisation.mean,
                    windows_300s=tuple(self._utilisation.windows),
                )
            )
        accelerators: dict[str, list[str]] = {}
        for device in self._meters.devices:
            if device.component in ACCELERATORS:
                accelerators.setdefault(device.component, []).append(device.id)
        for component, ids in accelerators.items():
            busy = self._busyness.utilisation(component, ids)
            if busy is not None:
                found.append(busy)
        return tuple(found)

    def others_share(self) -> float | None:
        """Share of the busy CPU time that was not ours, over the whole run."""
        if self._at_start is None or self._now is None:
            return None
        divided = shares(self._at_start, self._now)
        if divided is None or divided.own + divided.others <= 0:
            return None
        return divided.others / (divided.own + divided.others)

    def own_cpu_seconds(self) -> float | None:
        """CPU seconds of the measured processes so far."""
        if self._at_start is None or self._now is None:
            return None
        return self._now.own - self._at_start.own

    def _look(self) -> None:
        readings = self._meters.read()
        now = self._clock()
        self.reads += 1
        for device, accumulator in zip(self._meters.devices, self._accumulators, strict=True):
            accumulator.add(readings.get(device.id) or Gap("the meter says nothing of it"))
        self._keep(now - self.start)
        self._busyness.ask(now)
        if self._now is not None:
            self._utilisation.add(now - self.start, self._now)

    def _keep(self, at: float) -> None:
        """Add a point to every series. The newest always stays; it makes way if the next comes too soon."""
        if len(self._times) > 2 and self._times[-1] - self._times[-2] < self._spacing:
            for series in (self._times, *self._totals):
                series.pop()
        self._times.append(at)
        for totals, accumulator in zip(self._totals, self._accumulators, strict=True):
            totals.append(accumulator.total)
        if len(self._times) > MOST_POINTS:
            self._thin()

    def _thin(self) -> None:
        """Drop points that are close together, so that about half remain, evenly over the whole run."""
        self._spacing = 2 * self._times[-1] / MOST_POINTS
        last = len(self._times) - 1
        kept = [0]
        for index in range(1, last):
            if self._times[index] - self._times[kept[-1]] >= self._spacing:
                kept.append(index)
        kept.append(last)
        self._times = [self._times[i] for i in kept]
        self._totals = [[e[i] for i in kept] for e in self._totals]

    def _rows_of(self, cut: _Cut) -> list[EnergyRow]:
        rows: list[EnergyRow] = []
        for device, piece, by_busy_time in cut.pieces:
            if piece.seconds <= 0:
                continue
            whole = self._row(device, piece)
            rows.append(whole)
            if cut.shares is not None and device.component in SHARED_COMPONENTS:
                rows.extend(_shared(whole, cut.shares, RULE))
            elif by_busy_time is not None and device.component in ACCELERATORS:
                rows.extend(_shared(whole, by_busy_time, BUSY_RULE))
        return rows

    def _row(self, device: Device, piece: Piece) -> EnergyRow:
        gaps = tuple(
            GapSpan(t0_seconds=g.start - self.start, duration_seconds=g.end - g.start, reason=g.reason)
            for g in piece.gaps
        )
        seen = Stretch(piece.start - self.start, piece.seconds, piece.joules, piece.observed_seconds, gaps)
        return row_of(device, seen, self._workload)


def _shared(whole: EnergyRow, divided: Shares, rule: str) -> list[EnergyRow]:
    parts = {"own": divided.own, "others": divided.others, "idle": divided.idle}
    return [
        replace(
            whole,
            scope=Scope.SHARE,
            party=party,
            attribution_rule=rule,
            energy_joules=whole.energy_joules * part,
            idle_watts=None,  # the least that one party can have used is nothing, the most is the device
            gaps=(),
            note="",
        )
        for party, part in parts.items()
    ]


class _CpuUtilisation:
    """Mean CPU utilisation, and that of successive five-minute windows."""

    def __init__(self) -> None:
        self._first: tuple[float, CpuTimes] | None = None
        self._window: tuple[float, CpuTimes] | None = None
        self.mean: float | None = None
        self.windows: list[float] = []

    def add(self, at: float, times: CpuTimes) -> None:
        if self._first is None or self._window is None:
            self._first = self._window = (at, times)
            return
        self.mean = _busy(self._first[1], times)
        if at - self._window[0] >= UTILISATION_SECONDS:
            busy = _busy(self._window[1], times)
            if busy is not None:
                self.windows.append(busy)
            self._window = (at, times)


def _busy(before: CpuTimes, after: CpuTimes) -> float | None:
    capacity = after.capacity - before.capacity
    return min(1.0, max(0.0, (after.busy - before.busy) / capacity)) if capacity > 0 else None
