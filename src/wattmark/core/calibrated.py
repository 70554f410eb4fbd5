"""Apply a calibration in the open: a row for the whole node beside the rows it was made of.

Nothing is overwritten. The calibrated row keeps what the readings added up to
(``raw_energy_joules``), names its calibration, and every row it contains becomes part of it.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace

from wattmark.core.calibration import Z95, Calibration
from wattmark.core.errors import NotComparable
from wattmark.core.known import Boundary, Grade, Method, Scope, grade_of_sum
from wattmark.core.power_series import energy_at, summed_devices
from wattmark.core.run import EnergyRow, GapSpan, Run, Series, SourceId, workload_of

PARTIES = ("own", "others", "idle")
SOURCE = SourceId(name="calibration", version="1")


def node_id(calibration: Calibration) -> str:
    """Id of the calibrated device: the machine at its plug."""
    return f"node:{calibration.host_id}/calibrated"


def apply(
    calibration: Calibration, rows: Sequence[EnergyRow], *, workload: str = "any"
) -> tuple[EnergyRow, ...]:
    """The rows with one calibrated ``node`` row per stretch of time; the others become part of it.

    Where every input is split into own, others and idle, so is the node: what is read follows the
    split, the offset goes to idle, and the three still add up to the whole. ``workload`` names the
    kind of load: what one line for all loads leaves over cancels between runs of the same load and
    does not between different ones. Raises NotComparable when the readings are not those that were
    fitted (another device, or another method).
    """
    inputs = [r for r in rows if r.device_id in calibration.inputs]
    _require_inputs(calibration, [r for r in inputs if r.scope is Scope.WHOLE])
    stretches: dict[tuple[float, float], dict[str | None, list[EnergyRow]]] = {}
    for row in inputs:
        parties = stretches.setdefault((row.t0_seconds, row.duration_seconds), {})
        parties.setdefault(row.party if row.scope is Scope.SHARE else None, []).append(row)
    nodes = tuple(n for parties in stretches.values() for n in _node_rows(calibration, parties, workload))
    whole = node_id(calibration)
    inside = (r if r.part_of or r.boundary is Boundary.FACILITY else replace(r, part_of=whole) for r in rows)
    return (*inside, *nodes)


def apply_to_run(calibration: Calibration, run: Run, *, workload: str | None = None) -> Run:
    """The run with calibrated rows, their series and the calibration's id. The run given stays as it is."""
    rows = apply(calibration, run.energies, workload=workload or workload_of(run.subject, run.record_id))
    series = _node_series(calibration, run)
    return replace(
        run,
        energies=rows,
        series=(*run.series, *((series,) if series else ())),
        environment={**run.environment, "calibration": calibration.id},
    )


def without_calibration(run: Run) -> Run:
    """The run as it was read: calibrated rows and series taken out, their parts set free."""
    nodes = {r.device_id for r in run.energies if r.calibration_id is not None}
    rows = (
        replace(r, part_of=None) if r.part_of in nodes else r
        for r in run.energies
        if r.calibration_id is None
    )
    series = tuple(s for s in run.series if s.device_id not in nodes)
    return replace(run, energies=tuple(rows), series=series)


def inputs_of(run: Run) -> dict[str, Method]:
    """The readings that a calibration of this run's machine is made from: device id -> method.

    Whole devices that count once. An assumed rest of the node is left out, because the fit replaces it.
    """
    counted = set(summed_devices(run))
    return {
        r.device_id: r.method
        for r in run.energies
        if r.device_id in counted and r.scope is Scope.WHOLE and r.component != "rest_of_node"
    }


def _require_inputs(calibration: Calibration, inputs: Sequence[EnergyRow]) -> None:
    found: Mapping[str, Method] = {r.device_id: r.method for r in inputs}
    differing = [
        (f"reading {device}", method.value, found[device].value if device in found else None)
        for device, method in calibration.inputs.items()
        if found.get(device) is not method
    ]
    if differing:
        raise NotComparable(differing, what=f"readings (calibration {calibration.id} against this run)")


