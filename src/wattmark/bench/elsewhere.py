"""Power that somebody else kept, laid beside a benchmark by wall-clock time: samples become its evidence."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from statistics import median
from typing import TYPE_CHECKING

from wattmark.core.bench.evidence import DeviceLooks, Evidence
from wattmark.core.errors import EvidenceError
from wattmark.core.readings import Device
from wattmark.core.units import Power
from wattmark.meters.uncertainty import BMC, COUNTER, of_power

if TYPE_CHECKING:
    from wattmark.attribution.power.series import PowerSeries

MOST_WATTS = 1e6
"""Of one device: more than any machine draws."""
UNSEEN = "not observed there"


def started_us(evidence: Evidence) -> int:
    """When the benchmark began, microseconds since 1970."""
    return round(datetime.fromisoformat(evidence.started_at).timestamp() * 1e6)


def ended_us(evidence: Evidence) -> int:
    """When its last phase ended, microseconds since 1970."""
    return started_us(evidence) + max((p.end_us for p in evidence.phases), default=0)


def with_power(evidence: Evidence, series: Sequence[PowerSeries], clock_error_us: int, note: str) -> Evidence:
    """The evidence with these devices for its own. Nothing is moved in time.

    ``clock_error_us``: how far their clock may be off the benchmark's. Raises EvidenceError where no series
    has anything of the time of the benchmark.
    """
    begun, last = started_us(evidence), ended_us(evidence)
    pairs = [(s, looks) for s in series if (looks := looks_of(s, begun, last)) is not None]
    if not pairs:
        raise EvidenceError("--power", "tells of nothing in the time of the benchmark")
    steps = [b - a for _, looks in pairs for a, b in zip(looks.at_us, looks.at_us[1:], strict=False)]
    return replace(
        evidence,
        devices=tuple(device_of(s) for s, _ in pairs),
        looks=tuple(looks for _, looks in pairs),
        period_us=round(median(steps)) if steps else evidence.period_us,
        clock_error_us=clock_error_us,
        notes=tuple(dict.fromkeys([*evidence.notes, note, *(n for s, _ in pairs for n in s.notes)])),
    )


def device_of(series: PowerSeries) -> Device:
    """What a series says of its device."""
    return Device(
        id=series.device_id,
        component=series.component,
        source=series.source or "samples",
        method=series.method,
        grade=series.grade,
        boundary=series.boundary,
        part_of=series.part_of,
        max_power=Power(MOST_WATTS),
        sensor_duty=series.sensor_duty,
        relative_error=_error(series),
        reads="power" if len(series.watts) else "counter",
        note="read by others; by wall-clock time",
    )


def looks_of(series: PowerSeries, begun_us: int, last_us: int) -> DeviceLooks | None:
    """The looks of a series that lie in the benchmark, and one beyond its end; None where there are not two.

    A counter begins anew, lower than it was, behind a gap: so the gap holds no energy, and none is made up.
    """
    cut = series.between(begun_us, last_us)
    if cut is None:
        return None
    kept = [i for i, at in enumerate(cut.times_us) if at >= begun_us]
    if len(kept) < 2:
        return None
    sampled = bool(len(cut.watts))
    rows = list(_power(cut, kept) if sampled else _counter(cut, kept))
    at_us = tuple(at - begun_us for at, _ in rows)
    values = tuple(value for _, value in rows)
    return DeviceLooks(
        device_id=series.device_id,
        at_us=at_us,
        watts=values if sampled else (),
        energy_uj=() if sampled else tuple(None if v is None else round(v) for v in values),
        gaps={str(place): UNSEEN for place, value in enumerate(values) if value is None},
    )


def _power(cut: PowerSeries, kept: Sequence[int]) -> Iterator[tuple[int, float | None]]:
    for i in kept:
        yield int(cut.times_us[i]), float(cut.watts[i])
        if i != kept[-1] and not cut.observed[i]:
            yield _half_way(cut, i), None


def _counter(cut: PowerSeries, kept: Sequence[int]) -> Iterator[tuple[int, int | None]]:
    """Cumulative microjoules; behind each gap it begins lower than it ended before."""
    level = sum(1 for i in kept[:-1] if not cut.observed[i])
    before = float(cut.joules[kept[0]])
    for i in kept:
        yield int(cut.times_us[i]), level + round((float(cut.joules[i]) - before) * 1e6)
        if i != kept[-1] and not cut.observed[i]:
            yield _half_way(cut, i), None
            level, before = level - 1, float(cut.joules[i + 1])


def _half_way(cut: PowerSeries, i: int) -> int:
    return (int(cut.times_us[i]) + int(cut.times_us[i + 1])) // 2


def _error(series: PowerSeries) -> float:
    """Relative half width at 95 %: what the series says, else what its way of reading has."""
    if series.errors:
        return math.hypot(*series.errors.values())
    match series.method.value:
        case "wall_meter" | "bmc":
            return BMC
        case "hardware_counter":
            return COUNTER
        case _:
            return of_power(series.sensor_duty)
