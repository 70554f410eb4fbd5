"""Carbon hour by hour: sum of E_h x CI_h, and how far a yearly factor is from it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import a_row, a_run
from tests.core.test_grid_series import HOUR, point, series
from wattmark.core.carbon import Intensity, operational_carbon
from wattmark.core.figure import Figure, Missing, Undefined
from wattmark.core.grid_series import ESTIMATED, FORECAST, MEASURED
from wattmark.core.hourly import (
    YEARLY,
    HourlyCarbon,
    Slice,
    began_us,
    grade_of,
    hourly_carbon,
    level_slices,
    slices_of,
)
from wattmark.core.known import Scope
from wattmark.core.readings import Gap
from wattmark.core.run import Run, Series

KWH = 3.6e6


def yearly(grams: float = 200.0, **terms: Any) -> Intensity:
    """A yearly factor of France, location-based, lifecycle."""
    return Intensity(grams_per_kwh=grams, zone="FRA", source="table", **terms)


def used(hour: int, kwh: float) -> Slice:
    """Energy of one hour."""
    return Slice(hour * HOUR, (hour + 1) * HOUR, kwh * KWH)


def met(found: object) -> HourlyCarbon:
    """It is a sum."""
    assert isinstance(found, HourlyCarbon)
    return found


def test_each_hour_meets_its_own_factor() -> None:
    """1 kWh at 100 and 3 kWh at 300 are 1000 g; a year of 200 g/kWh would say 800 g."""
    found = met(hourly_carbon([used(0, 1), used(1, 3)], series(point(0, 100.0), point(1, 300.0)), yearly()))
    assert found.grams == pytest.approx(1000.0)
    assert found.yearly_grams == pytest.approx(800.0)
    assert found.difference == pytest.approx(0.25)
    assert found.intensity.grams_per_kwh == pytest.approx(250.0)
    assert found.shares == {MEASURED: 1.0}


def test_energy_times_the_met_intensity_is_the_sum() -> None:
    """So that figures with their intervals are made as everywhere else."""
    found = met(hourly_carbon([used(0, 1), used(1, 3)], series(point(0, 100.0), point(1, 300.0))))
    energy = Figure(value=found.joules, unit="J")
    assert operational_carbon(energy, found.intensity.figure()).value == pytest.approx(1000.0)
    assert isinstance(found.difference, Undefined)


def test_what_met_which_kind_is_told_apart() -> None:
    """2 kWh measured, 1 estimated, 1 forecast: half of the intensity's data is estimated."""
    hours = series(point(0), point(1, kind=ESTIMATED), point(2, kind=FORECAST))
    found = met(hourly_carbon([used(0, 2), used(1, 1), used(2, 1)], hours))
    assert found.shares == {MEASURED: 0.5, ESTIMATED: 0.25, FORECAST: 0.25}
    assert found.intensity.estimated_share == 0.5
    assert found.intensity.relative_error == pytest.approx(0.10)


def test_an_error_weighs_what_it_is_of() -> None:
    """900 g measured (5 %) and 100 g estimated (15 %), of 1 kWh each: 60 of 1000 g."""
    hours = series(point(0, 900.0), point(1, 100.0, kind=ESTIMATED))
    found = met(hourly_carbon([used(0, 1), used(1, 1)], hours))
    assert found.intensity.relative_error == pytest.approx(0.06)
    clean = met(hourly_carbon([used(0, 1)], series(point(0, 0.0)))).intensity
    assert (clean.grams_per_kwh, clean.relative_error) == (0.0, 0.05)


def test_a_slice_is_shared_by_time() -> None:
    """4 kWh over 4 h, of which points cover 0..1 and 3..9: the rest meets the year, and that is said."""
    whole = Slice(0, 4 * HOUR, 4 * KWH)
    found = met(hourly_carbon([whole], series(point(0, 100.0), point(3, 300.0, hours=6)), yearly(200.0)))
    assert found.grams == pytest.approx(100 + 400 + 300)
    assert found.shares == pytest.approx({MEASURED: 0.5, YEARLY: 0.5})
    assert "50% of the energy met a yearly factor" in found.intensity.note


def test_points_that_end_before_count_for_nothing() -> None:
    """The search begins one point early."""
    found = met(hourly_carbon([used(5, 1)], series(point(0), point(5, 300.0))))
    assert found.grams == pytest.approx(300.0)
    found = met(hourly_carbon([used(5, 1)], series(point(0)), yearly(200.0)))
    assert found.shares == {YEARLY: 1.0}


@pytest.mark.parametrize(
    "other", [None, yearly(accounting="market"), yearly(basis="direct"), yearly(accounting="marginal")]
)
def test_hours_without_a_factor_are_never_filled_with_another_kind(other: Intensity | None) -> None:
    """A direct or market-based year does not stand in for lifecycle hours."""
    found = hourly_carbon([used(0, 1), used(1, 1)], series(point(0)), other)
    assert isinstance(found, Missing)
    assert "FR" in found.field


