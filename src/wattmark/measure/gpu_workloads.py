"""Which containers, pods and jobs used the accelerators, kept for windows that are made later."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wattmark.core.readings import Gap, ProcessShares
from wattmark.core.serving.cgroup_path import NO_NAMES, Names
from wattmark.core.serving.cpu_division import HOST
from wattmark.core.serving.gpu_division import GpuStretch, divided_gpus
from wattmark.core.serving.window import ServingWindow
from wattmark.core.serving.workload import Workload, WorkloadUse
from wattmark.measure.busy import time_of_day_us
from wattmark.measure.processes import PROC
from wattmark.measure.workloads import workloads_of
from wattmark.ports import Meter, ProcessMeter

ASK_SECONDS = 5.0
"""Drivers keep some seconds of samples per process; what ends between two looks is the host's."""
KEPT_SECONDS = 3600.0
"""Windows that are made later than this have no workloads."""
LONGEST_SECONDS = 30.0
"""Two looks further apart say nothing of the time between."""
ENOUGH = 0.9
"""A device of which less of a window was watched is not divided."""


@dataclass(frozen=True, slots=True)
class _Look:
    """Who used a device between two looks, and how much of the time."""

    start_us: int
    end_us: int
    shares: Mapping[Workload, float]


class GpuWorkloads:
    """Follows the users of devices whose meters tell them by process. Not thread-safe.

    What a meter cannot tell (MIG, an old driver, no rights) is said once for each device and reason.
    """

    def __init__(
        self,
        meters: Sequence[Meter],
        say: Callable[[str], None],
        names: Callable[[], Names] = lambda: NO_NAMES,
        proc: Path = PROC,
        wall_us: Callable[[], int] = time_of_day_us,
    ) -> None:
        self._meters = [meter for meter in meters if isinstance(meter, ProcessMeter)]
        self._say = say
        self._names = names
        self._proc = proc
        self._wall_us = wall_us
        self._asked_us: int | None = None
        self._since: dict[str, int] = {}
        self._owners: Mapping[int, Workload] = {}
        self._looks: dict[str, deque[_Look]] = {}
        self._said: set[tuple[str, str]] = set()

    @property
    def any(self) -> bool:
        """Whether there is a meter that can tell."""
        return bool(self._meters)

    def tick(self, now_us: int) -> None:
        """Look, unless that was done a moment ago. ``now_us``: microseconds since 1970, UTC."""
        before = self._asked_us
        if before is not None and 0 <= now_us - before < ASK_SECONDS * 1e6:
            return
        self._asked_us = now_us
        told = self._told()
        seen = {pid for shares in told.values() for pid in shares.shares}
        found = workloads_of(seen, self._names(), self._proc) if seen else {}
        # What has ended since is whose it was at the look before.
        owners = {pid: found.get(pid) or self._owners.get(pid) or HOST for pid in seen}
        self._owners = owners
        if before is None or not 0 < now_us - before <= LONGEST_SECONDS * 1e6:
            return
        for device_id, shares in told.items():
            by_owner: dict[Workload, float] = {}
            for pid, share in shares.shares.items():
                by_owner[owners[pid]] = by_owner.get(owners[pid], 0.0) + share
            looks = self._looks.setdefault(device_id, deque())
            looks.append(_Look(before, now_us, by_owner))
            while looks[0].end_us < now_us - KEPT_SECONDS * 1e6:
                looks.popleft()

    def use(self, window: ServingWindow) -> WorkloadUse | None:
        """How the energy of the devices that were watched divides; None where none was."""
        seen: dict[str, GpuStretch] = {}
        for use in window.devices:
            stretch = self._stretch(use.device_id, window.start_us, window.end_us)
            if stretch is not None:
                seen[use.device_id] = stretch
        return divided_gpus(window, seen)

    def _stretch(self, device_id: str, start_us: int, end_us: int) -> GpuStretch | None:
        watched = 0
        sums: dict[Workload, float] = {}
        for look in self._looks.get(device_id, ()):
            lasted = min(end_us, look.end_us) - max(start_us, look.start_us)
            if lasted <= 0:
                continue
            watched += lasted
            for workload, share in look.shares.items():
                sums[workload] = sums.get(workload, 0.0) + share * lasted
        if watched < ENOUGH * (end_us - start_us):
            return None
        return GpuStretch({workload: joined / watched for workload, joined in sums.items()})

    def _told(self) -> dict[str, ProcessShares]:
        found: dict[str, ProcessShares] = {}
        for meter in self._meters:
            ids = [device.id for device in meter.devices] if isinstance(meter, Meter) else []
            since = min((self._since[i] for i in ids if i in self._since), default=self._wall_us())
            try:
                told = meter.process_shares(since)
            except Exception as error:  # noqa: BLE001 - a third party's meter must not end the agent
                self._say_once("accelerators", f"{type(error).__name__}: {error}")
                continue
            for device_id, shares in told.items():
                if isinstance(shares, Gap):
                    self._say_once(device_id, shares.reason)
                    continue
                self._since[device_id] = max(shares.until_us, self._since.get(device_id, 0))
                found[device_id] = shares
        return found

    def _say_once(self, device_id: str, reason: str) -> None:
        if (device_id, reason) not in self._said and len(self._said) < 100:
            self._said.add((device_id, reason))
            self._say(f"{device_id}: not divided among containers: {reason}")
