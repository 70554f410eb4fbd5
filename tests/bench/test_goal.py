"""Targets: how they are written, and when they are reached."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.bench.goal import Goal
from wattmark.core.errors import UsageError


def test_a_target_is_a_name_and_a_limit() -> None:
    """Spaces are free."""
    assert Goal.of("accuracy>=0.95") == Goal("accuracy", True, 0.95)
    assert Goal.of(" loss <= 2.5e-1 ") == Goal("loss", False, 0.25)


def test_a_number_alone_is_of_the_pinned_quality() -> None:
    """As ``--pin target=0.8`` gives it."""
    assert Goal.pinned({"quality": "accuracy", "target": "0.8"}) == Goal("accuracy", True, 0.8)


@pytest.mark.parametrize(
    "wrong", ["", "accuracy", "accuracy=0.9", "accuracy>=", "a>=nan", "a>=1e999", ">=1", "a>=."]
)
def test_anything_else_is_refused_with_an_example(wrong: str) -> None:
    """The message says how to write it."""
    with pytest.raises(UsageError, match="NAME>=NUMBER"):
        Goal.of(wrong)


def test_the_limit_itself_is_enough_in_both_directions() -> None:
    """0.9 reaches 0.9."""
    assert Goal.of("accuracy>=0.9").met(0.9)
    assert not Goal.of("accuracy>=0.9").met(0.89)
    assert Goal.of("loss<=0.9").met(0.9)
    assert not Goal.of("loss<=0.9").met(0.91)


def test_nothing_and_no_number_never_reach_anything() -> None:
    """A loss that is not a number is no small loss."""
    assert not Goal.of("loss<=1").met(None)
    assert not Goal.of("loss<=1").met(float("nan"))
    assert not Goal.of("loss<=1").met(float("-inf"))


@given(st.floats(-1e6, 1e6), st.booleans())
def test_what_is_shown_reads_back(limit: float, at_least: bool) -> None:
    """To six digits."""
    shown = Goal("q", at_least, limit)
    again = Goal.of(str(shown))
    assert (again.quality, again.at_least) == ("q", at_least)
    assert again.limit == pytest.approx(limit, rel=1e-5, abs=1e-9)
