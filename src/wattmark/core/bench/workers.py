"""The devices that do the work, and what looks at states tell of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from wattmark.core.bench.evidence import Evidence, StateLook
from wattmark.core.machines import ACCELERATORS
from wattmark.core.readings import Device

WORKERS = ("cpu", *ACCELERATORS)
"""Components that compute, and slow down when they get hot."""


def workers(evidence: Evidence, counted: Collection[str]) -> tuple[Device, ...]:
    """The processors whose energy is counted, by themselves or within what is counted.

    Where none is known (a meter at the wall alone), the counted devices stand for them.
    """
    by_id = {d.id: d for d in evidence.devices}
    inside = [d for d in evidence.devices if _lies_in(d, counted, by_id)]
    return tuple(d for d in inside if d.component in WORKERS) or tuple(d for d in inside if d.id in counted)


def _lies_in(device: Device, counted: Collection[str], by_id: dict[str, Device]) -> bool:
    at: Device | None = device
    passed: set[str] = set()
    while at is not None and at.id not in passed:
        if at.id in counted:
            return True
        passed.add(at.id)
        at = by_id.get(at.part_of or "")
    return False


def looks_at(device: Device, states: Iterable[StateLook]) -> list[StateLook]:
    """What was told of a device: by its id, by that of what holds it (``cpu:h`` for ``cpu:h/package-0``), or
    of its component as a whole. Of a whole machine everything tells.
    """
    whole = device.component not in WORKERS
    return [
        s
        for s in states
        if whole or s.device_id in (device.id, device.component) or device.id.startswith(f"{s.device_id}/")
    ]


def during(states: Sequence[StateLook], spans: Sequence[tuple[int, int]]) -> list[StateLook]:
    """The looks between these moments."""
    return [s for s in states if any(start <= s.at_us <= end for start, end in spans)]
