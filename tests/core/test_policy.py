"""Limits that make no sense are refused with what to write instead."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.core.decisions import QUALITY, SMALL_CATALOG
from wattmark.core.errors import UsageError
from wattmark.core.known import Grade
from wattmark.core.policy import Limit, check_limit


@pytest.mark.parametrize(
    "fields",
    [
        {"kpi": "energy", "max": 1.0},
        {"kpi": "quality", "min": 0.9},
        {"kpi": "energy", "max_increase": 0.0},
        {"kpi": "quality", "max_decrease": 0.05, "grade": Grade.D, "coverage": 1.0},
    ],
)
def test_sensible_limits_are_silent(fields: dict[str, Any]) -> None:
    """One bound each, in the direction that makes sense."""
    check_limit(Limit(**fields), SMALL_CATALOG)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kpi": "enrgy", "max": 1.0}, "unknown KPI 'enrgy'"),
        ({"kpi": "energy"}, "has no bound"),
        ({"kpi": "energy", "max": 1.0, "min": 0.0}, "has max and min: give exactly one"),
        ({"kpi": "quality", "max_increase": 0.05}, "limit its fall with max_decrease"),
        ({"kpi": "energy", "max_decrease": 0.05}, "limit its growth with max_increase"),
        ({"kpi": "energy", "max_increase": -0.05}, "max_increase is -0.05"),
        ({"kpi": "quality", "max_decrease": 1.0}, "share below 1"),
        ({"kpi": "energy", "max": 1.0, "grade": Grade.E}, "grade E is declared"),
        ({"kpi": "energy", "max": 1.0, "repeats": 0}, "repeats is 0"),
        ({"kpi": "energy", "max": 1.0, "coverage": 0.0}, "coverage is 0"),
        ({"kpi": "energy", "max": 1.0, "coverage": 95.0}, "coverage is 95"),
        ({"kpi": "zzz", "max": 1.0}, "unknown KPI 'zzz'; `wattmark kpis list`"),
        ({"kpi": "enrgy", "max": 1.0}, "did you mean 'energy'"),
        ({"kpi": "energy", "max": 1.0, "tolerance": 2.0}, "tolerance is 2"),
        ({"kpi": "energy", "max_increase": 0.1, "tolerance": 0.1}, "say it with max_increase"),
        ({"kpi": "energy", "max": 1.0, "unit": "Wh"}, "unit is 'Wh', and energy is in 'kWh'"),
        ({"kpi": "energy", "max": 1.0, "statistic": "p10"}, "energy has one way to be told"),
        ({"kpi": "several", "max": 1.0, "statistic": "p90"}, "several has p10, mean"),
    ],
)
def test_a_limit_that_makes_no_sense_says_why(fields: dict[str, Any], words: str) -> None:
    """Each mistake has its own sentence."""
    several = replace(QUALITY, statistics={"p10": QUALITY.of, "mean": QUALITY.of})
    with pytest.raises(UsageError, match=words):
        check_limit(Limit(**fields), {**SMALL_CATALOG, "several": several})


def test_a_unit_of_work_may_be_any_word() -> None:
    """What was counted is known once there are runs; another amount is never taken for this one."""
    limit = Limit(kpi="each", max=1.0, unit="gCO2e/output token")
    each = {"each": replace(QUALITY, unit="gCO2e/unit")}
    check_limit(limit, each)
    with pytest.raises(UsageError, match="'kgCO2e/image'"):
        check_limit(replace(limit, unit="kgCO2e/image"), each)


def test_a_limit_tells_what_is_held_against_what() -> None:
    """A tolerance gives room on the far side of an absolute bound, also of one below zero."""
    assert Limit(kpi="energy", max=2.0, tolerance=0.1).allowed == pytest.approx(2.2)
    assert Limit(kpi="energy", min=2.0, tolerance=0.1).allowed == pytest.approx(1.8)
    assert Limit(kpi="energy", max=-2.0, tolerance=0.1).allowed == pytest.approx(-1.8)
    assert Limit(kpi="energy", max=1.0).above_is_bad
    assert Limit(kpi="energy", max_increase=0.1).above_is_bad
    assert not Limit(kpi="quality", max_decrease=0.1).above_is_bad
    assert Limit(kpi="quality", max_decrease=0.1).bound_kind == "max_decrease"


def test_the_grade_a_limit_needs() -> None:
    """C for absolute limits and for a baseline of another host, D on the same host, or what it says."""
    absolute, relative = Limit(kpi="energy", max=1.0), Limit(kpi="energy", max_increase=0.1)
    assert absolute.grade_needed(same_host=True) is Grade.C
    assert relative.grade_needed(same_host=False) is Grade.C
    assert relative.grade_needed(same_host=True) is Grade.D
    assert Limit(kpi="energy", max=1.0, grade=Grade.A).grade_needed(same_host=True) is Grade.A


def test_the_bound_is_the_number_that_was_given() -> None:
    """Zero is a number."""
    assert Limit(kpi="energy", max_increase=0.0).bound == 0.0
    assert Limit(kpi="energy", max_increase=0.0).relative
    assert not Limit(kpi="quality", min=0.9).relative
