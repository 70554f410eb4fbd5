"""A calibration, applied moment by moment: the node is what the line makes of its readings."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.calibrations import a_calibration
from tests.core.serving.test_disjoint import device
from wattmark.core.calibration import Calibration, Point, fit_points
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.serving.calibrated_node import (
    CalibratedNode,
    errors_of,
    is_calibrated,
    parts_of,
    unfit,
)
from wattmark.core.serving.disjoint import Part, Piece

SECOND = 1_000_000
COUNTER = Method.HARDWARE_COUNTER
CPU, GPU = device("cpu", "cpu"), device("gpu", "gpu")
BMC = device("node:h", "node", boundary=Boundary.NODE)


def calibration(*inputs: str, **changes: object) -> Calibration:
    """wall = 1.1 x readings + 50 W of these inputs."""
    return a_calibration(inputs=dict.fromkeys(inputs or ("cpu",), COUNTER), **changes)


def steeper(gain: float, offset: float) -> Calibration:
    """Another line through readings of 20, 60 and 100 W."""
    points = [Point(readings_watts=r, wall_watts=gain * r + offset) for r in (20.0, 60.0, 100.0)]
    return calibration(fit=fit_points(points))


def rest(parts: tuple[Part, ...]) -> Part:
    """What the calibration adds."""
    (found,) = [part for part in parts if is_calibrated(calibration(), part)]
    return found


def test_the_node_stands_as_what_the_line_adds_to_its_parts() -> None:
    """A package and a GPU are in the node; an assumed rest gives way to the fit."""
    stated = device("rest:h", "rest_of_node", boundary=Boundary.NODE)
    parts = parts_of(calibration("cpu", "gpu"), [CPU, GPU, stated])
    assert [part.device.component for part in parts] == ["cpu", "gpu", "rest_of_node"]
    assert rest(parts).less == ("cpu", "gpu")
    assert (rest(parts).device.boundary, rest(parts).device.source) == (Boundary.NODE, "calibration")


def test_without_a_calibration_devices_are_as_they_are() -> None:
    """Nothing is added."""
    parts = parts_of(None, [CPU])
    assert [part.of for part in parts] == ["cpu"]
    assert not is_calibrated(None, parts[0])


def test_a_controller_that_was_calibrated_is_within_the_node() -> None:
    """The node is made of its reading; its packages are taken out of the calibrated node instead."""
    inner = replace(CPU, part_of="node:h")
    parts = parts_of(calibration("node:h"), [BMC, inner])
    assert [part.of for part in parts if part.of != "cpu"] == [rest(parts).of]
    assert rest(parts).less == ("cpu",)


def test_a_meter_of_the_site_stays_outside() -> None:
    """It holds other machines too."""
    site = device("facility", "facility", boundary=Boundary.FACILITY)
    assert [part.of for part in parts_of(calibration(), [CPU, site])][:1] == ["cpu"]


@pytest.mark.parametrize(
    ("grade", "drifted", "wanted"),
    [(Grade.B, None, Grade.A), (Grade.C, None, Grade.B), (Grade.D, None, Grade.D), (Grade.B, "x", Grade.B)],
)
def test_a_grade_is_lifted_by_one_unless_it_drifted(grade: Grade, drifted: str | None, wanted: Grade) -> None:
    """C to B, B to A, D never (kpis.md, Grades)."""
    parts = parts_of(calibration(drifted=drifted), [replace(CPU, grade=grade)])
    assert rest(parts).device.grade is wanted


def test_a_line_fits_what_it_was_made_with() -> None:
    """The same device, read the same way."""
    assert unfit(calibration(), [CPU]) == ""
    assert "which is not read now" in unfit(calibration(), [GPU])
    sampled = replace(CPU, method=Method.INTEGRATED_POWER)
    assert "is read by integrated_power now" in unfit(calibration(), [sampled])


def test_a_line_below_its_readings_is_refused() -> None:
    """0.8 x 110 W + 10 W = 98 W: less than the package alone; so is 1.2 x 18 W - 10 W = 11.6 W."""
    assert "gives 98 W for a node whose parts read 110 W" in unfit(steeper(0.8, 10.0), [CPU])
    assert "gives 11.6 W for a node whose parts read 18 W" in unfit(steeper(1.2, -10.0), [CPU])
    assert unfit(steeper(0.8, 40.0), [CPU]) == ""


def test_a_controller_that_reads_too_much_may_be_put_right() -> None:
    """Its reading is in no window: a gain below 1 owes nothing."""
    low = replace(steeper(0.9, 0.0), inputs={"node:h": COUNTER})
    assert unfit(low, [BMC, replace(CPU, part_of="node:h")]) == ""


def test_a_hundred_watts_are_a_hundred_and_sixty() -> None:
    """1.1 x 100 J + 50 W x 1 s = 160 J."""
    node = CalibratedNode(calibration())
    node.take("cpu", Piece(0, SECOND, 100.0))
    node.take("gpu", Piece(0, SECOND, 7.0))
    (piece,) = node.ready()
    assert (piece.start_us, piece.end_us) == (0, SECOND)
    assert piece.joules == pytest.approx(160.0)
    assert node.ready() == []


def test_inputs_that_are_read_at_other_moments_are_brought_together() -> None:
    """The GPU begins 0.1 s later and tells in halves: the node begins there, with 90 W and 40 W until 1 s."""
    node = CalibratedNode(calibration("cpu", "gpu"))
    node.take("cpu", Piece(0, SECOND, 100.0))
    node.take("gpu", Piece(SECOND // 10, SECOND // 2, 16.0))
    assert node.ready() == []
    node.take("gpu", Piece(SECOND // 2, SECOND, 20.0))
    (piece,) = node.ready()
    assert (piece.start_us, piece.end_us) == (SECOND // 10, SECOND)
    assert piece.joules == pytest.approx(1.1 * (90.0 + 36.0) + 50 * 0.9)


def test_what_ends_before_the_last_input_begins_is_left_out() -> None:
    """Nobody knows the node then."""
    node = CalibratedNode(calibration("cpu", "gpu"))
    node.take("cpu", Piece(0, SECOND, 100.0))
    node.take("gpu", Piece(SECOND, 2 * SECOND, 40.0))
    node.take("cpu", Piece(SECOND, 2 * SECOND, 100.0))
    (piece,) = node.ready()
    assert piece.start_us == SECOND
    assert piece.joules == pytest.approx(204.0)


def test_a_gap_of_one_input_is_one_of_the_node() -> None:
    """With its reason, and without a joule."""
    node = CalibratedNode(calibration("cpu", "gpu"))
    node.take("cpu", Piece(0, SECOND, 100.0))
    node.take("gpu", Piece(0, SECOND, None, "GPU is lost"))
    assert node.ready() == [Piece(0, SECOND, None, "GPU is lost")]


def test_no_energy_is_below_zero() -> None:
    """A negative offset at rest."""
    node = CalibratedNode(steeper(1.2, -10.0))
    node.take("cpu", Piece(0, SECOND, 1.0))
    assert node.ready() == [Piece(0, SECOND, 0.0)]


@given(st.lists(st.tuples(st.integers(1, 10 * SECOND), st.floats(0, 1e4)), min_size=1, max_size=20))
def test_pieces_add_up_to_the_whole(told: list[tuple[int, float]]) -> None:
    """However it is cut, the node is gain x energy + offset x time: what a recording of it says."""
    node, at = CalibratedNode(calibration()), 0
    for length, joules in told:
        node.take("cpu", Piece(at, at + length, joules))
        at += length
    whole = sum(piece.joules or 0.0 for piece in node.ready())
    assert whole == pytest.approx(1.1 * sum(j for _, j in told) + 50 * at / 1e6)


def test_the_rest_bears_the_error_of_the_whole() -> None:
    """At the centre, c W are read and 1.1 c + 50 W are there: the meter's 2 % of these fall on the rest."""
    made = calibration()
    centre = made.fit.line.centre_watts
    whole, left = 1.1 * centre + 50, 0.1 * centre + 50
    errors = errors_of(made, rest(parts_of(made, [CPU])), [CPU], "inference")
    assert errors["calibration:cal-1:meter"] == pytest.approx(0.02 * whole / left)
    assert set(errors) == {f"calibration:cal-1:{name}" for name in ("offset", "meter", "fit:inference")}


