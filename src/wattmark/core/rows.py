"""What a device was observed to use in one stretch, as a row of evidence with its error sources."""

from __future__ import annotations

import math
from typing import NamedTuple

from wattmark.core.known import Method, model_errors
from wattmark.core.readings import Device
from wattmark.core.run import REFRESH, EnergyRow, GapSpan, SourceId

FEW_UPDATES = 10
"""A window shorter than so many updates of its sensor is too coarse to trust."""
LEAST_EDGE = 1e-3
"""An error at the edges below this share of the row is left out."""


class Stretch(NamedTuple):
    """What one device showed between two moments; seconds from the start of its run."""

    t0_seconds: float
    seconds: float
    joules: float
    observed_seconds: float
    gaps: tuple[GapSpan, ...] = ()
    edge_seconds: float = 0.0
    """How far the readings at its edges lie from them: what was used meanwhile is divided evenly."""


def row_of(device: Device, seen: Stretch, workload: str) -> EnergyRow:
    """The row of a device in one stretch.

    Its errors are the meter's gain (and the load's, for a model), and what the edges may have got wrong: the
    reading is as old as the sensor's update interval, and was taken so long before or after the edge.
    """
    name = f"{device.source}:{device.id}"
    modelled = device.method is Method.MODELLED
    gain = device.relative_error
    errors = model_errors(name, gain, workload) if modelled else {f"{name}:gain": gain}
    late = seen.edge_seconds
    if not modelled:  # a model has no sensor that could be late
        late = math.hypot(late, device.update_seconds) if late else device.update_seconds
    if late > LEAST_EDGE * seen.seconds:
        errors[f"{name}{REFRESH}"] = late / seen.seconds
    coarse = ""
    if seen.seconds < FEW_UPDATES * device.update_seconds:
        every = f"updates every {device.update_seconds:g} s"
        coarse = f"{seen.seconds:.3g} s is short for a sensor that {every}"
    return EnergyRow(
        device_id=device.id,
        part_of=device.part_of,
        component=device.component,
        t0_seconds=seen.t0_seconds,
        duration_seconds=seen.seconds,
        energy_joules=seen.joules,
        observed_seconds=seen.observed_seconds,
        method=device.method,
        boundary=device.boundary,
        grade=device.grade,
        errors=errors,
        sensor_duty=device.sensor_duty,
        source=SourceId(name=device.source),
        gaps=seen.gaps,
        idle_watts=device.idle_power.watts if device.idle_power else None,
        max_watts=device.max_power.watts if math.isfinite(device.max_power.watts) else None,
        note=coarse,
    )
