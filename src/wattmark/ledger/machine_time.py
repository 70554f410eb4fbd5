"""Whose each moment of a machine was: its runs share it, so that all of them together take it once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from wattmark.core.inventory_use import Span


@dataclass(frozen=True, slots=True)
class Taking:
    """A run on a machine."""

    record_id: str
    attempt: str
    """Ranks of one job share it."""
    own: bool
    """It was measured as a run, not by a monitor that watches the machine at all times."""
    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a machine's time, and the share of it that one run has."""

    record_id: str
    span: Span
    share: float


def pieces(takings: Iterable[Taking], edges: Sequence[int] = ()) -> Iterator[Piece]:
    """The time of one machine, cut wherever a run begins or ends or at further edges.

    Runs side by side have equal parts, ranks of one job the part of one; what a monitor alone saw is its
    record's, and it has no part in what runs take. The shares of each moment add up to 1.
    """
    waiting = sorted(takings, key=lambda t: (t.start_us, t.end_us, t.record_id))
    cuts = sorted({at for t in waiting for at in (t.start_us, t.end_us)} | set(edges))
    active: list[Taking] = []
    upcoming = 0
    for left, right in pairwise(cuts):
        active = [t for t in active if t.end_us > left]
        while upcoming < len(waiting) and waiting[upcoming].start_us <= left:
            if waiting[upcoming].end_us > left:
                active.append(waiting[upcoming])
            upcoming += 1
        claiming = [t for t in active if t.own] or active
        ranks: dict[str, int] = {}
        for taking in claiming:
            ranks[taking.attempt] = ranks.get(taking.attempt, 0) + 1
        for taking in claiming:
            yield Piece(taking.record_id, (left, right), 1 / len(ranks) / ranks[taking.attempt])
