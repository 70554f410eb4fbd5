"""One straight line per machine, and how well it is known."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.calibrations import a_calibration
from wattmark.core.calibration import Point, fit_points, fit_series
from wattmark.core.calibration_drift import checked, departures, has_drifted
from wattmark.core.errors import RefusedError


def on_line(*readings: float, gain: float = 1.1, offset: float = 50.0) -> list[Point]:
    """Points that lie exactly on a line."""
    return [Point(name=f"{r:g}", readings_watts=r, wall_watts=gain * r + offset) for r in readings]


def test_two_points_give_the_line_through_them() -> None:
    """45 W at 10 W read and 145 W at 110 W read: gain 1, offset 35 W."""
    fit = fit_points(
        [Point(readings_watts=10, wall_watts=45), Point(readings_watts=110, wall_watts=145)],
    )
    assert fit.line.gain == pytest.approx(1.0)
    assert fit.line.offset_watts == pytest.approx(35.0)
    assert fit.fit_error == pytest.approx(0.0, abs=1e-12)


def test_two_points_say_that_nothing_tested_them() -> None:
    """A line through two points has no residual, so it must not look proven."""
    fit = fit_points(on_line(10, 100))
    assert fit.hold_out is None
    assert "no grade" in fit.notes[0]


def test_the_raw_error_is_that_of_the_readings_themselves() -> None:
    """50 W read against 100 W at the wall is 50 % off."""
    fit = fit_points([Point(readings_watts=50, wall_watts=100), Point(readings_watts=100, wall_watts=200)])
    assert fit.raw_error == pytest.approx(0.5)


@given(
    gain=st.floats(0.2, 3.0),
    offset=st.floats(0.0, 300.0),
    readings=st.lists(st.floats(1.0, 1000.0), min_size=3, max_size=12, unique=True),
)
def test_points_on_a_line_give_that_line_back(gain: float, offset: float, readings: list[float]) -> None:
    """Without noise the fit is exact and every held-out point is foretold."""
    spread = max(readings) - min(readings)
    mean = sum(readings) / len(readings)
    points = on_line(*readings, gain=gain, offset=offset)
    if spread <= 0.10 * mean:
        with pytest.raises(RefusedError, match="span only"):
            fit_points(points)
        return
    fit = fit_points(points)
    assert fit.line.gain == pytest.approx(gain, rel=1e-4, abs=1e-4)
    assert fit.line.offset_watts == pytest.approx(offset, rel=1e-3, abs=0.1)
    if fit.hold_out is not None:
        assert fit.hold_out.worst_error < 1e-3


def test_the_stated_interval_holds_the_true_line() -> None:
    """Over 300 noisy fits, the 95 % intervals of gain and level hold the truth at least 88 % of the time."""
    world = random.Random(7)
    gain_hits = level_hits = 0
    for _ in range(300):
        points = [
            Point(readings_watts=r, wall_watts=(1.2 * r + 60) * (1 + world.gauss(0, 0.01)))
            for r in (20, 60, 100, 140, 180, 220)
        ]
        line = fit_points(points).line
        gain_hits += abs(line.gain - 1.2) <= line.gain_error
        truth = 1.2 * line.centre_watts + 60
        level_hits += abs(line.at(line.centre_watts) - truth) <= line.level_error_watts
    assert gain_hits >= 264
    assert level_hits >= 264


def test_a_coarse_meter_makes_the_line_less_certain() -> None:
    """A step of 20 W gives wider intervals than one of 1 W."""
    fine = fit_points([Point(readings_watts=r, wall_watts=r + 50, resolution_watts=1) for r in (10, 100)])
    coarse = fit_points([Point(readings_watts=r, wall_watts=r + 50, resolution_watts=20) for r in (10, 100)])
    assert coarse.line.gain_error > 3 * fine.line.gain_error


def test_a_coarse_point_counts_less_than_a_fine_one() -> None:
    """A point that is 20 W off but known to 50 W only moves the line little."""
    good = on_line(10, 50, 90, 130)
    bad = Point(readings_watts=110, wall_watts=1.1 * 110 + 50 + 20, resolution_watts=50)
    assert fit_points([*good, bad]).line.gain == pytest.approx(1.1, rel=0.02)


def test_a_curved_machine_shows_in_the_hold_out() -> None:
    """Points on a curve are not foretold within 5 %, though each pair has its line."""
    fit = fit_points([Point(readings_watts=r, wall_watts=40 + r * r / 50) for r in (5, 50, 100, 150, 200)])
    assert fit.hold_out is not None
    assert fit.hold_out.mean_error > 0.05


@pytest.mark.parametrize(
    ("points", "words"),
    [
        (on_line(10), "at least idle and load"),
        (on_line(100, 102), "span only"),
        ([Point(readings_watts=10, wall_watts=90), Point(readings_watts=90, wall_watts=20)], "does not rise"),
        ([Point(readings_watts=10, wall_watts=0), Point(readings_watts=90, wall_watts=20)], "above zero"),
        ([Point(readings_watts=float("nan"), wall_watts=9), *on_line(10)], "above zero"),
    ],
)
def test_points_that_cannot_carry_a_line_are_refused(points: list[Point], words: str) -> None:
    """The reason says what to do about it."""
    with pytest.raises(RefusedError, match=words):
        fit_points(points)


def test_a_negative_offset_is_remarked() -> None:
    """The plug cannot use less than a part of the machine."""
    assert "offset is negative" in " ".join(fit_points(on_line(100, 200, 300, offset=-20)).notes)


def test_a_series_is_tested_on_its_last_third() -> None:
    """Nine stretches: six make the line that foretells three."""
    fit = fit_series(on_line(10, 90, 20, 80, 30, 70, 15, 60, 85), lag_seconds=2.0, correlation=0.99)
    assert fit.hold_out is not None
    assert fit.hold_out.kind == "last-third"
    assert fit.hold_out.worst_error < 1e-9


def test_a_series_that_began_steady_has_no_residual() -> None:
    """The first two thirds show one level only: nothing can be foretold from them."""
    fit = fit_series(on_line(10, 10, 10, 10, 10, 10, 80, 90, 85), lag_seconds=0.0, correlation=0.9)
    assert fit.hold_out is None


def test_a_short_series_is_refused() -> None:
    """Three stretches are no series."""
    with pytest.raises(RefusedError, match="longer"):
        fit_series(on_line(10, 50, 90), lag_seconds=0.0, correlation=1.0)


def test_neighbours_that_resemble_each_other_widen_the_interval() -> None:
    """The same residuals say less when they come in runs than when they alternate."""
    wobble = [3, 3, 3, -3, -3, -3] * 4
    alternating = [3, -3] * 12
    readings = [10 + 8 * (i % 12) for i in range(24)]

    def gain_error(residuals: list[int]) -> float:
        points = [
            Point(readings_watts=r, wall_watts=r + 50 + e) for r, e in zip(readings, residuals, strict=True)
        ]
        return fit_series(points, lag_seconds=0.0, correlation=1.0).line.gain_error

    assert gain_error(wobble) > 1.3 * gain_error(alternating)


def test_a_point_where_the_line_foretells_it_is_no_drift() -> None:
    """100 W read, gain 1.1, offset 50 W: 160 W at the wall is as foretold, 163 W is within the interval."""
    calibration = a_calibration()
    assert not departures(calibration, [Point(readings_watts=100, wall_watts=160)])
    assert not has_drifted(calibration, [Point(readings_watts=100, wall_watts=163)])


def test_a_new_power_supply_shows_as_drift() -> None:
    """30 W more at the wall than foretold leaves the interval, and the reason says by how much."""
    calibration = checked(a_calibration(), [Point(name="load", readings_watts=100, wall_watts=190)], "now")
    assert calibration.drifted is not None
    assert "190 W at the wall, 160 W foretold" in calibration.drifted
    assert not calibration.lifts_grade


def test_a_check_that_holds_clears_the_mark() -> None:
    """A drifted calibration that foretells new points again may lift a grade again."""
    drifted = checked(a_calibration(), [Point(readings_watts=100, wall_watts=190)], "then")
    holds = checked(drifted, [Point(readings_watts=100, wall_watts=160)], "now")
    assert holds.drifted is None
    assert holds.checked_at == "now"
    assert holds.lifts_grade


def test_one_stray_in_forty_points_is_chance() -> None:
    """A 95 % interval is left by one point in twenty without any drift."""
    fine = [Point(readings_watts=100, wall_watts=160)] * 39
    assert not has_drifted(a_calibration(), [*fine, Point(readings_watts=100, wall_watts=190)])
