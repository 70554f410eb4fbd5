"""Power series from tables of samples: CSV, JSON Lines or Parquet, with a time and watts or joules."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from wattmark.attribution.power.intervals import series_of
from wattmark.attribution.power.series import Flags, Floats, Kind, Longs, PowerSeries
from wattmark.attribution.power.table import column_of, numbers_in, read_table, times_in
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.known import GRADE_OF_METHOD, Boundary, Method

NAMES: Mapping[str, tuple[str, ...]] = {
    "time": ("time", "timestamp", "ts", "time_us", "time_ms", "time_ns", "end", "end_us"),
    "start": ("start", "start_us", "start_time"),
    "device": ("device", "device_id", "gpu", "uuid"),
    "watts": ("watts", "power_watts", "power"),
    "counter": ("energy_joules_total", "joules_total", "counter_joules"),
    "joules": ("energy_joules", "joules"),
}
"""What a column may be called, without -o column.time=NAME."""
OPTIONS: Mapping[str, str] = {
    "column.*": "Name of the column of time, start, device, watts, counter (joules so far) or joules.",
    "unit.*": "Unit of time or start (s, ms, us, ns, iso), watts (mW, W, kW), counter or joules (J, kWh).",
    "zone": "Zone of times that state none.",
    "device": "The device, where no column says it.",
    "component": "cpu, gpu, dram, node, ... [gpu].",
    "method": "How it was read: wall_meter, bmc, hardware_counter, integrated_power, modelled, declared.",
    "boundary": "device, node or facility [device].",
    "longest_gap": "Seconds between two samples of power that still count [twice their usual distance].",
    "error": "Relative error of the meter at 95 %, e.g. 0.02.",
}
SCALES: Mapping[str, Mapping[str, float]] = {
    "watts": {"W": 1.0, "mW": 1e-3, "kW": 1e3, "uW": 1e-6},
    "joules": {"J": 1.0, "mJ": 1e-3, "kJ": 1e3, "uJ": 1e-6, "Wh": 3600.0, "kWh": 3.6e6},
}
LONGEST_STEP = 2.1
"""Two sampling periods and a little (kpis.md, coverage): samples further apart leave a gap."""
MOST_WATTS = 1e7
LEAST_GOOD = 0.5
"""A table of which more rows cannot be used is another table than was said."""


def series_of_table(path: Path, options: Mapping[str, str]) -> list[PowerSeries]:
    """One series for each device of a table. Raises EvidenceError, UsageError and MissingExtra."""
    for key in options:
        if key not in OPTIONS and f"{key.partition('.')[0]}.*" not in OPTIONS:
            raise UsageError(f"samples of power have no option {key!r}; they have {', '.join(OPTIONS)}")
    table = read_table(path)
    found = {what: column_of(table, options.get(f"column.{what}"), names) for what, names in NAMES.items()}
    columns = {what: name for what, name in found.items() if name is not None}
    told = next((what for what in ("watts", "counter", "joules") if what in columns), None)
    if "time" not in columns or told is None:
        lacking = "time" if "time" not in columns else "watts, counter or joules"
        raise EvidenceError(
            str(path),
            f"has no column of {lacking}: name it with -o column.time=NAME and -o column.watts=NAME; it has "
            f"{', '.join(table.column_names[:30])}",
        )
    known = _known(options, told, str(path))
    times = times_in(table, columns["time"], options.get("unit.time", ""), options.get("zone"), path)
    starts = (
        times_in(table, columns["start"], options.get("unit.start", ""), options.get("zone"), path)
        if "start" in columns and told == "joules"
        else None
    )
    values = numbers_in(table.column(columns[told])) * _scale(options, told)
    return list(
        _by_device(
            _Rows(told, times, starts, values), _devices(table, columns, options), known, path, options
        )
    )


@dataclass(frozen=True, slots=True)
class _Rows:
    """Looks at devices: when, and what was seen."""

    told: str
    times: Longs
    """0 where the time cannot be read."""
    starts: Longs | None
    values: Floats
    """NaN where the device could not be read."""


def _by_device(
    rows: _Rows,
    devices: tuple[list[str], Longs],
    known: dict[str, Any],
    path: Path,
    options: Mapping[str, str],
) -> Iterator[PowerSeries]:
    names, codes = devices
    lost = rows.times == 0
    if len(lost) and lost.mean() > LEAST_GOOD:
        raise EvidenceError(str(path), f"{int(lost.sum())} of {len(lost)} rows have no time that can be read")
    for code, name in enumerate(names):
        mine = np.flatnonzero((codes == code) & ~lost)
        mine = mine[np.argsort(rows.times[mine], kind="stable")]
        notes = (
            [f"{int((lost & (codes == code)).sum())} rows without a time are left out"] if lost.any() else []
        )
        if rows.starts is None:
            twice = np.concatenate(([False], np.diff(rows.times[mine]) == 0))
            if twice.any():
                notes.append(f"{int(twice.sum())} samples have the time of another one and are left out")
                mine = mine[~twice]
        intervals = _intervals(rows, mine, options, notes)
        series = series_of(*intervals, device_id=name, notes=notes, **known) if intervals else None
        if series is not None:
            yield _with_watts(series, rows, mine) if rows.told == "watts" else series


def _with_watts(series: PowerSeries, rows: _Rows, mine: Longs) -> PowerSeries:
    """The series with the power that was looked at: it is divided along the line between two looks."""
    if not np.array_equal(series.times_us, rows.times[mine]):
        return series
    watts = rows.values[mine]
    return replace(series, watts=np.where(np.isfinite(watts) & (watts >= 0), watts, 0.0))


Intervals = tuple[Longs, Longs, Floats, Flags]


def _intervals(rows: _Rows, mine: Longs, options: Mapping[str, str], notes: list[str]) -> Intervals | None:
    """The stretches between one device's looks, or those that the table states."""
    times, values = rows.times[mine], rows.values[mine]
    if rows.told == "joules":
        starts = rows.starts[mine] if rows.starts is not None else np.concatenate((times[:1], times[:-1]))
        seen = np.isfinite(values) & (values >= 0)
        seen &= values <= MOST_WATTS * np.maximum(times - starts, 0) / 1e6
        return starts, times, np.where(seen, values, 0.0), seen
    if rows.told == "counter":
        there = np.isfinite(values)
        return _counted(times[there], values[there], notes)
    return _sampled(times, values, options)


