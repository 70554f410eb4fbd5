"""Periods of budgets: the calendar's edges in any time zone, and steps that add up to them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.errors import UsageError
from wattmark.core.governance.periods import Period, check_period, period_at, pieces, step_seconds, steps_of

PARIS = ZoneInfo("Europe/Paris")
ZONES = [UTC, PARIS, ZoneInfo("America/New_York"), ZoneInfo("Asia/Kolkata"), ZoneInfo("Asia/Beirut")]
KINDS = ["day", "week", "month", "quarter", "year"]
moments = st.integers(0, 37 * 366 * 86400).map(
    lambda s: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=s)
)


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "name", "start", "end"),
    [
        ("day", "2026-11-22", "2026-11-22", "2026-11-23"),
        ("week", "2026-W47", "2026-11-16", "2026-11-23"),
        ("month", "2026-11", "2026-11-01", "2026-12-01"),
        ("quarter", "2026-Q4", "2026-10-01", "2027-01-01"),
        ("year", "2026", "2026-01-01", "2027-01-01"),
        ("2027", "2027", "2027-01-01", "2028-01-01"),
        ("2027-Q1", "2027-Q1", "2027-01-01", "2027-04-01"),
        ("2027-03", "2027-03", "2027-03-01", "2027-04-01"),
        ("2027-12", "2027-12", "2027-12-01", "2028-01-01"),
    ],
)
def test_a_period_has_its_name_and_its_edges(text: str, name: str, start: str, end: str) -> None:
    """Around Sunday 22 November 2026, or as it is named."""
    found = period_at(text, at("2026-11-22T13:00"), UTC)
    assert (found.name, found.start, found.end) == (name, at(start), at(end))


def test_the_whole_of_time_has_no_edges() -> None:
    """Total is from the first record on."""
    always = period_at("total", at("2026-11-22"), UTC)
    assert (always.name, always.start, always.end) == ("all time", None, None)
    assert always.elapsed(at("2026-11-22")) is None
    assert always.holds(at("1990-01-01"))
    assert list(steps_of(always, at("2026-11-22"), UTC)) == []


@pytest.mark.parametrize("text", ["fortnight", "2027-Q5", "2027-13", "27", "2027-Q1 "])
def test_what_is_no_period_is_refused(text: str) -> None:
    """With the words that would be right."""
    with pytest.raises(UsageError, match="quarter, year, total, or a name such as 2027"):
        check_period(text)


@pytest.mark.parametrize(("text", "words"), [("run", "no period of the calendar"), ("9999", "no such year")])
def test_what_has_no_place_in_the_calendar_is_refused(text: str, words: str) -> None:
    """A run is no stretch of days, and the calendar ends."""
    with pytest.raises(UsageError, match=words):
        period_at(text, at("2026-11-22"), UTC)


def test_midnight_is_that_of_the_zone() -> None:
    """23:30 UTC on New Year's Eve is the new year in Paris already."""
    assert period_at("year", at("2026-12-31T23:30"), PARIS).name == "2027"
    assert period_at("year", at("2026-12-31T22:30"), PARIS).name == "2026"


def test_a_day_is_as_long_as_its_clocks_make_it() -> None:
    """In Paris 29 March 2026 has 23 hours, 25 October has 25, and each hour is a step."""
    for moment, hours in (("2026-03-29T12:00", 23), ("2026-10-25T12:00", 25), ("2026-11-22T12:00", 24)):
        day = period_at("day", at(moment), PARIS)
        assert day.start is not None
        assert day.end is not None
        assert day.end - day.start == timedelta(hours=hours)
        assert len(list(steps_of(day, day.end, PARIS))) == hours


def test_a_midnight_that_clocks_skip_is_the_moment_at_which_they_do() -> None:
    """In Beirut 29 March 2026 begins at 01:00, which is 22:00 UTC: the day before ends there."""
    beirut = ZoneInfo("Asia/Beirut")
    day = period_at("day", at("2026-03-29T12:00"), beirut)
    assert day.start == at("2026-03-28T22:00")
    assert period_at("day", at("2026-03-28T12:00"), beirut).end == day.start


