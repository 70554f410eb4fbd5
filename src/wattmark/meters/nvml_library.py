"""The few functions of NVIDIA's management library that are needed, called through ctypes.

Names, structures and codes: NVML API reference (docs.nvidia.com/deploy/nvml-api) and nvml.h. The library
comes with the driver, so no package is needed.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

UNINITIALIZED = 1
NOT_FOUND = 6
INSUFFICIENT_SIZE = 7
DRIVER_NOT_LOADED = 9
FUNCTION_NOT_FOUND = 13

FIELD_POWER_INSTANT = 186
"""NVML_FI_DEV_POWER_INSTANT: power now, in milliwatts; scope 0 is the GPU, scope 1 the module."""
MOST_MIG = 16
TEMPERATURE_GPU = 0
"""NVML_TEMPERATURE_GPU: the sensor of the die."""
CLOCK_SM = 1
"""NVML_CLOCK_SM, in megahertz."""


class NvmlError(Exception):
    """NVML refused a call; ``code`` is its nvmlReturn_t."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        super().__init__(text)


class _FieldValue(ctypes.Structure):
    _fields_ = (
        ("field_id", ctypes.c_uint),
        ("scope_id", ctypes.c_uint),
        ("timestamp", ctypes.c_longlong),
        ("latency_us", ctypes.c_longlong),
        ("value_type", ctypes.c_int),
        ("result", ctypes.c_int),
        ("value", ctypes.c_ulonglong),
    )


class _Utilisation(ctypes.Structure):
    _fields_ = (("gpu", ctypes.c_uint), ("memory", ctypes.c_uint))


class _ProcessSample(ctypes.Structure):
    _fields_ = (
        ("pid", ctypes.c_uint),
        ("timestamp_us", ctypes.c_ulonglong),
        ("sm", ctypes.c_uint),
        ("memory", ctypes.c_uint),
        ("encoder", ctypes.c_uint),
        ("decoder", ctypes.c_uint),
    )


@dataclass(frozen=True, slots=True)
class ProcessSample:
    """How busy one process kept a GPU, in one sample of the driver."""

    pid: int
    timestamp_us: int
    sm_percent: int


def load_nvml() -> ctypes.CDLL:
    """The library of the installed driver; raises OSError."""
    return ctypes.CDLL("nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1")


