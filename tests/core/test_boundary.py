"""What observations cover: judged moment by moment, never lent from one run to another."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import a_row
from wattmark.core.boundary import boundary_of
from wattmark.core.known import Boundary
from wattmark.core.merge import Observation


def seen(component: str, start: float = 0.0, seconds: float = 10.0, **more: Any) -> Observation:
    """One row of one device on one machine."""
    clock = more.pop("clock", "h")
    row = a_row(device_id=f"{component}:{clock}", component=component, duration_seconds=seconds, **more)
    return Observation(row, start, "run", clock, "unstaged")


CPU, REST = seen("cpu"), seen("rest_of_node")
WALL = seen("node", boundary=Boundary.NODE)
SITE = seen("site", boundary=Boundary.FACILITY)


def test_cpu_and_gpu_are_devices() -> None:
    """RAPL and NVML together are never a node."""
    assert boundary_of([CPU, seen("gpu"), seen("dram")]) is Boundary.DEVICE


def test_a_rest_of_node_beside_the_cpu_makes_a_node() -> None:
    """An explicit figure for what no meter sees."""
    assert boundary_of([CPU, REST]) is Boundary.NODE


def test_a_rest_of_node_alone_makes_no_node() -> None:
    """Nobody measured the CPU."""
    assert boundary_of([REST, seen("gpu")]) is Boundary.DEVICE


def test_a_reading_of_the_node_or_of_the_site_is_one() -> None:
    """A wall meter, a BMC; a cloud export."""
    assert boundary_of([WALL]) is Boundary.NODE
    assert boundary_of([SITE]) is Boundary.FACILITY
    assert boundary_of([SITE, WALL]) is Boundary.FACILITY


def test_nothing_is_a_device_figure_at_best() -> None:
    """No claim without evidence."""
    assert boundary_of([]) is Boundary.DEVICE


def test_one_machine_at_device_boundary_keeps_the_sum_there() -> None:
    """The narrowest machine decides."""
    assert boundary_of([WALL, seen("cpu", clock="other")]) is Boundary.DEVICE
    assert boundary_of([SITE, seen("node", clock="other", boundary=Boundary.NODE)]) is Boundary.NODE


def test_a_later_run_never_lends_its_rest_of_node_to_an_earlier_one() -> None:
    """10 s of CPU alone, then 10 s of CPU and rest on the same machine."""
    later = [seen("cpu", 100.0), seen("rest_of_node", 100.0)]
    assert boundary_of(later) is Boundary.NODE
    assert boundary_of([CPU, *later]) is Boundary.DEVICE


def test_a_node_reading_that_ends_early_leaves_devices_behind() -> None:
    """The wall meter saw the first half only."""
    assert boundary_of([CPU, seen("node", seconds=5.0, boundary=Boundary.NODE)]) is Boundary.DEVICE


def test_meters_that_start_a_moment_apart_are_still_together() -> None:
    """Readings follow one another within milliseconds."""
    assert boundary_of([CPU, seen("rest_of_node", 0.02, 9.97)]) is Boundary.NODE


def test_rows_without_any_length_are_judged_together() -> None:
    """An empty window still says what was there."""
    assert boundary_of([seen("cpu", seconds=0.0), seen("rest_of_node", seconds=0.0)]) is Boundary.NODE


rows = st.lists(
    st.tuples(
        st.sampled_from(["cpu", "gpu", "rest_of_node", "node"]),
        st.integers(0, 5).map(float),
        st.integers(1, 5).map(float),
    ),
    min_size=1,
    max_size=6,
)


@pytest.mark.parametrize("cut", [0, 1])
@given(rows)
def test_a_stretch_of_devices_alone_is_never_called_a_node(
    cut: int, found: list[tuple[str, float, float]]
) -> None:
    """Whatever came before: one more GPU stretch on its own makes it a device figure."""
    before = [seen(c, s, d, boundary=Boundary.NODE if c == "node" else Boundary.DEVICE) for c, s, d in found]
    alone = seen("gpu", 20.0 + cut, 5.0)
    assert boundary_of([*before, alone]) is Boundary.DEVICE