def test_elapsed_goes_from_nothing_to_all() -> None:
    """A quarter of a day at six o'clock; before it none, after it all."""
    day = period_at("day", at("2026-11-22"), UTC)
    told = [day.elapsed(at(f"2026-11-2{text}")) for text in ("1T12:00", "2T06:00", "3T12:00")]
    assert told == [0.0, 0.25, 1.0]


@pytest.mark.parametrize(
    ("kind", "count", "seconds"), [("week", 3, 86400.0), ("month", 18, 86400.0), ("quarter", 49, 86400.0)]
)
def test_days_that_are_over_are_steps(kind: str, count: int, seconds: float) -> None:
    """On Thursday 19 November at noon: three days of the week, 18 of the month, 49 of the quarter."""
    period = period_at(kind, at("2026-11-19T12:00"), UTC)
    assert len(list(steps_of(period, at("2026-11-19T12:00"), UTC))) == count
    assert step_seconds(period) == seconds


def test_weeks_of_a_year_are_whole_ones() -> None:
    """2026 began on a Thursday: its first whole week begins on 5 January; 2024 began on a Monday."""
    for year, first in ((2026, "2026-01-05"), (2024, "2024-01-01")):
        period = period_at(str(year), at("2026-11-22"), UTC)
        steps = list(steps_of(period, at("2030-01-01"), UTC))
        assert steps[0][0] == at(first)
        assert len(steps) in (51, 52)


@given(moments, st.sampled_from(KINDS), st.sampled_from(ZONES))
def test_every_moment_is_in_its_period(moment: datetime, kind: str, zone: ZoneInfo) -> None:
    """And the next one begins where it ends."""
    period = period_at(kind, moment, zone)
    assert period.start is not None
    assert period.end is not None
    assert period.holds(moment)
    assert not period.holds(period.end)
    assert period_at(kind, period.end, zone).start == period.end


@given(moments, st.sampled_from(KINDS), st.sampled_from(ZONES), st.floats(0, 400 * 86400))
def test_pieces_make_the_whole(moment: datetime, kind: str, zone: ZoneInfo, seconds: float) -> None:
    """What lies in a period is cut without a gap and without an overlap, each piece inside its own step."""
    period, end = period_at(kind, moment, zone), moment + timedelta(seconds=seconds)
    assert period.end is not None
    cut = list(pieces(period, moment, end, zone))
    inside = min(end, period.end)
    assert sum((b - a for a, b, _ in cut), timedelta()) == inside - moment
    assert all(before[1] == after[0] for before, after in pairwise(cut))
    assert all(step <= a for a, _, step in cut)
    assert len({step for *_, step in cut}) == len(cut)


def test_what_took_no_time_is_one_piece() -> None:
    """At its moment; outside the period there is none."""
    day = period_at("day", at("2026-11-22"), UTC)
    assert list(pieces(day, at("2026-11-22T06:30"), at("2026-11-22T06:30"), UTC)) == [
        (at("2026-11-22T06:30"), at("2026-11-22T06:30"), at("2026-11-22T06:00"))
    ]
    assert list(pieces(day, at("2026-11-23"), at("2026-11-23"), UTC)) == []
    assert list(pieces(day, at("2026-11-24"), at("2026-11-25"), UTC)) == []


def test_all_time_is_cut_by_months() -> None:
    """There is no first moment to cut at."""
    always = period_at("total", at("2026-11-22"), UTC)
    found = list(pieces(always, at("2026-10-31"), at("2026-11-02"), UTC))
    assert [step for *_, step in found] == [at("2026-10-01"), at("2026-11-01")]


def test_a_period_that_goes_on_has_steps_up_to_now() -> None:
    """One with a beginning and no end."""
    open_ended = Period(name="since", kind="month", start=at("2026-11-01"))
    assert len(list(steps_of(open_ended, at("2026-11-04T06:00"), UTC))) == 3
