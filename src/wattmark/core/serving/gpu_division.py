"""The energy of accelerators, divided among workloads by the time in which their kernels ran.

A workload is charged device energy x utilisation x its share of the busy time (kpis.md, Shared machines).
Nobody tells who reserved an accelerator, so its idle energy stays unallocated.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from wattmark.core.serving.cpu_division import HOST, device_of
from wattmark.core.serving.window import DeviceUse, ServingWindow
from wattmark.core.serving.workload import Workload, WorkloadDevice, WorkloadShare, WorkloadUse

RULE = "gpu_busy_time"
"""device energy x utilisation x own share of its busy time; idle energy is unallocated."""
SIGNAL = "nvml_busy_time"
"""The utilisation that this rule means; with another signal the processes' own sum stands in."""


@dataclass(frozen=True, slots=True)
class GpuStretch:
    """Who used one device in a stretch of time."""

    shares: Mapping[Workload, float]
    """Mean share of time in which each ran kernels, 0 to 1; they may overlap and make more than 1."""


def divided_gpus(window: ServingWindow, seen: Mapping[str, GpuStretch]) -> WorkloadUse | None:
    """How the energy of the devices that were watched divides; None where none was.

    Busy energy of which no process was seen is the host's, as is that of processes that nobody knows.
    """
    devices: list[WorkloadDevice] = []
    shares: list[WorkloadShare] = []
    for use in window.devices:
        stretch = seen.get(use.device_id)
        if stretch is None:
            continue
        charged = _charged(use, stretch)
        shares += charged
        given = math.fsum(share.busy_joules for share in charged)
        devices.append(device_of(use, use.energy_joules - given))
    if not devices:
        return None
    return WorkloadUse(
        host_id=window.host_id,
        start_us=window.start_us,
        end_us=window.end_us,
        rule=RULE,
        devices=tuple(devices),
        shares=tuple(shares),
    )


def _charged(use: DeviceUse, stretch: GpuStretch) -> list[WorkloadShare]:
    ran = {workload: share for workload, share in stretch.shares.items() if share > 0}
    told = math.fsum(ran.values())
    busy = min(1.0, told)
    if use.busy_seconds is not None and use.busy_signal == SIGNAL and use.observed_seconds > 0:
        busy = min(1.0, max(0.0, use.busy_seconds / use.observed_seconds))
    if not ran:
        ran, told = {HOST: 1.0}, 1.0
    found = [
        WorkloadShare(
            workload=workload, device_id=use.device_id, busy_joules=use.energy_joules * busy * share / told
        )
        for workload, share in ran.items()
    ]
    return [share for share in found if share.busy_joules > 0]
