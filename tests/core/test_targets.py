"""Targets: limits, progress, and a standing that missing evidence never makes better."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.errors import NotComparable, UsageError
from wattmark.core.figure import Figure, Missing
from wattmark.core.targets import (
    LINEAR,
    Base,
    Calendar,
    Day,
    Progress,
    Standing,
    Target,
    bounds_of,
    days_of,
    limit_in,
    progress,
)

FIRST = date(2026, 1, 1)
BASE = Base(name="fy2025", figure=Figure(1000.0, "J"), first=date(2025, 1, 1), after=FIRST)


def target(**changes: Any) -> Target:
    """At most 1000 J in 2026."""
    fields: dict[str, Any] = {"name": "t", "what": "energy", "period": "2026", "limit": 1000.0}
    return Target(**{**fields, **changes})


def calendar(days: int = 28, passed: int | None = None, name: str = "2026") -> Calendar:
    """Some days from the first of January on."""
    after = FIRST + timedelta(days=days)
    today = after if passed is None else FIRST + timedelta(days=passed)
    return Calendar(name=name, first=FIRST, after=after, today=today)


def seen(*joules: float, coverage: float = 1.0, share: float = 1.0, work: float = 0.0) -> dict[date, Day]:
    """Days one after the other."""
    return {
        FIRST + timedelta(days=at): Day(
            figure=Figure(j, "J", coverage=coverage, terms={"boundary": "node"}), share=share, work=work
        )
        for at, j in enumerate(joules)
    }


def held(days: dict[date, Day], at: Calendar, **changes: Any) -> Progress:
    """The progress of a target."""
    asked = target(**changes)
    return progress(asked, at, days, asked.limit if asked.limit is not None else Missing("limit"))


def test_steady_use_within_the_limit_is_on_track() -> None:
    """14 of 28 days at 10 J: 280 J in the end, of 300."""
    told = held(seen(*[10.0] * 14), calendar(passed=14), limit=300.0)
    assert told.standing is Standing.ON_TRACK
    assert isinstance(told.so_far, Figure)
    assert (told.so_far.value, told.elapsed, told.coverage) == (140.0, 0.5, 1.0)
    assert told.projected is not None
    assert told.projected.value == pytest.approx(280.0)
    assert told.used == pytest.approx(140 / 300)


def test_steady_use_above_the_limit_is_at_risk() -> None:
    """280 J of 270: not missed yet, and the whole interval lies above."""
    told = held(seen(*[10.0] * 14), calendar(passed=14), limit=270.0)
    assert told.standing is Standing.AT_RISK
    assert "lies above" in told.why


def test_a_limit_inside_the_interval_is_at_risk() -> None:
    """Weeks of 60 and 80 J: what comes may be either."""
    told = held(seen(*[60 / 7] * 7, *[80 / 7] * 7), calendar(passed=14), limit=300.0)
    assert told.standing is Standing.AT_RISK
    assert "inside the interval" in told.why


def test_more_than_the_limit_is_missed() -> None:
    """301 J of 300, with half of the period to come."""
    assert held(seen(*[21.5] * 14), calendar(passed=14), limit=300.0).standing is Standing.MISSED


def test_a_single_week_is_no_projection() -> None:
    """Its upper end is unknown: at risk."""
    told = held(seen(*[1.0] * 8), calendar(passed=8), limit=1e9)
    assert told.standing is Standing.AT_RISK


def test_what_has_not_begun_has_no_standing() -> None:
    """No day is over."""
    told = held({}, calendar(passed=0))
    assert told.standing is Standing.NOT_BEGUN
    assert held({}, calendar(passed=-5)).standing is Standing.NOT_BEGUN


def test_a_day_without_evidence_is_not_enough() -> None:
    """Even far below the limit; the day is named, and so is the way out."""
    days = seen(*[1.0] * 28)
    for gone in (3, 9, 10, 20, 27):
        del days[FIRST + timedelta(days=gone)]
    told = held(days, calendar(), limit=1e6)
    assert told.standing is Standing.NOT_ENOUGH
    assert "5 days: from 2026-01-04, 2026-01-10, 2026-01-11 and 2 more" in told.why
    assert told.coverage == pytest.approx(23 / 28)


def test_rare_work_says_how_rare() -> None:
    """One day a week is enough where `every` says so; a week without any is not."""
    days = {at: day for at, day in seen(*[1.0] * 28).items() if at.day % 7 == 1}
    assert held(days, calendar(), every="week").standing is Standing.ON_TRACK
    assert held(days, calendar(passed=27), every="week").standing is Standing.ON_TRACK
    del days[FIRST + timedelta(days=7)]
    assert held(days, calendar(), every="week").standing is Standing.NOT_ENOUGH


def test_months_are_those_of_the_calendar() -> None:
    """A day in January and one in February; March is not over, and April is."""
    days = {FIRST: seen(1.0)[FIRST], date(2026, 2, 5): seen(1.0)[FIRST]}
    spring = Calendar(name="2026", first=FIRST, after=date(2027, 1, 1), today=date(2026, 3, 20))
    assert "no evidence" not in held(days, spring, every="month").why
    later = Calendar(name="2026", first=FIRST, after=date(2027, 1, 1), today=date(2026, 4, 1))
    assert "1 month: from 2026-03-01" in held(days, later, every="month").why


def test_low_coverage_is_not_enough() -> None:
    """Of the time, of the factors, or of both together."""
    assert held(seen(*[1.0] * 28, coverage=0.9), calendar()).standing is Standing.NOT_ENOUGH
    told = held(seen(*[1.0] * 28, coverage=0.97, share=0.97), calendar())
    assert told.standing is Standing.NOT_ENOUGH
    assert "coverage 94.1% is below the 95%" in told.why
    assert held(seen(*[1.0] * 28, coverage=0.97), calendar()).standing is Standing.ON_TRACK


def test_what_was_not_read_may_decide() -> None:
    """27 J of 28 with a gap that may hold two more."""
    days = seen(*[1.0] * 27, 0.0, coverage=0.99)
    last = FIRST + timedelta(days=27)
    days[last] = Day(
        figure=Figure(0.0, "J", errors={"gap:x": 2.0}, coverage=0.99, terms={"boundary": "node"})
    )
    told = held(days, calendar(), limit=28.0)
    assert told.standing is Standing.NOT_ENOUGH
    assert "was not read" in told.why


def test_without_evidence_or_limit_there_is_no_standing() -> None:
    """Each says what is missing."""
    nothing = held({}, calendar())
    assert nothing.standing is Standing.NOT_ENOUGH
    assert nothing.used is None
    asked = target(limit=None, reduction=0.1, baseline="fy2025")
    told = progress(asked, calendar(), seen(1.0), Missing("baseline 'fy2025'"))
    assert "baseline 'fy2025'" in told.why


def test_a_baseline_on_other_terms_is_no_yardstick() -> None:
    """The refusal is the reason."""
    refused = NotComparable([("boundary", "node", "facility")], "figures")
    told = progress(target(), calendar(), seen(*[1.0] * 28), 1000.0, refused)
    assert told.standing is Standing.NOT_ENOUGH
    assert "boundary: node against facility" in told.why


def test_days_on_other_terms_are_not_added() -> None:
    """A day in grams beside a day in joules."""
    days = seen(1.0, 1.0)
    days[FIRST] = Day(figure=Figure(1.0, "gCO2e"))
    assert isinstance(held(days, calendar(passed=2)).so_far, Missing)


def test_a_ratio_is_judged_by_its_work() -> None:
    """28 J for 280 inferences are 0.1 J each; it can fall again until the period is over."""
    ratio = {"what": "energy_per_unit", "functional_unit": "inferences"}
    days = seen(*[1.0] * 28, work=10.0)
    told = held(days, calendar(), limit=0.2, **ratio)
    assert told.standing is Standing.ON_TRACK
    assert isinstance(told.so_far, Figure)
    assert told.so_far.value == pytest.approx(0.1)
    assert told.so_far.unit == "J/inference"
    assert held(days, calendar(days=60, passed=28), limit=0.05, **ratio).standing is Standing.AT_RISK
    assert held(days, calendar(), limit=0.05, **ratio).standing is Standing.MISSED
    idle = held(seen(*[1.0] * 28), calendar(), limit=0.2, **ratio)
    assert isinstance(idle.so_far, Missing)
    assert "work in inferences" in idle.why


def test_units_follow_what_is_counted() -> None:
    """Energy in J, carbon in g, ratios per unit of work."""
    assert target().unit == "J"
    assert target(what="scope31").unit == "gCO2e"
    assert target(what="carbon_per_unit", functional_unit="requests").unit == "gCO2e/request"
    assert target(what="carbon_per_unit", functional_unit="s").unit == "gCO2e/unit"


def test_quarters_are_steps_of_a_year() -> None:
    """The year decides; a quarter's own target decides itself."""
    days = seen(1.0)
    assert held(days, calendar()).decides
    assert not held(days, calendar(name="2026-Q1")).decides
    assert held(days, calendar(name="2026-Q1"), period="2026-Q1").decides


