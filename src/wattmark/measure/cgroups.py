"""CPU time of control groups, v1 and v2: what each container, pod, job and unit of this machine used.

Sources: kernel.org, Control Group v2 (``cpu.stat`` is there whether the controller is enabled or not, and
counts what is below a group, groups that are gone included) and CPU Accounting Controller (``cpuacct.usage``
in nanoseconds, likewise). A look costs one small file per group that belongs to somebody; folders are listed
again only when the number of their folders changed or one of them vanished.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from wattmark.core.errors import MeterUnavailable
from wattmark.core.serving.cgroup_path import NO_NAMES, Names, Owner, final, owner_of, workload_of
from wattmark.core.serving.cpu_division import CpuStretch, WorkloadCpu
from wattmark.core.serving.workload import Workload
from wattmark.measure.processes import PROC, machine_seconds
from wattmark.measure.reserved_cores import Reservations
from wattmark.meters.sysfs import first_line

ROOT = Path("/sys/fs/cgroup")
DEEPEST = 12
"""No group below so many is looked at: kubelets and Slurm go five deep, nested ones twice that."""
MOST_BYTES = 4096
REFRESH_SECONDS = 60.0
"""How often names and reservations are read again; both also when a group appears."""


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Where CPU time is told on this machine."""

    root: Path
    version: int
    file: str

    def seconds(self, text: bytes) -> float:
        """CPU seconds from the file of a group. Raises ValueError."""
        if self.version == 1:
            return int(text) / 1e9
        for line in text.splitlines():
            name, _, value = line.partition(b" ")
            if name == b"usage_usec":
                return int(value) / 1e6
        raise ValueError("no usage_usec")


def hierarchy(root: Path = ROOT) -> Hierarchy:
    """The one that tells CPU time: v1's where it is mounted (a hybrid has both), else v2's.

    Raises MeterUnavailable where there is none.
    """
    for name in ("cpuacct", "cpu,cpuacct", "cpuacct,cpu"):
        if (root / name / "cpuacct.usage").is_file():
            return Hierarchy(root / name, 1, "cpuacct.usage")
    for at in (root, root / "unified"):
        if (at / "cgroup.controllers").is_file():
            return Hierarchy(at, 2, "cpu.stat")
    raise MeterUnavailable(f"no control groups that tell CPU time under {root}")


@dataclass(slots=True)
class _Group:
    """One folder of the hierarchy that was listed."""

    path: str
    owner: Owner | None
    starts: bool
    """Whether its owner is another one than that of the folder above."""
    depth: int
    links: int = -1
    children: dict[str, _Group] = field(default_factory=dict)
    before: float | None = None
    """CPU seconds at the last look; None: not looked at yet."""
    gone: bool = False