class Nvml:
    """NVML, initialised for this process. Every method raises NvmlError."""

    def __init__(self, load: Callable[[], ctypes.CDLL] = load_nvml) -> None:
        self._library = load()
        self._text = self._library.nvmlErrorString
        self._text.restype = ctypes.c_char_p
        self.pid = os.getpid()
        self._call("nvmlInit_v2")

    def shutdown(self) -> None:
        """Give NVML back."""
        self._call("nvmlShutdown")

    def handles(self) -> list[ctypes.c_void_p | NvmlError]:
        """One handle per physical GPU; in place of a GPU that is lost, the error."""
        count = ctypes.c_uint()
        self._call("nvmlDeviceGetCount_v2", ctypes.byref(count))
        return [self._handle(index) for index in range(count.value)]

    def uuid(self, gpu: ctypes.c_void_p) -> str:
        """The whole identity, such as ``GPU-...`` or ``MIG-...``."""
        return self._string("nvmlDeviceGetUUID", gpu)

    def name(self, gpu: ctypes.c_void_p) -> str:
        """What the product is called."""
        return self._string("nvmlDeviceGetName", gpu)

    def energy_millijoules(self, gpu: ctypes.c_void_p) -> int:
        """Energy since the driver was loaded (Volta and newer)."""
        value = ctypes.c_ulonglong()
        self._call("nvmlDeviceGetTotalEnergyConsumption", gpu, ctypes.byref(value))
        return value.value

    def power_milliwatts(self, gpu: ctypes.c_void_p) -> int:
        """Power by nvmlDeviceGetPowerUsage: a mean over 1 s on Ampere and newer (except A100)."""
        value = ctypes.c_uint()
        self._call("nvmlDeviceGetPowerUsage", gpu, ctypes.byref(value))
        return value.value

    def power_now_milliwatts(self, gpu: ctypes.c_void_p) -> int:
        """Power of the GPU alone at this moment, where the driver has the field."""
        field = _FieldValue(field_id=FIELD_POWER_INSTANT, scope_id=0)
        self._call("nvmlDeviceGetFieldValues", gpu, ctypes.c_int(1), ctypes.byref(field))
        if field.result != 0:
            raise self._error(field.result)
        return int(field.value) & 0xFFFFFFFF  # the union holds an unsigned int

    def power_limit_milliwatts(self, gpu: ctypes.c_void_p) -> int:
        """The higher one of the enforced and the default power limit; 0 when neither is known."""
        return max(self.enforced_limit_milliwatts(gpu), self.default_limit_milliwatts(gpu))

    def enforced_limit_milliwatts(self, gpu: ctypes.c_void_p) -> int:
        """The power limit in force, whoever set it; 0 when it is not known."""
        return self._optional("nvmlDeviceGetEnforcedPowerLimit", gpu)

    def default_limit_milliwatts(self, gpu: ctypes.c_void_p) -> int:
        """The power limit that the GPU starts with; 0 when it is not known."""
        return self._optional("nvmlDeviceGetPowerManagementDefaultLimit", gpu)

    def celsius(self, gpu: ctypes.c_void_p) -> int:
        """Temperature of the die."""
        value = ctypes.c_uint()
        self._call("nvmlDeviceGetTemperature", gpu, ctypes.c_uint(TEMPERATURE_GPU), ctypes.byref(value))
        return value.value

    def clock_megahertz(self, gpu: ctypes.c_void_p) -> int:
        """Clock of the streaming multiprocessors now."""
        value = ctypes.c_uint()
        self._call("nvmlDeviceGetClockInfo", gpu, ctypes.c_uint(CLOCK_SM), ctypes.byref(value))
        return value.value

    def clock_event_reasons(self, gpu: ctypes.c_void_p) -> int:
        """Why clocks are lower than they could be, as bits; drivers before 535 know it by its older name."""
        value = ctypes.c_ulonglong()
        try:
            self._call("nvmlDeviceGetCurrentClocksEventReasons", gpu, ctypes.byref(value))
        except NvmlError as error:
            if error.code != FUNCTION_NOT_FOUND:
                raise
            self._call("nvmlDeviceGetCurrentClocksThrottleReasons", gpu, ctypes.byref(value))
        return value.value

    def mig_instances(self, gpu: ctypes.c_void_p) -> tuple[str, ...]:
        """Identities of the MIG instances on this GPU, empty without MIG."""
        current, pending = ctypes.c_uint(), ctypes.c_uint()
        try:
            self._call("nvmlDeviceGetMigMode", gpu, ctypes.byref(current), ctypes.byref(pending))
        except NvmlError:
            return ()  # GPUs without MIG answer "not supported"
        return tuple(self._mig(gpu)) if current.value else ()

    def busy_percent(self, gpu: ctypes.c_void_p) -> int:
        """Share of the last sample period in which a kernel was running."""
        value = _Utilisation()
        self._call("nvmlDeviceGetUtilizationRates", gpu, ctypes.byref(value))
        return int(value.gpu)

    def process_samples(self, gpu: ctypes.c_void_p, since_us: int) -> list[ProcessSample]:
        """Samples per process newer than ``since_us`` (microseconds since 1970)."""
        name = "nvmlDeviceGetProcessUtilization"
        count, since = ctypes.c_uint(0), ctypes.c_ulonglong(since_us)
        try:
            self._call(name, gpu, None, ctypes.byref(count), since)
        except NvmlError as error:
            if error.code == NOT_FOUND:
                return []  # nothing ran
            if error.code != INSUFFICIENT_SIZE:
                raise
        if count.value == 0:
            return []
        samples = (_ProcessSample * count.value)()
        try:
            self._call(name, gpu, samples, ctypes.byref(count), since)
        except NvmlError as error:
            if error.code == NOT_FOUND:
                return []
            raise
        return [ProcessSample(s.pid, s.timestamp_us, s.sm) for s in samples[: count.value]]

    def _handle(self, index: int) -> ctypes.c_void_p | NvmlError:
        handle = ctypes.c_void_p()
        try:
            self._call("nvmlDeviceGetHandleByIndex_v2", ctypes.c_uint(index), ctypes.byref(handle))
        except NvmlError as error:
            return error
        return handle

    def _mig(self, gpu: ctypes.c_void_p) -> list[str]:
        found = []
        for index in range(MOST_MIG):
            instance = ctypes.c_void_p()
            try:
                self._call(
                    "nvmlDeviceGetMigDeviceHandleByIndex", gpu, ctypes.c_uint(index), ctypes.byref(instance)
                )
                found.append(self.uuid(instance))
            except NvmlError:
                continue  # this slot is free
        return found

    def _string(self, function: str, gpu: ctypes.c_void_p) -> str:
        buffer = ctypes.create_string_buffer(96)
        self._call(function, gpu, buffer, ctypes.c_uint(len(buffer)))
        return buffer.value.decode("utf-8", "replace")

    def _optional(self, function: str, gpu: ctypes.c_void_p) -> int:
        value = ctypes.c_uint()
        try:
            self._call(function, gpu, ctypes.byref(value))
        except NvmlError:
            return 0
        return value.value

    def _call(self, function: str, *args: object) -> None:
        try:
            code: int = getattr(self._library, function)(*args)
        except AttributeError:
            raise NvmlError(FUNCTION_NOT_FOUND, f"this driver has no {function}") from None
        if code != 0:
            raise self._error(code)

    def _error(self, code: int) -> NvmlError:
        said = self._text(ctypes.c_int(code))
        return NvmlError(code, f"NVML: {said.decode() if said else f'error {code}'}")