def _node_rows(
    calibration: Calibration, parties: Mapping[str | None, Sequence[EnergyRow]], workload: str
) -> tuple[EnergyRow, ...]:
    """The whole node in one stretch, and its shares where all inputs have all three."""
    group = parties.get(None)
    if not group:
        return ()
    whole = _node_row(calibration, group, workload)
    wanted = set(calibration.inputs)
    split = all({r.device_id for r in parties.get(p, ())} == wanted for p in PARTIES)
    if not split or calibration.fit.line.offset_watts < 0 or whole.observed_seconds == 0:
        return (whole,)
    shares = tuple(_node_row(calibration, parties[p], workload, party=p) for p in PARTIES)
    return (whole, *shares)


def _node_row(
    calibration: Calibration, group: Sequence[EnergyRow], workload: str, party: str | None = None
) -> EnergyRow:
    """Readings of one stretch, put through the line: gain x energy + offset x observed time.

    Only time in which every input was observed counts; a device seen for longer lends its mean power.
    """
    missing = sorted(set(calibration.inputs) - {r.device_id for r in group})
    seconds = 0.0 if missing else min(r.observed_seconds for r in group)
    raw = math.fsum(r.energy_joules * seconds / r.observed_seconds for r in group if r.observed_seconds > 0)
    charged = seconds if party in (None, "idle") else 0.0
    grade, method = _known_as(calibration, group)
    first = group[0]
    rules = sorted({r.attribution_rule for r in group if r.attribution_rule})
    return EnergyRow(
        device_id=node_id(calibration),
        component="node",
        t0_seconds=first.t0_seconds,
        duration_seconds=first.duration_seconds,
        energy_joules=max(0.0, _through(calibration, raw, charged)),
        observed_seconds=seconds,
        method=method,
        boundary=Boundary.NODE,
        grade=grade,
        errors=relative_errors(calibration, raw, charged, group, workload),
        sensor_duty=min(r.sensor_duty for r in group),
        scope=Scope.SHARE if party else Scope.WHOLE,
        party=party,
        attribution_rule="+".join((*rules, "offset_to_idle")) if party else None,
        source=SOURCE,
        raw_energy_joules=raw,
        calibration_id=calibration.id,
        gaps=_gaps(first, missing) if missing else tuple(g for r in group for g in r.gaps),
        idle_watts=None if party else _bound(calibration, [r.idle_watts for r in group]),
        max_watts=None if party else _bound(calibration, [r.max_watts for r in group]),
        note=_note(calibration, raw, seconds) if party is None else "",
    )


def _through(calibration: Calibration, raw_joules: float, charged_seconds: float) -> float:
    line = calibration.fit.line
    return line.gain * raw_joules + line.offset_watts * charged_seconds


def _gaps(first: EnergyRow, missing: Sequence[str]) -> tuple[GapSpan, ...]:
    reason = f"no reading of {', '.join(missing)}, which the calibration needs"
    return (GapSpan(t0_seconds=first.t0_seconds, duration_seconds=first.duration_seconds, reason=reason),)


def relative_errors(
    calibration: Calibration, raw_joules: float, seconds: float, group: Sequence[EnergyRow], workload: str
) -> dict[str, float]:
    """Named errors of a calibrated energy, as signed shares of it (half widths at 95 %).

    ``gain`` acts on what lies away from the centre of the fit, so below it the share is negative;
    ``offset`` is the level at that centre; ``meter`` is the wall meter's own; ``fit`` is what one line
    leaves over for a load, from the hold-out residual. Where none is known, the calibration has drifted,
    or the readings are modelled, the readings keep the errors that they had.
    """
    line = calibration.fit.line
    energy = _through(calibration, raw_joules, seconds)
    if energy <= 0:
        return {}
    name = f"calibration:{calibration.id}"
    errors = {
        f"{name}:gain": line.gain_error * (raw_joules - line.centre_watts * seconds) / energy,
        f"{name}:offset": line.level_error_watts * seconds / energy,
        f"{name}:meter": calibration.meter_error,
    }
    held = calibration.fit.hold_out
    measured = _known_as(calibration, group)[0].at_least(Grade.C)
    if held is not None and calibration.drifted is None and measured:
        return {**errors, f"{name}:fit:{workload}": Z95 * held.rms_error}
    total = math.fsum(r.energy_joules for r in group)
    for row in group if total > 0 else ():
        for source, share in row.errors.items():
            errors[source] = errors.get(source, 0.0) + share * row.energy_joules / total
    return errors


