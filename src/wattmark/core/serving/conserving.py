"""Whatever energy is divided among, the parts make up the whole."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Protocol

from wattmark.core.errors import UsageError

CONSERVED = 1e-9
"""Parts make up their device to this share of it."""
LEAST_JOULES = 1e-6
"""... or to this much, where that is more: the ledger's own unit."""


class Divided(Protocol):
    """A device of which parts are charged to somebody."""

    @property
    def device_id(self) -> str: ...

    @property
    def energy_joules(self) -> float: ...

    @property
    def unallocated_joules(self) -> float: ...


def conserved(what: str, charged: Iterable[tuple[str, float]], devices: Sequence[Divided]) -> None:
    """Raise UsageError unless what is charged and what is unallocated make up each device.

    ``charged``: device and joules; ``what``: who charges it, for the message.
    """
    sums: dict[str, float] = defaultdict(float)
    for device_id, joules in charged:
        sums[device_id] += joules
    if stray := sums.keys() - {device.device_id for device in devices}:
        raise UsageError(f"{what} charges a device that it does not hold: {', '.join(sorted(stray))}")
    for device in devices:
        parts = sums[device.device_id] + device.unallocated_joules
        if not math.isclose(parts, device.energy_joules, rel_tol=CONSERVED, abs_tol=LEAST_JOULES):
            made = f"shares of {parts:.9g} J do not make up {device.energy_joules:.9g} J"
            raise UsageError(f"{device.device_id}: {made}")
