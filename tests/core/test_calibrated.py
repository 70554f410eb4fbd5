"""A calibration is applied in the open: one more row, nothing overwritten."""

from __future__ import annotations

import math

import pytest
from hypothesis import given as over
from hypothesis import strategies as st

from tests.builders import HOST, a_row, a_run
from tests.calibrations import CPU, a_calibration
from wattmark.core.calibrated import apply, apply_to_run, inputs_of, node_id, without_calibration
from wattmark.core.calibration import Point, fit_points
from wattmark.core.calibration_drift import checked
from wattmark.core.errors import NotComparable
from wattmark.core.known import Boundary, Grade, Method, Scope
from wattmark.core.run import EnergyRow, GapSpan, Series

GPU = "GPU-1"


def of_the_node(rows: tuple[EnergyRow, ...], party: str | None = None) -> EnergyRow:
    """The one calibrated row of a party (None: the whole)."""
    (row,) = [r for r in rows if r.component == "node" and r.party == party]
    return row


def of_the_cpu(seconds: tuple[float, ...], joules: tuple[float, ...]) -> Series:
    """Cumulative energy of the CPU."""
    return Series(device_id=CPU, component="cpu", t_seconds=seconds, energy_joules=joules)


def test_the_node_row_is_the_line_through_the_readings() -> None:
    """90 J in 10 s: 1.1 x 90 J + 50 W x 10 s = 599 J, and the 90 J are kept."""
    node = of_the_node(apply(a_calibration(), [a_row()]))
    assert node.energy_joules == pytest.approx(599.0)
    assert node.raw_energy_joules == 90.0
    assert node.calibration_id == "cal-1"
    assert node.boundary is Boundary.NODE


def test_the_device_row_stays_and_becomes_part_of_the_node() -> None:
    """The reading is not changed; it is no longer added beside the node."""
    cpu, node = apply(a_calibration(), [a_row()])
    assert cpu.energy_joules == 90.0
    assert cpu.part_of == node.device_id == node_id(a_calibration())


def test_a_part_of_a_part_keeps_its_whole() -> None:
    """The core domain stays part of the package."""
    core = a_row(device_id="core", part_of=CPU)
    rows = apply(a_calibration(), [a_row(), core])
    assert rows[1].part_of == CPU


def test_a_good_calibration_lifts_the_grade_by_one() -> None:
    """B becomes A, C becomes B."""
    assert of_the_node(apply(a_calibration(), [a_row()])).grade is Grade.A
    sampled = a_row(grade=Grade.C, method=Method.INTEGRATED_POWER)
    calibration = a_calibration(inputs={CPU: Method.INTEGRATED_POWER})
    assert of_the_node(apply(calibration, [sampled])).grade is Grade.B


def test_a_model_stays_a_model() -> None:
    """D stays D, however well the line fits, and its 50 % stay too."""
    modelled = a_row(grade=Grade.D, method=Method.MODELLED, errors={"model:gain": 0.5})
    calibration = a_calibration(inputs={CPU: Method.MODELLED})
    node = of_the_node(apply(calibration, [modelled]))
    assert node.grade is Grade.D
    assert node.errors["model:gain"] == 0.5


def test_two_points_lift_nothing_and_keep_the_readings_errors() -> None:
    """Nothing tested the line, so the reading's own 5 % stays in."""
    points = [Point(readings_watts=10, wall_watts=61), Point(readings_watts=100, wall_watts=160)]
    node = of_the_node(apply(a_calibration(fit=fit_points(points)), [a_row()]))
    assert node.grade is Grade.B
    assert node.errors[f"rapl:{HOST.id}:gain"] == pytest.approx(0.05)
    assert "grade not lifted: no point was left out to test it" in node.note


def test_a_drifted_calibration_lifts_nothing_and_says_so() -> None:
    """The note carries the reason."""
    drifted = checked(a_calibration(), [Point(readings_watts=100, wall_watts=190)], "now")
    node = of_the_node(apply(drifted, [a_row()]))
    assert node.grade is Grade.B
    assert "drifted" in node.note


