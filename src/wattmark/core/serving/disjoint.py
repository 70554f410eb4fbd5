"""Devices that may be added: of those inside one another, the outer one stands as what is left of it.

A window's devices never hold one another. A node's power less that of its processors, memory and
accelerators is the rest of the node; what a meter tells of a part of a device of the same kind (the cores
of a package) is inside that device and left out.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from wattmark.core.known import Boundary
from wattmark.core.readings import Device

REST = "rest_of_node"


class Piece(NamedTuple):
    """What one device used between two moments, on one clock; None: nobody knows, and why."""

    start_us: int
    end_us: int
    joules: float | None
    reason: str = ""

    @property
    def us(self) -> int:
        """Its length."""
        return self.end_us - self.start_us


@dataclass(frozen=True, slots=True)
class Part:
    """One device of a window."""

    device: Device
    """As the window has it: a name of its own where something was taken out."""
    of: str
    """Id of the device that is read."""
    less: tuple[str, ...] = ()
    """Ids of what is taken out of it."""


def disjoint(devices: Sequence[Device]) -> tuple[Part, ...]:
    """The devices of a node so that none holds another and together they hold what all of them do.

    Meters of a whole site are left out: they hold other machines too.
    """
    ours = {d.id: d for d in devices if d.boundary is not Boundary.FACILITY}
    outer = {d.id: _outer(d, ours) for d in ours.values()}
    inside: dict[str, list[str]] = {}
    for device in ours.values():
        above = outer[device.id]
        if above is None or _within_kind(device, ours, outer):
            continue
        while _within_kind(ours[above], ours, outer):
            above = outer[above] or above
        inside.setdefault(above, []).append(device.id)
    return tuple(
        _part(device, tuple(inside.get(device.id, ())))
        for device in ours.values()
        if not _within_kind(device, ours, outer)
    )


def _outer(device: Device, ours: Mapping[str, Device]) -> str | None:
    """The nearest device around this one that is read; None at the top, or in a circle."""
    seen = {device.id}
    above = device.part_of
    while above is not None and above not in ours:
        return None
    walk = above
    while walk is not None and walk in ours:
        if walk in seen:
            return None
        seen.add(walk)
        walk = ours[walk].part_of
    return above


def _within_kind(device: Device, ours: Mapping[str, Device], outer: Mapping[str, str | None]) -> bool:
    """Whether a device of the same component holds it."""
    above = outer[device.id]
    return above is not None and ours[above].component == device.component


def _part(device: Device, less: tuple[str, ...]) -> Part:
    if not less:
        return Part(replace(device, part_of=None), device.id)
    if device.boundary is Boundary.NODE or device.component == "node":
        machine = device.id.partition(":")[2] or device.id
        named = replace(device, id=f"{REST}:{machine}", component=REST, part_of=None)
    else:
        named = replace(device, id=f"{device.id}/rest", part_of=None)
    return Part(named, device.id, less)


class Remainder:
    """What is left of a device when others are taken out of it, moment by moment.

    Meters look at different moments, and some average over seconds: what comes out below zero is owed, and
    taken from what follows, so that over time nothing is added or lost. Where any of them was not observed,
    neither is the rest.
    """

    def __init__(self, less: Iterable[str], debt: float = 0.0) -> None:
        self._outer: deque[Piece] = deque()
        self._inner: dict[str, deque[Piece]] = {name: deque() for name in less}
        self.debt = debt
        """Joules that were taken out and not there yet; 0 or below."""

    def of(self, name: str) -> bool:
        """Whether this device is taken out."""
        return name in self._inner

    def outer(self, piece: Piece) -> None:
        """The next piece of the whole."""
        self._outer.append(piece)

    def inner(self, name: str, piece: Piece) -> None:
        """The next piece of what is taken out."""
        self._inner[name].append(piece)

    def ready(self) -> list[Piece]:
        """The pieces of the rest that can be told now; each is asked for once."""
        found: list[Piece] = []
        while self._outer and all(
            line and line[-1].end_us >= self._outer[0].end_us for line in self._inner.values()
        ):
            found.append(self._rest(self._outer.popleft()))
        return found

    def _rest(self, whole: Piece) -> Piece:
        out = [taken(line, whole.start_us, whole.end_us) for line in self._inner.values()]
        unseen = next((piece for piece in (whole, *out) if piece.joules is None), None)
        if unseen is not None:
            return Piece(whole.start_us, whole.end_us, None, unseen.reason)
        left = math.fsum((whole.joules or 0.0, self.debt, *(-(piece.joules or 0.0) for piece in out)))
        self.debt = min(0.0, left)
        return Piece(whole.start_us, whole.end_us, max(0.0, left))


def taken(line: deque[Piece], start_us: int, end_us: int) -> Piece:
    """What a device used between two moments, from pieces in their order; those that are over go."""
    joules, seen = 0.0, 0
    reason = "it was not read yet"
    while line:
        part = clipped(line[0], start_us, end_us)
        if part is not None:
            if part.joules is None:
                reason = part.reason
            else:
                joules += part.joules
                seen += part.us
        if line[0].end_us > end_us:
            break
        line.popleft()
    if seen < end_us - start_us:
        return Piece(start_us, end_us, None, reason)
    return Piece(start_us, end_us, joules)


def clipped(piece: Piece, start_us: int, end_us: int) -> Piece | None:
    """The part of a piece between two moments, its energy in proportion; None when there is none."""
    start, end = max(piece.start_us, start_us), min(piece.end_us, end_us)
    if start >= end:
        return None
    if piece.joules is None or (start, end) == (piece.start_us, piece.end_us):
        return piece._replace(start_us=start, end_us=end)
    whole = piece.us
    joules = piece.joules
    # As a difference of cumulative energy: neighbouring parts add up to the piece.
    part = joules * (end - piece.start_us) / whole - joules * (start - piece.start_us) / whole
    return Piece(start, end, part)
