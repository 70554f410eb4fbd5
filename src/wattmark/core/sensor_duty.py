"""Sensors that look only part of the time."""

from __future__ import annotations

PART_TIME = ("A100", "H100", "H200", "GH200")
PART_TIME_DUTY = 0.25
"""A100 and H100 average 25 ms of every 100 ms (arXiv 2312.02741); H200 and GH200 hold H100's chip."""


def power_duty(name: str) -> float:
    """Share of the time in which the power sensor of an NVIDIA GPU of this name looks, 0 to 1."""
    return PART_TIME_DUTY if any(part in name for part in PART_TIME) else 1.0
