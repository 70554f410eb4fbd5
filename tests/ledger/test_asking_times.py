"""How long the stretches may be over which energy is added up before anything is joined to it."""

from __future__ import annotations

import pytest

from wattmark.ledger.asking import Places
from wattmark.ledger.asking_times import bucket_sql, days_of, granule_of
from wattmark.ledger.factors import GridFactor, SitePue, course
from wattmark.ledger.question import Question

QUARTER, HOUR, DAY = 900_000_000, 3_600_000_000, 86_400_000_000
SUMMER = ("2026-07-01", "2026-07-02")


def places(grid_edge: int = 0, pue_edge: int = 0) -> Places:
    """One zone and one site whose factors change at a moment."""
    grid = GridFactor(zone="FRA", start_us=grid_edge, grams_per_kwh=1.0, source="table")
    pue = SitePue(site="a", start_us=pue_edge, pue=1.1)
    return Places((), (), (None, course("zone FRA", [grid])), (course("site a", [pue]), None))


@pytest.mark.parametrize(
    ("period", "zone", "granule"),
    [
        (None, "Asia/Kolkata", DAY),
        ("month", "UTC", DAY),
        ("day", "UTC", DAY),
        ("hour", "UTC", HOUR),
        ("year", "Europe/Berlin", HOUR),
        ("hour", "Europe/Berlin", HOUR),
        ("year", "Asia/Kolkata", QUARTER),
        ("year", "Australia/Lord_Howe", QUARTER),
    ],
)
def test_stretches_end_wherever_a_period_may(period: str | None, zone: str, granule: int) -> None:
    """Where no period is asked for, none ends; a zone half an hour off begins its days at half past."""
    assert granule_of(Question(period=period, time_zone=zone), places(), SUMMER) == granule


@pytest.mark.parametrize(
    ("edge", "granule"), [(3 * DAY, DAY), (DAY + HOUR, HOUR), (DAY + QUARTER, QUARTER), (DAY + 7, QUARTER)]
)
def test_stretches_end_wherever_a_factor_changes(edge: int, granule: int) -> None:
    """Of the grid or of a site; what lies between two quarters is met by its mean."""
    assert granule_of(Question(), places(grid_edge=edge), None) == granule
    assert granule_of(Question(), places(pue_edge=edge), None) == granule


def test_days_on_which_clocks_change_are_looked_at() -> None:
    """Berlin changes on the hour; Moncton did so a minute past midnight in 2006."""
    berlin = Question(period="day", time_zone="Europe/Berlin")
    assert granule_of(berlin, places(), ("2026-10-25", "2026-10-26")) == HOUR
    moncton = Question(period="day", time_zone="America/Moncton")
    assert granule_of(moncton, places(), ("2006-04-02",)) == QUARTER
    assert granule_of(moncton, places(), ("2026-07-01",)) == HOUR


def test_days_that_are_not_known_are_taken_with_care() -> None:
    """Nothing can be said of a zone's changes then."""
    assert granule_of(Question(period="day", time_zone="Europe/Berlin"), places(), None) == QUARTER
    assert granule_of(Question(period="hour"), places(), None) == HOUR


def test_days_stand_in_the_paths_of_files() -> None:
    """As Delta writes them; one file without makes them unknown."""
    files = ["/l/derived/cube/day=2026-11-01/part-0.parquet", "s3://b/day=x/cube/day=2026-11-02/p.parquet"]
    assert days_of(files) == ["2026-11-01", "2026-11-02"]
    assert days_of([*files, "/l/derived/cube/part.parquet"]) is None
    assert days_of([]) == []


def test_a_quarter_of_an_hour_needs_no_arithmetic() -> None:
    """Longer stretches begin at their own edges."""
    assert bucket_sql(QUARTER) == "bucket_us"
    assert bucket_sql(HOUR, "c.") == "c.bucket_us - c.bucket_us % 3600000000"
