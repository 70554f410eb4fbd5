"""AMD GPUs through AMD SMI: the energy counter where there is one, sampled power elsewhere.

Functions and structures: amdsmi.h of ROCm's amdsmi. The library comes with ROCm and is called directly.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from wattmark.core.errors import MeterUnavailable
from wattmark.core.known import Grade, Method
from wattmark.core.readings import CounterReading, Device, Gap, PowerReading, Reading
from wattmark.core.units import Energy, Power
from wattmark.meters import uncertainty
from wattmark.meters.clock import boot_clock
from wattmark.meters.liveness import Pulse, lit
from wattmark.ports import Clock

if TYPE_CHECKING:  # only benchmarks need it
    from wattmark.core.bench.evidence import StateLook

LIBRARIES = ("libamd_smi.so", "/opt/rocm/lib/libamd_smi.so")
AMD_GPUS = 2
"""AMDSMI_INIT_AMD_GPUS."""
NOT_KNOWN = (0xFFFF, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
"""What the library puts where it says "N/A": the largest number of the field's width."""
TEMPERATURES = (0, 1)
"""AMDSMI_TEMPERATURE_TYPE_EDGE and _JUNCTION; metric 0 is the temperature now."""
MOST_CELSIUS = 1000
PATIENCE = 1.0
TWO_DIES = "MI250"
GENEROUS_WATTS = 2000.0


class AmdSmiError(Exception):
    """AMD SMI refused a call."""


def load_amdsmi() -> ctypes.CDLL:
    """The library of the installed ROCm; raises OSError."""
    for name in LIBRARIES[:-1]:
        with suppress(OSError):
            return ctypes.CDLL(name)
    return ctypes.CDLL(LIBRARIES[-1])


class AmdSmi:
    """AMD SMI, initialised for this process. Every method raises AmdSmiError."""

    def __init__(self, load: Callable[[], ctypes.CDLL]) -> None:
        self._library = load()
        self.pid = os.getpid()
        self._call("amdsmi_init", ctypes.c_uint64(AMD_GPUS))

    def shutdown(self) -> None:
        """Give AMD SMI back."""
        self._call("amdsmi_shut_down")

    def handles(self) -> list[ctypes.c_void_p]:
        """One handle per GPU; the two dies of an MI250 are two."""
        sockets = self._list("amdsmi_get_socket_handles")
        return [gpu for s in sockets for gpu in self._list("amdsmi_get_processor_handles", s)]

    def uuid(self, gpu: ctypes.c_void_p) -> str:
        """The identity of the GPU."""
        length, buffer = ctypes.c_uint(64), ctypes.create_string_buffer(64)
        self._call("amdsmi_get_gpu_device_uuid", gpu, ctypes.byref(length), buffer)
        return buffer.value.decode("ascii", "replace")

    def name(self, gpu: ctypes.c_void_p) -> str:
        """What the product is called; empty when it does not say."""
        # market_name is the first field of amdsmi_asic_info_t in every version; the rest is not needed.
        buffer = ctypes.create_string_buffer(4096)
        try:
            self._call("amdsmi_get_gpu_asic_info", gpu, buffer)
        except AmdSmiError:
            return ""
        return buffer.value.decode("utf-8", "replace")

    def energy_joules(self, gpu: ctypes.c_void_p) -> float:
        """The accumulator times its resolution (microjoules per count)."""
        count, unit, stamp = ctypes.c_uint64(), ctypes.c_float(), ctypes.c_uint64()
        self._call(
            "amdsmi_get_energy_count", gpu, ctypes.byref(count), ctypes.byref(unit), ctypes.byref(stamp)
        )
        if count.value in NOT_KNOWN or not unit.value > 0:
            raise AmdSmiError("the energy counter says N/A")
        return count.value * unit.value / 1e6

    def watts(self, gpu: ctypes.c_void_p) -> float:
        """Socket power now, or its short mean where there is no reading of this moment."""
        buffer = ctypes.create_string_buffer(512)
        self._call("amdsmi_get_power_info", gpu, buffer)
        return _socket_watts(buffer.raw)

    def limit_watts(self, gpu: ctypes.c_void_p) -> float:
        """The highest power cap it knows of; 0 when it does not say."""
        return max((watts for watts in self.caps_watts(gpu) if watts is not None), default=0.0)

    def caps_watts(self, gpu: ctypes.c_void_p) -> tuple[float | None, float | None]:
        """The power cap in force and the default one; None for what it does not say."""
        # amdsmi_power_cap_info_t begins with power_cap and default_power_cap, in microwatts.
        caps = (ctypes.c_uint64 * 64)()
        try:
            self._call("amdsmi_get_power_cap_info", gpu, ctypes.c_uint32(0), caps)
        except AmdSmiError:
            return None, None
        now, default = (None if cap in NOT_KNOWN else cap / 1e6 for cap in caps[:2])
        return now, default

    def celsius(self, gpu: ctypes.c_void_p) -> float | None:
        """The hotter one of junction and edge; None when it tells neither."""
        found = []
        for sensor in TEMPERATURES:
            value = ctypes.c_int64()
            with suppress(AmdSmiError):
                self._call(
                    "amdsmi_get_temp_metric", gpu, ctypes.c_int(sensor), ctypes.c_int(0), ctypes.byref(value)
                )
                # Degrees; some builds of ROCm hand on the driver's millidegrees.
                found.append(value.value / 1000 if value.value > MOST_CELSIUS else float(value.value))
        return max(found, default=None)

    def _list(self, function: str, *args: object) -> list[ctypes.c_void_p]:
        count = ctypes.c_uint32(0)
        self._call(function, *args, ctypes.byref(count), None)
        cells = (ctypes.c_void_p * count.value)()
        self._call(function, *args, ctypes.byref(count), cells)
        return [ctypes.c_void_p(cell) for cell in cells[: count.value]]

    def _call(self, function: str, *args: object) -> None:
        try:
            code: int = getattr(self._library, function)(*args)
        except AttributeError:
            raise AmdSmiError(f"this ROCm has no {function}") from None
        if code != 0:
            raise AmdSmiError(f"AMD SMI: {function} answered {code}")