def test_gain_and_offset_are_named_errors() -> None:
    """Below the centre of the fit a larger gain means less energy: its share is negative."""
    calibration = a_calibration()
    node = of_the_node(apply(calibration, [a_row()], workload="vision"))
    assert set(node.errors) == {
        "calibration:cal-1:gain",
        "calibration:cal-1:offset",
        "calibration:cal-1:meter",
        "calibration:cal-1:fit:vision",
    }
    assert calibration.fit.line.centre_watts > 9.0
    assert node.errors["calibration:cal-1:gain"] < 0 < node.errors["calibration:cal-1:offset"]


def test_readings_that_were_not_fitted_are_refused() -> None:
    """A model in the place of a counter, or a GPU that is not there, is another reading."""
    with pytest.raises(NotComparable, match="hardware_counter against modelled"):
        apply(a_calibration(), [a_row(method=Method.MODELLED)])
    two = a_calibration(inputs={CPU: Method.HARDWARE_COUNTER, GPU: Method.HARDWARE_COUNTER})
    with pytest.raises(NotComparable, match="GPU-1"):
        apply(two, [a_row()])


def test_devices_add_up_over_the_time_that_all_were_seen() -> None:
    """CPU 90 J in 10 s; GPU 400 J in the 8 s it was seen: 8 s of 9 W + 50 W, so 472 J read."""
    gap = GapSpan(t0_seconds=8.0, duration_seconds=2.0, reason="fell off the bus")
    gpu = a_row(device_id=GPU, component="gpu", energy_joules=400.0, observed_seconds=8.0, gaps=(gap,))
    both = a_calibration(inputs={CPU: Method.HARDWARE_COUNTER, GPU: Method.HARDWARE_COUNTER})
    node = of_the_node(apply(both, [a_row(), gpu]))
    assert node.raw_energy_joules == pytest.approx(472.0)
    assert node.energy_joules == pytest.approx(1.1 * 472 + 50 * 8)
    assert node.coverage == pytest.approx(0.8)
    assert node.gaps == (gap,)


def test_a_stretch_without_an_input_is_a_gap() -> None:
    """The second stretch has no GPU reading: nothing is claimed for it."""
    gpu = a_row(device_id=GPU, component="gpu")
    later = a_row(t0_seconds=10.0)
    both = a_calibration(inputs={CPU: Method.HARDWARE_COUNTER, GPU: Method.HARDWARE_COUNTER})
    nodes = [r for r in apply(both, [a_row(), gpu, later]) if r.component == "node"]
    assert [n.observed_seconds for n in nodes] == [10.0, 0.0]
    assert "no reading of GPU-1" in nodes[1].gaps[0].reason


@over(own=st.floats(0, 90), idle=st.floats(0, 1))
def test_shares_of_the_node_add_up_to_the_node(own: float, idle: float) -> None:
    """own + others + idle = node, the offset being idle."""
    rest = 90.0 - own
    split = {"own": own, "others": rest * (1 - idle), "idle": rest * idle}
    shares = [
        a_row(scope=Scope.SHARE, party=party, energy_joules=joules, attribution_rule="cpu_time")
        for party, joules in split.items()
    ]
    rows = apply(a_calibration(), [a_row(), *shares])
    parts = [of_the_node(rows, party) for party in split]
    assert math.fsum(p.energy_joules for p in parts) == pytest.approx(of_the_node(rows).energy_joules)
    assert {p.attribution_rule for p in parts} == {"cpu_time+offset_to_idle"}
    for name in ("gain", "offset"):
        source = f"calibration:cal-1:{name}"
        whole = of_the_node(rows)
        assert math.fsum(p.errors.get(source, 0.0) * p.energy_joules for p in parts) == pytest.approx(
            whole.errors[source] * whole.energy_joules
        )


