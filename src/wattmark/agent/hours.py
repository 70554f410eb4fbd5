"""Grid intensity hour by hour, asked for in a thread of its own: nothing of the agent waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from wattmark.core.carbon import Intensity
from wattmark.core.errors import WattmarkError, without_paths
from wattmark.core.grid_series import GridSeries
from wattmark.core.hourly import HourlyCarbon, Slice, hourly_carbon

if TYPE_CHECKING:
    from wattmark.grid.hourly import Found

HOUR_US = 3_600_000_000
BACK_US = 3 * HOUR_US
"""Windows that are made late meet their own hour too."""
AFTER_US = 60_000_000
"""So long after an hour began it is asked for: few providers have it at once."""
FIRST_PAUSE_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 3600.0
"""Between two attempts while an hour is not known: each pause is twice the one before."""
NOT_YET = "not asked yet"


class Hours:
    """What a provider says of the last hours. Asked by one thread, read by another."""

    def __init__(self, provider: str, ask: Callable[[int, int], Found], now_us: Callable[[], int]) -> None:
        self.provider = provider
        self._ask = ask
        self._now_us = now_us
        self._series: GridSeries | None = None
        self.trouble = ""
        """Why the hour that is now is not known; empty when it is, or before the first answer."""
        self._pause = FIRST_PAUSE_SECONDS
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._go, name="wattmark-hours", daemon=True)

    def start(self) -> None:
        """Ask from now on, once an hour."""
        self._thread.start()

    def stop(self) -> None:
        """Ask no more; an answer under way is not waited for long."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(0.2)

    def look(self) -> bool:
        """Ask once; says whether the hour that is now is known after that."""
        now = self._now_us()
        try:
            found = self._ask(now - now % HOUR_US - BACK_US, now)
        except WattmarkError as error:
            self.trouble = without_paths(error)
            return False
        except Exception as error:  # noqa: BLE001 - a provider's odd answer must not end this thread
            self.trouble = f"{self.provider} failed: {type(error).__name__}"
            return False
        self._series = found.series
        known = self.during(now, now + 1) is not None
        failed = without_paths(found.failure) if found.failure else ""
        self.trouble = "" if known else failed or f"{self.provider} has no figure of this hour yet"
        return known

    def during(self, start_us: int, end_us: int) -> Intensity | None:
        """What energy of this time met: its own points, else those of its hour that are known; None: none."""
        series = self._series
        if series is None:
            return None
        met = hourly_carbon([Slice(start_us, end_us, 1.0)], series)
        if not isinstance(met, HourlyCarbon):
            hour = start_us - start_us % HOUR_US
            known = _within(series, hour, hour + HOUR_US)
            met = hourly_carbon(known, series)
        return met.intensity if isinstance(met, HourlyCarbon) else None

    @property
    def why(self) -> str:
        """Why a figure of the year stands in."""
        return self.trouble or (NOT_YET if self._series is None else f"{self.provider} has none of this hour")

    def next_seconds(self) -> float:
        """Ask, and say how long to wait until the next time."""
        if self.look():
            self._pause = FIRST_PAUSE_SECONDS
            return (HOUR_US - self._now_us() % HOUR_US + AFTER_US) / 1e6
        wait = self._pause
        self._pause = min(LONGEST_PAUSE_SECONDS, 2 * wait)
        return wait

    def _go(self) -> None:
        while not self._stop.is_set():
            self._stop.wait(self.next_seconds())


def _within(series: GridSeries, start_us: int, end_us: int) -> Sequence[Slice]:
    """The points between two moments, each as long as it is in there."""
    found = [(max(p.start_us, start_us), min(p.end_us, end_us)) for p in series.points]
    return [Slice(begin, end, float(end - begin)) for begin, end in found if begin < end]
