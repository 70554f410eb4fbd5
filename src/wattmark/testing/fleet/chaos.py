"""How a fleet's evidence really arrives: late, twice, in pieces, in any order."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass

from wattmark.core.plain import plain
from wattmark.core.run import Run
from wattmark.core.telemetry import Samples
from wattmark.testing.fleet.simulate import Fleet


@dataclass(frozen=True, slots=True)
class Delivery:
    """One thing that is brought to a ledger: a run file, or a batch of telemetry."""

    document: bytes | None = None
    samples: tuple[Samples, ...] = ()


def deliveries(fleet: Fleet, seed: int = 0, *, chaos: bool = True, batch: int = 2000) -> list[Delivery]:
    """Everything that the fleet's meters saw, ready to be landed.

    With ``chaos``: in random order, earlier states of runs among them, a fifth of all things twice, and
    batches that overlap, so that the same sample comes in two of them.
    """
    rng = random.Random(f"{fleet.plan.seed}/{seed}")
    runs = [*fleet.runs, *(fleet.stale if chaos else ())]
    found = [Delivery(document=as_document(r)) for r in runs]
    for samples in fleet.samples:
        overlap = batch // 10 if chaos else 0
        for start in range(0, len(samples), batch):
            found.append(Delivery(samples=(part(samples, max(0, start - overlap), start + batch),)))
    if chaos:
        found += rng.sample(found, len(found) // 5)
        rng.shuffle(found)
    return found


def as_document(run: Run) -> bytes:
    """The run file of a run."""
    return json.dumps(plain(run), ensure_ascii=False).encode()


def part(samples: Samples, start: int, end: int) -> Samples:
    """The samples from one position to another."""

    def cut(column: Sequence[int]) -> Sequence[int]:
        return column[start:end]

    return Samples(
        stream=samples.stream,
        start_us=cut(samples.start_us),
        end_us=cut(samples.end_us),
        energy_uj=cut(samples.energy_uj),
        count=samples.count[start:end],
        observed=samples.observed[start:end],
    )
