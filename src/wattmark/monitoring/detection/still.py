"""Sensors that stand still: the same joules minute after minute, while the work on the device varies."""

from __future__ import annotations

from collections import defaultdict

from wattmark.core.serving.window import ServingWindow

MINUTES = 3
VARIED = 1.05
"""The tokens of these minutes differ by this factor."""


class Standstill:
    """Remembers the last reading of each device and the work beside it."""

    def __init__(self) -> None:
        self._same: dict[str, tuple[float, list[float]]] = {}
        self._stuck: set[str] = set()
        self.new: set[str] = set()
        """Those that the last window found."""

    def look(self, window: ServingWindow) -> set[str]:
        """The devices that stand still as of this window."""
        work: dict[str, float] = defaultdict(float)
        done = {
            w.service: (w.output_tokens or 0.0) + (w.input_tokens or 0.0) + w.requests for w in window.works
        }
        for share in window.shares:
            work[share.device_id] += done.get(share.service, 0.0)
        stuck: set[str] = set()
        for device in window.devices:
            joules, seen = self._same.get(device.device_id, (-1.0, []))
            seen = (
                [*seen, work[device.device_id]]
                if joules == device.energy_joules > 0.0
                else [work[device.device_id]]
            )
            self._same[device.device_id] = (device.energy_joules, seen[-MINUTES:])
            varied = max(seen) > VARIED * max(min(seen), 1.0) or device.device_id in self._stuck
            if len(seen) >= MINUTES and varied:
                stuck.add(device.device_id)
        self.new = stuck - self._stuck
        self._stuck = stuck
        return stuck
