"""Power over time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import a_row, a_run
from tests.reports.sample import a_real_run
from wattmark.core.run import GapSpan, Run, Series
from wattmark.reports.timeline import MOST_BINS, gaps_of, timeline, total_power


def a_series(*energies: float, device: str = "d", component: str = "cpu") -> Series:
    """Cumulative joules, one point a second."""
    times = tuple(float(i) for i in range(len(energies)))
    return Series(device_id=device, component=component, t_seconds=times, energy_joules=energies)


def test_power_is_energy_over_time() -> None:
    """10 J in the first second and 30 J in the second are 10 W and 30 W."""
    line = timeline(a_run(series=(a_series(0, 10, 40),)))
    assert line is not None
    assert line.power == {"cpu": (10.0, 30.0)}
    assert line.total == (10.0, 30.0)


def test_a_run_without_series_has_no_timeline() -> None:
    """Nothing is drawn from a single point or from none."""
    assert timeline(a_run()) is None
    assert timeline(a_run(series=(a_series(5.0),))) is None
    assert total_power(a_run()) == ()


def test_a_gap_is_not_a_low() -> None:
    """The counter was not seen in the second second: that bin is unknown, and so is the total."""
    gap = GapSpan(t0_seconds=1.0, duration_seconds=1.0, reason="lost")
    run = a_run(
        series=(a_series(0, 10, 10, 20), a_series(0, 1, 2, 3, device="e", component="dram")),
        energies=(a_row(device_id="d", gaps=(gap,)),),
    )
    line = timeline(run)
    assert line is not None
    assert line.power["cpu"] == (10.0, None, 10.0)
    assert line.total == (11.0, None, 11.0)
    assert line.mean_of(line.power["cpu"], 0.0, 3.0) == 10.0
    assert line.mean_of(line.power["cpu"], 1.0, 2.0) is None


def test_energy_seen_in_part_of_a_bin_keeps_its_power() -> None:
    """8 J in the 0.8 s that were seen of a second are 10 W, not 8 W."""
    gap = GapSpan(t0_seconds=0.8, duration_seconds=0.2, reason="lost")
    line = timeline(a_run(series=(a_series(0, 8, 18),), energies=(a_row(device_id="d", gaps=(gap,)),)))
    assert line is not None
    assert line.power["cpu"] == pytest.approx((10.0, 10.0))


def test_a_device_that_holds_others_shows_what_they_leave() -> None:
    """A node of 100 W with a CPU of 30 W: CPU 30 W and the rest 70 W, never 130 W."""
    run = a_run(
        series=(a_series(0, 100, device="n", component="node"), a_series(0, 30, device="c")),
        energies=(a_row(device_id="c", part_of="n"), a_row(device_id="n", component="node")),
    )
    line = timeline(run)
    assert line is not None
    assert line.power == {"rest of node": (70.0,), "cpu": (30.0,)}
    assert line.total == (100.0,)


def test_two_devices_of_one_component_are_drawn_together() -> None:
    """Two packages of 10 W and 20 W are a CPU of 30 W."""
    line = timeline(a_run(series=(a_series(0, 10, device="a"), a_series(0, 20, device="b"))))
    assert line is not None
    assert line.power == {"cpu": (30.0,)}


@given(st.lists(st.floats(0, 1e4), min_size=2, max_size=900))
def test_areas_add_up_to_the_energy_that_was_seen(steps: list[float]) -> None:
    """However many points there are and however they are binned, watts x seconds is the last counter."""
    energies = [0.0]
    for step in steps:
        energies.append(energies[-1] + step)
    line = timeline(a_run(series=(a_series(*energies),)))
    assert line is not None
    assert len(line.power["cpu"]) <= MOST_BINS
    width = line.edges[1] - line.edges[0]
    area = sum(w * width for w in line.power["cpu"] if w is not None)
    assert area == pytest.approx(energies[-1], rel=1e-6, abs=1e-6)


def test_gaps_come_in_order_of_time_and_once() -> None:
    """The sample run has one gap of its GPU."""
    run: Run = a_real_run()
    assert [(g.component, g.t0_seconds, g.duration_seconds) for g in gaps_of(run)] == [("gpu", 30.0, 4.0)]
