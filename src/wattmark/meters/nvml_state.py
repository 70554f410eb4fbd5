"""How an NVIDIA GPU is beside its energy: temperature, throttling, power limits, clock.

Bits of the reasons: nvml.h, nvmlClocksEventReasons (before NVIDIA's driver 535: nvmlClocksThrottleReasons;
docs.nvidia.com/deploy/nvml-api/group__nvmlClocksEventReasons.html).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping

from wattmark.core.bench.evidence import StateLook
from wattmark.meters.nvml_library import Nvml, NvmlError

THROTTLING: Mapping[int, str] = {
    0x08: "hw_slowdown",
    0x20: "thermal",
    0x40: "thermal",
    0x80: "power_brake",
}
"""What takes the comparability of a figure away: hardware slowdown, thermal slowdown by the driver and by the
hardware, power brake. 0x08 is set together with 0x40 and 0x80. Idle clocks (0x01), set clocks (0x02), the
power cap (0x04: configuration, seen in the limits), sync boost (0x10) and the display's clocks (0x100) are
left out."""


def state_of(nvml: Nvml, gpu: ctypes.c_void_p, *, device_id: str) -> StateLook:
    """One look at one GPU; what the driver refuses is None."""
    reasons = _told(nvml.clock_event_reasons, gpu)
    celsius = _told(nvml.celsius, gpu)
    clock = _told(nvml.clock_megahertz, gpu)
    return StateLook(
        device_id=device_id,
        at_us=0,
        celsius=None if celsius is None else float(celsius),
        throttled=tuple(dict.fromkeys(name for bit, name in THROTTLING.items() if (reasons or 0) & bit)),
        throttle_known=reasons is not None,
        power_limit_watts=nvml.enforced_limit_milliwatts(gpu) / 1e3 or None,
        default_power_limit_watts=nvml.default_limit_milliwatts(gpu) / 1e3 or None,
        clock_megahertz=None if clock is None else float(clock),
    )


def silent_state(device_id: str) -> StateLook:
    """Of a device that tells nothing."""
    return StateLook(device_id=device_id, at_us=0)


def _told(question: Callable[[ctypes.c_void_p], int], gpu: ctypes.c_void_p) -> int | None:
    try:
        return question(gpu)
    except NvmlError:
        return None
