"""A machine's calibration while it serves: the whole node, moment by moment, beside what it is read from.

A recording puts its readings through the line ``gain x energy + offset x observed time`` when it ends
(:mod:`wattmark.core.calibrated`). The line is linear in energy and in time, so the same may be done piece by
piece and the pieces add up to the same. The node then holds all that is read: a window has its readings as
they are and, as the rest of the node, what the line adds to them.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace

from wattmark.core.calibrated import node_id
from wattmark.core.calibration import Z95, Calibration, Line
from wattmark.core.known import Boundary, Method
from wattmark.core.readings import Device
from wattmark.core.serving.disjoint import REST, Part, Piece, clipped, disjoint, taken
from wattmark.core.units import Power

SOURCE = "calibration"
BESIDE = 0.1
"""So far beyond the readings that were fitted the line is still used without a word, as a share of them."""


def parts_of(calibration: Calibration | None, devices: Sequence[Device]) -> tuple[Part, ...]:
    """The devices that may be added, with what the calibration adds to them as the rest of the node.

    An assumed rest is left out, because the fit replaces it.
    """
    if calibration is None:
        return disjoint(devices)
    whole = node_id(calibration)
    ours = [d for d in devices if d.component != REST]
    known = {d.id for d in ours}
    inside = [
        d if d.part_of in known or d.boundary is Boundary.FACILITY else replace(d, part_of=whole)
        for d in ours
    ]
    return disjoint((*inside, _node(calibration, ours)))


def unfit(calibration: Calibration, devices: Sequence[Device]) -> str:
    """Why the calibration cannot be applied to these devices while they are read; empty: it can.

    Its inputs must be there, read as they were when it was made. Where they stand in windows themselves,
    the line must lie above them all over the readings that were fitted: else the rest of the node would be
    owed for ever, and the windows would add up to more than the node.
    """
    found: Mapping[str, Method] = {d.id: d.method for d in devices}
    for device, method in calibration.inputs.items():
        if found.get(device) is not method:
            now = f"is read by {found[device].value} now" if device in found else "is not read now"
            return f"calibration {calibration.id} was made with {device} by {method.value}, which {now}"
    part = _calibrated(parts_of(calibration, devices), calibration)
    if set(calibration.inputs).isdisjoint(part.less):
        return ""
    low, high = calibration.fit.readings_range_watts
    line = calibration.fit.line
    for watts in (low * (1 - BESIDE), high * (1 + BESIDE)):
        if line.at(watts) < watts:
            return (
                f"calibration {calibration.id} gives {line.at(watts):.3g} W for a node whose parts read "
                f"{watts:.3g} W: a rest below zero cannot be told moment by moment"
            )
    return ""


def errors_of(
    calibration: Calibration, part: Part, devices: Sequence[Device], workload: str
) -> Mapping[str, float]:
    """Named errors of what the calibration gives, as shares of it (half widths at 95 %).

    They are those of the line at the centre of the readings that were fitted, where gain and level are
    independent (:mod:`wattmark.core.calibration`): one figure for all loads, so that a stream of windows
    stays one stream. The rest of the node bears the error of the whole, which is more of the smaller part.
    Where no point tested the line, it has drifted, or the readings are modelled, what the line makes of the
    readings keeps their errors too.
    """
    line, name = calibration.fit.line, f"calibration:{calibration.id}"
    inputs = [d for d in devices if d.id in calibration.inputs]
    whole = line.at(line.centre_watts)
    raw = line.centre_watts
    left = whole - raw if set(calibration.inputs) & set(part.less) else whole
    if left <= 0:
        return {f"{name}:meter": calibration.meter_error}
    errors = {
        f"{name}:offset": line.level_error_watts / left,
        f"{name}:meter": calibration.meter_error * whole / left,
    }
    held = calibration.fit.hold_out
    modelled = any(d.method is Method.MODELLED for d in inputs)
    if held is not None and calibration.drifted is None and not modelled:
        return {**errors, f"{name}:fit:{workload}": Z95 * held.rms_error * whole / left}
    lifted = line.gain * raw - (whole - left)
    for device in inputs:
        key = f"{device.source}:{device.id}:gain"
        errors[key] = device.relative_error * lifted / len(inputs) / left
    return errors


def is_calibrated(calibration: Calibration | None, part: Part) -> bool:
    """Whether this part of a window comes from the calibration."""
    return calibration is not None and part.of == node_id(calibration)


def _calibrated(parts: Sequence[Part], calibration: Calibration) -> Part:
    return next(part for part in parts if is_calibrated(calibration, part))


def _node(calibration: Calibration, devices: Sequence[Device]) -> Device:
    """The machine at its plug. Its grade is that of its worst input, lifted by one where that is earned."""
    inputs = [d for d in devices if d.id in calibration.inputs]
    worst = max(inputs, key=lambda d: d.grade.value)
    return Device(
        id=node_id(calibration),
        component="node",
        source=SOURCE,
        method=worst.method,
        grade=worst.grade.lifted() if calibration.lifts_grade else worst.grade,
        boundary=Boundary.NODE,
        max_power=Power(max(0.0, calibration.fit.line.at(math.fsum(d.max_power.watts for d in inputs)))),
        relative_error=calibration.meter_error,
        sensor_duty=min(d.sensor_duty for d in inputs),
        note=f"calibrated by {calibration.id}",
    )


class CalibratedNode:
    """The node's energy from the pieces of its inputs; only time in which all were observed counts."""

    def __init__(self, calibration: Calibration) -> None:
        self.id = node_id(calibration)
        self._line: Line = calibration.fit.line
        first, *others = sorted(calibration.inputs)
        self._first = first
        self._lead: deque[Piece] = deque()
        self._others: dict[str, deque[Piece]] = {name: deque() for name in others}
        self._begun = False

    def take(self, device_id: str, piece: Piece) -> None:
        """The next piece of a device; others than the inputs are left aside."""
        if device_id == self._first:
            self._lead.append(piece)
        elif device_id in self._others:
            self._others[device_id].append(piece)

    def ready(self) -> list[Piece]:
        """What can be told of the node now; each piece is asked for once."""
        found: list[Piece] = []
        while self._lead and all(
            line and line[-1].end_us >= self._lead[0].end_us for line in self._others.values()
        ):
            whole = self._lead.popleft()
            if not self._begun:
                # Inputs are not read in one instant: the node begins where all of them have begun.
                start = max([whole.start_us, *(line[0].start_us for line in self._others.values())])
                cut = clipped(whole, start, whole.end_us)
                if cut is None:
                    continue
                self._begun, whole = True, cut
            found.append(self._through(whole))
        return found

    def _through(self, whole: Piece) -> Piece:
        pieces = [whole, *(taken(line, whole.start_us, whole.end_us) for line in self._others.values())]
        unseen = next((piece for piece in pieces if piece.joules is None), None)
        if unseen is not None:
            return Piece(whole.start_us, whole.end_us, None, unseen.reason)
        raw = math.fsum(piece.joules or 0.0 for piece in pieces)
        joules = self._line.gain * raw + self._line.offset_watts * whole.us / 1e6
        return Piece(whole.start_us, whole.end_us, max(0.0, joules))