def test_power_outside_the_calibrated_range_is_remarked() -> None:
    """9 W were read; 20 to 100 W were calibrated."""
    assert "outside the 20 to 100 W" in of_the_node(apply(a_calibration(), [a_row()])).note


def test_the_run_gets_rows_series_and_the_calibrations_id() -> None:
    """The node's series ends at the node's energy, and the run given is not touched."""
    series = Series(
        device_id=CPU, component="cpu", t_seconds=(0.0, 5.0, 10.0), energy_joules=(0.0, 30.0, 90.0)
    )
    run = a_run(series=(series,))
    calibrated = apply_to_run(a_calibration(), run)
    node = of_the_node(calibrated.energies)
    assert calibrated.series[-1].energy_joules == pytest.approx((0.0, 283.0, node.energy_joules))
    assert calibrated.environment["calibration"] == "cal-1"
    assert len(run.energies) == 1


def test_the_nodes_series_stands_still_in_a_gap() -> None:
    """From 4 s to 6 s nothing was observed: neither gain nor offset adds there."""
    gap = GapSpan(t0_seconds=4.0, duration_seconds=2.0, reason="x")
    series = Series(
        device_id=CPU, component="cpu", t_seconds=(0.0, 4.0, 6.0), energy_joules=(0.0, 40.0, 40.0)
    )
    run = a_run(energies=(a_row(gaps=(gap,), observed_seconds=8.0),), series=(series,))
    assert apply_to_run(a_calibration(), run).series[-1].energy_joules == pytest.approx((0.0, 244.0, 244.0))


def test_gaps_of_two_devices_that_overlap_hide_their_time_once() -> None:
    """From 2 s to 5 s one or the other was not seen: 7 s of the offset remain."""
    gaps = [
        GapSpan(t0_seconds=2.0, duration_seconds=2.0, reason="x"),
        GapSpan(t0_seconds=3.0, duration_seconds=2.0, reason="y"),
    ]
    rows = (a_row(gaps=(gaps[0],)), a_row(device_id=GPU, component="gpu", gaps=(gaps[1],)))
    flat = Series(device_id=GPU, component="gpu", t_seconds=(0.0, 10.0), energy_joules=(0.0, 0.0))
    both = a_calibration(inputs={CPU: Method.HARDWARE_COUNTER, GPU: Method.HARDWARE_COUNTER})
    run = a_run(energies=rows, series=(of_the_cpu((0.0, 10.0), (0.0, 0.0)), flat))
    assert apply_to_run(both, run).series[-1].energy_joules[-1] == pytest.approx(50 * 7)


def test_shares_without_their_whole_make_no_node() -> None:
    """The second stretch has only a share: nothing can be said of the machine in it."""
    late = a_row(scope=Scope.SHARE, party="own", t0_seconds=10.0)
    rows = apply(a_calibration(), [a_row(), late])
    assert [r.t0_seconds for r in rows if r.component == "node"] == [0.0]


def test_an_input_without_a_series_leaves_the_node_without_one() -> None:
    """Its energy is known as a whole, not over time."""
    run = a_run()
    assert apply_to_run(a_calibration(), run).series == ()


def test_taking_a_calibration_out_gives_the_run_as_it_was_read() -> None:
    """Rows and series of the node go, the devices stand for themselves again."""
    before = a_run(series=(of_the_cpu((0.0, 10.0), (0.0, 90.0)),))
    bare = without_calibration(apply_to_run(a_calibration(), before))
    assert bare.energies == before.energies
    assert bare.series == before.series


def test_what_a_calibration_is_made_from_leaves_the_assumed_rest_out() -> None:
    """The fit replaces an assumed rest of the node; shares and parts are no inputs."""
    rest = a_row(device_id="rest", component="rest_of_node", method=Method.MODELLED, grade=Grade.D)
    part = a_row(device_id="core-0", part_of=CPU)
    share = a_row(scope=Scope.SHARE, party="own")
    run = a_run(energies=(a_row(), rest, part, share))
    assert inputs_of(run) == {CPU: Method.HARDWARE_COUNTER}
