"""Power and energy sensors that the kernel shows under hwmon, for chips whose meaning is known.

Files and units: Documentation/hwmon/sysfs-interface.rst (energy in uJ, power in uW, voltage in mV, current
in mA). Most hwmon chips measure one rail of something; adding unknown rails up would be fiction, so a chip
without a rule here is left out. amdgpu and nvme are left out on purpose: AMD GPUs are read through AMD SMI
(on processors with graphics amdgpu's sensor is the whole package's), and drives state no power in use.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wattmark.core.errors import MeterUnavailable
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.readings import CounterReading, Device, Gap, PowerReading, Reading
from wattmark.core.units import Energy, Power
from wattmark.meters import uncertainty
from wattmark.meters.clock import boot_clock
from wattmark.meters.liveness import lit
from wattmark.meters.sysfs import number, open_for_reading, text
from wattmark.ports import Clock

HWMON = Path("/sys/class/hwmon")
INTEL_GPU_RANGE = Energy(2**32 / 2**14)
"""Discrete Intel GPUs count in 2^-14 J in 32 bits: 262 144 J (drivers/gpu/drm/i915/i915_hwmon.c)."""
MOST_WATTS = {"gpu": 1000.0, "cpu": 1000.0, "module": 3000.0, "node": 20_000.0, "rest_of_node": 500.0}
NODE_ACCURACY = 0.05
GRACE = re.compile(r"(Module|Grace|CPU|SysIO) Power Socket (\d+)")


@dataclass(frozen=True, slots=True)
class Sensor:
    """A device and the files that it is read from: one, or a voltage and a current to multiply."""

    device: Device
    files: tuple[Path, ...]


class HwmonMeter:
    """Reads Intel GPUs, NVIDIA Grace, Jetson boards and ACPI power meters."""

    name = "hwmon"

    def __init__(
        self,
        *,
        host_id: str = "localhost",
        clock: Clock = boot_clock,
        root: Path = HWMON,
        opener: Callable[[Path], int] = open_for_reading,
    ) -> None:
        folders = sorted(root.glob("hwmon*"), key=lambda p: int(p.name.removeprefix("hwmon") or 0))
        self._sensors = _linked(list(_unique(s for f in folders for s in _sensors(f, host_id))))
        self._clock = clock
        self._files: dict[Path, int] = {}
        self._reasons: dict[Path, str] = {}
        for path in (p for s in self._sensors for p in s.files):
            try:
                self._files[path] = opener(path)
            except OSError as error:
                self._reasons[path] = f"{path} cannot be opened: {error.strerror or error}"
        if not self._files:
            raise MeterUnavailable(next(iter(self._reasons.values()), _why_nothing(root, folders)))

    @property
    def devices(self) -> Sequence[Device]:
        """What was found, in the kernel's order."""
        return tuple(s.device for s in self._sensors)

    def read(self) -> Mapping[str, Reading]:
        """One look at every sensor; what cannot be read is a Gap."""
        return {s.device.id: self._read_one(s) for s in self._sensors}

    def close(self) -> None:
        """Close the sensor files."""
        while self._files:
            path, fd = self._files.popitem()
            os.close(fd)
            self._reasons[path] = "the meter is closed"

    def _read_one(self, sensor: Sensor) -> Reading:
        product = 1.0
        for path in sensor.files:
            fd = self._files.get(path)
            if fd is None:
                return Gap(self._reasons.get(path, "the meter is closed"))
            try:
                product *= int(os.pread(fd, 32, 0))
            except (OSError, ValueError) as error:
                return Gap(f"{path.name} could not be read: {error}")
        at = self._clock()
        if sensor.device.reads == "counter":
            return CounterReading(Energy(product / 1e6), at)
        return lit(PowerReading(Power(product / 1e6), at))  # uW; or mV x mA, which is uW too


def _sensors(folder: Path, host_id: str) -> Iterator[Sensor]:
    """What one chip offers, by the rule for its name."""
    chip = _said(folder, "name")
    if re.fullmatch(r"i915(_gt\d+)?|xe", chip):
        yield from _intel_gpu(folder, chip, host_id)
    elif chip == "amd_energy":
        yield from _amd_energy(folder, host_id)
    elif chip == "power_meter":
        yield from _acpi_meter(folder, host_id)
    elif chip == "ina3221":
        yield from _jetson(folder, host_id)


def _intel_gpu(folder: Path, chip: str, host_id: str) -> Iterator[Sensor]:
    """The card's counter; tiles (i915_gt0) and the package (xe's second counter) are parts of the card."""
    card = f"gpu:{host_id}/{_address(folder)}"
    limit = max(number(folder / f"power1_{what}") for what in ("rated_max", "max", "crit")) / 1e6
    for path in sorted(folder.glob("energy*_input")):
        label = text(folder / path.name.replace("_input", "_label"))
        part = chip.partition("_")[2] or (label if label not in ("", "card") else "")
        device = _counter(
            f"{card}/{part}" if part else card,
            "gpu",
            part_of=card if part else None,
            max_power=Power(uncertainty.HEADROOM * limit if limit > 0 else MOST_WATTS["gpu"]),
            wraps_at=INTEL_GPU_RANGE,
            name="Intel GPU",
        )
        yield Sensor(device, (path,))


def _amd_energy(folder: Path, host_id: str) -> Iterator[Sensor]:
    """AMD's old driver: sockets, with cores inside them (Documentation/hwmon/amd_energy.rst)."""
    for path in sorted(folder.glob("energy*_input")):
        socket = re.fullmatch(r"Esocket(\d+)", text(folder / path.name.replace("_input", "_label")))
        if socket:
            device = _counter(f"cpu:{host_id}/package-{socket[1]}", "cpu", max_power=Power(MOST_WATTS["cpu"]))
            yield Sensor(device, (path,))


