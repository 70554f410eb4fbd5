"""What is kept beside the windows: how busy devices were, and which workloads used CPU-side energy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from wattmark.core.errors import MeterUnavailable
from wattmark.core.readings import Device
from wattmark.core.serving.window import ServingWindow
from wattmark.core.serving.workload import WorkloadTotals, WorkloadUse
from wattmark.measure.busy_times import BusyTimes
from wattmark.measure.gpu_workloads import GpuWorkloads
from wattmark.measure.pod_names import folder_names
from wattmark.measure.workloads import Workloads, WorkloadWindows
from wattmark.ports import Meter


@dataclass(slots=True)
class Beside:
    """Not thread-safe. Without its parts it keeps nothing."""

    busy: BusyTimes | None = None
    workloads: WorkloadWindows | None = None
    totals: WorkloadTotals | None = None
    gpus: GpuWorkloads | None = None
    charged: set[str] = field(default_factory=set)
    """Devices that a model was charged for since the agent began: their workloads land in no ledger."""

    def tick(self, now: float, now_us: int) -> None:
        """Look; each part knows how often it is to. ``now`` steady seconds, ``now_us`` us since 1970."""
        if self.busy is not None:
            self.busy.tick(now_us)
        if self.workloads is not None:
            self.workloads.tick(now, now_us)
        if self.gpus is not None:
            self.gpus.tick(now_us)

    def completed(self, window: ServingWindow) -> ServingWindow:
        """The window with the busy times that were seen."""
        return window if self.busy is None else self.busy.completed(window)

    def use(self, window: ServingWindow) -> WorkloadUse | None:
        """How workloads divide its CPU-side energy, for the ledger; the metrics have it now.

        Without the devices that are charged to models: two divisions of the same joules never both land.
        """
        return self._kept(window, None if self.workloads is None else self.workloads.use(window))

    def uses(self, window: ServingWindow) -> Sequence[WorkloadUse]:
        """The same, and how the users of its accelerators divide theirs: each by a rule of its own."""
        gpus = self._kept(window, None if self.gpus is None else self.gpus.use(window))
        return [use for use in (self.use(window), gpus) if use is not None]

    def _kept(self, window: ServingWindow, use: WorkloadUse | None) -> WorkloadUse | None:
        self.charged.update(share.device_id for share in window.shares)
        if use is None:
            return None
        if self.totals is not None:
            self.totals.fold(use)
        devices = tuple(d for d in use.devices if d.device_id not in self.charged)
        if not devices:
            return None
        shares = tuple(s for s in use.shares if s.device_id not in self.charged)
        return replace(use, devices=devices, shares=shares)


def beside(
    meters: Sequence[Meter],
    devices: Sequence[Device],
    say: Callable[[str], None],
    *,
    workloads: bool,
    look_seconds: float,
) -> Beside:
    """What this machine lets be kept; without control groups it has no workloads, which is said."""
    found = Beside(busy=BusyTimes(meters, devices))
    if workloads:
        gpus = GpuWorkloads(meters, say, names=folder_names)
        if gpus.any:
            found.gpus, found.totals = gpus, WorkloadTotals()
        try:
            follow = Workloads(names=folder_names, look_seconds=look_seconds)
            found.workloads, found.totals = WorkloadWindows(follow), found.totals or WorkloadTotals()
        except MeterUnavailable as error:
            say(f"no workloads: {error}")
    return found
