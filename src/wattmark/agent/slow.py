"""Meters that take their time (a management controller), read in a thread of their own."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from wattmark.core.readings import Device, Gap, Reading
from wattmark.ports import Meter

SLOW = ("ipmi", "redfish", "redfish_facility")
"""Each look starts a program or crosses the network: a tenth of a second and more."""
SLOW_SECONDS = 5.0
"""Seconds between two looks."""


class SlowMeter:
    """Shows what its meter read last. Never waits for it."""

    def __init__(self, meter: Meter, every_seconds: float = SLOW_SECONDS) -> None:
        self.name = meter.name
        self._meter = meter
        self._every = every_seconds
        self._last: Mapping[str, Reading] = {d.id: Gap("not read yet") for d in meter.devices}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._go, name=f"wattmark-{meter.name}", daemon=True)
        self._thread.start()

    @property
    def devices(self) -> Sequence[Device]:
        """What the meter reads."""
        return self._meter.devices

    def read(self) -> Mapping[str, Reading]:
        """The last look."""
        return self._last

    def close(self) -> None:
        """Read no more."""
        self._stop.set()
        self._thread.join(1.0)
        self._meter.close()

    def _go(self) -> None:
        while not self._stop.is_set():
            try:
                self._last = self._meter.read()
            except Exception as error:  # noqa: BLE001 - a third party's meter must not end the agent
                gap = Gap(f"{self.name} failed: {type(error).__name__}: {error}")
                self._last = {d.id: gap for d in self._meter.devices}
            self._stop.wait(self._every)
