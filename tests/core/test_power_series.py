"""Power between two moments, read off the cumulative energy a run keeps."""

from __future__ import annotations

from tests.builders import a_row, a_run
from tests.calibrations import CPU
from wattmark.core.power_series import energy_at, power_between, summed_devices
from wattmark.core.readings import Gap
from wattmark.core.run import GapSpan, Series

STEADY = Series(device_id=CPU, component="cpu", t_seconds=(0.0, 4.0, 10.0), energy_joules=(0.0, 40.0, 160.0))


def test_power_is_the_slope_of_the_energy() -> None:
    """40 J in the first 4 s are 10 W; from 2 s to 7 s it is 20 J + 60 J in 5 s: 16 W."""
    run = a_run(series=(STEADY,))
    assert power_between(run, 0.0, 4.0) == 10.0
    assert power_between(run, 2.0, 7.0) == 16.0


def test_parts_are_not_added_to_their_whole() -> None:
    """The core domain lies inside the package: it is not summed."""
    core = a_row(device_id="cpu:x/core", part_of=CPU)
    assert summed_devices(a_run(energies=(a_row(), core))) == (CPU,)


def test_a_part_whose_whole_was_not_read_counts() -> None:
    """Nobody else holds its energy."""
    assert summed_devices(a_run(energies=(a_row(part_of="node:gone"),))) == (CPU,)


def test_a_stretch_that_touches_a_gap_is_a_gap() -> None:
    """Observed energy stands still in a gap; that is not a power of zero."""
    gap = GapSpan(t0_seconds=5.0, duration_seconds=2.0, reason="driver gone")
    run = a_run(energies=(a_row(gaps=(gap,)),), series=(STEADY,))
    assert power_between(run, 4.0, 6.0) == Gap(f"{CPU} was not observed: driver gone")
    assert power_between(run, 0.0, 5.0) == 12.0


def test_what_the_series_does_not_hold_is_a_gap() -> None:
    """Outside the series, of a device without one, of no device, of no time."""
    run = a_run(series=(STEADY,))
    assert isinstance(power_between(run, 5.0, 11.0), Gap)
    assert isinstance(power_between(run, -1.0, 5.0), Gap)
    assert isinstance(power_between(run, 3.0, 3.0), Gap)
    assert power_between(run, 0.0, 1.0, ["gpu:1"]) == Gap("the run keeps no series of gpu:1")
    assert power_between(a_run(energies=()), 0.0, 1.0) == Gap("the run read no device")


def test_outside_the_points_kept_the_energy_stands_still() -> None:
    """Before the first point its value, after the last one its."""
    assert (energy_at(STEADY, -1.0), energy_at(STEADY, 99.0)) == (0.0, 160.0)


def test_another_devices_gap_is_not_ours() -> None:
    """The GPU fell away; the CPU was observed all the time."""
    gap = GapSpan(t0_seconds=0.0, duration_seconds=10.0, reason="fell off the bus")
    gpu = a_row(device_id="GPU-1", component="gpu", gaps=(gap,))
    run = a_run(energies=(gpu, a_row()), series=(STEADY,))
    assert power_between(run, 0.0, 4.0, [CPU]) == 10.0
