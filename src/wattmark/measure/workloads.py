"""What the workloads of this machine did between two edges, looked at often enough to see short ones."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from wattmark.core.serving.cgroup_path import NO_NAMES, Names, owner_of, workload_of
from wattmark.core.serving.cpu_division import CpuStretch, joined
from wattmark.core.serving.workload import Workload
from wattmark.measure.cgroups import ROOT, CgroupClock
from wattmark.measure.processes import PROC

LOOK_SECONDS = 10.0
"""What comes and goes between two looks is in what holds it: its pod, or the rest of the machine."""


class Workloads:
    """Follows the control groups of this machine. Raises MeterUnavailable where there are none.

    Call :meth:`tick` whenever you like, and :meth:`cut` at the edge of a window. Not thread-safe.
    """

    def __init__(
        self, root: Path = ROOT, proc: Path = PROC, names: Callable[[], Names] = lambda: NO_NAMES
    ) -> None:
        self._clock = CgroupClock(root, proc, names)
        self._since: CpuStretch | None = None
        self._looked: float | None = None

    def tick(self, now: float) -> None:
        """Look, unless that was done a moment ago. ``now`` is in seconds on any steady clock."""
        if self._looked is None or now - self._looked >= LOOK_SECONDS:
            self._look(now)

    def cut(self, now: float) -> CpuStretch | None:
        """Look, and give what was done since the last cut; None where that cannot be told."""
        self._look(now)
        done, self._since = self._since, None
        return done

    def _look(self, now: float) -> None:
        self._looked = now
        seen = self._clock.look(now)
        if seen is not None:
            self._since = seen if self._since is None else joined(self._since, seen)


def workloads_of(pids: Collection[int], names: Names = NO_NAMES, proc: Path = PROC) -> Mapping[int, Workload]:
    """Whose processes these are: for the users of a GPU, which its driver knows by their numbers.

    Processes that ended meanwhile, and those that are nobody's, are left out.
    """
    found: dict[int, Workload] = {}
    for pid in pids:
        try:
            text = (proc / str(pid) / "cgroup").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        owner = owner_of(_path_of(text))
        if owner is not None:
            found[pid] = workload_of(owner, names)
    return found


def _path_of(text: str) -> str:
    """The group in the hierarchy that counts CPU time; v2's line is ``0::PATH`` (cgroups(7))."""
    unified = ""
    for line in text.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if "cpuacct" in controllers.split(","):
            return path
        if number == "0":
            unified = path
    return unified