def _acpi_meter(folder: Path, host_id: str) -> Iterator[Sensor]:
    """NVIDIA Grace's sensors, told apart by their OEM text; any other ACPI meter measures the whole machine.

    Names and nesting: NVIDIA Grace Performance Tuning Guide, "Power and thermal": the module holds the Grace
    socket, which holds its cores (CPU) and its fabric (SysIO).
    """
    path = _file(folder, "power1_average") or _file(folder, "power1_input")
    if path is None:
        return
    update = number(path.with_name("power1_average_interval")) / 1e3
    grace = GRACE.search(_said(folder, "power1_oem_info") or _said(folder, "power1_label"))
    if grace is None:
        yield Sensor(_node(path, host_id, update), (path,))
        return
    kind, socket = grace[1], f"socket-{grace[2]}"
    chip = f"cpu:{host_id}/{socket}"
    device_id = {"Module": f"module:{host_id}/{socket}", "Grace": chip}.get(kind, f"{chip}/{kind.lower()}")
    component = "module" if kind == "Module" else "cpu"
    part_of = {"Module": None, "Grace": f"module:{host_id}/{socket}"}.get(kind, chip)
    yield Sensor(
        _power(device_id, component, part_of=part_of, update_seconds=update, name="NVIDIA Grace"), (path,)
    )


def _node(path: Path, host_id: str, update: float) -> Device:
    """An ACPI power meter of the machine, with the accuracy that its firmware states, in per cent.

    Some firmware writes 95 for "5 % off at most" and some writes 5; nobody builds a meter that is half off,
    so the smaller part is the error.
    """
    stated = re.match(r"[\d.]+", text(path.with_name("power1_accuracy")))
    percent = float(stated[0]) if stated else 0.0
    error = min(percent, 100 - percent) / 100 if 0 < percent < 100 else None
    good = error is not None and error <= NODE_ACCURACY
    return _power(
        f"node:{host_id}",
        "node",
        boundary=Boundary.NODE,
        method=Method.BMC,
        grade=Grade.A if good else Grade.C,
        relative_error=max(error, uncertainty.BMC) if error is not None else uncertainty.SAMPLED_POWER,
        update_seconds=update or 1.0,
        note="" if good else "the meter states no accuracy of 5 % or better",
    )


def _jetson(folder: Path, host_id: str) -> Iterator[Sensor]:
    """NVIDIA Jetson's INA3221: channel N is voltage inN x current currN (Documentation/hwmon/ina3221.rst).

    VDD_IN feeds the whole module, the other rails lie inside it; boards without it show rails side by side.
    """
    labels = {n: text(folder / f"in{n}_label") for n in (1, 2, 3)}
    whole = next((f"module:{host_id}/{name}" for name in labels.values() if name == "VDD_IN"), None)
    for channel, label in labels.items():
        files = (folder / f"in{channel}_input", folder / f"curr{channel}_input")
        if not label or not all(f.exists() for f in files):
            continue
        if label == "VDD_IN":
            yield Sensor(_power(f"module:{host_id}/{label}", "module", name="NVIDIA Jetson"), files)
            continue
        component = "gpu" if "GPU" in label else "cpu" if "CPU" in label else "rest_of_node"
        yield Sensor(_power(f"{component}:{host_id}/{label}", component, part_of=whole), files)


def _counter(device_id: str, component: str, **fields: Any) -> Device:
    known: dict[str, Any] = {
        "source": "hwmon",
        "method": Method.HARDWARE_COUNTER,
        "grade": Grade.B,
        "relative_error": uncertainty.COUNTER,
    }
    return Device(id=device_id, component=component, **{**known, **fields})


def _power(device_id: str, component: str, **fields: Any) -> Device:
    known: dict[str, Any] = {
        "source": "hwmon",
        "method": Method.INTEGRATED_POWER,
        "grade": Grade.C,
        "relative_error": uncertainty.SAMPLED_POWER,
        "max_power": Power(MOST_WATTS[component]),
        "reads": "power",
    }
    return Device(id=device_id, component=component, **{**known, **fields})


def _unique(sensors: Iterator[Sensor]) -> Iterator[Sensor]:
    """Each device once: the first chip that shows it."""
    seen: set[str] = set()
    for sensor in sensors:
        if sensor.device.id not in seen:
            seen.add(sensor.device.id)
            yield sensor


def _linked(sensors: Sequence[Sensor]) -> tuple[Sensor, ...]:
    """Parts of something that has no sensor here stand for themselves."""
    there = {s.device.id for s in sensors}
    return tuple(
        s if s.device.part_of in (None, *there) else Sensor(replace(s.device, part_of=None), s.files)
        for s in sensors
    )


def _address(folder: Path) -> str:
    """The PCI address of the chip's card (the number of a hwmon folder changes from boot to boot)."""
    card = (folder / "device").resolve().name
    return f"pci-{card}" if re.fullmatch(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.\d", card) else folder.name


def _file(folder: Path, name: str) -> Path | None:
    """A sensor's file: beside the name, or in the parent device for drivers of the old style."""
    return next((p for p in (folder / name, folder / "device" / name) if p.exists()), None)


def _said(folder: Path, name: str) -> str:
    path = _file(folder, name)
    return text(path) if path else ""


def _why_nothing(root: Path, folders: Sequence[Path]) -> str:
    chips = sorted({_said(f, "name") for f in folders} - {""})
    seen = f"seen: {', '.join(chips)}" if chips else "no chip at all"
    return f"no chip under {root} whose power or energy wattmark knows how to read ({seen})"