class CgroupClock:
    """Looks at the groups of a machine. The first look only begins. Not thread-safe."""

    def __init__(
        self,
        root: Path = ROOT,
        proc: Path = PROC,
        names: Callable[[], Names] = lambda: NO_NAMES,
        ticks_per_second: int | None = None,
        cpus: Callable[[], int | None] = os.cpu_count,
    ) -> None:
        self._hierarchy = hierarchy(root)
        self._stat = str(proc / "stat")
        self._tick = ticks_per_second or (os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100)
        self._names = names
        self._cpus = cpus
        self._known = NO_NAMES
        self._reserved = Reservations(self._hierarchy.root, self._hierarchy.version, root)
        self._top = _Group(str(self._hierarchy.root), None, starts=False, depth=0)
        self._machine: tuple[float, float, float] | None = None
        self._refreshed: float | None = None
        self._came = False

    @property
    def version(self) -> int:
        """1 or 2."""
        return self._hierarchy.version

    def look(self, now: float) -> CpuStretch | None:
        """What was done since the last look; None at the first, and where /proc/stat cannot be read.

        ``now`` is in seconds on any steady clock.
        """
        self._list(self._top)
        used: dict[Owner, float] = {}
        groups: dict[Owner, str] = {}
        self._read(self._top, used, groups)
        stretch = self._stretch(used, groups, now)
        self._came = False
        return stretch

    def _stretch(self, used: dict[Owner, float], groups: dict[Owner, str], now: float) -> CpuStretch | None:
        try:
            machine = machine_seconds(first_line(self._stat), self._tick)
        except (OSError, ValueError):
            self._machine = None
            return None
        before, self._machine = self._machine, machine
        if self._came or self._refreshed is None or now - self._refreshed >= REFRESH_SECONDS:
            self._known, self._refreshed = self._names(), now
            self._reserved.forget()
        if before is None:
            return None
        busy, capacity, stolen = (max(0.0, b - a) for a, b in zip(before, machine, strict=True))
        cpus = self._cpus() or 1
        found: dict[Workload, WorkloadCpu] = {}
        for owner, seconds in used.items():
            cores = self._reserved.cores(owner, groups[owner])
            cpu = WorkloadCpu(
                workload_of(owner, self._known), seconds, capacity * min(1.0, (cores or 0.0) / cpus)
            )
            same = found.get(cpu.workload)
            found[cpu.workload] = cpu if same is None else _added(same, cpu)
        return CpuStretch(busy, capacity, tuple(found.values()), stolen)

    def _list(self, group: _Group) -> None:
        """Bring the folders below a group up to date."""
        if group.depth >= DEEPEST or (group.owner is not None and final(group.owner)):
            return
        try:
            links = os.stat(group.path).st_nlink
        except OSError:
            group.gone = True
            return
        # A folder of a control group has one link for each folder in it; where a file system does not
        # count them (1), it is listed at each look.
        if links != group.links or links < 2 or any(child.gone for child in group.children.values()):
            self._list_anew(group)
            group.links = links
        for child in group.children.values():
            self._list(child)

    def _list_anew(self, group: _Group) -> None:
        try:
            with os.scandir(group.path) as entries:
                present = {entry.name for entry in entries if entry.is_dir(follow_symlinks=False)}
        except OSError:
            present = set()  # it vanished: its time is in what holds it
        group.children = {
            name: kept for name, kept in group.children.items() if name in present and not kept.gone
        }
        for name in sorted(present - set(group.children)):
            path = f"{group.path}/{name}"
            owner = owner_of(path[len(self._top.path) :])
            group.children[name] = _Group(path, owner, owner != group.owner, group.depth + 1)
            self._came = True

    def _read(self, group: _Group, used: dict[Owner, float], groups: dict[Owner, str]) -> float:
        """CPU seconds since the last look of everything below a group that belongs to somebody.

        What is below is read first, so that a group's own counter has seen at least as much. What a group
        used that none below it claims is its owner's. Puts it into ``used``.
        """
        if group.starts and group.owner is not None:
            return self._read_owned(group, group.owner, used, groups)
        return sum(self._read(child, used, groups) for child in group.children.values())

    def _read_owned(
        self, group: _Group, owner: Owner, used: dict[Owner, float], groups: dict[Owner, str]
    ) -> float:
        below: dict[Owner, float] = {}
        told = sum(self._read(child, below, groups) for child in group.children.values())
        try:
            total = self._hierarchy.seconds(_content(f"{group.path}/{self._hierarchy.file}"))
        except (OSError, ValueError):
            group.gone, group.before = True, None
            total = None
        if total is None:
            spent = told
        else:
            spent = self._since(group, total)
            group.before = total
        # Its own counter holds all that is below: where clocks differ by a trifle, that is what counts.
        scale = spent / told if told > spent else 1.0
        for name, seconds in below.items():
            used[name] = used.get(name, 0.0) + seconds * scale
        used[owner] = used.get(owner, 0.0) + max(0.0, spent - told * scale)
        groups.setdefault(owner, group.path)
        return spent

    def _since(self, group: _Group, total: float) -> float:
        if group.before is None:
            # It came since the last look, so all of its time did; at the first look nothing counts yet.
            return total if self._machine is not None else 0.0
        # A counter that runs backwards is of a new group under an old name.
        return total - group.before if total >= group.before else total

    def paths(self) -> Iterator[tuple[Owner, str]]:
        """Owners and the folders of their groups, as they were at the last look."""
        todo = [self._top]
        while todo:
            group = todo.pop()
            if group.starts and group.owner is not None and not group.gone:
                yield group.owner, group.path
            todo.extend(group.children.values())


def _content(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    try:
        return os.read(fd, MOST_BYTES)
    finally:
        os.close(fd)


def _added(a: WorkloadCpu, b: WorkloadCpu) -> WorkloadCpu:
    return WorkloadCpu(a.workload, a.busy_seconds + b.busy_seconds, a.reserved_seconds + b.reserved_seconds)
