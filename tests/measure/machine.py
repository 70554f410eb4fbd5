"""A machine in memory: a clock, meters and CPU times that a test sets by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from wattmark.core.run import Host
from wattmark.measure.meterset import MeterSet, linked
from wattmark.measure.processes import CpuClock, CpuTimes
from wattmark.measure.recording import World
from wattmark.ports import Meter
from wattmark.testing.fakes import ManualClock, SteadyMeter

HOST = Host(id="h" * 16, fingerprint="f" * 16, boot_id="b" * 16)


class ManualCpu:
    """CPU times that a test sets."""

    def __init__(self) -> None:
        self.times: CpuTimes | None = CpuTimes(busy=0.0, capacity=0.0, own=0.0)

    def read(self) -> CpuTimes | None:
        return self.times

    def pids(self) -> tuple[int, ...]:
        """The measured processes."""
        return (1,)

    def spend(self, own: float, others: float, idle: float) -> None:
        """Let so many CPU seconds pass."""
        t = self.times or CpuTimes(0.0, 0.0, 0.0)
        self.times = CpuTimes(t.busy + own + others, t.capacity + own + others + idle, t.own + own)

    def as_clock(self) -> CpuClock:
        """Itself, as what a recording takes."""
        return cast(CpuClock, self)


class Machine:
    """Clock, CPU and meters of one imagined machine."""

    def __init__(self, watts: Mapping[str, float] | None = None, **device: object) -> None:
        self.clock = ManualClock()
        self.cpu = ManualCpu()
        self.meter = SteadyMeter(self.clock, watts or {"cpu:test/package-0": 10.0}, **device)
        self.meters = MeterSet(meters=(self.meter,), devices=linked(self.meter.devices))

    def add(self, meter: Meter) -> None:
        """Put another meter in."""
        devices = linked([*self.meters.devices, *meter.devices])
        self.meters = MeterSet(meters=(*self.meters.meters, meter), devices=devices)

    def world(self) -> World:
        """What a recording needs of it."""
        return World(meters=self.meters, host=HOST, cpu=self.cpu.as_clock(), clock=self.clock, environment={})
