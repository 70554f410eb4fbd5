"""A power series from intervals: what importers, ledgers and agents tell of a device, in any order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from wattmark.attribution.power.series import Flags, Floats, Kind, Longs, PowerSeries
from wattmark.core.known import Method, Scope
from wattmark.core.telemetry import JOULES, Samples, Stream


def series_of(
    start_us: Longs, end_us: Longs, joules: Floats, observed: Flags, **known: Any
) -> PowerSeries | None:
    """The series of intervals in any order, with ``known`` its other fields; None when there is none.

    What no interval covers is a gap. An interval that overlaps one before it is left out, and noted: its
    energy cannot be told from the other's.
    """
    order = np.lexsort((end_us, start_us))
    start_us, end_us = start_us[order], end_us[order]
    joules, observed = joules[order], observed[order] & (end_us > start_us)
    kept = _apart(start_us, end_us)
    notes = tuple(known.pop("notes", ()))
    if left_out := int((~kept & ~_same_as_before(start_us, end_us)).sum()):
        notes += (f"{left_out} intervals overlap others and are left out",)
    start_us, end_us, joules, observed = start_us[kept], end_us[kept], joules[kept], observed[kept]
    if not len(start_us):
        return None
    holes = np.concatenate(([True], start_us[1:] > end_us[:-1]))
    used = np.where(observed, joules, 0.0)
    places = np.cumsum(holes) + np.arange(len(holes))
    times = np.empty(int(places[-1]) + 1, np.int64)
    total = np.zeros(len(times))
    seen = np.zeros(len(times), np.bool_)
    times[places], times[places[holes] - 1] = end_us, start_us[holes]
    total[places], seen[places] = used, observed
    return PowerSeries(times_us=times, joules=np.cumsum(total), observed=seen[1:], notes=notes, **known)


def _apart(start_us: Longs, end_us: Longs) -> Flags:
    """Which intervals, in order of their starts, begin when the ones kept before them have ended."""
    kept = end_us > start_us
    until = np.maximum.accumulate(np.where(kept, end_us, np.iinfo(np.int64).min))
    if not (kept[1:] & (start_us[1:] < until[:-1])).any():
        return kept
    last = -1
    for index in range(len(kept)):  # seldom: somebody told of the same time twice
        if kept[index] and start_us[index] >= last:
            last = int(end_us[index])
        else:
            kept[index] = False
    return kept


def _same_as_before(start_us: Longs, end_us: Longs) -> Flags:
    """Intervals that stand there twice, which is no contradiction, and those without length."""
    same = end_us <= start_us
    same[1:] |= (start_us[1:] == start_us[:-1]) & (end_us[1:] == end_us[:-1])
    return same


def series_of_samples(parts: Iterable[Samples]) -> list[PowerSeries]:
    """One series for each device of telemetry: whole devices and joules only.

    Where several streams tell of one device, the best known one is taken, and the others are named in a note.
    """
    by_stream: dict[str, list[Samples]] = {}
    for part in parts:
        if part.stream.unit == JOULES and part.stream.scope is Scope.WHOLE and len(part):
            by_stream.setdefault(repr(part.stream), []).append(part)
    return best_of([s for same in by_stream.values() if (s := _of_one_stream(same)) is not None])


def _of_one_stream(parts: Sequence[Samples]) -> PowerSeries | None:
    stream = parts[0].stream
    return series_of(
        np.concatenate([np.asarray(p.start_us, np.int64) for p in parts]),
        np.concatenate([np.asarray(p.end_us, np.int64) for p in parts]),
        np.concatenate([np.asarray(p.energy_uj, np.float64) for p in parts]) / 1e6,
        np.concatenate(
            [
                np.asarray(p.observed, np.bool_) if len(p.observed) else np.ones(len(p), np.bool_)
                for p in parts
            ]
        ),
        **known_of(stream),
    )


def known_of(stream: Stream) -> dict[str, Any]:
    """What a stream says of its device and of how it is known, as fields of a series."""
    sampled = stream.method is Method.INTEGRATED_POWER
    return {
        "device_id": stream.device_id,
        "component": stream.component,
        "part_of": stream.part_of,
        "host_id": stream.host_id,
        "source": stream.source.name,
        "kind": Kind.SAMPLED if sampled else Kind.INTERVAL,
        "method": stream.method,
        "grade": stream.grade,
        "boundary": stream.boundary,
        "errors": stream.errors,
        "sensor_duty": stream.sensor_duty,
    }


def best_of(found: Sequence[PowerSeries]) -> list[PowerSeries]:
    """One series for each device: of the best grade, of equal ones the one that observed most."""
    chosen: dict[tuple[str, str], list[PowerSeries]] = {}
    for series in found:
        chosen.setdefault((series.host_id, series.device_id), []).append(series)
    best = []
    for same in chosen.values():
        first, *others = sorted(same, key=lambda s: (s.grade.value, -s.observed_seconds, s.source))
        said = tuple(
            f"{o.source} also tells of {o.device_id} (grade {o.grade}) and is left out" for o in others
        )
        best.append(first.noting(*said))
    return sorted(best, key=lambda s: (s.host_id, s.device_id))
