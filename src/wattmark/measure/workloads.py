"""What the workloads of this machine did between two edges, looked at often enough to see short ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from wattmark.core.serving.cgroup_path import NO_NAMES, Names, owner_of, workload_of
from wattmark.core.serving.cpu_division import COMPONENTS, CpuStretch, divided, joined
from wattmark.core.serving.window import ServingWindow
from wattmark.core.serving.workload import Workload, WorkloadUse
from wattmark.measure.cgroups import ROOT, CgroupClock
from wattmark.measure.processes import PROC

LOOK_SECONDS = 10.0
"""What comes and goes between two looks is in what holds it: its pod, or the rest of the machine."""


MINUTE_US = 60_000_000
KEPT_WINDOWS = 120
"""Windows that are made later than this have no workloads."""


class Workloads:
    """Follows the control groups of this machine. Raises MeterUnavailable where there are none.

    Call :meth:`tick` whenever you like, and :meth:`cut` at the edge of a window. Not thread-safe.
    """

    def __init__(
        self,
        root: Path = ROOT,
        proc: Path = PROC,
        names: Callable[[], Names] = lambda: NO_NAMES,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._clock = CgroupClock(root, proc, names)
        self._every = look_seconds
        self._since: CpuStretch | None = None
        self._looked: float | None = None

    def tick(self, now: float) -> None:
        """Look, unless that was done a moment ago. ``now`` is in seconds on any steady clock."""
        if self._looked is None or now - self._looked >= self._every:
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


@dataclass(frozen=True, slots=True)
class _Cut:
    """What was done up to the edge of a window."""

    edge_us: int
    done: CpuStretch | None


class WorkloadWindows:
    """What workloads did in each window that ends at a full minute, until the window is made.

    Cuts are made at the first tick after an edge, so a period later at most; times and energies of a window
    are shifted by that much against each other.
    """

    def __init__(self, workloads: Workloads, window_us: int = MINUTE_US) -> None:
        self._workloads = workloads
        self._window_us = window_us
        self._next_us: int | None = None
        self._cuts: deque[_Cut] = deque(maxlen=KEPT_WINDOWS)

    def tick(self, now: float, now_us: int) -> None:
        """Look when it is time to. ``now`` is in seconds on a steady clock, ``now_us`` in us since 1970."""
        edge_us = now_us - now_us % self._window_us
        if self._next_us is None or now_us < self._next_us - 2 * self._window_us:
            self._workloads.cut(now)  # the first look, and after the wall clock was set back
        elif now_us >= self._next_us:
            self._cuts.append(_Cut(edge_us, self._workloads.cut(now)))
        else:
            self._workloads.tick(now)
            return
        self._next_us = edge_us + self._window_us

    def use(self, window: ServingWindow) -> WorkloadUse | None:
        """How the window's CPU-side energy divides; None for a window of which nothing was seen."""
        done: CpuStretch | None = None
        for cut in self._cuts:
            if window.start_us < cut.edge_us <= window.end_us and cut.done is not None:
                done = cut.done if done is None else joined(done, cut.done)
        if done is None or not any(use.component in COMPONENTS for use in window.devices):
            return None
        return divided(window.host_id, window.start_us, window.end_us, window.devices, done)
