"""When a server was as busy as it was to be: the stretch whose energy says something of serving.

At its beginning a server fills up, at its end it runs empty; neither is how it serves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """One request, in microseconds."""

    start_us: int
    end_us: int
    first_output_us: int | None = None
    """None where the server did not stream: then its end counts."""


def full_of_closed_loop(spans: Sequence[Span], concurrency: int) -> tuple[int, int] | None:
    """From when so many requests have had their first output until fewer than so many are in flight.

    Between one answer and the next request of the same worker fewer are in flight for a moment; that is part
    of it. None where there is no such stretch. (ML.ENERGY's benchmark draws the same line: its steady state
    begins when as many requests as the server takes at a time returned their first token, and ends when too
    few are left; ml-energy/benchmark, mlenergy/llm/benchmark.py, RequestTracker, 2025,
    https://github.com/ml-energy/benchmark.)
    """
    if concurrency < 1 or len(spans) < concurrency:
        return None
    outputs = sorted(s.end_us if s.first_output_us is None else s.first_output_us for s in spans)
    ends = sorted(s.end_us for s in spans)
    begin, end = outputs[concurrency - 1], ends[len(ends) - concurrency]
    return (begin, end) if begin < end else None


def full_of_open_loop(spans: Sequence[Span]) -> tuple[int, int] | None:
    """From when the first request was answered until the last one was sent: arrivals go on all through it.

    None where there is no such stretch.
    """
    if not spans:
        return None
    begin, end = min(s.end_us for s in spans), max(s.start_us for s in spans)
    return (begin, end) if begin < end else None