def _counted(times: Longs, totals: Floats, notes: list[str]) -> Intervals | None:
    """Between two looks at a counter everything is seen; one that ran backwards was reset, which is a gap."""
    if len(times) < 2:
        return None
    used = np.diff(totals)
    seen = (used >= 0) & (used <= MOST_WATTS * np.diff(times) / 1e6)
    if not seen.all():
        notes.append(f"the counter was reset, or is nonsense, {int((~seen).sum())} times: gaps")
    return times[:-1], times[1:], np.where(seen, used, 0.0), seen


def _sampled(times: Longs, watts: Floats, options: Mapping[str, str]) -> Intervals | None:
    """Between two looks at power it lies on a straight line, unless they are too far apart."""
    if len(times) < 2:
        return None
    apart = np.diff(times)
    longest = _seconds(options, "longest_gap")
    most_us = longest * 1e6 if longest is not None else LONGEST_STEP * float(np.median(apart))
    good = np.isfinite(watts) & (watts >= 0) & (watts <= MOST_WATTS)
    seen = good[1:] & good[:-1] & (apart <= most_us)
    joules = np.where(good, watts, 0.0)
    return times[:-1], times[1:], np.where(seen, (joules[1:] + joules[:-1]) / 2 * apart / 1e6, 0.0), seen


def _devices(table: Any, columns: Mapping[str, str], options: Mapping[str, str]) -> tuple[list[str], Longs]:
    """The names of the devices, and which of them each row is about."""
    if "device" not in columns:
        return [options.get("device", "device")], np.zeros(table.num_rows, np.int64)
    texts = np.asarray(table.column(columns["device"]).to_pylist(), object)
    names, codes = np.unique(
        ["" if text is None else str(text).strip() for text in texts], return_inverse=True
    )
    return [str(name) or "device" for name in names], codes.reshape(-1).astype(np.int64)


def _known(options: Mapping[str, str], told: str, name: str) -> dict[str, Any]:
    """What a table's samples are known by: method and grade are what whoever gives them says."""
    usual = {"watts": Method.INTEGRATED_POWER, "counter": Method.HARDWARE_COUNTER, "joules": Method.DECLARED}
    method = _chosen(options, "method", Method, usual[told])
    error = _seconds(options, "error")
    return {
        "component": options.get("component", "gpu"),
        "source": "samples",
        "kind": {"watts": Kind.SAMPLED, "counter": Kind.COUNTER, "joules": Kind.INTERVAL}[told],
        "method": method,
        "grade": GRADE_OF_METHOD[method],
        "boundary": _chosen(options, "boundary", Boundary, Boundary.DEVICE),
        "errors": {f"samples:{method}:gain": error} if error is not None else {},
    }


def _chosen(options: Mapping[str, str], key: str, kind: type[StrEnum], usual: Any) -> Any:
    text = options.get(key)
    if text is None:
        return usual
    try:
        return kind(text)
    except ValueError:
        raise UsageError(f"-o {key}={text}: one of {', '.join(map(str, kind))}") from None


def _scale(options: Mapping[str, str], told: str) -> float:
    what = "watts" if told == "watts" else "joules"
    unit = options.get(f"unit.{told}") or options.get(f"unit.{what}") or next(iter(SCALES[what]))
    if unit not in SCALES[what]:
        raise UsageError(f"-o unit.{told}={unit}: one of {', '.join(SCALES[what])}")
    return SCALES[what][unit]


def _seconds(options: Mapping[str, str], key: str) -> float | None:
    text = options.get(key)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < 1e9:
        raise UsageError(f"-o {key}={text} is no number above 0")
    return value
