"""Distrusts a platform counter that shows less than what it contains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wattmark.core.readings import CounterReading, Device, Gap, Reading, energy_between
from wattmark.core.units import Energy

SECONDS = 1.0
"""Looks closer together than this are not compared: on some servers psys counts in whole joules."""
SHARE = 0.9
"""A whole below 90 % of its parts is not a matter of resolution."""
REASON = "the platform counter shows less than the packages inside it: this board does not maintain it"


class PlatformDomain:
    """Watches RAPL's psys against its packages and memory.

    What psys counts is up to the maker of the board, and on boards that do not maintain it it stands
    near zero. As the outermost device it would then replace the packages' energy with almost nothing.
    """

    def __init__(self, devices: Sequence[Device]) -> None:
        self._whole = next((d for d in devices if d.id.endswith("/psys")), None)
        self._parts = [d for d in devices if self._whole and d.part_of == self._whole.id]
        self._last: dict[str, CounterReading] = {}
        self._wrong = False

    def checked(self, readings: Mapping[str, Reading]) -> Mapping[str, Reading]:
        """The readings, with a Gap for a platform counter that was caught."""
        if self._whole is None:
            return readings
        self._wrong = self._wrong or self._is_less(readings)
        return {**readings, self._whole.id: Gap(REASON)} if self._wrong else readings

    def _is_less(self, readings: Mapping[str, Reading]) -> bool:
        devices = [d for d in (self._whole, *self._parts) if d is not None]
        now = {d.id: r for d in devices if isinstance(r := readings[d.id], CounterReading)}
        before, whole = self._last, devices[0]
        if whole.id not in now:
            return False
        if whole.id in before and now[whole.id].at - before[whole.id].at < SECONDS:
            return False
        self._last = now
        used = {
            d.id: e.joules
            for d in devices
            if d.id in before
            and d.id in now
            and isinstance(e := energy_between(before[d.id], now[d.id], d), Energy)
        }
        parts = sum(joules for device_id, joules in used.items() if device_id != whole.id)
        return whole.id in used and used[whole.id] < SHARE * parts
