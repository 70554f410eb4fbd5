"""How long answers took, and how many there were in a second."""

from __future__ import annotations

import math
from collections.abc import Sequence

from wattmark.core.bench.evidence import QueryRecord
from wattmark.core.bench.result import Latency


def latency_of(queries: Sequence[QueryRecord]) -> Latency | None:
    """Seconds from the start of a query to its end, over those that were answered; None without any.

    In a batch each query takes as long as its batch.
    """
    seconds = [(q.end_us - q.start_us) / 1e6 for q in queries if not q.failed]
    if not seconds:
        return None
    first = [
        (q.first_output_us - q.start_us) / 1e6
        for q in queries
        if not q.failed and q.first_output_us is not None
    ]
    return Latency(
        mean=math.fsum(seconds) / len(seconds),
        p50=nearest_rank(seconds, 0.50),
        p95=nearest_rank(seconds, 0.95),
        first_output_p50=nearest_rank(first, 0.50) if first else None,
    )


def nearest_rank(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all values does not exceed: one that was seen."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered) - 1e-9) - 1)]


def mean_of(counts: Sequence[float | None]) -> float | None:
    """Their mean; None where one of them is not known, or there is none."""
    known = [c for c in counts if c is not None]
    return math.fsum(known) / len(known) if known and len(known) == len(counts) else None


def sum_of(counts: Sequence[float | None]) -> float | None:
    """Their sum; None where one of them is not known, or there is none."""
    average = mean_of(counts)
    return None if average is None else average * len(counts)
