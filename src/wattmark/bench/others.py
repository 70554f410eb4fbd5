"""How much of the busy CPU time was not the benchmark's."""

from __future__ import annotations

from pathlib import Path

from wattmark.measure.processes import PROC, CpuClock, CpuTimes, ProcessTree

LEAST_SECONDS = 0.05
"""Of busy CPU time: ticks are 0.01 s, and a share of a few of them says nothing."""


class Others:
    """Asked again and again: the share of others since the time before."""

    def __init__(self, proc: Path = PROC) -> None:
        self._clock = CpuClock(ProcessTree(proc), proc)
        self._before: CpuTimes | None = self._clock.read()

    def share(self) -> float | None:
        """0 to 1; None where the system does not tell, or hardly anything was busy."""
        now, before = self._clock.read(), self._before
        self._before = now
        if now is None or before is None:
            return None
        busy, own = now.busy - before.busy, now.own - before.own
        if busy < LEAST_SECONDS:
            return None
        return min(1.0, max(0.0, (busy - own) / busy))
