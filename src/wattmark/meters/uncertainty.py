"""How far off each way of reading is when the hardware does not say.

Half widths at 95 %, as a share of the value, per method: node power from a BMC 5 %, energy counters 5 %,
sampled power 10 %, and 25 % where the sensor looks less than half of the time.
"""

from __future__ import annotations

BMC = 0.05
COUNTER = 0.05
"""Gain errors of -8 to +13 % per card were measured on NVIDIA boards (arXiv 2312.02741): constant for a
card, so a calibration removes them."""
SAMPLED_POWER = 0.10
PART_TIME_POWER = 0.25
"""For sensors that look a quarter of the time (A100, H100: arXiv 2312.02741, section 4)."""

HEADROOM = 1.3
"""A reading above 1.3 x the limit the hardware states is nonsense."""


def of_power(sensor_duty: float) -> float:
    """Relative error of integrated power, by the share of time in which the sensor looks."""
    return PART_TIME_POWER if sensor_duty < 0.5 else SAMPLED_POWER
