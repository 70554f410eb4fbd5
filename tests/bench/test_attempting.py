"""Functions of one's own that try to reach a target."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from wattmark.bench.asking import Attempted
from wattmark.bench.attempting import CallableAttempt, own_data, own_pinned
from wattmark.bench.goal import Goal
from wattmark.core.bench.pinned import ModelFacts
from wattmark.core.errors import UsageError

GOAL = Goal.of("accuracy>=0.9")


def attempt(function: Callable[..., Any], goal: Goal = GOAL) -> tuple[Attempted, list[float]]:
    told: list[float] = []
    done = CallableAttempt(function, goal, ModelFacts(id="mine")).run(7, told.append)
    return done, told


def test_a_function_ends_when_it_hears_that_the_target_is_reached() -> None:
    """0.5, 0.7, 0.9: three looks, and no fourth."""

    def train(seed: int, tell: Callable[[float], bool]) -> None:
        quality = 0.5
        while not tell(quality):
            quality = round(quality + 0.2, 1)

    assert attempt(train) == (Attempted(quality=0.9, reached=True), [0.5, 0.7, 0.9])


def test_a_function_may_just_return_its_quality() -> None:
    """Without arguments."""
    assert attempt(lambda: 0.95) == (Attempted(quality=0.95, reached=True), [0.95])


def test_what_was_told_last_counts() -> None:
    """Reached once, and lost again by going on: not reached."""

    def train(tell: Callable[[float], bool]) -> None:
        tell(0.95)
        tell(0.2)

    done, _ = attempt(train)
    assert not done.reached
    assert done.why_not == "accuracy 0.2, wanted accuracy>=0.9"


def test_the_seed_is_handed_on() -> None:
    """Seven."""
    seen: list[int] = []

    def train(seed: int) -> float:
        seen.append(seed)
        return 1.0

    attempt(train)
    assert seen == [7]


def test_a_function_that_raises_is_a_failed_attempt() -> None:
    """What it told before is kept; the benchmark goes on."""

    def train(tell: Callable[[float], bool]) -> None:
        tell(0.6)
        raise RuntimeError("no more memory")

    done, _ = attempt(train)
    assert done == Attempted(quality=0.6, reached=False, why_not="RuntimeError: no more memory")


def test_a_function_that_never_looks_has_no_quality() -> None:
    """Neither told nor returned."""
    done, told = attempt(lambda seed, tell: None)
    assert done.quality is None
    assert not done.reached
    assert told == []


def test_a_loss_is_reached_from_above() -> None:
    """Less is better."""
    assert attempt(lambda: 0.2, Goal.of("loss<=0.25"))[0].reached


def test_a_function_that_wants_more_is_refused_before_it_runs() -> None:
    """Naming what it wants."""
    with pytest.raises(UsageError, match="'data'"):
        CallableAttempt(lambda data: 1.0, GOAL, ModelFacts(id="mine"))


def test_without_a_target_there_is_no_end() -> None:
    """The message has an example."""
    with pytest.raises(UsageError, match="--target"):
        own_pinned("training", own_data(""), 0, {})


def test_data_that_nobody_states_is_unknown() -> None:
    """An empty hash is unknown in the key; the same statement is the same hash."""
    assert own_data("").pin.sha256 == ""
    assert own_data("mnist 1998").pin.sha256 == own_data("mnist 1998").pin.sha256 != ""
    pinned = own_pinned("training", own_data("mnist 1998"), 3, {"target": "loss<=0.5"})
    assert pinned.options == {"quality": "loss", "target": "loss<=0.5", "data": "mnist 1998"}
