"""CPU time of a process tree and of the whole machine, and the shares that follow from it.

Sources: proc(5), /proc/stat and /proc/<pid>/stat; times are in clock ticks of 1/USER_HZ seconds.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """CPU seconds so far, of this machine and of the measured processes."""

    busy: float
    """Seconds that any CPU was busy, summed over CPUs (guest time is inside user time)."""
    capacity: float
    """Seconds that the CPUs offered, busy or not."""
    own: float
    """Seconds of the measured process tree, children that exited included."""
    steal: float = 0.0
    """Seconds in which a hypervisor ran something else; neither busy nor offered."""


@dataclass(frozen=True, slots=True)
class Shares:
    """How the energy of a device divides between us, others and idleness. They add up to 1."""

    own: float
    others: float
    idle: float


RULE = "cpu_time"
"""device energy x utilisation x own share of busy time; the rest of the busy part is others', the
remainder idle (kpis.md, Shared machines)."""


def shares(before: CpuTimes, after: CpuTimes) -> Shares | None:
    """Divide a stretch by CPU time; None when no CPU time passed at all."""
    capacity = after.capacity - before.capacity
    busy = after.busy - before.busy
    if capacity <= 0:
        return None
    own = min(max(after.own - before.own, 0.0), capacity)
    busy = min(max(busy, own), capacity)  # ticks round differently: our own time is part of the busy time
    return Shares(own=own / capacity, others=(busy - own) / capacity, idle=1 - busy / capacity)


def childless() -> bool:
    """Whether this process has no child at all, by one system call that leaves every child to be waited for.

    Looking through /proc instead costs an open file per thread, at every reading (waitid(2): ECHILD).
    """
    if not hasattr(os, "waitid"):
        return False
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    except OSError:
        return False  # forbidden here: look through /proc
    return False


class ProcessTree:
    """CPU time of this process and everything that descends from it, or of the descendants alone.

    A process that has been waited for is in its parent's times. One that vanished without
    (double fork, ignored SIGCHLD) keeps the last time that was seen.
    """

    def __init__(self, proc: Path = PROC, *, with_self: bool = True) -> None:
        self._with_self = with_self
        self._proc = proc
        self._tick = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
        self._most = 0.0

    def cpu_seconds(self) -> float:
        """CPU seconds so far; never decreases."""
        t = os.times()
        total = t.children_user + t.children_system
        if self._with_self:
            total += t.user + t.system
        if self._proc != PROC or not childless():
            total += sum(self._one(pid) for pid in self._descendants(os.getpid()))
        self._most = max(self._most, total)
        return self._most

    def pids(self) -> list[int]:
        """The measured processes, now."""
        own = [os.getpid()] if self._with_self else []
        return [*own, *self._descendants(os.getpid())]

    def _one(self, pid: int) -> float:
        try:
            text = (self._proc / str(pid) / "stat").read_bytes()
        except OSError:
            return 0.0
        values = text[text.rfind(b")") + 2 :].split()
        return sum(map(int, values[11:15])) / self._tick  # utime stime cutime cstime

    def _descendants(self, root: int) -> list[int]:
        found: list[int] = []
        todo = [root]
        while todo:
            pid = todo.pop()
            children = self._children(pid)
            found.extend(children)
            todo.extend(children)
        return found

    def _children(self, pid: int) -> list[int]:
        children: list[int] = []
        task = f"{self._proc}/{pid}/task"
        try:
            threads = os.listdir(task)
        except OSError:
            return children
        for thread in threads:
            try:
                with open(f"{task}/{thread}/children", "rb") as file:
                    children.extend(map(int, file.read().split()))
            except OSError:
                continue  # the thread ended meanwhile
        return children


class CpuClock:
    """Looks at the machine's and the tree's CPU time together."""

    def __init__(self, tree: ProcessTree, proc: Path = PROC) -> None:
        self._tree = tree
        self._path = proc / "stat"
        self._tick = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100

    def pids(self) -> list[int]:
        """The measured processes, now."""
        return self._tree.pids()

    def read(self) -> CpuTimes | None:
        """CPU times now; None where /proc/stat cannot be read (other systems)."""
        try:
            with open(self._path, "rb") as file:
                line = file.readline()
        except OSError:
            return None
        busy, capacity, steal = machine_seconds(line, self._tick)
        return CpuTimes(busy, capacity, self._tree.cpu_seconds(), steal)


def machine_seconds(first_line: bytes, ticks_per_second: int) -> tuple[float, float, float]:
    """(busy, offered, stolen) CPU seconds from the first line of /proc/stat."""
    values = [int(v) for v in first_line.split()[1:9]]
    user, nice, system, idle, iowait, irq, softirq = values[:7]
    steal = values[7] if len(values) > 7 else 0
    busy = user + nice + system + irq + softirq
    return busy / ticks_per_second, (busy + idle + iowait) / ticks_per_second, steal / ticks_per_second
