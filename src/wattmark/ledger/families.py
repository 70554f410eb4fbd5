"""Runs among each other: where each is in time, and whose attempt it is part of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from wattmark.core.claims import MOST_UJ
from wattmark.core.run import Run
from wattmark.ledger.machines import Told, told_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micro(seconds: float) -> int:
    """Seconds as whole microseconds."""
    return round(seconds * 1_000_000)


class Head(NamedTuple):
    """What must be known of every run before any of them can be counted."""

    record_id: str
    host_id: str
    boot: str
    """The boot whose clock places it; empty: its own wall clock does."""
    boot_us: int
    """Its start on that clock."""
    wall_us: int
    """Its start as its wall clock says."""
    lasted_us: int
    parent: str
    rank: int | None
    quarantined: str
    told: Told
    """What it says of its machine; ``host_id`` is the machine behind that, once all runs are known."""


@dataclass(frozen=True, slots=True)
class Families:
    """Where each run is in time, and to which attempt it belongs."""

    starts: Mapping[str, int] = field(default_factory=dict)
    """Record -> its start on the clock of all runs of its boot."""
    parties: Mapping[str, str] = field(default_factory=dict)
    """Record -> the outermost run around it, whose attempt it is part of."""


def head_of(run: Run, quarantined: str) -> Head:
    """The head of a run."""
    shared = run.host.boot_id is not None and run.started_monotonic_seconds is not None
    ends = [run.duration_seconds, *(row.t0_seconds + row.duration_seconds for row in run.energies)]
    return Head(
        run.record_id,
        run.host.id,
        run.host.boot_id or "" if shared else "",
        micro(run.started_monotonic_seconds or 0.0) if shared else 0,
        (datetime.fromisoformat(run.started_at) - EPOCH) // timedelta(microseconds=1),
        max(1, *map(micro, ends)),
        run.parent or "",
        run.rank,
        quarantined or _too_large(run),
        told_of(run),
    )


def _too_large(run: Run) -> str:
    row = next((r for r in run.energies if r.energy_joules > MOST_UJ / 1e6), None)
    if row is None:
        return ""
    return f"{row.device_id}: {row.energy_joules:g} J in one figure is more than a ledger can hold"


def families(heads: Iterable[Head]) -> Families:
    """Place all runs, those of one boot by its clock, and find whose attempt each is part of.

    The run that began first on a boot's clock says where that clock stands: steps of the wall clock after it
    move nothing.
    """
    runs = {head.record_id: head for head in heads}
    first: dict[tuple[str, str], Head] = {}
    for head in runs.values():
        if head.boot:
            key = head.host_id, head.boot
            best = first.get(key, head)
            first[key] = min(best, head, key=lambda h: (h.boot_us, h.record_id))
    starts = {}
    for head in runs.values():
        anchor = first.get((head.host_id, head.boot))
        offset = anchor.wall_us - anchor.boot_us if anchor else 0
        starts[head.record_id] = max(0, offset + head.boot_us if anchor else head.wall_us)
    return Families(starts, {record_id: _root(record_id, runs) for record_id in runs})


def _root(record_id: str, runs: Mapping[str, Head]) -> str:
    seen: list[str] = []
    at = record_id
    while at in runs and at not in seen:
        seen.append(at)
        head = runs[at]
        if not head.parent or (head.parent not in runs and head.rank is None):
            return at
        at = head.parent
    return min(seen[seen.index(at) :]) if at in seen else at
