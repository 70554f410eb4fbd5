"""Meters with this machine's calibration: the whole node as one more device, read in the same look."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from wattmark.core.calibrated import node_id
from wattmark.core.calibration import Z95, Calibration
from wattmark.core.errors import EvidenceError, without_paths
from wattmark.core.known import Boundary, Method
from wattmark.core.readings import (
    CounterReading,
    Device,
    Gap,
    PowerReading,
    Reading,
    energy_between,
)
from wattmark.core.run import Host
from wattmark.core.units import Energy, Power
from wattmark.measure.calibrations import NOT_CALIBRATED, stored
from wattmark.measure.meterset import MeterSet

SOURCE = "calibration"
FLOOR_JOULES = 1e6
"""What the node's counter begins at; after an input was reset it begins again below, as counters do."""

Unfit = Callable[[Calibration, Sequence[Device]], str]
"""Why a calibration cannot be applied to these devices; empty where it can."""


def kept_for(
    directory: Path,
    host: Host,
    devices: Sequence[Device],
    now: datetime,
    unfit: Unfit,
    say: Callable[[str], None],
) -> Calibration | None:
    """The calibration that is kept for this machine, where it may be used on what is read of it.

    None without one; also when it may not be used, and then the reason is said. Never raises.
    """
    try:
        kept = stored(directory, host, now)
    except (EvidenceError, OSError) as error:
        say(f"not calibrated: {without_paths(error)}")
        return None
    if kept.calibration is None:
        if kept.reason != NOT_CALIBRATED:
            say(f"not calibrated: {kept.reason}")
        return None
    if reason := unfit(kept.calibration, devices):
        say(f"not calibrated: {reason}")
        return None
    if kept.warning:
        say(kept.warning)
    return kept.calibration


def unfit_as_a_whole(calibration: Calibration, devices: Sequence[Device]) -> str:
    """Why the node cannot be told from these devices; empty: it can.

    The inputs must be read as they were when it was made, and all of them as counters or all as power.
    """
    found = {d.id: d for d in devices}
    for name, method in calibration.inputs.items():
        if name not in found or found[name].method is not method:
            now = f"is read by {found[name].method.value} now" if name in found else "is not read now"
            return f"calibration {calibration.id} was made with {name} by {method.value}, which {now}"
    if len({found[name].reads for name in calibration.inputs}) > 1:
        return f"calibration {calibration.id} adds counters to sensors of power, which are not read alike"
    if any(d.boundary is Boundary.NODE and d.method is not Method.MODELLED for d in devices):
        return "a meter reads the whole node already"
    return ""


def calibrated_set(meters: MeterSet, calibration: Calibration) -> MeterSet:
    """The meters with the node as a device of its own, which holds all others but those of the whole site.

    A modelled node, and a rest of the node that is assumed, stand inside it: the fit replaces them.
    """
    whole = node_id(calibration)
    inside = tuple(
        d if d.part_of or d.boundary is Boundary.FACILITY else replace(d, part_of=whole)
        for d in meters.devices
    )
    node = _node(calibration, meters.devices)
    meter = _WithNode(replace(meters, devices=inside), node, calibration)
    return replace(meters, meters=(meter,), devices=(*inside, node))


def _node(calibration: Calibration, devices: Sequence[Device]) -> Device:
    """The machine at its plug. Its grade is that of its worst input, lifted by one where that is earned
    (C to B, B to A; D stays D: docs/methodology).
    """
    inputs = [d for d in devices if d.id in calibration.inputs]
    worst = max(inputs, key=lambda d: d.grade.value)
    grade = worst.grade.lifted() if calibration.lifts_grade else worst.grade
    return Device(
        id=node_id(calibration),
        component="node",
        source=SOURCE,
        method=worst.method,
        grade=grade,
        boundary=Boundary.NODE,
        max_power=Power(max(0.0, calibration.fit.line.at(math.fsum(d.max_power.watts for d in inputs)))),
        update_seconds=max(d.update_seconds for d in inputs),
        sensor_duty=min(d.sensor_duty for d in inputs),
        relative_error=_relative_error(calibration, inputs),
        reads=inputs[0].reads,
        note=f"calibrated by {calibration.id}" + ("; grade not lifted" if grade is worst.grade else ""),
    )


def _relative_error(calibration: Calibration, inputs: Sequence[Device]) -> float:
    """Half width at 95 %, as a share: the line's where it is widest over what was fitted, the wall meter's,
    and what one line leaves over for a load. Where nothing tested the line, or readings are modelled, the
    readings keep theirs too (:func:`wattmark.core.calibrated.relative_errors`).
    """
    line = calibration.fit.line
    errors = []
    for watts in (*calibration.fit.readings_range_watts, line.centre_watts):
        if line.at(watts) > 0:
            away = line.gain_error * (watts - line.centre_watts)
            errors.append(math.hypot(away, line.level_error_watts) / line.at(watts))
    held = calibration.fit.hold_out
    modelled = any(d.method is Method.MODELLED for d in inputs)
    if held is not None and calibration.drifted is None and not modelled:
        beside = Z95 * held.rms_error
    else:
        beside = max(d.relative_error for d in inputs)
    return math.hypot(max(errors, default=1.0), calibration.meter_error, beside)


class _WithNode:
    """Reads all meters once, and tells the node from what they say."""

    name = SOURCE

    def __init__(self, inner: MeterSet, node: Device, calibration: Calibration) -> None:
        self._inner = inner
        self._node = node
        self._line = calibration.fit.line
        self._inputs = [d for d in inner.devices if d.id in calibration.inputs]
        self._before: dict[str, CounterReading] = {}
        self._at = 0.0
        self._floor = self._joules = FLOOR_JOULES

    @property
    def devices(self) -> Sequence[Device]:
        """All that the other meters read, and the node."""
        return (*self._inner.devices, self._node)

    def read(self) -> Mapping[str, Reading]:
        """One look at everything. Never raises."""
        found = dict(self._inner.read())
        found[self._node.id] = self._told(found)
        return found

    def close(self) -> None:
        """Close the meters."""
        self._inner.close()

    def _told(self, found: Mapping[str, Reading]) -> Reading:
        said = {d.id: found.get(d.id, Gap("it said nothing")) for d in self._inputs}
        for name, reading in said.items():
            if isinstance(reading, Gap):
                return Gap(f"no reading of {name}, which the calibration needs: {reading.reason}")
        if self._node.reads == "power":
            sensors = [r for r in said.values() if isinstance(r, PowerReading)]
            watts = self._line.at(math.fsum(r.power.watts for r in sensors))
            return PowerReading(Power(watts), max(r.at for r in sensors))
        return self._counted({name: r for name, r in said.items() if isinstance(r, CounterReading)})

    def _counted(self, said: dict[str, CounterReading]) -> CounterReading:
        """What the line adds since the last look at which every input was there."""
        at = max(r.at for r in said.values())
        before, since = self._before, self._at
        self._before, self._at = said, at
        if before:
            used = [energy_between(before[d.id], said[d.id], d) for d in self._inputs]
            seen = [e.joules for e in used if isinstance(e, Energy)]
            if len(seen) == len(used):
                self._joules += self._line.gain * math.fsum(seen) + self._line.offset_watts * (at - since)
            else:
                self._floor -= 1.0
                self._joules = self._floor
        return CounterReading(Energy(self._joules), at)
