"""A wall meter's recording laid over ours."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.core.calibration import fit_series
from wattmark.core.errors import RefusedError
from wattmark.core.readings import Gap
from wattmark.core.wall_series import WallSample, align, smallest_step

END = 600.0


def load(t: float) -> float:
    """Idle at 20 W, with loads of 60 to 120 W of uneven lengths."""
    phase = t % 190
    if phase < 40:
        return 20.0
    if phase < 100:
        return 120.0
    return 60.0 if phase < 150 else 20.0


def ours(t0: float, t1: float) -> float | Gap:
    """Mean of the load between two moments, as our counters give it."""
    n = 20
    return sum(load(t0 + (t1 - t0) * (i + 0.5) / n) for i in range(n)) / n


def recording(lag: float, *, gain: float = 1.15, offset: float = 45.0, step: float = 0.1) -> list[WallSample]:
    """A meter that writes a line each second with a clock that is ahead by ``lag``."""
    samples = []
    for i in range(int(END)):
        watts = gain * load(i - lag) + offset if 0 <= i - lag <= END else offset
        samples.append(WallSample(float(i), round(watts / step) * step))
    return samples


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(lag=st.floats(-60, 60))
def test_the_lag_between_the_clocks_is_found(lag: float) -> None:
    """To within half a sample of the meter."""
    found = align(recording(lag), ours, END)
    assert found.lag_seconds == pytest.approx(lag, abs=0.6)
    assert found.correlation > 0.95


def test_the_line_comes_out_of_a_shifted_recording() -> None:
    """A clock that is 17 s ahead and a 1 W step: gain and offset come back within 2 %."""
    found = align(recording(17.0, step=1.0), ours, END)
    fit = fit_series(found.points, lag_seconds=found.lag_seconds, correlation=found.correlation)
    assert fit.line.gain == pytest.approx(1.15, rel=0.02)
    assert fit.line.offset_watts == pytest.approx(45.0, rel=0.05)
    assert fit.hold_out is not None
    assert fit.hold_out.mean_error < 0.02


def test_the_step_of_the_meter_is_seen_and_counted() -> None:
    """A meter in steps of 5 W says so, and each stretch carries it."""
    found = align(recording(0.0, step=5.0), ours, END)
    assert found.resolution_watts == pytest.approx(5.0)
    assert {p.resolution_watts for p in found.points} == {found.resolution_watts}


def test_stretches_in_which_we_saw_nothing_are_left_out() -> None:
    """A gap of ours from 200 s to 300 s gives no point, never a zero."""

    def with_gap(t0: float, t1: float) -> float | Gap:
        return Gap("driver gone") if t1 > 200 and t0 < 300 else ours(t0, t1)

    found = align(recording(0.0), with_gap, END)
    starts = [float(p.name.split()[0]) for p in found.points]
    assert starts
    assert not [s for s in starts if 200 <= s < 300]
    assert min(p.readings_watts for p in found.points) >= 20.0


def test_another_machines_meter_is_refused() -> None:
    """Powers that do not move together are no calibration."""
    world = random.Random(3)
    noise = [WallSample(float(i), 100 + 20 * world.random()) for i in range(int(END))]
    with pytest.raises(RefusedError, match="do not move together"):
        align(noise, ours, END)


def test_a_flat_recording_is_refused() -> None:
    """Nothing tells when it was."""
    with pytest.raises(RefusedError, match=r"no time in common|move together"):
        align([WallSample(float(i), 100.0) for i in range(300)], ours, END)


def test_a_lag_beyond_the_bound_is_refused() -> None:
    """The best place within 5 s is not the right one."""
    with pytest.raises(RefusedError, match=r"bound|move together"):
        align(recording(9.0), ours, END, max_lag_seconds=5.0)


def test_recordings_of_different_days_are_refused() -> None:
    """There is no time in common."""
    tomorrow = [WallSample(s.at + 86_400, s.watts) for s in recording(0.0)]
    with pytest.raises(RefusedError, match="time zone"):
        align(tomorrow, ours, END)


def test_a_few_lines_are_refused() -> None:
    """Three lines cannot be aligned."""
    with pytest.raises(RefusedError, match="3 lines"):
        align(recording(0.0)[:3], ours, END)


def test_a_run_that_saw_nothing_is_refused_with_its_reason() -> None:
    """The gap's reason is what the user reads."""
    with pytest.raises(RefusedError, match="no series of gpu"):
        align(recording(0.0), lambda _a, _b: Gap("the run keeps no series of gpu"), END)


def test_the_step_is_what_all_values_are_multiples_of() -> None:
    """70, 115 and 185 W come from a meter in steps of 5 W; 120.5 W from one in steps of 0.5 W at most."""
    assert smallest_step([WallSample(0.0, w) for w in (70.0, 115.0, 185.0)]) == 5.0
    assert smallest_step([WallSample(0.0, w) for w in (70.0, 120.5)]) == 0.5


def test_stretches_in_which_the_load_jumps_are_left_out() -> None:
    """What lies across a jump of the load says little of either level."""

    def uneven(t: float) -> float:
        return (20.0, 120.0, 60.0, 90.0)[int(t / 33) % 4]

    def readings(t0: float, t1: float) -> float | Gap:
        return sum(uneven(t0 + (t1 - t0) * (i + 0.5) / 40) for i in range(40)) / 40

    samples = [WallSample(float(i), 1.1 * uneven(float(i)) + 40.0) for i in range(int(END))]
    points = align(samples, readings, END).points
    levels = [1.1 * w + 40.0 for w in (20.0, 120.0, 60.0, 90.0)]
    assert len(points) > 10
    assert all(min(abs(p.wall_watts - level) for level in levels) < 8.0 for p in points)
