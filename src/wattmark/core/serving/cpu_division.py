"""The energy of CPU-side devices, divided among workloads by CPU time.

A workload is charged device energy x utilisation x its share of the busy time, and of the idle rest what it
reserves of the machine's CPUs; what nobody reserves stays unallocated (kpis.md, Shared machines).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from wattmark.core.serving.window import DeviceUse
from wattmark.core.serving.workload import (
    Workload,
    WorkloadDevice,
    WorkloadKind,
    WorkloadShare,
    WorkloadUse,
)

COMPONENTS = ("cpu", "dram", "rest_of_node", "node")
"""Components whose energy is divided by CPU time; no other is looked at."""
HOST = Workload(kind=WorkloadKind.HOST)
UNDIVIDED = "no CPU time was seen to pass: what CPU-side devices used is not divided"


@dataclass(frozen=True, slots=True)
class WorkloadCpu:
    """What one workload did of a stretch, and what it keeps for itself."""

    workload: Workload
    busy_seconds: float
    """CPU time, summed over CPUs."""
    reserved_seconds: float = 0.0
    """CPU time that is kept for it: reserved cores x time."""


@dataclass(frozen=True, slots=True)
class CpuStretch:
    """How the CPUs of a machine spent a stretch of time."""

    busy_seconds: float
    """All of the machine, summed over CPUs."""
    capacity_seconds: float
    """What the CPUs offered, busy or not; stolen time is no part of it."""
    workloads: tuple[WorkloadCpu, ...] = ()
    stolen_seconds: float = 0.0
    """Time in which a hypervisor ran something else."""
    notes: tuple[str, ...] = ()


def joined(first: CpuStretch, second: CpuStretch) -> CpuStretch:
    """Two stretches, one after the other, as one."""
    found: dict[Workload, WorkloadCpu] = {}
    for cpu in (*first.workloads, *second.workloads):
        before = found.get(cpu.workload, WorkloadCpu(cpu.workload, 0.0))
        found[cpu.workload] = WorkloadCpu(
            cpu.workload,
            before.busy_seconds + cpu.busy_seconds,
            before.reserved_seconds + cpu.reserved_seconds,
        )
    return CpuStretch(
        first.busy_seconds + second.busy_seconds,
        first.capacity_seconds + second.capacity_seconds,
        tuple(found.values()),
        first.stolen_seconds + second.stolen_seconds,
        tuple(dict.fromkeys((*first.notes, *second.notes))),
    )


@dataclass(frozen=True, slots=True)
class _Parts:
    """Shares of a device, 0 to 1; with what is unallocated they make 1."""

    workload: Workload
    busy: float
    idle: float


def divided(
    host_id: str, start_us: int, end_us: int, uses: Sequence[DeviceUse], stretch: CpuStretch | None
) -> WorkloadUse:
    """The energy of the CPU-side devices among ``uses``, divided by what the CPUs did meanwhile.

    Without a stretch, or when no CPU time passed in it, all of it is unallocated, which the notes say.
    """
    devices = [use for use in uses if use.component in COMPONENTS]
    parts = _parts(stretch) if stretch is not None and stretch.capacity_seconds > 0 else []
    notes = stretch.notes if stretch is not None else ()
    if devices and not parts:
        notes = (*notes, UNDIVIDED)
    shares: list[WorkloadShare] = []
    held: list[WorkloadDevice] = []
    for use in devices:
        charged = [_share(use, part) for part in parts]
        shares += [share for share in charged if share.busy_joules or share.idle_joules]
        given = math.fsum(joules for s in charged for joules in (s.busy_joules, s.idle_joules))
        held.append(device_of(use, use.energy_joules - given))
    return WorkloadUse(
        host_id=host_id,
        start_us=start_us,
        end_us=end_us,
        devices=tuple(held),
        shares=tuple(shares),
        notes=notes,
    )


def _parts(stretch: CpuStretch) -> list[_Parts]:
    capacity = stretch.capacity_seconds
    told = math.fsum(max(0.0, cpu.busy_seconds) for cpu in stretch.workloads)
    # Groups are clocked to the nanosecond, the machine in ticks: what groups say is never more than was busy.
    busy = min(capacity, max(stretch.busy_seconds, told, 0.0))
    reserved = math.fsum(max(0.0, cpu.reserved_seconds) for cpu in stretch.workloads)
    # Shares are multiplied, never times: a capacity close to nothing must not lose their digits.
    whole, of_busy = (told, busy / capacity) if told > busy else (capacity, 1.0)
    of_idle = (capacity - busy) / capacity
    found = [
        _Parts(
            cpu.workload,
            max(0.0, cpu.busy_seconds) / whole * of_busy,
            max(0.0, cpu.reserved_seconds) / max(reserved, capacity) * of_idle,
        )
        for cpu in stretch.workloads
    ]
    return [*found, _Parts(HOST, max(0.0, busy - told) / capacity, 0.0)]


def _share(use: DeviceUse, part: _Parts) -> WorkloadShare:
    return WorkloadShare(
        workload=part.workload,
        device_id=use.device_id,
        busy_joules=use.energy_joules * part.busy,
        idle_joules=use.energy_joules * part.idle,
    )


def device_of(use: DeviceUse, unallocated: float) -> WorkloadDevice:
    """The device of a window as workloads divide it, with what none of them is charged."""
    return WorkloadDevice(
        device_id=use.device_id,
        component=use.component,
        source=use.source,
        method=use.method,
        grade=use.grade,
        boundary=use.boundary,
        errors=use.errors,
        sensor_duty=use.sensor_duty,
        energy_joules=use.energy_joules,
        observed_seconds=use.observed_seconds,
        unallocated_joules=max(0.0, unallocated),
    )
