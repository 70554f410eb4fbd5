"""CPU time of a process tree and of the whole machine, and the shares that follow from it.

Sources: proc(5), /proc/stat and /proc/<pid>/stat; times are in clock ticks of 1/USER_HZ seconds.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from wattmark.meters.sysfs import first_line

PROC = Path("/proc")


class CpuTimes(NamedTuple):
    """CPU seconds so far, of this machine and of the measured processes."""

    busy: float
    """Seconds that any CPU was busy, summed over CPUs (guest time is inside user time)."""
    capacity: float
    """Seconds that the CPUs offered, busy or not."""
    own: float
    """Seconds of the measured process tree, children that exited included."""
    steal: float = 0.0
    """Seconds in which a hypervisor ran something else; neither busy nor offered."""


class Shares(NamedTuple):
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


class _Process(NamedTuple):
    """One process at one look."""

    started: int
    """Ticks from boot to its start: tells it from a later one with the same id."""
    parent: int
    own: float
    waited: float
    """CPU seconds of the children that it has waited for."""


class _Gone(NamedTuple):
    """A process that is no longer there, until its time turns up in a process that waited for it."""

    seconds: float
    parent: int
    looks: int = 0


class ProcessTree:
    """CPU time of this process and everything that descends from it, or of the descendants alone.

    A process that was waited for is in its parent's times. One that was not (ignored SIGCHLD) keeps
    the time that was seen last; one whose parent ended before it (double fork) is followed further.
    """

    def __init__(self, proc: Path = PROC, *, with_self: bool = True) -> None:
        self._with_self = with_self
        self._proc = proc
        self._is_real = proc == PROC  # asked once: comparing paths costs more than a system call
        self._tick = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
        self._most = 0.0
        self._lost = 0.0
        self._seen: dict[int, _Process] = {}
        self._waited: dict[int, float] = {}
        self._gone: list[_Gone] = []

    def cpu_seconds(self) -> float:
        """CPU seconds so far; never decreases."""
        t = os.times()
        waited = {os.getpid(): t.children_user + t.children_system}
        total = waited[os.getpid()] + self._lost
        if self._with_self:
            total += t.user + t.system
        if self._seen or self._gone or not self._is_real or not childless():
            total += self._others(waited)
        self._most = max(self._most, total)
        return self._most

    def pids(self) -> list[int]:
        """The measured processes, now."""
        own = [os.getpid()] if self._with_self else []
        return [*own, *self._descendants([os.getpid(), *self._seen])]

    def _others(self, waited: dict[int, float]) -> float:
        """CPU seconds of all other processes, those that vanished and turned up nowhere included.

        Parents were read before their children, so that nothing is counted twice: a child that is waited
        for in between is missing here and is expected in its parent at the next look.
        """
        now: dict[int, _Process] = {}
        for pid in self._descendants([os.getpid(), *self._seen]):
            process = self._read(pid)
            if process is not None:
                now[pid] = process
                waited[pid] = process.waited
        for pid, before in self._seen.items():
            if pid not in now or now[pid].started != before.started:
                self._gone.append(_Gone(before.own + before.waited, self._nearest(before.parent, waited)))
        lost_before = self._lost
        self._settle({q: w - self._waited.get(q, w) for q, w in waited.items()})
        self._seen, self._waited = now, waited
        pending = sum(g.seconds for g in self._gone)
        return sum(p.own + p.waited for p in now.values()) + pending + self._lost - lost_before

    def _settle(self, came: dict[int, float]) -> None:
        """Strike out what turned up in a parent; what has not after two looks is nobody's, and stays ours."""
        waiting: list[_Gone] = []
        for gone in self._gone:
            if gone.parent in came and came[gone.parent] >= gone.seconds - 2 / self._tick:
                came[gone.parent] -= gone.seconds
            elif gone.looks:
                self._lost += gone.seconds
            else:
                waiting.append(_Gone(gone.seconds, gone.parent, 1))
        self._gone = waiting

    def _nearest(self, pid: int, alive: dict[int, float]) -> int:
        """The closest ancestor that is still there: whoever waited for the ones between has told it."""
        while pid not in alive and pid in self._seen:
            pid = self._seen[pid].parent
        return pid

    def _read(self, pid: int) -> _Process | None:
        try:
            text = (self._proc / str(pid) / "stat").read_bytes()
        except OSError:
            return None
        # proc(5): state ppid ... utime stime cutime cstime ... starttime, after the name in brackets
        values = text[text.rfind(b")") + 2 :].split()
        if len(values) < 20:
            return None
        user, system, children_user, children_system = map(int, values[11:15])
        return _Process(
            started=int(values[19]),
            parent=int(values[1]),
            own=(user + system) / self._tick,
            waited=(children_user + children_system) / self._tick,
        )

    def _descendants(self, roots: Sequence[int]) -> list[int]:
        """Parents before their children, each once; of the roots all but the first, where they still run."""
        found: dict[int, None] = {}
        todo = [roots[0]]
        strays = list(roots[1:])
        while todo or strays:
            if not todo:
                stray = strays.pop()
                if stray in found:
                    continue
                found[stray] = None
                todo.append(stray)
            for child in self._children(todo.pop()):
                if child not in found:
                    found[child] = None
                    todo.append(child)
        return list(found)

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
        self._path = str(proc / "stat")
        self._tick = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100

    def pids(self) -> list[int]:
        """The measured processes, now."""
        return self._tree.pids()

    def read(self) -> CpuTimes | None:
        """CPU times now; None where /proc/stat cannot be read (other systems)."""
        try:
            line = first_line(self._path)
            busy, capacity, steal = machine_seconds(line, self._tick)
        except (OSError, ValueError):
            return None
        return CpuTimes(busy, capacity, self._tree.cpu_seconds(), steal)


def machine_seconds(first_line: bytes, ticks_per_second: int) -> tuple[float, float, float]:
    """(busy, offered, stolen) CPU seconds from the first line of /proc/stat."""
    values = [int(v) for v in first_line.split()[1:9]]
    user, nice, system, idle, iowait, irq, softirq = values[:7]
    steal = values[7] if len(values) > 7 else 0
    busy = user + nice + system + irq + softirq
    return busy / ticks_per_second, (busy + idle + iowait) / ticks_per_second, steal / ticks_per_second
