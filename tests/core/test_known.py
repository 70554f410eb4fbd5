"""Grades: their order, what a calibration lifts, and the grade of a sum."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.figure import Figure
from wattmark.core.known import (
    GRADE_OF_METHOD,
    MODEL_LOAD_ERROR,
    Grade,
    Method,
    grade_of_sum,
    model_errors,
    worst_grade,
)


def test_a_better_grade_meets_a_requirement_and_a_worse_one_does_not() -> None:
    """B is at least C and at least B; D is not at least C."""
    assert Grade.B.at_least(Grade.C)
    assert Grade.B.at_least(Grade.B)
    assert not Grade.D.at_least(Grade.C)


@pytest.mark.parametrize(("before", "after"), ["AA", "BA", "CB", "DD", "EE"])
def test_a_calibration_lifts_by_one_grade_and_never_a_model(before: str, after: str) -> None:
    """C becomes B, B becomes A; D and E stay what they are."""
    assert Grade(before).lifted() is Grade(after)


def test_every_method_has_a_grade() -> None:
    """No way of knowing an energy is left without one."""
    assert set(GRADE_OF_METHOD) == set(Method)


def test_the_grade_of_a_sum_ignores_a_part_below_five_percent() -> None:
    """4 J of 100 J at D leave the sum at B; 5 J make it D."""
    assert grade_of_sum({Grade.B: 96, Grade.D: 4}) is Grade.B
    assert grade_of_sum({Grade.B: 95, Grade.D: 5}) is Grade.D


def test_a_sum_of_nothing_has_the_worst_grade_that_is_named() -> None:
    """With 0 J there is no share, so the worst grade counts; with no grade there is none."""
    assert grade_of_sum({Grade.B: 0, Grade.D: 0}) is Grade.D
    assert grade_of_sum({}) is None
    assert worst_grade([]) is None


@given(st.dictionaries(st.sampled_from(Grade), st.floats(0, 1e9), min_size=1))
def test_the_grade_of_a_sum_is_one_of_its_parts(parts: dict[Grade, float]) -> None:
    """A sum is never better or worse than what is in it."""
    assert grade_of_sum(parts) in parts


@pytest.mark.parametrize("relative", [0.5, 0.25, 0.2, 0.1])
def test_the_two_errors_of_a_model_make_up_the_whole(relative: float) -> None:
    """The gain and what the load adds are, in quadrature, the uncertainty of the method."""
    errors = model_errors("model:cpu", relative, "ranker")
    assert set(errors) == {"model:cpu:gain", "model:cpu:load:ranker"}
    assert math.hypot(*errors.values()) == pytest.approx(relative)


def test_a_model_does_not_look_exact_between_different_workloads() -> None:
    """100 J against 50 J by one model on one host: exactly half for one workload, about half for two."""

    def joules(value: float, workload: str) -> Figure:
        errors = {n: e * value for n, e in model_errors("model:cpu", 0.5, workload).items()}
        return Figure(value=value, unit="J", errors=errors)

    assert joules(50.0, "a").over(joules(100.0, "a"), "1").relative == pytest.approx(0.0, abs=1e-12)
    assert joules(50.0, "a").over(joules(100.0, "b"), "1").relative == pytest.approx(
        MODEL_LOAD_ERROR * 2**0.5
    )
