"""Points of series -> intervals of streams, across requests and files: each interval once.

An interval lies between two points of a series, so the last point of each series is kept until the next one
comes. The rules for what a point may say are OpenTelemetry's (metrics data model, "Resets and gaps", "Sums");
where they leave open what was used, the interval is a gap.

- A point that was there before adds nothing: time has not gone on. A retried request therefore counts once.
- A cumulative counter whose start time is a new one has begun anew. A counter of energy that an exporter
  merely passes on was not zero then, so that the stretch in between is a gap; a counter of work was.
- The first point of a counter of work counts from its start when that is not longer ago than the longest
  gap. Further back, somebody else may have counted it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import nan
from operator import le

from wattmark.core.telemetry import Samples
from wattmark.sources import otlp_energy, otlp_work
from wattmark.sources.otlp_intake import Points
from wattmark.sources.otlp_names import Role, Series
from wattmark.sources.otlp_state import Paired, Read, State, forget

LONGEST_GAP_US = 120_000_000
"""Two periods of 60 s, which is how often an OpenTelemetry SDK exports unless told otherwise."""


def pair(read: Iterable[Read], state: State, longest_gap_us: int = LONGEST_GAP_US) -> Paired:
    """The intervals that these points end, in a fixed order; ``state`` goes on to what follows them.

    The same points on the same state give the same samples.
    """
    parts = list(read)
    found = Paired()
    for part in parts:
        series = part.series
        if series.stream.unit in ("input_tokens", "output_tokens") and not series.repeats:
            before = state.counted_newly.get(series.resource, 0)
            state.counted_newly[series.resource] = max(before, part.time_us[-1])
    samples = []
    for part in parts:
        series = part.series
        if series.repeats and series.resource in state.counted_newly:
            found.repeated += len(part)
            continue
        made = _PAIRING[series.role, series.delta](part, state, longest_gap_us, found)
        if len(made):
            samples.append(made)
    found.samples = tuple(samples)
    forget(state)
    return found


def gathered(points: Iterable[Points]) -> list[Read]:
    """The points of each series."""
    found: dict[str, tuple[Series, list[tuple[int, int, float]]]] = {}
    for part in points:
        columns = (part.series, part.time_ns, part.start_ns, part.values)
        for series, time, start, value in zip(*columns, strict=True):
            amount = nan if value is None else value
            found.setdefault(series.key, (series, []))[1].append((time, start, amount))
    return [in_order(series, *map(list, zip(*rows, strict=True))) for series, rows in found.values()]


def in_order(series: Series, time_ns: list[int], start_ns: list[int], values: list[float]) -> Read:
    """Points as they were sent, in any order: in order of time, in microseconds and in our units."""
    if not all(map(le, time_ns, time_ns[1:])):
        rows = sorted(zip(time_ns, start_ns, values, strict=True), key=lambda row: row[:2])
        time_ns, start_ns, values = map(list, zip(*rows, strict=True))
    scale = series.scale
    return Read(
        series,
        [t // 1000 for t in time_ns],
        [t // 1000 for t in start_ns],
        values if scale == 1 else [v * scale for v in values],
    )


_PAIRING: Mapping[tuple[Role, bool], Callable[[Read, State, int, Paired], Samples]] = {
    (Role.POWER, False): otlp_energy.of_power,
    (Role.POWER, True): otlp_energy.of_power,
    (Role.ENERGY, False): otlp_energy.of_total,
    (Role.ENERGY, True): otlp_energy.of_portions,
    (Role.WORK, False): otlp_work.of_total,
    (Role.WORK, True): otlp_work.of_portions,
}
"""How the points of a series become intervals, by what they are and whether they are deltas."""
