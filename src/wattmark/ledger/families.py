"""Runs among each other: where each is in time, and whose attempt it is part of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from wattmark.core.claims import MOST_UJ
from wattmark.core.run import Run
from wattmark.core.statements import only_states
from wattmark.ledger.machines import Told, told_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SET_US = 60_000_000
"""A wall clock that moved by more than this against the boot's was set; by less, it was drawn to the time."""
LEAST_US = 1_577_836_800_000_000
"""2020-01-01: a clock that shows an earlier time was never set."""


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
    stated: bool = False
    """It holds nothing but statements."""


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
        only_states(run),
    )


def _too_large(run: Run) -> str:
    row = next((r for r in run.energies if r.energy_joules > MOST_UJ / 1e6), None)
    if row is None:
        return ""
    return f"{row.device_id}: {row.energy_joules:g} J in one figure is more than a ledger can hold"


def families(heads: Iterable[Head]) -> Families:
    """Place all runs, those of one boot by its clock, and find whose attempt each is part of.

    The run that began first on a boot's clock says where that clock stands, if its wall clock agrees with
    most of the others: steps move nothing, and a machine that was switched on without knowing the time
    (1970, until a time server answered) does not take all its runs there.
    """
    runs = {head.record_id: head for head in heads}
    boots: dict[tuple[str, str], list[Head]] = {}
    for head in runs.values():
        if head.boot:
            boots.setdefault((head.host_id, head.boot), []).append(head)
    anchors = {boot: _anchor(found) for boot, found in boots.items()}
    starts = {}
    for head in runs.values():
        anchor = anchors.get((head.host_id, head.boot))
        offset = anchor.wall_us - anchor.boot_us if anchor else 0
        starts[head.record_id] = max(0, offset + head.boot_us if anchor else head.wall_us)
    return Families(starts, {record_id: _root(record_id, runs) for record_id in runs})


def _anchor(boot: Sequence[Head]) -> Head:
    """The first run of those that agree about the time, of the most that do; before 2020 nobody was."""
    ordered = sorted(boot, key=lambda head: head.wall_us - head.boot_us)
    agreeing = [[ordered[0]]]
    for before, head in pairwise(ordered):
        if head.wall_us - head.boot_us - (before.wall_us - before.boot_us) > SET_US:
            agreeing.append([])
        agreeing[-1].append(head)
    firsts = {min(some, key=_by_boot): len(some) for some in agreeing}
    return min(firsts, key=lambda head: (head.wall_us < LEAST_US, -firsts[head], *_by_boot(head)))


def _by_boot(head: Head) -> tuple[int, str]:
    return head.boot_us, head.record_id


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
