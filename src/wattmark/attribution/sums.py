"""What a sweep adds up, block after block: by service and device in joules, by service in work."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wattmark.attribution.columns import UNKNOWN, Flags, Longs, RequestColumns
from wattmark.core.serving.request import Service

Floats = NDArray[np.float64]

SUCCEEDED, FAILED, PREFILL, DECODE, HELD, RULES = range(6)
"""Rows of the joules of a device, by service; from RULES on one row per rule."""
REQUESTS, FAILURES, ACTIVE_US, ESTIMATED, LATE = range(5)
TOKENS = ("input_tokens", "cached_input_tokens", "output_tokens")


class Sums:
    """Grows with the number of services, never with that of requests."""

    def __init__(self, devices: Sequence[str], rules: int) -> None:
        self.services: dict[Service, int] = {}
        self.joules: dict[str, Floats] = {device: np.zeros((RULES + rules, 0)) for device in devices}
        self.idle: dict[str, float] = dict.fromkeys(devices, 0.0)
        self.observed_us: dict[str, int] = dict.fromkeys(devices, 0)
        self.active_us: dict[str, int] = dict.fromkeys(devices, 0)
        self.work: Longs = np.zeros((5, 0), np.int64)
        self.tokens: Longs = np.zeros((len(TOKENS), 0), np.int64)
        self.untold: Flags = np.zeros((len(TOKENS), 0), np.bool_)
        """A success of the service does not tell them, so their sum is not known."""

    def indices(self, services: Sequence[Service]) -> Longs:
        """The numbers of services here, new ones included."""
        found = [self.services.setdefault(service, len(self.services)) for service in services]
        more = len(self.services) - self.work.shape[1]
        if more:
            wider = ((0, 0), (0, more))
            self.work, self.tokens = np.pad(self.work, wider), np.pad(self.tokens, wider)
            self.untold = np.pad(self.untold, wider)
            self.joules = {device: np.pad(each, wider) for device, each in self.joules.items()}
        return np.array(found, np.int64)

    def add_joules(self, device_id: str, row: int, service: Longs, joules: Floats) -> None:
        """Add what requests used, by the numbers of their services."""
        each = self.joules[device_id]
        each[row] += np.bincount(service, joules, each.shape[1])

    def add_idle(self, device_id: str, joules: float) -> None:
        """Add what a device used while nothing was active on it."""
        self.idle[device_id] += joules

    def add_times(self, device_id: str, seen_us: Longs, busy: Flags) -> None:
        """Add how long a device was observed, and how much of that something was active on it."""
        self.observed_us[device_id] += int(seen_us.sum())
        self.active_us[device_id] += int(seen_us[busy].sum())

    def add_active(self, service: Longs, passed_us: Longs) -> None:
        """Add the time in which requests were active."""
        self.work[ACTIVE_US] += self._count(service, passed_us)

    def add_done(self, columns: RequestColumns, service: Longs, estimated: Flags, late: Flags) -> None:
        """Count requests that are over. One that failed and does not tell its tokens hides no others'."""
        failed = columns.failed
        self.work[REQUESTS] += self._count(service[~failed])
        self.work[FAILURES] += self._count(service[failed])
        self.work[ESTIMATED] += self._count(service[estimated])
        self.work[LATE] += self._count(service[late])
        no_input = columns.input_tokens == UNKNOWN
        for row, name in enumerate(TOKENS):
            amounts = getattr(columns, name)
            untold = (amounts == UNKNOWN) | (no_input if name.startswith("cached") else False)
            self.tokens[row] += self._count(service[~untold], amounts[~untold])
            self.untold[row] |= self._count(service[untold & ~failed]) > 0

    def _count(self, service: Longs, amounts: Longs | None = None) -> Longs:
        """Whole numbers by service; sums below 2^53 are exact."""
        return np.bincount(service, amounts, self.work.shape[1]).astype(np.int64)