class AmdSmiMeter:
    """Reads every AMD GPU that ROCm shows to this process."""

    name = "amdsmi"

    def __init__(
        self,
        *,
        host_id: str = "localhost",
        clock: Clock = boot_clock,
        load: Callable[[], ctypes.CDLL] = load_amdsmi,
    ) -> None:
        self._load = load
        self._clock = clock
        self._pulse = Pulse(PATIENCE)
        self._smi: AmdSmi | None = _start(load)
        self._handles: dict[str, ctypes.c_void_p] = {}
        self._silent: dict[str, str] = {}
        try:
            self._devices = tuple(self._describe(self._smi))
        except AmdSmiError as error:
            self.close()
            raise MeterUnavailable(f"{error}; see whether amd-smi works") from error
        if not self._devices:
            self.close()
            raise MeterUnavailable("AMD SMI works, but shows no GPU to this process")

    @property
    def devices(self) -> Sequence[Device]:
        """GPUs by UUID, in AMD SMI's order."""
        return self._devices

    def read(self) -> Mapping[str, Reading]:
        """One look at every GPU; what cannot be read is a Gap."""
        self._renew()
        return {d.id: self._read_one(d) for d in self._devices}

    def states(self) -> Sequence[StateLook]:
        """Temperature and power caps of every GPU.

        Whether it throttles is not known: the library's violation status takes a tenth of a second to ask
        for, and its layout differs from release to release.
        """
        from wattmark.core.bench.evidence import StateLook

        self._renew()
        found = []
        for device in self._devices:
            gpu = self._handles.get(device.id)
            if self._smi is None or gpu is None:
                found.append(StateLook(device_id=device.id, at_us=0))
                continue
            limit, default = self._smi.caps_watts(gpu)
            found.append(
                StateLook(
                    device_id=device.id,
                    at_us=0,
                    celsius=self._smi.celsius(gpu),
                    power_limit_watts=limit,
                    default_power_limit_watts=default,
                )
            )
        return found

    def close(self) -> None:
        """Give AMD SMI back."""
        smi, self._smi = self._smi, None
        if smi is not None and smi.pid == os.getpid():
            with suppress(AmdSmiError):  # the driver may be gone already: nothing is left to give back then
                smi.shutdown()

    def _describe(self, smi: AmdSmi) -> list[Device]:
        devices: list[Device] = []
        for gpu in smi.handles():
            device = _device(smi, gpu)
            self._handles[device.id] = gpu
            first = devices[-1] if devices else None
            if (
                first
                and first.name == device.name
                and first.part_of is None
                and _second_die(smi, gpu, device)
            ):
                self._silent[device.id] = (
                    f"the second die of this card shows nothing of its own: see {first.id}"
                )
                device = replace(device, part_of=first.id, note=self._silent[device.id])
            devices.append(device)
        return devices

    def _read_one(self, device: Device) -> Reading:
        gpu = self._handles.get(device.id)
        if self._smi is None or gpu is None:
            return Gap("the meter is closed")
        if device.id in self._silent:
            return Gap(self._silent[device.id])
        try:
            if device.reads == "power":
                return lit(PowerReading(Power(self._smi.watts(gpu)), self._clock()))
            energy = Energy(self._smi.energy_joules(gpu))
        except AmdSmiError as error:
            return Gap(str(error))
        if energy.joules == 0:
            return Gap("the energy counter reads 0, though the hardware is on")
        return self._pulse.check(device.id, CounterReading(energy, self._clock()))

    def _renew(self) -> None:
        """After a fork the library's state belongs to the parent: begin anew in the child."""
        if self._smi is None or self._smi.pid == os.getpid():
            return
        try:
            self._smi = _start(self._load)
            self._handles = {self._smi.uuid(gpu): gpu for gpu in self._smi.handles()}
        except (AmdSmiError, MeterUnavailable):
            self._handles = {}


