"""How busy devices were over the last hour, kept finely enough for the windows that are made later.

A window of serving is made when all its requests are known, some seconds or minutes after it ended. What
its devices did meanwhile is looked up here then.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from wattmark.core.readings import Device, Gap
from wattmark.core.serving.window import DeviceUse, ServingWindow
from wattmark.measure.busy import SIGNAL as NVML_SIGNAL
from wattmark.measure.processes import PROC, machine_seconds
from wattmark.meters.sysfs import first_line
from wattmark.ports import BusyMeter, Meter

CPU_SIGNAL = "cpu_busy_time"
CPU_COMPONENTS = ("cpu", "node")
"""Devices of which the CPUs' busy time is told: a machine that is read as a whole is as busy as they."""
ASK_SECONDS = 2.0
"""How often accelerators are asked; a driver's own figure is a mean over a second at most (NVML API
reference, nvmlDeviceGetUtilizationRates: the sample period is 1/6 to 1 s)."""
KEPT_SECONDS = 3600.0
"""Windows that are made later than this have no busy time."""
LONGEST_SECONDS = 30.0
"""Two looks further apart say nothing of the time between."""
ENOUGH = 0.9
"""A window of which less was watched has no busy time."""


@dataclass(slots=True)
class _Track:
    """Busy and watched seconds of one device since the beginning, at the moments of its looks."""

    signal: str
    at_us: deque[int] = field(default_factory=deque)
    busy: deque[float] = field(default_factory=deque)
    watched: deque[float] = field(default_factory=deque)

    def add(self, at_us: int, share: float | None) -> None:
        """A look: the device was busy for this share of the time since the last one; None: not known."""
        last_us = self.at_us[-1] if self.at_us else at_us
        seconds = (at_us - last_us) / 1e6
        if seconds < 0:
            self.at_us.clear()  # the wall clock was set back: what was is forgotten
            self.busy.clear()
            self.watched.clear()
        known = share is not None and 0 < seconds <= LONGEST_SECONDS
        self.busy.append((self.busy[-1] if self.busy else 0.0) + (seconds * (share or 0.0) if known else 0.0))
        self.watched.append((self.watched[-1] if self.watched else 0.0) + (seconds if known else 0.0))
        self.at_us.append(at_us)
        while self.at_us and at_us - self.at_us[0] > KEPT_SECONDS * 1e6:
            self.at_us.popleft()
            self.busy.popleft()
            self.watched.popleft()

    def share(self, start_us: int, end_us: int) -> float | None:
        """Share of busy time between two moments; None where too little of it was watched."""
        times = list(self.at_us)
        watched = _at(times, self.watched, end_us) - _at(times, self.watched, start_us)
        if watched < ENOUGH * (end_us - start_us) / 1e6:
            return None
        busy = _at(times, self.busy, end_us) - _at(times, self.busy, start_us)
        return min(1.0, max(0.0, busy / watched))


def _at(times: Sequence[int], values: deque[float], at_us: int) -> float:
    """A running sum at a moment, evenly between two looks."""
    if not times:
        return 0.0
    place = bisect_right(times, at_us)
    if place == 0:
        return values[0]
    if place == len(times):
        return values[-1]
    before, after = times[place - 1], times[place]
    return values[place - 1] + (values[place] - values[place - 1]) * (at_us - before) / (after - before)


class BusyTimes:
    """Follows accelerators whose meters tell how busy they are, and the CPUs. Not thread-safe."""

    def __init__(
        self,
        meters: Sequence[Meter],
        devices: Sequence[Device],
        proc: Path = PROC,
        ticks_per_second: int | None = None,
    ) -> None:
        self._meters = [meter for meter in meters if isinstance(meter, BusyMeter)]
        self._cpus = [d.id for d in devices if d.component in CPU_COMPONENTS]
        self._stat = str(proc / "stat")
        self._tick = ticks_per_second or (os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100)
        self._machine: tuple[float, float, float] | None = None
        self._tracks: dict[str, _Track] = {}
        self._asked_us: int | None = None

    def tick(self, now_us: int) -> None:
        """Look, unless that was done a moment ago. ``now_us``: microseconds since 1970, UTC."""
        since = None if self._asked_us is None else now_us - self._asked_us
        if since is not None and 0 <= since < ASK_SECONDS * 1e6:
            return
        self._asked_us = now_us
        for meter in self._meters:
            told: Mapping[str, float | Gap] = {}
            with suppress(Exception):  # a third party's meter must not end the agent: nothing is told then
                told = meter.utilisation()
            for device_id, busy in told.items():
                self._add(device_id, NVML_SIGNAL, now_us, None if isinstance(busy, Gap) else busy)
        share = self._cpu_share() if self._cpus else None
        for device_id in self._cpus:
            self._add(device_id, CPU_SIGNAL, now_us, share)

    def completed(self, window: ServingWindow) -> ServingWindow:
        """The window with the busy times that were seen, in the place of the time in which requests ran."""
        return replace(window, devices=tuple(self._completed(window, use) for use in window.devices))

    def _completed(self, window: ServingWindow, use: DeviceUse) -> DeviceUse:
        track = self._tracks.get(use.device_id)
        share = track.share(window.start_us, window.end_us) if track is not None else None
        if track is None or share is None:
            return use
        return replace(use, busy_seconds=share * use.observed_seconds, busy_signal=track.signal)

    def _add(self, device_id: str, signal: str, at_us: int, share: float | None) -> None:
        self._tracks.setdefault(device_id, _Track(signal)).add(at_us, share)

    def _cpu_share(self) -> float | None:
        """Share of CPU time that was busy since the last look; all packages of a machine together."""
        before = self._machine
        try:
            self._machine = machine_seconds(first_line(self._stat), self._tick)
        except (OSError, ValueError):
            self._machine = None
        if before is None or self._machine is None:
            return None
        busy, capacity = self._machine[0] - before[0], self._machine[1] - before[1]
        return min(1.0, max(0.0, busy / capacity)) if capacity > 0 else None
