"""Digests: what changed is told only where it may be compared; which periods are due."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.figure import Figure, Missing
from wattmark.core.governance.digest import (
    MOST_BEHIND,
    Change,
    Used,
    before,
    change_between,
    due,
    largest_first,
    last_whole,
)

NODE = {"boundary": "node", "component": "cpu"}
NOW = datetime(2026, 11, 9, 7, tzinfo=UTC)
"""A Monday: 2026-W45 is over."""


def joules(value: float, error: float = 0.0, source: str = "meter", **terms: str) -> Figure:
    """Energy with one source of error."""
    return Figure(value=value, unit="J", errors={source: error} if error else {}, terms={**NODE, **terms})


def test_a_change_is_a_ratio_with_its_interval() -> None:
    """150 J after 100 J, each known to 2 % by another meter: 1.5, and certainly more."""
    change = change_between(joules(150.0, 3.0, "a"), joules(100.0, 2.0, "b"))
    assert change.ratio is not None
    assert change.ratio.value == pytest.approx(1.5)
    assert change.direction == 1
    assert change_between(joules(100.0, 2.0, "b"), joules(150.0, 3.0, "a")).direction == -1


def test_a_change_within_the_interval_is_none_that_shows() -> None:
    """105 J after 100 J, each known to 10 %."""
    assert change_between(joules(105.0, 10.5, "a"), joules(100.0, 10.0, "b")).direction == 0


def test_what_both_meters_share_cancels() -> None:
    """One meter that is 10 % off is so in both weeks: 105 J after 100 J is 5 % more, for certain."""
    change = change_between(joules(105.0, 10.5), joules(100.0, 10.0))
    assert change.direction == 1
    assert change.ratio is not None
    assert change.ratio.half_width == pytest.approx(0.0)


def test_gaps_of_two_weeks_do_not_cancel() -> None:
    """105 J after 100 J, of which 10 J in either week were not read: that is no more for certain."""
    change = change_between(joules(105.0, 10.5, "gap:team=a:b"), joules(100.0, 10.0, "gap:team=a:b"))
    assert change.direction == 0
    assert change.ratio is not None
    assert change.ratio.half_width == pytest.approx(0.105 + 0.105)


@pytest.mark.parametrize(
    ("now", "then", "why"),
    [
        (Missing("energy"), joules(1.0), "not known: missing: energy"),
        (joules(1.0), Missing("energy"), "the period before is not known: missing: energy"),
        (joules(1.0), joules(0.0), "nothing was used in the period before"),
        (joules(1.0, boundary="device"), joules(1.0), "boundary: device against node"),
    ],
)
def test_what_may_not_be_compared_is_refused_with_the_reason(
    now: Figure | Missing, then: Figure | Missing, why: str
) -> None:
    """No change is told, and none is guessed."""
    change = change_between(now, then)
    assert change.ratio is None
    assert change.direction == 0
    assert why in change.refused


def test_terms_that_need_not_be_equal_do_not_stand_in_the_way() -> None:
    """Which component it was is no boundary."""
    assert change_between(joules(1.0, component="gpu"), joules(1.0)).ratio is not None


def test_the_last_whole_week_and_the_one_before() -> None:
    """On a Monday the week that ended yesterday."""
    week = last_whole("week", NOW, UTC)
    assert week.name == "2026-W45"
    assert before(week, UTC).name == "2026-W44"
    assert last_whole("month", NOW, UTC).name == "2026-10"


@pytest.mark.parametrize(
    ("last", "names", "more"),
    [
        ("", ["2026-W45"], 0),
        ("2026-W45", [], 0),
        ("2026-W46", [], 0),
        ("2026-W43", ["2026-W44", "2026-W45"], 0),
        ("2026-W37", [f"2026-W{n}" for n in range(38, 46)], 0),
        ("2026-W36", [f"2026-W{n}" for n in range(38, 46)], -1),
    ],
)
def test_what_is_due_is_what_came_after_the_last_one(last: str, names: list[str], more: int) -> None:
    """The oldest first; at most eight are made good, and it is said that there were more."""
    periods, older = due("week", NOW, UTC, last)
    assert [period.name for period in periods] == names
    assert older == more


@given(st.integers(0, 2000), st.sampled_from(["day", "week", "month", "quarter"]))
def test_nothing_is_due_twice(days: int, kind: str) -> None:
    """Once the newest was told nothing is due at that moment, across ends of years too."""
    moment = datetime.fromtimestamp(1_790_000_000 + 86_400 * days, UTC)
    periods, _ = due(kind, moment, UTC, "")
    assert len(periods) == 1
    assert due(kind, moment, UTC, periods[0].name) == ((), 0)
    assert 0 < len(due(kind, moment, UTC, "2020")[0]) <= MOST_BEHIND


def test_the_largest_come_first_and_the_rest_is_counted() -> None:
    """What is not known could be the largest."""
    groups = [Used(name=n, energy=e, carbon=e) for n, e in (("a", joules(1.0)), ("b", joules(3.0)))]
    groups.append(Used(name="c", energy=Missing("x"), carbon=Missing("x"), energy_change=Change()))
    shown, left = largest_first(groups, 2)
    assert [one.name for one in shown] == ["c", "b"]
    assert left == 1