def year(number: int) -> Calendar:
    """A whole year."""
    first, after = bounds_of(str(number))
    return Calendar(name=str(number), first=first, after=after, today=after)


def quarter(name: str) -> Calendar:
    """A whole quarter."""
    first, after = bounds_of(name)
    return Calendar(name=name, first=first, after=after, today=after)


def test_a_limit_is_shared_out_by_days() -> None:
    """90 of 365 days; a ratio is the same in every part."""
    assert limit_in(target(), year(2026), None) == 1000.0
    assert limit_in(target(), quarter("2026-Q1"), None) == pytest.approx(1000 * 90 / 365)
    ratio = target(what="energy_per_unit", functional_unit="samples")
    assert limit_in(ratio, quarter("2026-Q1"), None) == 1000.0


def test_a_reduction_is_counted_from_the_baseline() -> None:
    """A fifth less of 1000 J; a leap year is a year."""
    asked = target(limit=None, reduction=0.2, baseline="fy2025", period="2028")
    assert limit_in(asked, year(2028), BASE) == pytest.approx(800.0)
    assert limit_in(asked, quarter("2028-Q1"), BASE) == pytest.approx(800 * 91 / 365)
    assert isinstance(limit_in(asked, year(2028), None), Missing)
    unknown = Base(name="b", figure=Missing("energy"), first=FIRST, after=date(2027, 1, 1))
    assert limit_in(asked, year(2028), unknown) == Missing("energy")


