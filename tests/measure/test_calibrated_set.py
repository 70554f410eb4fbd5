"""The whole node beside the meters that it is told from: wall = 1.1 x readings + 50 W."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.builders import HOST
from tests.calibrations import CPU, a_calibration
from wattmark.core.calibration import Calibration, Point, fit_points
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.readings import CounterReading, Device, Gap, PowerReading, Reading
from wattmark.core.units import Energy, Power
from wattmark.measure.calibrated_set import calibrated_set, kept_for, unfit_as_a_whole
from wattmark.measure.calibrations import save
from wattmark.measure.meterset import MeterSet
from wattmark.testing.fakes import FakeMeter

NODE = f"node:{HOST.id}/calibrated"
PACKAGE = Device(
    id=CPU,
    component="cpu",
    source="rapl",
    method=Method.HARDWARE_COUNTER,
    grade=Grade.B,
    max_power=Power(1000.0),
    relative_error=0.05,
)
SENSOR = replace(PACKAGE, method=Method.INTEGRATED_POWER, grade=Grade.C, reads="power")
NOW = datetime(2026, 11, 2, tzinfo=UTC)


def meters(device: Device, *script: Reading) -> MeterSet:
    """One device that says this, look after look."""
    looks: list[Mapping[str, Reading]] = [{device.id: reading} for reading in script]
    return MeterSet(meters=(FakeMeter((device,), looks),), devices=(device,))


def node_of(found: MeterSet) -> Device:
    """The device that the calibration adds."""
    return next(d for d in found.devices if d.id == NODE)


def told(found: MeterSet, looks: int) -> list[Reading]:
    """What the node says at each look."""
    return [found.read()[NODE] for _ in range(looks)]


def counted(joules: float, at: float) -> CounterReading:
    """A counter's reading."""
    return CounterReading(Energy(joules), at)


def joules(reading: Reading) -> float:
    """Of a counter."""
    assert isinstance(reading, CounterReading)
    return reading.total.joules


def test_the_node_counts_what_the_line_makes_of_its_inputs() -> None:
    """100 W for 10 s: 1.1 x 1000 J + 50 W x 10 s = 1600 J; the input is as it was, now within the node."""
    found = calibrated_set(meters(PACKAGE, counted(5.0, 0.0), counted(1005.0, 10.0)), a_calibration())
    first, second = told(found, 2)
    assert joules(second) - joules(first) == pytest.approx(1600.0)
    package, node = found.devices
    assert (package.part_of, node.part_of) == (NODE, None)
    assert node.boundary is Boundary.NODE


def test_power_goes_through_the_line_too() -> None:
    """100 W read are 160 W at the plug."""
    calibration = a_calibration(inputs={CPU: Method.INTEGRATED_POWER})
    found = calibrated_set(meters(SENSOR, PowerReading(Power(100.0), 1.0)), calibration)
    (said,) = told(found, 1)
    assert isinstance(said, PowerReading)
    assert said.power.watts == pytest.approx(160.0)
    assert said.at == 1.0


def test_a_look_that_failed_is_a_gap_and_nothing_is_lost() -> None:
    """The counter goes on: 2000 J and 20 s after the first look, 3200 J."""
    found = calibrated_set(
        meters(PACKAGE, counted(0.0, 0.0), Gap("not readable"), counted(2000.0, 20.0)), a_calibration()
    )
    first, second, third = told(found, 3)
    assert second == Gap(f"no reading of {CPU}, which the calibration needs: not readable")
    assert joules(third) - joules(first) == pytest.approx(3200.0)


def test_an_input_that_was_reset_resets_the_node() -> None:
    """Each time: a node that only stood still would have used nothing."""
    script = (counted(500.0, 0.0), counted(1.0, 1.0), counted(0.5, 2.0))
    said = [joules(r) for r in told(calibrated_set(meters(PACKAGE, *script), a_calibration()), 3)]
    assert said[0] > said[1] > said[2]


@pytest.mark.parametrize(
    ("grade", "method", "lifts"),
    [
        (Grade.B, Method.HARDWARE_COUNTER, Grade.A),
        (Grade.C, Method.INTEGRATED_POWER, Grade.B),
        (Grade.D, Method.MODELLED, Grade.D),
    ],
)
def test_the_grade_is_lifted_by_one_where_it_was_measured(grade: Grade, method: Method, lifts: Grade) -> None:
    """And only where points that were left out were foretold, and nothing has drifted since."""
    device = replace(PACKAGE, grade=grade, method=method)
    tested = a_calibration(inputs={CPU: method})
    assert node_of(calibrated_set(meters(device), tested)).grade is lifts
    drifted = replace(tested, drifted="a newer point differs by 9 %")
    assert node_of(calibrated_set(meters(device), drifted)).grade is grade


def test_its_error_is_the_wall_meters_and_what_the_line_leaves_over() -> None:
    """A meter of 2 % and a line that fits within 2 %. Where nothing tested it, the readings' 5 % as well."""
    tested = a_calibration(meter_error=0.02)
    assert 0.02 < node_of(calibrated_set(meters(PACKAGE), tested)).relative_error < 0.0283
    points = [Point(name=f"{r}", readings_watts=r, wall_watts=1.1 * r + 50) for r in (20, 100)]
    untested = replace(tested, fit=fit_points(points))
    node = node_of(calibrated_set(meters(PACKAGE), untested))
    assert node.relative_error >= 0.0538  # the root of 0.02 and 0.05 squared
    assert node.note == "calibrated by cal-1; grade not lifted"


OTHER = replace(PACKAGE, id="cpu:other", reads="power")
WALL = replace(PACKAGE, id="node:wall", component="node", boundary=Boundary.NODE, method=Method.BMC)


@pytest.mark.parametrize(
    ("changes", "devices", "why"),
    [
        ({}, (), "which is not read now"),
        ({}, (SENSOR,), "which is read by integrated_power now"),
        (
            {"inputs": {CPU: Method.HARDWARE_COUNTER, "cpu:other": Method.HARDWARE_COUNTER}},
            (PACKAGE, OTHER),
            "adds counters to sensors of power",
        ),
        ({}, (PACKAGE, WALL), "a meter reads the whole node already"),
        ({}, (PACKAGE,), ""),
    ],
)
def test_a_calibration_is_not_applied_to_what_it_was_not_made_with(
    changes: dict[str, Any], devices: tuple[Device, ...], why: str
) -> None:
    """With the reason."""
    said = unfit_as_a_whole(a_calibration(**changes), devices)
    assert (why in said) if why else said == ""


def kept(folder: Path, calibration: Calibration | None, *devices: Device) -> tuple[Calibration | None, str]:
    """What is found in the folder, and what is said."""
    if calibration is not None:
        save(folder, calibration)
    said: list[str] = []
    found = kept_for(folder, HOST, devices, NOW, unfit_as_a_whole, said.append)
    return found, "; ".join(said)


def test_the_calibration_that_is_kept_is_taken_where_it_fits(tmp_path: Path) -> None:
    """None is nothing to speak of; one that may not be used is."""
    assert kept(tmp_path, None, PACKAGE) == (None, "")
    assert kept(tmp_path, a_calibration(), PACKAGE) == (a_calibration(), "")
    found, said = kept(tmp_path, a_calibration())
    assert found is None
    assert said.startswith("not calibrated: calibration cal-1 was made with")
    (next(tmp_path.iterdir())).write_text("{")
    assert "not calibrated: " in kept(tmp_path, None, PACKAGE)[1]
