"""What ran on a node besides and beneath the models: containers, pods, jobs, processes, and their energy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from wattmark.core.errors import UsageError
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.serving.conserving import conserved

RULE = "cgroup_cpu_time"
"""device energy x utilisation x own share of busy CPU time; idle by reserved capacity, the rest unallocated
(kpis.md, Shared machines)."""


class WorkloadKind(StrEnum):
    """What a workload is. Workloads never hold one another: their energies may be added."""

    CONTAINER = "container"
    """One container, of a pod or of its own."""
    POD = "pod"
    """What of a pod is in none of its containers: the sandbox, containers that came and went."""
    SLURM_JOB = "slurm_job"
    UNIT = "unit"
    """A systemd service, scope or slice that holds no container and no job."""
    PROCESS = "process"
    """Processes of one command name that are in no group of their own."""
    HOST = "host"
    """All other busy time: the kernel, and groups that vanished between two looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Who used a device. Empty where it is not known or does not apply."""

    kind: WorkloadKind
    name: str = ""
    """Of a container its name, else the start of its id; of a job its number; of a unit its name."""
    namespace: str = ""
    pod: str = ""
    """The pod's name, or its uid where no name is known."""
    container: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadDevice:
    """One device whose energy is divided, in one window."""

    device_id: str
    component: str
    source: str
    method: Method
    grade: Grade
    boundary: Boundary = Boundary.DEVICE
    errors: Mapping[str, float] = field(default_factory=dict)
    """Named error source -> relative half width at 95 %."""
    sensor_duty: float = 1.0
    energy_joules: float
    observed_seconds: float
    unallocated_joules: float = 0.0
    """Idle energy that no workload reserved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadShare:
    """What one workload is charged of one device, in joules."""

    workload: Workload
    device_id: str
    busy_joules: float = 0.0
    """While it ran."""
    idle_joules: float = 0.0
    """Of the device's idle energy what the workload reserves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadUse:
    """How the energy of CPU-side devices was divided among workloads in one stretch of time.

    Times are microseconds since 1970, UTC. Raises UsageError when shares and what is unallocated do not make
    up their device to 1e-9.
    """

    host_id: str
    start_us: int
    end_us: int
    rule: str = RULE
    devices: tuple[WorkloadDevice, ...]
    shares: tuple[WorkloadShare, ...] = ()
    notes: tuple[str, ...] = ()
    """What could not be seen: a group that vanished, a counter that ran backwards, stolen time."""

    def __post_init__(self) -> None:
        if not 0 <= self.start_us < self.end_us:
            raise UsageError("a stretch of workloads must end after it starts")
        charged = ((s.device_id, s.busy_joules + s.idle_joules) for s in self.shares)
        conserved("a stretch of workloads", charged, self.devices)


@dataclass(frozen=True, slots=True)
class WorkloadKey:
    """A series of a workload's energy, and how it is known."""

    workload: Workload
    component: str
    rule: str
    boundary: Boundary
    grade: Grade


@dataclass(slots=True)
class WorkloadJoules:
    """What a workload was charged since the agent began, and when last."""

    busy: float = 0.0
    idle: float = 0.0
    last_us: int = 0


@dataclass(frozen=True, slots=True)
class UnallocatedKey:
    """Idle energy of a class of devices that nobody reserved."""

    component: str
    rule: str
    boundary: Boundary
    grade: Grade


MOST_WORKLOADS = 1000
QUIET_US = 3600 * 1_000_000
"""Series of a workload that is gone for so long end: pods come and go."""


class WorkloadTotals:
    """Energies of workloads since the agent began, of a bounded number. Not thread-safe.

    Workloads beyond ``most`` are shown together, by kind, under the name ``other``.
    """

    def __init__(self, most: int = MOST_WORKLOADS) -> None:
        self._most = most
        self.joules: dict[WorkloadKey, WorkloadJoules] = {}
        self.unallocated: dict[UnallocatedKey, float] = {}

    def fold(self, use: WorkloadUse) -> None:
        """Add one stretch; series that are gone for an hour end."""
        gone = [key for key, held in self.joules.items() if use.end_us - held.last_us > QUIET_US]
        for key in gone:
            del self.joules[key]
        devices = {device.device_id: device for device in use.devices}
        for device in use.devices:
            named = UnallocatedKey(device.component, use.rule, device.boundary, device.grade)
            before = self.unallocated.get(named, 0.0)
            self.unallocated[named] = before + max(0.0, device.unallocated_joules)
        for share in use.shares:
            device = devices[share.device_id]
            key = WorkloadKey(share.workload, device.component, use.rule, device.boundary, device.grade)
            if key not in self.joules and len(self.joules) >= self._most:
                other = Workload(kind=share.workload.kind, name="other")
                key = WorkloadKey(other, device.component, use.rule, device.boundary, device.grade)
            held = self.joules.setdefault(key, WorkloadJoules())
            held.busy += max(0.0, share.busy_joules)
            held.idle += max(0.0, share.idle_joules)
            held.last_us = max(held.last_us, use.end_us)
