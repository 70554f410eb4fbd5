"""The shortest window over which a device's reading deserves trust."""

from __future__ import annotations

from wattmark.core.known import Method
from wattmark.core.readings import Device

COUNTER_SECONDS = 5.0
COUNTER_TICKS = 100
SAMPLED_SECONDS = 60.0
SAMPLES = 60


def honest_window(device: Device, period_seconds: float) -> float:
    """Seconds a window must last for this device.

    Counters: 5 s and 100 ticks; sampled power: 60 s and 60 samples (kpis.md, Validity; the latter as
    in the MLPerf training power rules). A modelled counter follows the rule of counters.
    """
    if device.reads == "power" or device.method is Method.INTEGRATED_POWER:
        return max(SAMPLED_SECONDS, SAMPLES * max(period_seconds, device.update_seconds))
    return max(COUNTER_SECONDS, COUNTER_TICKS * device.update_seconds)
