"""The energy of one device in one stretch of time, divided among what is active on it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from wattmark.core.errors import UsageError
from wattmark.core.serving.clock import EnergyClock, Mark


class Piece(NamedTuple):
    """Energy of a device over a stretch of time, in which it is taken to be even. Microseconds, UTC."""

    start_us: int
    end_us: int
    joules: float
    observed: bool = True
    """False: a gap, which holds no energy that anybody knows of."""
    busy_us: int | None = None
    """How much of it the device worked, by its own signal; None: it does not tell."""


class Part(NamedTuple):
    """Something active: from when to when, and what it weighs by each rule that is asked for."""

    start_us: int
    end_us: int
    weights: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Divided:
    """One device over one stretch of time. Joules by part stand in the order of the parts, once per rule."""

    energy_joules: float
    observed_us: int
    active_us: int
    """Observed time in which anything was active."""
    idle_joules: float
    joules: tuple[tuple[float, ...], ...]
    observed_by_part_us: tuple[int, ...]


def checked(piece: Piece, after_us: int | None = None) -> Piece:
    """The piece, when it may follow on one that ends then. Raises UsageError otherwise."""
    start, end, joules = piece.start_us, piece.end_us, piece.joules
    if not 0 <= start < end:
        raise UsageError(f"a reading must end after it starts; here {start} to {end} us")
    if not (math.isfinite(joules) and joules >= 0):
        raise UsageError(f"the energy of a reading is a number from 0 on; here {joules!r}")
    if joules and not piece.observed:
        raise UsageError("a gap holds no energy: what was not observed is not known")
    if after_us is not None and start < after_us:
        raise UsageError(f"a reading from {start} us overlaps the one before it, which ends at {after_us} us")
    return piece


def divide(
    pieces: Sequence[Piece], parts: Sequence[Part], start_us: int, end_us: int, rules: int = 1
) -> Divided:
    """Divide what a device used from start to end among the parts, by each of so many rules.

    Pieces are in order and do not overlap; where none is, nothing was observed. Parts lie inside the stretch.
    The energy is exactly what was divided: parts and idle make it up but for rounding.
    """
    meter = _Meter(pieces, start_us)
    clocks = [EnergyClock() for _ in range(rules)]
    marks: list[tuple[Mark, ...]] = [()] * len(parts)
    joules = [[0.0] * len(parts) for _ in clocks]
    observed = [0] * len(parts)
    lasting = [(i, part) for i, part in enumerate(parts) if part.end_us > part.start_us]
    events = [(part.start_us, 2 * i) for i, part in lasting]
    events += [(part.end_us, 2 * i + 1) for i, part in lasting]
    for at, event in sorted(events):
        passed = meter.until(at)
        for clock in clocks:
            clock.advance(*passed)
        i, over = divmod(event, 2)
        weights = parts[i].weights
        if over:
            for rule, clock in enumerate(clocks):
                joules[rule][i], observed[i] = clock.remove(weights[rule], marks[i][rule])
        else:
            marks[i] = tuple(clock.add(w) for clock, w in zip(clocks, weights, strict=True))
    passed = meter.until(end_us)
    for clock in clocks:
        clock.advance(*passed)
    first = clocks[0]
    return Divided(
        energy_joules=math.fsum(meter.given),
        observed_us=first.observed_us,
        active_us=first.active_us,
        idle_joules=first.idle_joules,
        joules=tuple(tuple(by_part) for by_part in joules),
        observed_by_part_us=tuple(observed),
    )


def busy_us(pieces: Iterable[Piece], start_us: int, end_us: int) -> int | None:
    """How long the device worked in a stretch of time, by its own signal; None when that is not known."""
    total = 0.0
    told = False
    for piece in pieces:
        inside = min(end_us, piece.end_us) - max(start_us, piece.start_us)
        if inside <= 0 or not piece.observed:
            continue
        if piece.busy_us is None:
            return None
        told = True
        total += piece.busy_us * inside / (piece.end_us - piece.start_us)
    return round(total) if told else None


class _Meter:
    """Walks once along the pieces of a device."""

    def __init__(self, pieces: Sequence[Piece], start_us: int) -> None:
        self._pieces = pieces
        self._next = 0
        self._at = start_us
        self.given: list[float] = []

    def until(self, at_us: int) -> tuple[float, int]:
        """Joules, and microseconds that were observed, since the last time it was asked."""
        used, seen = 0.0, 0
        while self._next < len(self._pieces) and self._at < at_us:
            piece = self._pieces[self._next]
            start, end = max(self._at, piece.start_us), min(at_us, piece.end_us)
            if start >= at_us:
                break
            if end > start and piece.observed:
                used += piece.joules * (end - start) / (piece.end_us - piece.start_us)
                seen += end - start
            self._at = max(self._at, end)
            if piece.end_us > at_us:
                break
            self._next += 1
        self._at = max(self._at, at_us)
        if used:
            self.given.append(used)
        return used, seen
