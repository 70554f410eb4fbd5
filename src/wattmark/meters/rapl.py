"""CPU and memory energy from the kernel's powercap files (RAPL), Intel and AMD.

Files and units: Documentation/power/powercap/powercap.rst and Documentation/ABI/testing/sysfs-class-powercap
of the Linux kernel. Counters are in microjoules and start again at ``max_energy_range_uj``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from wattmark.core.errors import MeterUnavailable
from wattmark.core.known import Grade, Method
from wattmark.core.readings import CounterReading, Device, Gap, Reading
from wattmark.core.units import Energy, Power
from wattmark.meters import uncertainty
from wattmark.meters.clock import boot_clock
from wattmark.meters.liveness import Pulse
from wattmark.meters.platform_domain import PlatformDomain
from wattmark.meters.sysfs import cpu_identity, number, open_for_reading, text
from wattmark.ports import Clock

POWERCAP = Path("/sys/class/powercap")
CPUINFO = Path("/proc/cpuinfo")

MOST_WATTS = {"psys": 5000.0, "package": 1000.0, "dram": 400.0}
"""More than any zone draws today (sockets of 2026 reach 500 W, a two-socket node without GPUs 2 kW)."""

ALLOW = "sudo chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj"
_PACKAGE = re.compile(r"package-(\d+)(?:-die-(\d+))?$")


@dataclass(frozen=True, slots=True)
class _Zone:
    """A powercap folder and the device that it is for us."""

    folder: Path
    device: Device


class RaplMeter:
    """Reads every RAPL zone once: packages, their memory, and what lies inside or around them.

    Zones that the kernel shows twice (``intel-rapl-mmio``, or one package under several dies on AMD) are
    counted once; zones that contain one another are linked by ``part_of``.
    """

    name = "rapl"

    def __init__(
        self,
        *,
        host_id: str = "localhost",
        clock: Clock = boot_clock,
        root: Path = POWERCAP,
        cpuinfo: Path = CPUINFO,
        opener: Callable[[Path], int] = open_for_reading,
    ) -> None:
        zones = _find_zones(root, host_id, cpu_identity(cpuinfo))
        if not zones:
            raise MeterUnavailable(_why_nothing(root, cpuinfo))
        self._clock = clock
        self._pulse = Pulse()
        self._files: dict[str, int] = {}
        self._unreadable: dict[str, str] = {}
        for zone in zones:
            try:
                self._files[zone.device.id] = opener(zone.folder / "energy_uj")
            except OSError as error:
                self._unreadable[zone.device.id] = _why_unreadable(zone.folder, error)
        self._devices = tuple(z.device for z in zones)
        self._platform = PlatformDomain(self._devices)
        if not self._files:
            raise MeterUnavailable(next(iter(self._unreadable.values())))
        self._refuse_dead_counters()

    @property
    def devices(self) -> Sequence[Device]:
        """Packages, memory, their parts and the platform, in the order of the kernel."""
        return self._devices

    def read(self) -> Mapping[str, Reading]:
        """One look at every zone; a zone that cannot be read is a Gap."""
        return self._platform.checked({d.id: self._read_one(d) for d in self._devices})

    def close(self) -> None:
        """Close the counter files."""
        while self._files:
            device_id, fd = self._files.popitem()
            os.close(fd)
            self._unreadable[device_id] = "the meter is closed"

    def _read_one(self, device: Device) -> Reading:
        fd = self._files.get(device.id)
        if fd is None:
            return Gap(self._unreadable.get(device.id, "the meter is closed"))
        try:
            microjoules = int(os.pread(fd, 32, 0))
        except (OSError, ValueError) as error:
            return Gap(f"energy_uj could not be read: {error}")
        reading = CounterReading(Energy(microjoules / 1e6), self._clock())
        return self._pulse.check(device.id, reading) if _always_on(device) else reading

    def _refuse_dead_counters(self) -> None:
        """Some hypervisors show the files and leave every counter at zero."""
        first = [r for d, r in self.read().items() if d in self._files]
        if all(isinstance(r, CounterReading) and r.total.joules == 0 for r in first):
            self.close()
            raise MeterUnavailable(
                "every RAPL counter shows 0: a virtual machine whose host does not pass the counters through;"
                " measure on the host, or use the node's power (wattmark's ipmi or redfish meter)"
            )


def _find_zones(root: Path, host_id: str, cpu: tuple[str, str]) -> list[_Zone]:
    """The zones worth reading, each once, the containing ones first."""
    vendor, model = cpu
    found: dict[str, _Zone] = {}
    tops = sorted(root.glob("intel-rapl:[0-9]*"), key=lambda p: [int(n) for n in re.findall(r"\d+", p.name)])
    package_of: dict[str, str] = {}
    platform: str | None = None
    for folder in tops:
        raw, parent = text(folder / "name"), package_of.get(folder.name.rpartition(":")[0])
        label = _label(raw, vendor, parent)
        if label is None or _device_id(label, host_id) in found:
            continue
        device = _device(folder, label, host_id, model)
        if label == "psys":
            platform = device.id
        elif _PACKAGE.match(label):
            package_of[folder.name] = label
        elif parent is not None and not label.endswith("/dram"):
            device = replace(device, part_of=_device_id(parent, host_id))
        found[device.id] = _Zone(folder, device)
    return [_inside(z, platform) for z in found.values()]


def _label(raw: str, vendor: str, parent: str | None) -> str | None:
    """Our name for a zone: package-0, package-0/dram, package-0/core, psys; None for one to leave out.

    On AMD the package counter appeared once per die in kernels 6.9 and 6.10 (fixed by
    "powercap/intel_rapl: Fix the energy-pkg event for AMD CPUs"), so its dies are one package; AMD's
    ``core`` zone counts one core only. Only the first socket's psys counts the platform; ``psys-1`` and
    later repeat it or show nothing.
    """
    package = _PACKAGE.match(raw)
    if package:
        return f"package-{package[1]}" if vendor == "AuthenticAMD" else raw
    if raw == "psys":
        return raw
    if parent is None or (vendor == "AuthenticAMD" and raw == "core"):
        return None
    return f"{parent}/{raw}"


def _device_id(label: str, host_id: str) -> str:
    package, _, part = label.partition("/")
    return f"dram:{host_id}/{package}" if part == "dram" else f"cpu:{host_id}/{label}"


def _device(folder: Path, label: str, host_id: str, model: str) -> Device:
    kind = "psys" if label == "psys" else "dram" if label.endswith("/dram") else "package"
    notes = {
        "psys": "the platform: it contains the packages; what else it counts is up to the board maker",
        "dram": "trend right, constant offset likely (Desrochers et al., MEMSYS 2016)",
    }
    return Device(
        id=_device_id(label, host_id),
        component="dram" if kind == "dram" else "cpu",
        source="rapl",
        method=Method.HARDWARE_COUNTER,
        grade=Grade.B,
        max_power=Power(_most_watts(folder, kind)),
        wraps_at=_range(folder),
        update_seconds=0.001,
        relative_error=uncertainty.COUNTER,
        name=model if kind == "package" else "",
        note=notes.get(kind, ""),
    )


def _inside(zone: _Zone, platform: str | None) -> _Zone:
    """Put a top zone into the platform zone where there is one (psys > package > core, uncore)."""
    if platform is None or zone.device.id == platform or zone.device.part_of is not None:
        return zone
    return _Zone(zone.folder, replace(zone.device, part_of=platform))


def _most_watts(folder: Path, kind: str) -> float:
    """1.3 x the highest limit that the zone states, or a generous bound.

    The long-term limit alone is no bound: turbo draws two to four times as much. So it counts only where
    a short-term limit is stated too.
    """
    generous = MOST_WATTS[kind]
    limits: dict[str, float] = {}
    for name_file in folder.glob("constraint_*_name"):
        stem = name_file.name.removesuffix("_name")
        stated = [number(folder / f"{stem}_{what}") for what in ("max_power_uw", "power_limit_uw")]
        limits[text(name_file)] = max(stated) / 1e6
    if kind == "package" and limits.get("short_term", 0.0) <= 0:
        return generous
    highest = max(limits.values(), default=0.0)
    return min(generous, uncertainty.HEADROOM * highest) if highest > 0 else generous


def _range(folder: Path) -> Energy | None:
    microjoules = number(folder / "max_energy_range_uj")
    return Energy(microjoules / 1e6) if microjoules > 0 else None


def _always_on(device: Device) -> bool:
    """Packages and memory always draw power; graphics or cores may sleep."""
    return device.id.endswith("/psys") or _PACKAGE.search(device.id) is not None


def _why_nothing(root: Path, cpuinfo: Path) -> str:
    if " hypervisor" in text(cpuinfo):
        return (
            f"no intel-rapl zones under {root}: this is a virtual machine and its host does not pass RAPL"
            " through; measure on the host, or use the node's power (wattmark's ipmi or redfish meter)"
        )
    return (
        f"no intel-rapl zones under {root}; on an Intel or AMD machine try: sudo modprobe intel_rapl_msr"
        " (in a container, mount the host's /sys/class/powercap and /sys/devices/virtual/powercap)"
    )


def _why_unreadable(folder: Path, error: OSError) -> str:
    if isinstance(error, PermissionError):
        return (
            f"{folder / 'energy_uj'} may be read by root only (CVE-2020-8694); allow it until the next"
            f" boot with: {ALLOW} (for good: a udev rule, see docs/integrations/rapl.md)"
        )
    return f"{folder / 'energy_uj'} cannot be opened: {error.strerror or error}"
