"""CPU and memory energy from perf events (the ``power`` PMU): RAPL without wraps.

The kernel adds the hardware's 32-bit counters up in 64 bits (arch/x86/events/rapl.c), so nothing wraps
as long as the event stays open. perf_event_open is described in perf_event_open(2); Raffin and Trystram
(arXiv 2401.15985) compare the ways to read RAPL and prefer this one.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from wattmark.core.errors import MeterUnavailable
from wattmark.core.known import Grade, Method
from wattmark.core.readings import CounterReading, Device, Gap, Reading
from wattmark.core.units import Energy, Power
from wattmark.meters import uncertainty
from wattmark.meters.clock import boot_clock
from wattmark.meters.liveness import Pulse
from wattmark.meters.platform_domain import PlatformDomain
from wattmark.meters.sysfs import cpu_identity, text
from wattmark.ports import Clock

SYS = Path("/sys")
CPUINFO = Path("/proc/cpuinfo")
SYSCALL_NUMBER = {"x86_64": 298, "aarch64": 241}
"""perf_event_open, from the kernel's tables (x86/entry/syscalls/syscall_64.tbl, asm-generic/unistd.h)."""
CLOSE_ON_EXEC = 8
ATTR_SIZE = 64
"""PERF_ATTR_SIZE_VER0: the first published layout, accepted by every kernel."""

EVENTS = {
    # event -> (name of the part, component, most watts of one package)
    "energy-pkg": ("", "cpu", 1000.0),
    "energy-ram": ("", "dram", 400.0),
    "energy-cores": ("/core", "cpu", 1000.0),
    "energy-gpu": ("/uncore", "cpu", 1000.0),
    "energy-psys": ("psys", "cpu", 5000.0),
}
ALLOW = "sudo sysctl kernel.perf_event_paranoid=0 (or give Python the capability CAP_PERFMON)"


class PerfEvents(Protocol):
    """The three system calls that are needed; a test hands in its own."""

    def open(self, pmu_type: int, config: int, cpu: int) -> int:
        """A descriptor that counts one event on one processor; raises OSError."""
        ...

    def read(self, fd: int) -> int:
        """What the event has counted since it was opened; raises OSError."""
        ...

    def close(self, fd: int) -> None: ...


class LinuxPerfEvents:
    """perf_event_open through libc's syscall()."""

    def __init__(self, machine: str | None = None) -> None:
        self._machine = machine or (os.uname().machine if sys.platform == "linux" else sys.platform)
        self._number = SYSCALL_NUMBER.get(self._machine)

    def open(self, pmu_type: int, config: int, cpu: int) -> int:
        if self._number is None:
            raise OSError(0, f"perf events are not known to wattmark on {self._machine}")
        import ctypes  # only where there is something to open

        attr = ctypes.create_string_buffer(_attr(pmu_type, config), ATTR_SIZE)
        libc = ctypes.CDLL(None, use_errno=True)
        libc.syscall.restype = ctypes.c_long
        # perf_event_open(attr, pid=-1: every process, cpu, group_fd=-1: no group, flags)
        args = [ctypes.c_long(n) for n in (-1, cpu, -1, CLOSE_ON_EXEC)]
        fd: int = libc.syscall(ctypes.c_long(self._number), attr, *args)
        if fd < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
        return fd

    def read(self, fd: int) -> int:
        said = os.read(fd, 8)
        if len(said) != 8:
            raise OSError(0, f"the event answered {len(said)} bytes in place of 8")
        return int.from_bytes(said, "little")

    def close(self, fd: int) -> None:
        os.close(fd)


def _attr(pmu_type: int, config: int) -> bytes:
    """struct perf_event_attr: type, size (32 bits), config (64 bits); the rest 0: count at once, always."""
    head = pmu_type.to_bytes(4, "little") + ATTR_SIZE.to_bytes(4, "little") + config.to_bytes(8, "little")
    return head.ljust(ATTR_SIZE, b"\0")


@dataclass(frozen=True, slots=True)
class _Event:
    """One event on one processor, and the device that it is for us."""

    config: int
    joules_per_count: float
    cpu: int
    device: Device