def test_a_linear_path_takes_a_step_every_year() -> None:
    """30 % less in three years: 10 % in the first, 20 % in the second; no way leads back."""
    asked = target(limit=None, reduction=0.3, baseline="fy2025", period="2028", path=LINEAR)
    limits = [limit_in(asked, year(n), BASE) for n in (2025, 2026, 2027, 2028, 2029)]
    assert limits == pytest.approx([1000.0, 900.0, 800.0, 700.0, 700.0])
    at_once = target(limit=None, reduction=0.3, baseline="fy2025", period="2025", path=LINEAR)
    assert limit_in(at_once, year(2025), BASE) == pytest.approx(700.0)


def test_periods_are_years_and_quarters() -> None:
    """Their first day, and the first one after."""
    assert bounds_of("2026-Q4") == (date(2026, 10, 1), date(2027, 1, 1))
    assert bounds_of("2026-Q2") == (date(2026, 4, 1), date(2026, 7, 1))
    assert days_of("2028") == 366
    for wrong in ("26", "2026-Q5", "2026-01", "abcd", "2026-Q"):
        with pytest.raises(UsageError, match="no year and no quarter"):
            bounds_of(wrong)


def test_a_limit_of_nothing_has_no_share() -> None:
    """Nothing can be a part of it."""
    assert held(seen(1.0), calendar(passed=1), limit=0.0).used is None


RANK = {Standing.ON_TRACK: 0, Standing.AT_RISK: 1, Standing.MISSED: 2, Standing.NOT_ENOUGH: 2}
"""What a check lets pass: the first two; the other two fail it, each in its way."""


@st.composite
def evidence_taken_away(draw: st.DrawFn) -> tuple[dict[date, Day], dict[date, Day], Calendar, float]:
    """Days, the same with readings and whole days taken away, and a limit around what was used."""
    passed = draw(st.integers(1, 70))
    at = calendar(days=draw(st.integers(passed, 90)), passed=passed)
    gain = draw(st.sampled_from((0.0, 0.05)))
    level = draw(st.floats(1.0, 100.0))
    full, less = {}, {}
    for number in range(passed):
        day, joules = FIRST + timedelta(days=number), level * draw(st.sampled_from((0.8, 1.0, 1.1)))
        full[day] = a_day(joules, gain)
        fate = draw(st.sampled_from(("kept", "kept", "kept", "kept", "part", "gone")))
        if fate == "kept":
            less[day] = full[day]
        if fate == "part":
            lost = joules * draw(st.floats(0.01, 1.0))
            guess = draw(st.floats(0.0, 2 * level))
            seen_share = 1 - draw(st.floats(0.001, 0.2))
            less[day] = a_day(joules - lost + guess, gain, lost, guess, seen_share)
    limit = level * at.days * draw(st.floats(0.3, 1.5))
    return full, less, at, limit


def a_day(joules: float, gain: float, lost: float = 0.0, guess: float = 0.0, coverage: float = 1.0) -> Day:
    """Joules with a meter's gain; what was lost stands in them as a guess, with a bound that holds it."""
    errors = {"meter": gain * (joules - guess)} if gain else {}
    if lost:
        errors["gap:x"] = abs(lost - guess) + gain * lost
    return Day(figure=Figure(joules, "J", errors=errors, coverage=coverage, terms={"boundary": "node"}))


@given(evidence_taken_away())
def test_taking_evidence_away_never_improves_a_standing(
    case: tuple[dict[date, Day], dict[date, Day], Calendar, float],
) -> None:
    """Neither readings within days nor whole days."""
    full, less, at, limit = case
    asked = target(limit=limit)
    before, after = (progress(asked, at, days, limit).standing for days in (full, less))
    assert RANK[after] >= RANK[before]