def test_an_untested_line_keeps_the_errors_of_its_readings() -> None:
    """Two points: a tenth of the 5 % of what is read comes with the gain, over the rest."""
    made = calibration(fit=replace(calibration().fit, hold_out=None))
    centre = made.fit.line.centre_watts
    errors = errors_of(made, rest(parts_of(made, [CPU])), [CPU], "inference")
    assert errors["test:cpu:gain"] == pytest.approx(0.05 * 0.1 * centre / (0.1 * centre + 50))
    assert "calibration:cal-1:fit:inference" not in errors


def test_a_line_through_its_readings_leaves_the_meter_alone() -> None:
    """wall = readings: there is no rest that an error could be a share of."""
    made = steeper(1.0, 0.0)
    flat = replace(made, fit=replace(made.fit, line=replace(made.fit.line, gain=1.0, offset_watts=0.0)))
    assert errors_of(flat, rest(parts_of(flat, [CPU])), [CPU], "x") == {"calibration:cal-1:meter": 0.02}


def test_the_whole_of_a_controller_has_the_line_s_own_errors() -> None:
    """Nothing that was fitted is taken out: 2 % are 2 %."""
    made = calibration("node:h")
    errors = errors_of(made, rest(parts_of(made, [BMC])), [BMC], "inference")
    assert errors["calibration:cal-1:meter"] == pytest.approx(0.02)
