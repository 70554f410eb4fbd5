"""How many repeats are enough, and what their interval is worth."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.bench.profile import PROFILES, Profile
from wattmark.core.bench.stopping import Plan, first_stage, needs_more, relative_half_width
from wattmark.core.stats import spread, t_quantile

STANDARD = PROFILES["standard"]
T2 = 4.302653
"""The 97.5 % point of Student's t with 2 degrees of freedom, as tables print it."""


def test_the_first_stage_is_always_made() -> None:
    """Three repeats, whatever the first two look like; two where a profile asks for one."""
    for energies in ([], [50.0], [50.0, 50.0]):
        plan = needs_more(energies, STANDARD, 100.0)
        assert plan == Plan(repeats=3, why="the first 3 repeats tell the noise")
    assert first_stage(replace(STANDARD, min_repeats=1)) == 2


def test_equal_repeats_are_enough() -> None:
    """No spread: the interval is a point."""
    plan = needs_more([50.0, 50.0, 50.0], STANDARD, 300.0)
    assert plan == Plan(repeats=3, why="the 95 % interval shall be within 0.02 of the mean")
    assert relative_half_width([50.0, 50.0, 50.0], 3) == 0.0


def test_steins_number() -> None:
    """s = 1 %: (4.303 x 1 % / ln 1.02)^2 = 4.72, so that five repeats are made in all."""
    energies = [50.0 * math.exp(x) for x in (-0.01, 0.0, 0.01)]
    assert (T2 * 0.01 / math.log(1.02)) ** 2 == pytest.approx(4.72, abs=0.01)
    assert needs_more(energies, STANDARD, 300.0).repeats == 5
    # What later repeats show does not change it.
    assert needs_more([*energies, 90.0], STANDARD, 400.0).repeats == 5


def test_the_interval_is_that_of_the_first_stage() -> None:
    """t with 2 degrees of freedom and its s, over the root of all five."""
    energies = [50.0 * math.exp(x) for x in (-0.01, 0.0, 0.01, 0.5, -0.3)]
    found = relative_half_width(energies, 3)
    assert found == pytest.approx(T2 * 0.01 / math.sqrt(5), rel=1e-6)
    assert found is not None
    assert found <= math.log(1.02)
    assert relative_half_width([50.0], 3) is None


def test_more_than_the_most_is_cut_and_said() -> None:
    """s = 3 % would take 43 repeats; standard makes ten."""
    energies = [50.0 * math.exp(x) for x in (-0.03, 0.0, 0.03)]
    plan = needs_more(energies, STANDARD, 300.0)
    assert (plan.repeats, plan.short) == (10, True)
    assert plan.why.endswith("that needs 43 repeats, and 10 are the most")
    exact = needs_more(energies, replace(STANDARD, precision=0.0), 300.0)
    assert exact.why.endswith("that needs no number of repeats, and 10 are the most")
    assert needs_more([50.0] * 3, replace(STANDARD, precision=0.0), 300.0).repeats == 3


def test_a_spent_budget_ends_it() -> None:
    """After an hour no repeat begins; whether the precision was reached is said."""
    energies = [50.0 * math.exp(x) for x in (-0.01, 0.0, 0.01)]
    assert needs_more(energies, STANDARD, 3600.0) == Plan(
        repeats=3, why="the budget of 3600 s is spent", short=True
    )
    assert not needs_more([50.0, 50.0, 50.0], STANDARD, 3600.0).short
    assert needs_more([50.0], STANDARD, 3600.0).short
    assert needs_more([], STANDARD, 3600.0).repeats == 3  # one must be tried at least


@given(st.lists(st.floats(0.1, 1e6), max_size=12), st.sampled_from(list(PROFILES.values())))
def test_a_plan_lies_between_the_least_and_the_most(energies: list[float], profile: Profile) -> None:
    """And never below what was made already without the budget being spent."""
    plan = needs_more(energies, profile, 0.0)
    most = max(profile.max_repeats, first_stage(profile), len(energies))
    assert first_stage(profile) <= plan.repeats <= most


@given(st.lists(st.floats(0.1, 1e6), min_size=2, max_size=12), st.sampled_from([0.001, 8.0, 1e4]))
def test_scale_does_not_matter(energies: list[float], factor: float) -> None:
    """Joules or watt-hours: the interval is a share."""
    found = relative_half_width([e * factor for e in energies], 3)
    assert found == pytest.approx(relative_half_width(energies, 3), abs=1e-9)


# --- coverage ---------------------------------------------------------------------------------------

TRUE_LOG = math.log(50.0)
CV = 0.04
PROFILE = replace(STANDARD, max_repeats=1000, precision=0.02)


def stein(random: Random) -> bool:
    """One benchmark stopped by the rule: does its interval hold the truth?"""
    energies = [math.exp(random.gauss(TRUE_LOG, CV)) for _ in range(3)]
    plan = needs_more(energies, PROFILE, 0.0)
    energies += [math.exp(random.gauss(TRUE_LOG, CV)) for _ in range(3, plan.repeats)]
    half = relative_half_width(energies, 3)
    assert half is not None
    return abs(math.fsum(map(math.log, energies)) / len(energies) - TRUE_LOG) <= half


def naive(random: Random) -> bool:
    """The same, stopped as soon as the usual interval looks narrow enough."""
    logs = [random.gauss(TRUE_LOG, CV) for _ in range(3)]
    while True:
        told = spread(logs)
        half = t_quantile(0.975, told.n - 1) * told.sd / math.sqrt(told.n)
        if half <= math.log(1.02):
            return abs(told.mean - TRUE_LOG) <= half
        logs.append(random.gauss(TRUE_LOG, CV))


def share(trial: Callable[[Random], bool], seed: int, times: int) -> float:
    random = Random(seed)
    return sum(trial(random) for _ in range(times)) / times


@pytest.mark.slow
def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """4,000 simulated benchmarks of 4 % noise: 95 % within three errors of the simulation (0.34 % each)."""
    assert share(stein, 1, 4000) >= 0.95 - 3 * 0.0034


@pytest.mark.slow
def test_stopping_when_it_looks_narrow_does_not() -> None:
    """The same noise: clearly fewer than 95 % of the intervals hold the truth."""
    assert share(naive, 1, 600) < 0.93
