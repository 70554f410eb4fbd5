"""One stretch of time and the requests that are active in it, on devices that run the same services."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattmark.attribution.columns import Flags, Longs
from wattmark.attribution.curve import Curve
from wattmark.attribution.opened import Opened
from wattmark.attribution.power.series import PowerSeries
from wattmark.attribution.sums import DECODE, FAILED, HELD, PREFILL, RULES, SUCCEEDED, Sums
from wattmark.attribution.sweep import Moments, active_weight, moments, observed_us, sweep

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Powered:
    """A device: its series, its energy until any moment, and that by another reading of its samples."""

    series: PowerSeries
    curve: Curve
    held: Curve | None = None

    @classmethod
    def of(cls, series: PowerSeries, *, uncertain: bool) -> Powered:
        """With the other reading, where there is one, when the uncertainty is asked for."""
        held = Curve(series, held=True) if uncertain and len(series.watts) else None
        return cls(series, Curve(series), held)


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """By one rule: of each request now, of those of two phases later, and of all that is active."""

    now: Longs
    later: Longs
    active: Longs


class Block:
    """Sorts what happens once, for however many devices and rules."""

    def __init__(
        self, requests: Opened, chosen: Longs | slice, service: Longs, since_us: int, until_us: int
    ) -> None:
        columns = requests.columns
        self._requests = requests
        self._chosen = chosen
        self._service = service[chosen]
        self._failed: Flags = columns.failed[chosen]
        middle = requests.middle_us[chosen]
        phased = requests.phased[chosen]
        self._happens: Moments = moments(
            columns.start_us[chosen], middle, columns.end_us[chosen], since_us, until_us
        )
        self._writing: Flags = phased & (middle <= since_us)
        self._reading: Flags = phased & ~self._writing
        self._weights = [
            self._weigh(first[chosen], second[chosen])
            for first, second in zip(requests.first, requests.second, strict=True)
        ]

    def divide(self, device: Powered, sums: Sums) -> None:
        """Divide what a device used in the stretch: add it to the requests and to the sums."""
        joules, seen = device.curve.at(self._happens.at_us, self._happens.since_us)
        mine, *others = self._weights
        device_id = device.series.device_id
        swept = sweep(self._happens, joules, mine.active, mine.now, mine.later)
        sums.add_idle(device_id, swept.idle_joules)
        sums.add_times(device_id, np.diff(seen), mine.active > 0)
        self._charge(device_id, swept.first, swept.second, sums)
        observed = observed_us(self._happens, seen)
        self._requests.observed_us[self._chosen] += observed
        self._requests.passed_us[self._chosen] += self._passed()
        for row, other in enumerate(others, RULES + 1):
            moved = sweep(self._happens, joules, other.active, other.now, other.later)
            self._add(device_id, row, moved.first, moved.second, sums)
        if device.held is not None:
            held, _ = device.held.at(self._happens.at_us, self._happens.since_us)
            moved = sweep(self._happens, held, mine.active, mine.now, mine.later)
            self._add(device_id, HELD, moved.first, moved.second, sums)

    def _weigh(self, first: Longs, second: Longs) -> Weights:
        """Who is past the first token at the beginning weighs what it writes from there on."""
        two = self._happens.two
        now = np.where(self._writing, second, first)
        later = second[two]
        last = now.copy()
        last[two] = later
        return Weights(now, later, active_weight(self._happens, now, last, later - now[two]))

    def _charge(self, device_id: str, first: Floats, second: Floats, sums: Sums) -> None:
        two, service, requests = self._happens.two, self._service, self._requests
        used = self._add(device_id, RULES, first, second, sums)
        requests.joules[self._chosen] += used
        sums.add_joules(device_id, FAILED, service[self._failed], used[self._failed])
        sums.add_joules(device_id, SUCCEEDED, service[~self._failed], used[~self._failed])
        reading = np.where(self._reading, first, 0.0)
        writing = np.where(self._writing, first, 0.0)
        writing[two] += second
        requests.prefill[self._chosen] += reading
        requests.decode[self._chosen] += writing
        sums.add_joules(device_id, PREFILL, service, reading)
        sums.add_joules(device_id, DECODE, service, writing)

    def _add(self, device_id: str, row: int, first: Floats, second: Floats, sums: Sums) -> Floats:
        used = first.copy()
        used[self._happens.two] += second
        sums.add_joules(device_id, row, self._service, used)
        return used

    def _passed(self) -> Longs:
        """How much of the stretch each request was active in."""
        columns, happens = self._requests.columns, self._happens
        begin = np.maximum(columns.start_us[self._chosen], happens.since_us)
        passed: Longs = np.maximum(np.minimum(columns.end_us[self._chosen], happens.until_us) - begin, 0)
        return passed
