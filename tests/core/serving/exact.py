"""Attribution the slow way, in fractions: what every fast way must agree with."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from wattmark.core.serving.dividing import Piece
from wattmark.core.serving.request import Phase, Placement, Request, Rule, placed
from wattmark.core.serving.weights import Means, Weighed, Weighing


@dataclass
class Exact:
    """Joules of each request, in their order, and of each device's idle time."""

    joules: list[Fraction] = field(default_factory=list)
    by_phase: dict[tuple[int, Phase], Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    observed_us: list[int] = field(default_factory=list)
    idle: dict[str, Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    total: dict[str, Fraction] = field(default_factory=lambda: defaultdict(Fraction))


def learned(requests: Iterable[Request], weighing: Weighing) -> Means:
    """What all the requests tell."""
    means = Means()
    for request in requests:
        weighing.learn(request, means)
    return means


def integral(
    requests: Sequence[Request],
    pieces: Mapping[str, Sequence[Piece]],
    placements: Sequence[Placement] = (),
    weighing: Weighing | None = None,
    rule: Rule | None = None,
) -> Exact:
    """Every moment between two changes of anything, divided among what is active in it."""
    weighing = weighing or Weighing()
    means = learned(requests, weighing)
    weighed = [weighing.weighed(request, means, rule) for request in requests]
    homes = [_home(request, placements, pieces) for request in requests]
    made = Exact(joules=[Fraction()] * len(requests), observed_us=[0] * len(requests))
    for device, readings in pieces.items():
        for reading in readings:
            made.total[device] += Fraction(reading.joules)
            _divide(device, reading, weighed, homes, made)
    return made


def _home(
    request: Request, placements: Sequence[Placement], pieces: Mapping[str, Sequence[Piece]]
) -> tuple[str, ...]:
    if not placements:
        return tuple(pieces)
    placement = placed(request.service, placements)
    return placement.devices if placement else ()


def _divide(
    device: str,
    reading: Piece,
    weighed: Sequence[tuple[Weighed, ...]],
    homes: Sequence[tuple[str, ...]],
    made: Exact,
) -> None:
    here = [(i, part) for i, parts in enumerate(weighed) for part in parts if device in homes[i]]
    inside = {t for _, p in here for t in (p.start_us, p.end_us) if reading.start_us < t < reading.end_us}
    moments = sorted(inside | {reading.start_us, reading.end_us})
    length = reading.end_us - reading.start_us
    for begin, end in itertools.pairwise(moments):
        joules = Fraction(reading.joules) * (end - begin) / length
        active = [(i, part) for i, part in here if part.start_us <= begin and end <= part.end_us]
        weight = sum(part.weight for _, part in active)
        if not active:
            made.idle[device] += joules
        for i, part in active:
            made.joules[i] += joules * part.weight / weight
            made.by_phase[i, part.phase] += joules * part.weight / weight
            made.observed_us[i] += (end - begin) if reading.observed else 0
