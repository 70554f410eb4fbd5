"""Power series from a run file: the series that a run keeps of each device, with its gaps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from wattmark.attribution.power.series import Kind, PowerSeries
from wattmark.core.errors import EvidenceError
from wattmark.core.known import Method, Scope
from wattmark.core.run import EnergyRow, Run, Series

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
KINDS = {Method.INTEGRATED_POWER: Kind.SAMPLED, Method.HARDWARE_COUNTER: Kind.COUNTER}


def series_of_run(run: Run, name: str) -> list[PowerSeries]:
    """One series for each device that the run read. Raises EvidenceError when it keeps none.

    A run's times count from its start on a clock that never jumps; the start is the machine's wall clock, and
    so are the request log's times when it was written there.
    """
    start = (datetime.fromisoformat(run.started_at) - EPOCH) // timedelta(microseconds=1)
    rows: dict[str, list[EnergyRow]] = {}
    for row in run.energies:
        if row.scope is Scope.WHOLE:
            rows.setdefault(row.device_id, []).append(row)
    found = [
        _series(series, rows[series.device_id], start, run.host.id)
        for series in run.series
        if series.device_id in rows and len(series.t_seconds) > 1
    ]
    if not found:
        raise EvidenceError(name, "keeps no series of any device: measure with `wattmark measure`, 1 s apart")
    return found


def _series(series: Series, rows: list[EnergyRow], start_us: int, host_id: str) -> PowerSeries:
    """A device's series with its gaps: energy that was used beside a gap stays beside it."""
    row = rows[0]
    points = np.asarray(series.t_seconds, np.float64)
    spans = [(g.t0_seconds, g.t0_seconds + g.duration_seconds) for r in rows for g in r.gaps]
    edges = [edge for span in spans for edge in span if points[0] < edge < points[-1]]
    moments = np.unique(np.concatenate((points, edges)))
    middles = (moments[1:] + moments[:-1]) / 2
    lost = np.zeros(len(middles), np.bool_)
    for begin, end in spans:
        lost |= (middles > begin) & (middles < end)
    seen = np.concatenate(([0.0], np.cumsum(np.where(lost, 0.0, np.diff(moments)))))
    seen_at_points, first = np.unique(seen[np.searchsorted(moments, points)], return_index=True)
    total = np.interp(seen, seen_at_points, np.asarray(series.energy_joules, np.float64)[first])
    times = start_us + np.rint(moments * 1e6).astype(np.int64)
    apart = np.concatenate(([True], np.diff(times) > 0))
    return PowerSeries(
        device_id=series.device_id,
        component=series.component,
        part_of=row.part_of,
        host_id=host_id,
        source=row.source.name,
        kind=KINDS.get(row.method, Kind.INTERVAL),
        method=row.method,
        grade=max((r.grade for r in rows), key=lambda g: g.value),
        boundary=row.boundary,
        errors=row.errors,
        sensor_duty=row.sensor_duty,
        times_us=times[apart],
        joules=total[apart] - total[0],
        observed=~lost[apart[1:]],
    )