class RaplPerfMeter:
    """Reads RAPL through perf: one event per package and domain, without wraps.

    Devices have the ids that the powercap meter gives them, so only one of the two is ever used.
    """

    name = "rapl_perf"

    def __init__(
        self,
        *,
        host_id: str = "localhost",
        clock: Clock = boot_clock,
        root: Path = SYS,
        cpuinfo: Path = CPUINFO,
        perf: PerfEvents | None = None,
    ) -> None:
        pmu = root / "bus/event_source/devices/power"
        if not pmu.is_dir():
            raise MeterUnavailable(f"no RAPL perf events: {pmu} is not there (no RAPL, or a virtual machine)")
        self._perf = perf or LinuxPerfEvents()
        self._clock = clock
        self._pulse = Pulse()
        self._events = tuple(_find_events(root, pmu, host_id, cpu_identity(cpuinfo)))
        self._platform = PlatformDomain(self.devices)
        self._fds: dict[str, int] = {}
        self._reasons: dict[str, str] = {}
        pmu_type = int(text(pmu / "type") or 0)
        for event in self._events:
            try:
                self._fds[event.device.id] = self._perf.open(pmu_type, event.config, event.cpu)
            except OSError as error:
                self._reasons[event.device.id] = _why(error)
        if not self._fds:
            raise MeterUnavailable(next(iter(self._reasons.values()), f"{pmu} offers no energy events"))

    @property
    def devices(self) -> Sequence[Device]:
        """Packages, memory, their parts and the platform."""
        return tuple(e.device for e in self._events)

    def read(self) -> Mapping[str, Reading]:
        """One look at every event; what cannot be read is a Gap."""
        return self._platform.checked({e.device.id: self._read_one(e) for e in self._events})

    def close(self) -> None:
        """Close the events; their counts end with them."""
        while self._fds:
            device_id, fd = self._fds.popitem()
            self._perf.close(fd)
            self._reasons[device_id] = "the meter is closed"

    def _read_one(self, event: _Event) -> Reading:
        fd = self._fds.get(event.device.id)
        if fd is None:
            return Gap(self._reasons.get(event.device.id, "the meter is closed"))
        try:
            count = self._perf.read(fd)
        except OSError as error:
            return Gap(f"the perf event could not be read: {error.strerror or error}")
        reading = CounterReading(Energy(count * event.joules_per_count), self._clock())
        # Cores and graphics may sleep; everything else always draws power.
        may_sleep = event.device.part_of is not None and "/package" in event.device.part_of
        return reading if may_sleep else self._pulse.check(event.device.id, reading)


def _find_events(root: Path, pmu: Path, host_id: str, cpu: tuple[str, str]) -> Iterator[_Event]:
    """The events of each package; the platform event once."""
    offered = {name: text(pmu / "events" / name) for name in EVENTS if (pmu / "events" / name).exists()}
    packages = _one_processor_per_package(root, _processors(text(pmu / "cpumask")), cpu[0])
    platform_id = f"cpu:{host_id}/psys" if "energy-psys" in offered else None
    for number, (label, processor) in enumerate(packages.items()):
        for name, config in offered.items():
            if name == "energy-psys" and number > 0:
                continue
            unit, scale = text(pmu / "events" / f"{name}.unit"), text(pmu / "events" / f"{name}.scale")
            match = re.search(r"event=(0x[0-9a-fA-F]+)", config)
            if unit == "Joules" and scale and match:
                device = _device(name, label, host_id, platform_id, cpu[1])
                yield _Event(int(match[1], 16), float(scale), processor, device)


def _one_processor_per_package(root: Path, processors: Sequence[int], vendor: str) -> dict[str, int]:
    """Label of each package -> the processor to read it on.

    The mask holds one processor per die. Intel's dies have counters of their own; AMD's share the
    package's, and kernels 6.9 and 6.10 listed every one of them, so there only the first counts.
    """
    found: dict[tuple[str, str], int] = {}
    for processor in processors:
        topology = root / f"devices/system/cpu/cpu{processor}/topology"
        package = text(topology / "physical_package_id") or "0"
        die = "0" if vendor == "AuthenticAMD" else text(topology / "die_id") or "0"
        found.setdefault((package, die), processor)
    many = {package for package, die in found if die != "0"}
    return {
        f"package-{package}-die-{die}" if package in many else f"package-{package}": processor
        for (package, die), processor in found.items()
    }


def _processors(mask: str) -> list[int]:
    """Processors of a list such as ``0,8-9``; processor 0 where the kernel gives none."""
    found: list[int] = []
    for piece in filter(None, mask.split(",")):
        first, _, last = piece.partition("-")
        found.extend(range(int(first), int(last or first) + 1))
    return found or [0]


def _device(event: str, label: str, host_id: str, platform_id: str | None, model: str) -> Device:
    part, component, watts = EVENTS[event]
    package = f"cpu:{host_id}/{label}"
    if part == "psys":
        device_id, part_of = f"cpu:{host_id}/psys", None
    elif component == "dram":
        device_id, part_of = f"dram:{host_id}/{label}", platform_id
    else:
        device_id, part_of = package + part, package if part else platform_id
    return Device(
        id=device_id,
        component=component,
        source="rapl_perf",
        method=Method.HARDWARE_COUNTER,
        grade=Grade.B,
        part_of=part_of,
        max_power=Power(watts),
        update_seconds=0.001,
        relative_error=uncertainty.COUNTER,
        name=model if device_id == package else "",
    )


def _why(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return f"perf events of the whole machine are not allowed to this user; allow them with: {ALLOW}"
    return f"the perf event cannot be opened: {error.strerror or error}"
