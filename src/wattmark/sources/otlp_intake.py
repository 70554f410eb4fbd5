"""Decoded requests -> points of known series; what cannot be taken is counted with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from wattmark.sources.otlp_names import (
    STATEMENTS,
    Naming,
    Refusal,
    Series,
    describe,
)
from wattmark.sources.otlp_points import Attributes, Metric, Request, Temporality

FUTURE_NS = 3600 * 10**9
"""A point may lie an hour ahead of our clock; one further off is refused, because it would outdate others."""
LATEST_NS = (1 << 63) - 1
"""In the year 2262."""


@dataclass(slots=True)
class Points:
    """Points of series, as columns of one length, and how many were left out and why."""

    series: list[Series] = field(default_factory=list)
    start_ns: list[int] = field(default_factory=list)
    time_ns: list[int] = field(default_factory=list)
    values: list[float | None] = field(default_factory=list)
    """None or NaN: nothing was recorded."""
    refused: Counter[str] = field(default_factory=Counter)
    """Reason -> points."""
    ignored: Counter[str] = field(default_factory=Counter)
    """Why they are none of ours -> points."""

    def __len__(self) -> int:
        return len(self.series)


class Intake:
    """Knows which series a point belongs to. Not for several threads at once.

    ``known`` is how many series it remembers.
    """

    def __init__(self, naming: Naming) -> None:
        self._naming = naming
        self._heads: dict[tuple[object, ...], _Head] = {}
        self._series: dict[str, Series] = {}
        self.known = 0

    def take(self, request: Request, now_ns: int | None = None) -> Points:
        """The points of a request; with a clock, points of the future are refused."""
        found = Points()
        latest = LATEST_NS if now_ns is None else now_ns + FUTURE_NS
        for metric in request.metrics:
            self._metric(metric, found, latest)
        if request.foreign:
            found.ignored[_foreign(request.foreign_names)] += request.foreign
        return found

    def _metric(self, metric: Metric, found: Points, latest: int) -> None:
        if not metric.attributes:
            return
        head = (
            metric.resource, metric.scope, metric.name, metric.unit, metric.kind, metric.temporality,
            metric.monotonic,
        )  # fmt: skip
        known = self._heads.get(head)
        if known is None:
            known = self._heads[head] = _Head()
        if metric.attributes is known.attributes:
            of = known.of
        else:
            if not all(a in known.series for a in metric.attributes):
                self._learn(metric, known)
            known.attributes = metric.attributes
            of = known.of = [known.series[a] for a in metric.attributes]
        starts, times, values = metric.start_ns, metric.time_ns, metric.values
        if metric.counts and isinstance(of[0], Series) and of[0].of_counts:
            values = list(metric.counts)
        needs_length = metric.temporality is Temporality.DELTA
        if (
            not known.refused
            and min(times) > 0
            and max(times) <= latest
            and max(starts) <= min(times) - needs_length
            and (not needs_length or min(starts) > 0)
        ):
            found.series += of  # type: ignore[arg-type]
            found.start_ns += starts
            found.time_ns += times
            found.values += values
            return
        for series, start, time, value in zip(of, starts, times, values, strict=True):
            if isinstance(series, Refusal):
                (found.refused if series.ours else found.ignored)[series.reason] += 1
            elif wrong := _wrong_time(metric, start, time, latest):
                found.refused[f"{metric.name} {wrong}"] += 1
            else:
                found.series.append(series)
                found.start_ns.append(start)
                found.time_ns.append(time)
                found.values.append(value)

    def _learn(self, metric: Metric, known: _Head) -> None:
        """Describe the series that are new. Equal ones are one object, so that they are one to a journal."""
        for attributes in metric.attributes:
            if attributes not in known.series:
                series = describe(metric, attributes, self._naming)
                if isinstance(series, Series):
                    series = self._series.setdefault(series.key, series)
                else:
                    known.refused = True
                known.series[attributes] = series
                self.known += 1


class _Head:
    """What is known of the series of one metric of one resource."""

    __slots__ = ("attributes", "of", "refused", "series")

    def __init__(self) -> None:
        self.series: dict[Attributes, Series | Refusal] = {}
        self.refused = False
        """Some of them are."""
        self.attributes: list[Attributes] = []
        """Those of the points that came last; a metric of the same layout brings the same list."""
        self.of: list[Series | Refusal] = []


def _wrong_time(metric: Metric, start: int, time: int, latest: int) -> str:
    if not time:
        return "has no time"
    if time > latest:
        return "lies in the future: check the sender's clock"
    if metric.temporality is Temporality.DELTA and not start:
        return "is a delta without its start time"
    if start > time or (start == time and metric.temporality is Temporality.DELTA):
        return "starts after it ends" if start > time else "has no length"
    return ""


def _foreign(names: Iterable[str]) -> str:
    """What other metrics there were, in words."""
    listed = sorted(names)
    if any(name.startswith(STATEMENTS) for name in listed):
        return "estimates of EcoLogits are statements: `wattmark import ecologits` reads them"
    more = f" and {len(listed) - 3} more" if len(listed) > 3 else ""
    return f"other metrics ({', '.join(listed[:3])}{more})"