def test_hours_without_energy_need_no_factor() -> None:
    """Nothing was used in the hole."""
    assert met(hourly_carbon([used(0, 1), used(1, 0)], series(point(0, 100.0)))).grams == pytest.approx(100.0)


def test_no_energy_is_undefined() -> None:
    """Never 0 g."""
    assert isinstance(hourly_carbon([used(0, 0)], series(point(0))), Undefined)


@given(
    st.lists(
        st.tuples(st.floats(0.001, 1e6), st.floats(0, 2000, allow_subnormal=False)), min_size=1, max_size=30
    )
)
def test_the_sum_lies_between_its_cleanest_and_its_dirtiest_hour(hours: list[tuple[float, float]]) -> None:
    """A mean weighted by energy; shares add up to one."""
    found = met(
        hourly_carbon(
            [used(i, kwh) for i, (kwh, _) in enumerate(hours)],
            series(*(point(i, grams) for i, (_, grams) in enumerate(hours))),
        )
    )
    factors = [grams for _, grams in hours]
    assert min(factors) * (1 - 1e-9) - 1e-300 <= found.intensity.grams_per_kwh <= max(factors) * (1 + 1e-9)
    assert sum(found.shares.values()) == pytest.approx(1.0)


@given(st.floats(0.1, 1000), st.integers(1, 24))
def test_a_level_grid_makes_hours_and_years_agree(grams: float, hours: int) -> None:
    """Where every hour is as the year, nothing differs."""
    found = met(
        hourly_carbon(
            [used(i, i + 1) for i in range(hours)],
            series(*(point(i, grams) for i in range(hours))),
            yearly(grams),
        )
    )
    assert found.difference == pytest.approx(0.0, abs=1e-9)


def watched(**changes: object) -> Run:
    """10 s of one package at 9 W, with its series."""
    row = a_row()
    kept = Series(device_id=row.device_id, component="cpu", t_seconds=(0.0, 10.0), energy_joules=(0.0, 90.0))
    return a_run(**{"energies": (row,), "series": (kept,), **changes})


def test_a_run_is_cut_at_round_moments() -> None:
    """Begun at 12:00:03, cut every 5 s of the clock: 2 s, 5 s, 3 s of 9 W."""
    cut = slices_of(watched(), 3_000_000, 5_000_000)
    assert not isinstance(cut, Gap)
    assert [s.start_us for s in cut] == [3_000_000, 5_000_000, 10_000_000]
    assert [s.joules for s in cut] == pytest.approx([18.0, 45.0, 27.0])
    assert cut[-1].end_us == 13_000_000


def test_a_run_without_series_is_a_gap() -> None:
    """Nobody knows when its energy was used."""
    assert isinstance(slices_of(watched(series=()), 0, HOUR), Gap)


def test_a_run_that_was_not_observed_throughout_is_a_gap() -> None:
    """Part of the energy would be missing."""
    two = (a_row(), a_row(device_id="gpu:0", component="gpu"))
    found = slices_of(watched(energies=two), 0, HOUR)
    assert isinstance(found, Gap)
    assert "gpu:0" in found.reason


def test_without_a_course_each_reading_is_level() -> None:
    """90 J over the first 10 s and 60 J over the next 5; what lasted no time is left out."""
    rows = (
        a_row(),
        a_row(t0_seconds=10.0, duration_seconds=5.0, energy_joules=60.0),
        a_row(t0_seconds=15.0, duration_seconds=0.0, energy_joules=0.0),
    )
    assert level_slices(a_run(energies=rows), 1_000) == (
        Slice(1_000, 10_001_000, 90.0),
        Slice(10_001_000, 15_001_000, 60.0),
    )


def test_a_run_of_shares_alone_is_cut_by_them() -> None:
    """No whole device was read."""
    row = a_row(scope=Scope.SHARE)
    assert level_slices(a_run(energies=(row,)), 0) == (Slice(0, 10_000_000, 90.0),)


def test_a_run_without_energy_has_no_slices() -> None:
    """A gap with its reason, never an empty sum."""
    assert isinstance(level_slices(a_run(energies=()), 0), Gap)


@pytest.mark.parametrize(
    ("shares", "grade"),
    [
        ({MEASURED: 1.0}, "A"),
        ({MEASURED: 0.95, ESTIMATED: 0.05}, "B"),
        ({MEASURED: 0.96, FORECAST: 0.04}, "A"),
        ({FORECAST: 0.9, YEARLY: 0.1}, "D"),
        ({}, "C"),
    ],
)
def test_a_grade_is_that_of_the_worst_notable_part(shares: dict[str, float], grade: str) -> None:
    """5 % or more; a factor met says its grade."""
    assert grade_of(shares) == grade


def test_a_run_begins_when_it_says() -> None:
    """A second after 1970 began."""
    assert began_us(a_run(started_at="1970-01-01T00:00:01.500000Z")) == 1_500_000
