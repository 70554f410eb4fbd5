"""NVIDIA GPUs through NVML: the energy counter where there is one, sampled power elsewhere."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from wattmark.core.errors import MeterUnavailable
from wattmark.core.known import Grade, Method
from wattmark.core.readings import (
    CounterReading,
    Device,
    Gap,
    PowerReading,
    ProcessShares,
    ProcessUse,
    Reading,
)
from wattmark.core.sensor_duty import power_duty
from wattmark.core.units import Energy, Power
from wattmark.meters import uncertainty
from wattmark.meters.clock import boot_clock
from wattmark.meters.liveness import Pulse, lit
from wattmark.meters.nvml_library import DRIVER_NOT_LOADED, UNINITIALIZED, Nvml, NvmlError, load_nvml
from wattmark.ports import Clock

if TYPE_CHECKING:  # only benchmarks need it
    from wattmark.core.bench.evidence import StateLook

T = TypeVar("T")

UPDATE_SECONDS = 0.1
"""Counter and power refresh about every 100 ms (arXiv 2312.02741, tables of sensor windows)."""
PATIENCE = 10 * UPDATE_SECONDS
MODULES = ("GH200", "GB200", "GB300")
MODULE_EXTRA_WATTS = 500.0
"""More than a Grace CPU with its memory draws (NVIDIA's Grace CPU Superchip data sheet: 500 W for two)."""
GENEROUS_WATTS = 2000.0


class NvmlMeter:
    """Reads every physical NVIDIA GPU that this process may see.

    It measures the host: CUDA_VISIBLE_DEVICES hides GPUs from a program, not from NVML, and a hidden
    GPU still uses energy. MIG instances share their GPU's counter, so the GPU is the device.
    """

    name = "nvml"

    def __init__(
        self,
        *,
        host_id: str = "localhost",
        clock: Clock = boot_clock,
        load: Callable[[], ctypes.CDLL] = load_nvml,
    ) -> None:
        self._load = load
        self._clock = clock
        self._host_id = host_id
        self._pulse = Pulse(PATIENCE)
        self._lost: dict[str, str] = {}
        self._instances: dict[str, tuple[str, ...]] = {}
        self._nvml: Nvml | None = None
        self._nvml = _start(load)
        try:
            handles = self._nvml.handles()
            self._handles: dict[str, ctypes.c_void_p] = {}
            self._devices = tuple(self._describe(i, h) for i, h in enumerate(handles))
        except NvmlError as error:
            self.close()
            raise MeterUnavailable(f"{error}; see whether nvidia-smi works") from error
        if not self._devices:
            self.close()
            raise MeterUnavailable("NVML works, but shows no GPU to this process")

    @property
    def devices(self) -> Sequence[Device]:
        """Physical GPUs by UUID, in NVML's order."""
        return self._devices

    @property
    def instances(self) -> Mapping[str, tuple[str, ...]]:
        """MIG instances by the GPU they are on, identities kept whole."""
        return self._instances

    def read(self) -> Mapping[str, Reading]:
        """One look at every GPU; one that has vanished is a Gap and the others go on."""
        self._renew()
        return {d.id: self._read_one(d) for d in self._devices}

    def utilisation(self) -> Mapping[str, float | Gap]:
        """Share of time in which a kernel was running (0 to 1): busy time, not how full the GPU was."""
        self._renew()
        return {d.id: self._ask(d, lambda nvml, gpu: nvml.busy_percent(gpu) / 100) for d in self._devices}

    def process_utilisation(self, pids: Collection[int], since_us: int) -> Mapping[str, ProcessUse | Gap]:
        """How busy each GPU was with these processes and with others since a moment (us since 1970).

        The driver knows processes by their number on the host: in a container's own numbering nothing
        matches. MIG and some drivers do not support this: a Gap.
        """
        self._renew()
        return {d.id: self._ask(d, lambda nvml, gpu: _use(nvml, gpu, pids, since_us)) for d in self._devices}

    def process_shares(self, since_us: int) -> Mapping[str, ProcessShares | Gap]:
        """How busy each GPU was with every process since a moment (us since 1970), by its number on the host.

        MIG and some drivers do not support this: a Gap.
        """
        self._renew()
        return {d.id: self._ask(d, lambda nvml, gpu: _shares(nvml, gpu, since_us)) for d in self._devices}

    def states(self) -> Sequence[StateLook]:
        """Temperature, throttling, power limits and clock of every GPU; what NVML refuses is None."""
        from wattmark.meters.nvml_state import silent_state, state_of

        self._renew()
        asked = {d.id: self._ask(d, partial(state_of, device_id=d.id)) for d in self._devices}
        return [silent_state(i) if isinstance(said, Gap) else said for i, said in asked.items()]

    def close(self) -> None:
        """Give NVML back."""
        nvml, self._nvml = self._nvml, None
        if nvml is not None and nvml.pid == os.getpid():
            with suppress(NvmlError):  # the driver may be gone already: nothing is left to give back then
                nvml.shutdown()

    def _describe(self, index: int, handle: ctypes.c_void_p | NvmlError) -> Device:
        if isinstance(handle, NvmlError) or self._nvml is None:
            return self._lost_device(index, str(handle))
        try:
            uuid, name = self._nvml.uuid(handle), self._nvml.name(handle)
        except NvmlError as error:
            return self._lost_device(index, str(error))
        self._handles[uuid] = handle
        instances = self._nvml.mig_instances(handle)
        if instances:
            self._instances[uuid] = instances
        counts = _works(self._nvml.energy_millijoules, handle) or not _power_works(self._nvml, handle)
        limit = self._nvml.power_limit_milliwatts(handle) / 1e3
        return _device(uuid, name, limit, counts, len(instances))

    def _lost_device(self, index: int, reason: str) -> Device:
        device = _device(f"gpu:{self._host_id}/nvml-{index}", "", 0.0, counts=True, instances=0)
        self._lost[device.id] = reason
        return device

    def _read_one(self, device: Device) -> Reading:
        said = self._ask(device, _energy if device.reads == "counter" else _power)
        if isinstance(said, Gap):
            return said
        at = self._clock()
        if isinstance(said, Power):
            return lit(PowerReading(said, at))
        return self._pulse.check(device.id, CounterReading(said, at))

    def _ask(self, device: Device, question: Callable[[Nvml, ctypes.c_void_p], T]) -> T | Gap:
        """Put a question to NVML about one GPU; what it refuses is a Gap."""
        gpu = self._handles.get(device.id)
        if self._nvml is None or gpu is None:
            return Gap(self._lost.get(device.id, "the meter is closed"))
        try:
            return question(self._nvml, gpu)
        except NvmlError as error:
            if error.code == UNINITIALIZED:
                self._nvml.pid = -1  # begin anew at the next look
            return Gap(str(error))

    def _renew(self) -> None:
        """After a fork NVML's state belongs to the parent: begin anew in the child."""
        if self._nvml is None or self._nvml.pid == os.getpid():
            return
        try:
            self._nvml = _start(self._load)
            usable = [h for h in self._nvml.handles() if not isinstance(h, NvmlError)]
            self._handles = {self._nvml.uuid(h): h for h in usable}
        except (NvmlError, MeterUnavailable) as error:
            self._handles = {}
            self._lost |= {d.id: f"NVML did not start again: {error}" for d in self._devices}


def _start(load: Callable[[], ctypes.CDLL]) -> Nvml:
    try:
        return Nvml(load)
    except OSError as error:
        raise MeterUnavailable(
            f"no NVIDIA driver library ({error}); install the NVIDIA driver, or in a container start it with"
            " --gpus all and NVIDIA_DRIVER_CAPABILITIES=utility"
        ) from error
    except NvmlError as error:
        help_ = "sudo modprobe nvidia" if error.code == DRIVER_NOT_LOADED else "see whether nvidia-smi works"
        raise MeterUnavailable(f"{error}; {help_}") from error


def _device(uuid: str, name: str, limit_watts: float, counts: bool, instances: int) -> Device:
    module = counts and any(m in name for m in MODULES)
    duty = 1.0 if counts else power_duty(name)
    notes = []
    if module:
        notes.append("the counter is the module's: GPU, CPU and memory; a CPU reading beside it counts twice")
    if instances:
        notes.append(f"{instances} MIG instances share this GPU's reading")
    most = uncertainty.HEADROOM * (limit_watts + (MODULE_EXTRA_WATTS if module else 0.0))
    return Device(
        id=uuid,
        component="module" if module else "gpu",
        source="nvml",
        method=Method.HARDWARE_COUNTER if counts else Method.INTEGRATED_POWER,
        grade=Grade.B if counts else Grade.C,
        max_power=Power(most if limit_watts > 0 else GENEROUS_WATTS),
        update_seconds=UPDATE_SECONDS,
        sensor_duty=duty,
        relative_error=uncertainty.COUNTER if counts else uncertainty.of_power(duty),
        reads="counter" if counts else "power",
        name=name,
        note="; ".join(notes),
    )


def _works(question: Callable[[ctypes.c_void_p], int], gpu: ctypes.c_void_p) -> bool:
    try:
        question(gpu)
    except NvmlError:
        return False
    return True


def _power_works(nvml: Nvml, gpu: ctypes.c_void_p) -> bool:
    return _works(nvml.power_now_milliwatts, gpu) or _works(nvml.power_milliwatts, gpu)


def _energy(nvml: Nvml, gpu: ctypes.c_void_p) -> Energy | Power:
    return Energy(nvml.energy_millijoules(gpu) / 1e3)


def _power(nvml: Nvml, gpu: ctypes.c_void_p) -> Energy | Power:
    try:
        return Power(nvml.power_now_milliwatts(gpu) / 1e3)
    except NvmlError:
        return Power(nvml.power_milliwatts(gpu) / 1e3)  # drivers before 530 have no such field


def _use(nvml: Nvml, gpu: ctypes.c_void_p, pids: Collection[int], since_us: int) -> ProcessUse:
    """Means per process over its samples, added up for ours and for the others."""
    seen = _shares(nvml, gpu, since_us)
    own = sum(share for pid, share in seen.shares.items() if pid in pids)
    others = sum(share for pid, share in seen.shares.items() if pid not in pids)
    return ProcessUse(own, others, seen.until_us)


def _shares(nvml: Nvml, gpu: ctypes.c_void_p, since_us: int) -> ProcessShares:
    """Means per process over its samples."""
    by_pid: dict[int, list[int]] = {}
    until = since_us
    for sample in nvml.process_samples(gpu, since_us):
        until = max(until, sample.timestamp_us)
        by_pid.setdefault(sample.pid, []).append(sample.sm_percent)
    return ProcessShares({pid: sum(some) / len(some) / 100 for pid, some in by_pid.items()}, until)
