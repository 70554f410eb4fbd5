"""Fakes at the edge: a clock set by hand, meters that say what they are told, a powercap tree on disk."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wattmark.core.known import Grade, Method
from wattmark.core.readings import CounterReading, Device, Gap, PowerReading, Reading
from wattmark.core.units import Energy, Power

RANGE_UJ = 262_143_328_850
"""The usual ``max_energy_range_uj`` of an Intel package: 22 minutes at 200 W."""


class ManualClock:
    """A clock that moves only when it is told to."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let so much time pass."""
        self.now += seconds


def a_device(device_id: str = "cpu:test/package-0", **changes: object) -> Device:
    """A CPU package with a counter that never wraps and at most 100 W; any field can be changed."""
    fields: dict[str, object] = {
        "id": device_id,
        "component": "cpu",
        "source": "fake",
        "method": Method.HARDWARE_COUNTER,
        "grade": Grade.B,
        "max_power": Power(100.0),
        "relative_error": 0.05,
    }
    return Device(**{**fields, **changes})  # type: ignore[arg-type]


class FakeMeter:
    """A meter that reads out a script: one mapping of device id to Reading per look, then gaps."""

    name = "fake"

    def __init__(self, devices: Sequence[Device], script: Iterable[Mapping[str, Reading]]) -> None:
        self._devices = tuple(devices)
        self._script = iter(script)
        self.closed = False
        self.reads = 0

    @property
    def devices(self) -> Sequence[Device]:
        return self._devices

    def read(self) -> Mapping[str, Reading]:
        self.reads += 1
        said: Mapping[str, Reading] = {} if self.closed else next(self._script, {})
        reason = "the meter is closed" if self.closed else "the script says nothing here"
        return {d.id: said.get(d.id, Gap(reason)) for d in self._devices}

    def close(self) -> None:
        self.closed = True


class SteadyMeter:
    """A meter whose devices draw a power that a test sets, on a clock that a test moves."""

    name = "steady"

    def __init__(self, clock: ManualClock, watts: Mapping[str, float], **device: object) -> None:
        self._clock = clock
        self._devices = tuple(a_device(i, source=self.name, **device) for i in watts)
        self.watts = dict(watts)
        self._joules = dict.fromkeys(watts, 0.0)
        self._last = clock()
        self.broken: dict[str, str] = {}
        self.closed = False

    @property
    def devices(self) -> Sequence[Device]:
        return self._devices

    def read(self) -> Mapping[str, Reading]:
        now = self._clock()
        for device_id, watts in self.watts.items():
            self._joules[device_id] += watts * (now - self._last)
        self._last = now
        return {d.id: self._look(d, now) for d in self._devices}

    def set_joules(self, device_id: str, joules: float) -> None:
        """Make one counter show so many joules from now on."""
        self.read()
        self._joules[device_id] = joules

    def _look(self, device: Device, now: float) -> Reading:
        if self.closed:
            return Gap("the meter is closed")
        if device.id in self.broken:
            return Gap(self.broken[device.id])
        if device.reads == "power":
            return PowerReading(Power(self.watts[device.id]), now)
        return CounterReading(Energy(self._joules[device.id]), now)

    def close(self) -> None:
        self.closed = True


@dataclass(frozen=True, slots=True)
class Zone:
    """One powercap zone of a fake tree, e.g. ``Zone("intel-rapl:0", "package-0")``."""

    path: str
    name: str
    energy_uj: int = 1_000_000
    range_uj: int = RANGE_UJ
    limits_uw: Mapping[str, int] = field(default_factory=dict)
    """Constraint name -> its ``max_power_uw``, e.g. ``{"long_term": 100_000_000}``."""


class PowercapTree:
    """A folder that looks like /sys/class/powercap; counters move and wrap when they are told to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._range: dict[str, int] = {}
        root.mkdir(parents=True, exist_ok=True)

    def add(self, zone: Zone) -> None:
        """Write one zone with the files that the kernel has."""
        folder = self.root / zone.path
        folder.mkdir(parents=True)
        self._range[zone.path] = zone.range_uj
        (folder / "name").write_text(f"{zone.name}\n")
        (folder / "energy_uj").write_text(f"{zone.energy_uj}\n")
        (folder / "max_energy_range_uj").write_text(f"{zone.range_uj}\n")
        for index, (name, microwatts) in enumerate(zone.limits_uw.items()):
            (folder / f"constraint_{index}_name").write_text(f"{name}\n")
            (folder / f"constraint_{index}_max_power_uw").write_text(f"{microwatts}\n")

    def shows(self, path: str) -> int:
        """What the counter of a zone shows, in microjoules."""
        return int((self.root / path / "energy_uj").read_text())

    def set(self, path: str, energy_uj: int) -> None:
        """Make the counter show so many microjoules."""
        self._overwrite(path, f"{energy_uj}\n")

    def spend(self, path: str, joules: float) -> None:
        """Let a zone use energy; its counter starts again at zero at the end of its range."""
        self.set(path, (self.shows(path) + round(joules * 1e6)) % self._range[path])

    def damage(self, path: str) -> None:
        """Leave the counter of a zone unreadable: the file is there and says nothing."""
        self._overwrite(path, "")

    def _overwrite(self, path: str, text: str) -> None:
        """Change the file in place, so that descriptors opened before see it (as in sysfs)."""
        fd = os.open(self.root / path / "energy_uj", os.O_WRONLY)
        try:
            os.pwrite(fd, text.encode(), 0)
            os.ftruncate(fd, len(text))
        finally:
            os.close(fd)


def powercap_tree(root: Path, zones: Sequence[Zone] = (Zone("intel-rapl:0", "package-0"),)) -> PowercapTree:
    """A fake powercap folder with these zones under ``root``."""
    tree = PowercapTree(root)
    for zone in zones:
        tree.add(zone)
    return tree
