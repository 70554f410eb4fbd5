"""How busy accelerators are and with whom: their utilisation, and our share of their energy.

Devices are asked at ticks, not at every window's edge: the driver samples a process's use a few times a
second at most, and asking costs more than reading a counter.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence

from wattmark.core.readings import Gap, ProcessUse
from wattmark.core.run import Utilisation
from wattmark.measure.processes import Shares
from wattmark.ports import BusyMeter, Meter

RULE = "process_busy_time"
"""device energy x our processes' mean share of its time; the rest of the busy part is others', the
remainder idle (kpis.md, Shared machines)."""
ASK_SECONDS = 0.5
"""Asking more often than this gives the same samples again."""
WINDOW_SECONDS = 300.0
"""Length of the windows for sustained utilisation (kpis.md)."""
SIGNAL = "nvml_busy_time"


def time_of_day_us() -> int:
    """Microseconds since 1970: the clock by which drivers stamp their samples. No duration is made of it."""
    return time.time_ns() // 1000


class _Use:
    """Busy seconds since the last cut, and the shares that were seen last."""

    def __init__(self) -> None:
        self.own = self.others = self.seconds = 0.0
        self.last: Shares | None = None


class Busyness:
    """Follows the devices of meters that can tell how busy they are. Not thread-safe."""

    def __init__(
        self,
        meters: Sequence[Meter],
        pids: Callable[[], Collection[int]],
        wall_us: Callable[[], int] = time_of_day_us,
    ) -> None:
        self._meters = [m for m in meters if isinstance(m, BusyMeter)]
        self._pids = pids
        self._wall_us = wall_us
        self._since: dict[str, int] = {}
        self._asked: float | None = None
        self._uses: dict[str, _Use] = {}
        self._tracks: dict[str, _Track] = {}

    def ask(self, now: float) -> None:
        """Ask every device, unless it was asked a moment ago."""
        if not self._meters or (self._asked is not None and now - self._asked < ASK_SECONDS):
            return
        elapsed = 0.0 if self._asked is None else now - self._asked
        self._asked = now
        pids = self._pids()
        for meter in self._meters:
            since = min(self._since.values(), default=self._wall_us())
            try:
                uses, busy_times = meter.process_utilisation(pids, since), meter.utilisation()
            except Exception:  # noqa: BLE001 - a third party's meter must not break the host; no share is told then
                self._uses.clear()
                continue
            for device_id, use in uses.items():
                self._take_use(device_id, use, elapsed)
            for device_id, busy in busy_times.items():
                if not isinstance(busy, Gap):
                    self._tracks.setdefault(device_id, _Track(now)).add(now, busy)

    def peek(self, device_id: str) -> Shares | None:
        """Our share, others' and idle since the last cut; None where it cannot be told."""
        use = self._uses.get(device_id)
        if use is None:
            return None
        if use.seconds > 0:
            own = min(1.0, use.own / use.seconds)
            others = min(1.0 - own, use.others / use.seconds)
            use.last = Shares(own=own, others=others, idle=1.0 - own - others)
        return use.last

    def cut(self) -> None:
        """Begin anew: what follows is another piece. A piece too short to be asked about keeps the last."""
        for use in self._uses.values():
            if use.seconds > 0:
                use.own = use.others = use.seconds = 0.0

    def utilisation(self, component: str, device_ids: Collection[str]) -> Utilisation | None:
        """Mean busy time over these devices, and of successive five-minute windows."""
        tracks = [t for d, t in self._tracks.items() if d in device_ids and t.count]
        if not tracks:
            return None
        complete = min(len(t.windows) for t in tracks)
        return Utilisation(
            component=component,
            signal=SIGNAL,
            mean=sum(t.mean for t in tracks) / len(tracks),
            windows_300s=tuple(sum(t.windows[i] for t in tracks) / len(tracks) for i in range(complete)),
            provisioned_devices=float(len(tracks)),
        )

    def _take_use(self, device_id: str, use: ProcessUse | Gap, elapsed: float) -> None:
        if isinstance(use, Gap):
            self._uses.pop(device_id, None)
            return
        self._since[device_id] = use.until_us
        kept = self._uses.setdefault(device_id, _Use())
        kept.own += use.own * elapsed
        kept.others += use.others * elapsed
        kept.seconds += elapsed


class _Track:
    """Running means of one device's utilisation."""

    def __init__(self, start: float) -> None:
        self._window_start = start
        self._sum = self._window_sum = 0.0
        self._window_count = 0
        self.count = 0
        self.windows: list[float] = []

    @property
    def mean(self) -> float:
        """Mean of all samples; there is at least one."""
        return self._sum / self.count

    def add(self, at: float, busy: float) -> None:
        """Take one sample."""
        if at - self._window_start >= WINDOW_SECONDS and self._window_count:
            self.windows.append(self._window_sum / self._window_count)
            self._window_start, self._window_sum, self._window_count = at, 0.0, 0
        self._sum += busy
        self._window_sum += busy
        self.count += 1
        self._window_count += 1