def _known_as(calibration: Calibration, group: Sequence[EnergyRow]) -> tuple[Grade, Method]:
    energy: dict[Grade, float] = {}
    for row in group:
        energy[row.grade] = energy.get(row.grade, 0.0) + row.energy_joules
    worst = grade_of_sum(energy) or max((r.grade for r in group), key=lambda g: g.value)
    method = next(r.method for r in group if r.grade is worst)
    return (worst.lifted() if calibration.lifts_grade else worst), method


def _bound(calibration: Calibration, watts: Sequence[float | None]) -> float | None:
    known = [w for w in watts if w is not None]
    return calibration.fit.line.at(math.fsum(known)) if len(known) == len(watts) else None


def _note(calibration: Calibration, raw: float, seconds: float) -> str:
    notes = [f"calibrated by {calibration.id}"]
    low, high = calibration.fit.readings_range_watts
    if seconds > 0 and not 0.9 * low <= raw / seconds <= 1.1 * high:
        notes.append(
            f"{raw / seconds:.3g} W read lies outside the {low:.3g} to {high:.3g} W that were calibrated"
        )
    if calibration.drifted:
        notes.append(f"drifted, grade not lifted: {calibration.drifted}")
    elif not calibration.lifts_grade:
        held = calibration.fit.hold_out
        why = (
            f"hold-out residual {held.mean_error:.1%} above 5 %"
            if held
            else "no point was left out to test it"
        )
        notes.append(f"grade not lifted: {why}")
    return "; ".join(notes)


def _node_series(calibration: Calibration, run: Run) -> Series | None:
    """Cumulative calibrated energy, at every moment at which any input has a point."""
    inputs = [s for s in run.series if s.device_id in calibration.inputs and s.t_seconds]
    if {s.device_id for s in inputs} != set(calibration.inputs):
        return None
    start = max(s.t_seconds[0] for s in inputs)
    end = min(s.t_seconds[-1] for s in inputs)
    times = sorted({t for s in inputs for t in s.t_seconds if start <= t <= end})
    dark = _unobserved(run, set(calibration.inputs))
    line = calibration.fit.line
    base = math.fsum(energy_at(s, start) for s in inputs)
    joules = [
        line.gain * (math.fsum(energy_at(s, t) for s in inputs) - base)
        + line.offset_watts * _seconds_seen(start, t, dark)
        for t in times
    ]
    return Series(
        device_id=node_id(calibration), component="node", t_seconds=tuple(times), energy_joules=tuple(joules)
    )


def _unobserved(run: Run, devices: set[str]) -> list[tuple[float, float]]:
    """Stretches in which any of the devices was not observed, merged and in order."""
    spans = sorted(
        (g.t0_seconds, g.t0_seconds + g.duration_seconds)
        for r in run.energies
        if r.device_id in devices
        for g in r.gaps
    )
    merged: list[tuple[float, float]] = []
    for a, b in spans:
        if merged and a <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(b, merged[-1][1]))
        else:
            merged.append((a, b))
    return merged


def _seconds_seen(start: float, end: float, dark: Sequence[tuple[float, float]]) -> float:
    last = bisect_right(dark, (end, math.inf))
    hidden = math.fsum(max(0.0, min(b, end) - max(a, start)) for a, b in dark[:last])
    return end - start - hidden
