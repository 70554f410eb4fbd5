"""How a figure is known: method, grade, boundary, and the default uncertainty of each method."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from enum import StrEnum


class Method(StrEnum):
    """How an energy was obtained."""

    WALL_METER = "wall_meter"
    """An external meter at the plug or PDU."""
    BMC = "bmc"
    """The power reading of the machine's own management controller or power supply."""
    HARDWARE_COUNTER = "hardware_counter"
    """A counter of energy kept by the hardware (RAPL, NVML total energy)."""
    INTEGRATED_POWER = "integrated_power"
    """A power sensor, sampled and integrated over time."""
    MODELLED = "modelled"
    """Computed from activity (CPU seconds, memory in use) and a table."""
    DECLARED = "declared"
    """Stated by somebody: a bill, a publication, a form."""


class Boundary(StrEnum):
    """What an energy figure counts. PUE leads from node to facility, once."""

    DEVICE = "device"
    NODE = "node"
    FACILITY = "facility"


class Scope(StrEnum):
    """Whether a row is the whole device or the share of one party."""

    WHOLE = "whole"
    SHARE = "share"


class Grade(StrEnum):
    """How well a figure is known, A (external meter) to E (declared)."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"

    def at_least(self, required: Grade) -> bool:
        """True when this grade is as good as the required one or better."""
        return self.value <= required.value

    def lifted(self) -> Grade:
        """The grade after a calibration: one better at most (C to B, B to A); D and E stay."""
        return {Grade.C: Grade.B, Grade.B: Grade.A}.get(self, self)


GRADE_OF_METHOD: Mapping[Method, Grade] = {
    Method.WALL_METER: Grade.A,
    Method.BMC: Grade.A,
    Method.HARDWARE_COUNTER: Grade.B,
    Method.INTEGRATED_POWER: Grade.C,
    Method.MODELLED: Grade.D,
    Method.DECLARED: Grade.E,
}

SIMULATED = "simulated"
"""Source of energy that a formula made up, and the term ``evidence`` of every figure of it."""

SIGNIFICANT_SHARE = 0.05
"""A part counts for the grade of a sum when it holds at least this share of it (kpis.md, Grades)."""


def worst_grade(grades: Iterable[Grade]) -> Grade | None:
    """The worst of several grades, or None when there is none."""
    return max(grades, key=lambda g: g.value, default=None)


def grade_of_sum(energy_by_grade: Mapping[Grade, float]) -> Grade | None:
    """The grade of a sum: the worst part that holds at least 5 % of it."""
    total = sum(energy_by_grade.values())
    if total <= 0:
        return worst_grade(energy_by_grade)
    return worst_grade(g for g, joules in energy_by_grade.items() if joules / total >= SIGNIFICANT_SHARE)


MODEL_LOAD_ERROR = 0.20
"""The part of a model's error that depends on what is run, at 95 %, as a share of the value.

A model is not wrong by one factor: over 318 published runs on one machine the mean error of a modelled
tool was -36.7, -27.0 and -19.9 % in three kinds of load (Fischer, arXiv 2509.22092, recomputed), that is
a spread of about 20 %. This part does not cancel between different workloads; the rest does, on one host.
"""


def model_errors(name: str, relative: float, workload: str) -> dict[str, float]:
    """The error of a modelled figure as two named sources: a gain and what the load adds.

    Together, in quadrature, they are ``relative``.
    """
    load = min(MODEL_LOAD_ERROR, relative)
    return {f"{name}:gain": math.sqrt(relative**2 - load**2), f"{name}:load:{workload}": load}
