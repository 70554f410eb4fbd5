"""Facility and IT energy out of a Prometheus: two queries over a range of time."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from wattmark.core.errors import EvidenceError, RefusedError
from wattmark.core.pue_series import MeterSeries, Sample, added
from wattmark.sources.facility_forms import Reading, form_of
from wattmark.sources.prometheus_api import Api, TooMuch

MOST_POINTS = 10_000
"""Of one answer; Prometheus gives no more than 11,000 a series."""
BARE = re.compile(r"([A-Za-z_:][\w:]*)(\{[^{}]*\})?")
"""A metric by its name: whatever is worked out of one may be in another unit than its name says."""
Labels = tuple[tuple[str, str], ...]


def queried(
    api: Api,
    query: str,
    span: tuple[int, int],
    step_seconds: int,
    said: str | None,
    option: str,
    reading: Reading,
) -> MeterSeries:
    """The energy that a query tells between two moments (microseconds since 1970).

    Every series of the answer is a meter of its own, so that each may be reset by itself; they are added up
    over the time in which all of them tell something. Raises EvidenceError that names the address, and
    UsageError where the query does not tell in which form its values are.
    """
    bare = BARE.fullmatch(query.strip())
    form = form_of(said, bare[1] if bare else "this query", f"{option}-as")
    found: dict[Labels, list[Sample]] = {}
    for start, end in _portions(span, step_seconds):
        try:
            answer = api.stepped(query, start, end, step_seconds)
        except TooMuch as error:
            raise EvidenceError(
                api.url,
                f"does not answer {query!r} ({error}): ask for a shorter time or a longer --resolution",
            ) from None
        for series in answer:
            samples = found.setdefault(tuple(sorted(series.metric.items())), [])
            samples += [(round(at * 1e6), value) for at, value in _finite(series.values)]
    if not found:
        raise EvidenceError(
            api.url, f"{option} {query!r} tells nothing in this time: look at it in Prometheus"
        )
    try:
        return added([form.read(samples, _name(query, labels), reading) for labels, samples in found.items()])
    except RefusedError as refusal:
        raise EvidenceError(api.url, str(refusal)) from None


def _portions(span: tuple[int, int], step_seconds: int) -> Iterator[tuple[int, int]]:
    """Stretches in milliseconds, on whole steps, of few enough points."""
    step = step_seconds * 1000
    start, end = -(-span[0] // 1000 // step) * step, span[1] // 1000
    while start <= end:
        last = min(end, start + (MOST_POINTS - 1) * step)
        yield start, last
        start = (last // step + 1) * step


def _finite(values: list[tuple[float, str]]) -> Iterator[tuple[float, float]]:
    for at, text in values:
        value = float(text)
        if math.isfinite(value):
            yield at, value


def _name(query: str, labels: Labels) -> str:
    told = ", ".join(f"{k}={v}" for k, v in labels if k != "__name__")
    return f"{query} {{{told}}}" if told else query