def _start(load: Callable[[], ctypes.CDLL]) -> AmdSmi:
    try:
        return AmdSmi(load)
    except OSError as error:
        raise MeterUnavailable(f"no AMD SMI library ({error}); install ROCm's package amd-smi-lib") from error
    except AmdSmiError as error:
        raise MeterUnavailable(
            f"{error}; is the driver loaded (sudo modprobe amdgpu), and is this user in the groups video and"
            " render (sudo usermod -aG video,render $USER)?"
        ) from error


def _device(smi: AmdSmi, gpu: ctypes.c_void_p) -> Device:
    counts = _counts(smi, gpu)
    limit = smi.limit_watts(gpu)
    return Device(
        id=smi.uuid(gpu),
        component="gpu",
        source="amdsmi",
        method=Method.HARDWARE_COUNTER if counts else Method.INTEGRATED_POWER,
        grade=Grade.B if counts else Grade.C,
        max_power=Power(uncertainty.HEADROOM * limit if limit > 0 else GENEROUS_WATTS),
        update_seconds=0.001,  # the driver keeps a reading for 1 ms (ROCm/legacy-rocm-build issue 1649)
        relative_error=uncertainty.COUNTER if counts else uncertainty.SAMPLED_POWER,
        reads="counter" if counts else "power",
        name=smi.name(gpu),
    )


def _counts(smi: AmdSmi, gpu: ctypes.c_void_p) -> bool:
    """True when the energy counter works; also when nothing works, so that the gap names the counter."""
    try:
        smi.energy_joules(gpu)
    except AmdSmiError:
        with suppress(AmdSmiError):
            smi.watts(gpu)
            return False
    return True


def _second_die(smi: AmdSmi, gpu: ctypes.c_void_p, device: Device) -> bool:
    """MI250 and MI250X carry two dies and report the card's power on the first; the second reads 0."""
    if TWO_DIES not in device.name:
        return False
    try:
        return (smi.energy_joules(gpu) if device.reads == "counter" else smi.watts(gpu)) == 0
    except AmdSmiError:
        return True


def _socket_watts(info: bytes) -> float:
    """Watts from amdsmi_power_info_t, whose layout changed with ROCm 6.4.

    Before: current, average (32 bits each). Since: socket_power (64 bits), current, average (32 bits each).
    Read as 64 bits, the first eight bytes of the old layout are far too many watts, so the size tells.
    """
    first = int.from_bytes(info[0:8], "little")
    words = [int.from_bytes(info[n : n + 4], "little") for n in (0, 4, 8, 12)]
    if 0 < first < NOT_KNOWN[0]:
        return float(first)
    new_layout = first in (0, *NOT_KNOWN)
    for watts in words[2:] if new_layout else words[:2]:
        if watts not in NOT_KNOWN and watts > 0:
            return float(watts)
    if first == 0:
        return 0.0
    raise AmdSmiError("the power says N/A")
