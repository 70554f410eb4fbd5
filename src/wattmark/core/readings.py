"""What a meter says at one moment, and the energy between two such moments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.units import Energy, Power


@dataclass(frozen=True, slots=True)
class Gap:
    """Energy that could not be known, and why. Never a zero."""

    reason: str


@dataclass(frozen=True, slots=True)
class CounterReading:
    """A counter of energy, looked at once."""

    total: Energy
    """What the counter shows."""
    at: float
    """Seconds on the suspend-aware monotonic clock, taken right after the read."""


@dataclass(frozen=True, slots=True)
class PowerReading:
    """A power sensor, looked at once."""

    power: Power
    """What the sensor shows."""
    at: float
    """Seconds on the suspend-aware monotonic clock, taken right after the read."""


class ProcessUse(NamedTuple):
    """How busy a device was with our processes and with others, between two looks."""

    own: float
    """Mean share of time, 0 to 1."""
    others: float
    until_us: int
    """Ask from here the next time; microseconds since 1970."""


class ProcessShares(NamedTuple):
    """How busy a device was with each process between two looks."""

    shares: Mapping[int, float]
    """Number of the process on the host -> mean share of time, 0 to 1."""
    until_us: int
    """Ask from here the next time; microseconds since 1970."""


Reading = CounterReading | PowerReading | Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One thing whose energy can be read, and how well."""

    id: str
    """Stable identity: an NVML UUID, ``cpu:<host>/package-0``, ``node:<host>``."""
    component: str
    """cpu, gpu, dram, rest_of_node, node, network, storage, module."""
    source: str
    """Name of the meter that reads it, e.g. ``rapl``."""
    method: Method
    grade: Grade
    boundary: Boundary = Boundary.DEVICE
    part_of: str | None = None
    """Id of the device whose energy already contains this one; never summed with it."""
    max_power: Power
    """More than this is nonsense: 1.3 x the limit the hardware states, or a generous bound."""
    idle_power: Power | None = None
    """The least it draws when on, where known: the lower end for an estimate of a gap."""
    wraps_at: Energy | None = None
    """The counter starts again at zero after so much energy; None when it never does."""
    update_seconds: float = 0.0
    """How often the hardware refreshes the reading; 0 when unknown or negligible."""
    sensor_duty: float = 1.0
    """Share of the time the sensor itself looks (0.25 on A100 and H100 power)."""
    relative_error: float
    """Uncertainty at 95 %, as a share of the value, common to all readings of this device (its gain)."""
    reads: str = "counter"
    """``counter`` or ``power``."""
    name: str = ""
    """What the hardware calls itself, e.g. ``NVIDIA H100 80GB HBM3``."""
    note: str = ""
    """Anything a reader should know (module scope, MIG, an overlap)."""


def wrap_time(device: Device) -> float:
    """Seconds a counter lasts at full power before it starts again; infinite when it never wraps."""
    if device.wraps_at is None:
        return float("inf")
    return device.wraps_at.joules / device.max_power.watts


def energy_between(before: CounterReading, after: CounterReading, device: Device) -> Energy | Gap:
    """Energy used between two looks at one counter.

    A counter that ran backwards has wrapped only if it could not have wrapped twice and the
    result is physically possible; otherwise (reset, driver reload) it is a gap. A counter left
    alone for longer than a wrap is a gap even if it went up.
    """
    elapsed = after.at - before.at
    if elapsed < 0:
        return Gap("the readings are out of order")
    if elapsed >= wrap_time(device):
        return Gap("not read for longer than the counter's range lasts")
    used = after.total - before.total
    if used.joules < 0 and device.wraps_at is not None:
        used = used + device.wraps_at
    # One refresh of slack: a counter that ticks every 100 ms may show 100 ms of energy in a 10 ms window.
    possible = device.max_power.during(elapsed + max(device.update_seconds, 1e-3))
    if Energy(0.0) <= used <= possible:
        return used
    return Gap("the counter was reset or reads nonsense")


def power_plausible(reading: PowerReading, device: Device) -> bool:
    """True when a power reading is physically possible for its device."""
    return 0.0 <= reading.power.watts <= device.max_power.watts
