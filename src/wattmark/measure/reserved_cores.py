"""How many cores are kept for a group: what its container requests, or the most that it may use.

In this order: in v1 ``cpu.shares`` of a pod's container, which is its request x 1024; the CPUs of a Slurm
job's cpuset; the quota (``cpu.max``, ``cpu.cfs_quota_us``). The weight of v2 is not read: runc 1.3.2 and crun
1.23 turned to another formula (Kubernetes, New Conversion from cgroup v1 CPU Shares to v2 CPU Weight, 2026),
and a weight does not say by which it was made.
"""

from __future__ import annotations

from pathlib import Path

from wattmark.core.serving.cgroup_path import Owner
from wattmark.core.serving.workload import WorkloadKind
from wattmark.meters.sysfs import text

SHARES_PER_CORE = 1024
"""``sharesPerCPU`` of the kubelet, pkg/kubelet/cm/helpers_linux.go."""
LEAST_SHARES = 2
"""What a container gets that requests nothing."""
CPU_FOLDERS = ("cpu", "cpu,cpuacct", "cpuacct,cpu")


class Reservations:
    """Reads them, and keeps what it read until it is told to forget."""

    def __init__(self, root: Path, version: int, mount: Path) -> None:
        self._root = str(root)
        self._version = version
        self._cpu = root if version == 2 else _first(mount, CPU_FOLDERS)
        self._cpuset = root if version == 2 else _first(mount, ("cpuset",))
        self._kept: dict[Owner, float | None] = {}

    def forget(self) -> None:
        """Read all of them anew when they are asked for."""
        self._kept.clear()

    def cores(self, owner: Owner, group: str) -> float | None:
        """Cores that are kept for the owner of the group at this path; None where nothing says so."""
        if owner not in self._kept:
            self._kept[owner] = self._read(owner, group.removeprefix(self._root).lstrip("/"))
        return self._kept[owner]

    def _read(self, owner: Owner, path: str) -> float | None:
        if owner.kind is WorkloadKind.POD:
            return None  # what is reserved is its containers'
        if owner.kind is WorkloadKind.CONTAINER and owner.pod_uid and self._version == 1 and self._cpu:
            shares = _whole(text(self._cpu / path / "cpu.shares"))
            if shares is not None and shares > LEAST_SHARES:
                return shares / SHARES_PER_CORE
        if owner.kind is WorkloadKind.SLURM_JOB and self._cpuset:
            cpus = count_of(text(self._cpuset / path / "cpuset.cpus"))
            if cpus:
                return float(cpus)
        return self._quota(path)

    def _quota(self, path: str) -> float | None:
        if self._cpu is None:
            return None
        if self._version == 2:
            quota, _, period = text(self._cpu / path / "cpu.max").partition(" ")
        else:
            quota = text(self._cpu / path / "cpu.cfs_quota_us")
            period = text(self._cpu / path / "cpu.cfs_period_us")
        most, every = _whole(quota), _whole(period)
        return most / every if most and every and most > 0 else None


def count_of(cpus: str) -> int:
    """How many CPUs a list such as ``0-3,8`` names (kernel.org, cpusets, List Format); 0 for none."""
    found = 0
    for piece in filter(None, cpus.split(",")):
        first, _, last = piece.partition("-")
        low, high = _whole(first), _whole(last or first)
        if low is None or high is None or high < low:
            return 0
        found += high - low + 1
    return found


def _whole(value: str) -> int | None:
    """A whole number; None for ``max``, -1 stays what it is: no limit."""
    try:
        return int(value)
    except ValueError:
        return None


def _first(mount: Path, names: tuple[str, ...]) -> Path | None:
    return next((mount / name for name in names if (mount / name).is_dir()), None)
