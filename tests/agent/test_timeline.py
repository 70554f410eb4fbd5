"""The agent's own time: UTC that never runs back, on a clock that never steps."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wattmark.agent.timeline import JUMP_US, Timeline

SECOND = 1_000_000


def test_without_steps_it_is_utc() -> None:
    """At boot second 5, with UTC 100 s ahead, it is 105 s; what others tell by the wall clock is the same."""
    timeline = Timeline(100 * SECOND)
    assert timeline.observe(5.0, 105 * SECOND) is False
    assert timeline.at(5.0) == 105 * SECOND
    assert timeline.heard(104 * SECOND) == 104 * SECOND


def test_a_clock_that_is_set_back_is_followed_slowly() -> None:
    """Ten seconds back: after a second it is 10 ms nearer, and requests told by the wall clock are moved."""
    timeline = Timeline(0)
    timeline.observe(100.0, 100 * SECOND)
    assert timeline.observe(101.0, 91 * SECOND) is False
    assert timeline.at(101.0) == 101 * SECOND - SECOND // 100
    assert timeline.heard(91 * SECOND) == timeline.at(101.0)


def test_a_clock_that_is_set_ahead_is_followed_at_once() -> None:
    """An hour ahead: time begins anew there."""
    timeline = Timeline(0)
    timeline.observe(100.0, 100 * SECOND)
    assert timeline.observe(101.0, 3701 * SECOND) is True
    assert timeline.at(101.0) == 3701 * SECOND
    assert timeline.heard(3701 * SECOND) == 3701 * SECOND


def test_sleep_is_time_like_any_other() -> None:
    """The monotonic clock counts suspend: after an hour asleep both clocks agree, and nothing jumps."""
    timeline = Timeline(0)
    timeline.observe(10.0, 10 * SECOND)
    assert timeline.observe(3610.0, 3610 * SECOND) is False
    assert timeline.at(3610.0) == 3610 * SECOND


@given(
    st.lists(st.tuples(st.floats(0.0, 3600.0), st.integers(-(10**11), JUMP_US - 1)), min_size=1, max_size=20)
)
def test_it_never_runs_back(steps: list[tuple[float, int]]) -> None:
    """Whatever people do to the wall clock: later is later, and lengths are true to one per cent."""
    timeline = Timeline(0)
    boot, wall, before = 1000.0, 1000 * SECOND, 1000 * SECOND
    timeline.observe(boot, wall)
    for passed, step in steps:
        boot += passed
        wall = max(0, wall + round(passed * 1e6) + step)
        jumped = timeline.observe(boot, wall)
        now = timeline.at(boot)
        assert now >= before
        if not jumped:
            assert abs(now - before - passed * 1e6) <= passed * 1e6 * 0.01 + 2
        before = now
