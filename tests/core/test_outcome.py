"""The declared outcome of a piece of work."""

from __future__ import annotations

import pytest

from wattmark.core.errors import UsageError
from wattmark.core.outcome import Goal, parse_goal
from wattmark.core.run import OutcomeGoal, Quality


@pytest.mark.parametrize(
    ("text", "goal"),
    [
        ("accuracy>=0.95", Goal("accuracy", ">=", 0.95)),
        (" val_loss < 1e-2 ", Goal("val_loss", "<", 0.01)),
        ("top-1 accuracy > .9", Goal("top-1 accuracy", ">", 0.9)),
        ("wer<=-1", Goal("wer", "<=", -1.0)),
    ],
)
def test_a_goal_is_read(text: str, goal: Goal) -> None:
    """A name, a comparison and a number, with or without spaces."""
    assert parse_goal(text) == goal


@pytest.mark.parametrize("text", ["accuracy", "accuracy=0.95", ">=0.95", "accuracy>=high", "0.95<=accuracy"])
def test_what_is_no_goal_shows_the_form(text: str) -> None:
    """The message is an example."""
    with pytest.raises(UsageError, match="of the form NAME>=VALUE"):
        parse_goal(text)


@pytest.mark.parametrize(
    ("condition", "value", "reached"),
    [
        ("accuracy>=0.95", 0.95, True),
        ("accuracy>0.95", 0.95, False),
        ("accuracy<=0.95", 0.95, True),
        ("accuracy<0.95", 0.95, False),
    ],
)
def test_a_goal_is_checked_at_its_edge(condition: str, value: float, reached: bool) -> None:
    """On the line is within for ``>=`` and ``<=`` alone."""
    goal = parse_goal(condition)
    assert goal.check([Quality(name="accuracy", value=value)]) is reached
    assert goal.outcome([Quality(name="accuracy", value=value)]) == OutcomeGoal(
        condition=condition, reached=reached
    )


def test_the_last_value_counts_and_none_is_not_known() -> None:
    """A quality that was not logged neither reaches nor misses."""
    goal = parse_goal("accuracy>=0.9")
    qualities = [Quality(name="accuracy", value=0.5), Quality(name="f1", value=1.0)]
    assert goal.check([*qualities, Quality(name="accuracy", value=0.9)]) is True
    assert goal.check(qualities) is False
    assert goal.check([Quality(name="f1", value=1.0)]) is None
