"""What of several repeats is held against a bound: their mean, their median, or the worst of them."""

from __future__ import annotations

import math
import statistics
from dataclasses import replace

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from tests.core.decisions import SMALL_CATALOG, a_facts, joules
from wattmark.core.figure import Figure, exact
from wattmark.core.judging import MEDIAN_FROM, NotEnough, decisive, hold_change, hold_level, median_level
from wattmark.core.policy import Aggregation, Limit
from wattmark.core.repeats import Repeat
from wattmark.core.stats import median_rank

ENERGY = SMALL_CATALOG["energy"]
QUALITY = SMALL_CATALOG["quality"]
MEDIAN, WORST = Aggregation.MEDIAN, Aggregation.WORST


def kwh(*values: float, gain: float = 0.05, source: str = "meter:gain") -> tuple[Repeat, ...]:
    """Repeats of these kWh, all by one meter of 5 %."""
    found = []
    for value in values:
        facts = a_facts(joules(3.6e6 * value, gain, source=source))
        found.append(Repeat(facts=facts, least=facts, most=facts, hosts=("h",)))
    return tuple(found)


def gappy(value: float, low: float = 0.99, high: float = 1.01) -> Repeat:
    """So many kWh, a little of them not read."""
    ends = [a_facts(3.6e6 * value * share) for share in (1.0, low, high)]
    return Repeat(facts=ends[0], least=ends[1], most=ends[2], hosts=("h",))


def test_six_values_give_a_median_its_interval() -> None:
    """The chance that all of six lie on one side of the median is 2 / 64, three per cent; of five, six."""
    assert MEDIAN_FROM == 6
    assert [median_rank(n) for n in (5, 6, 8, 9, 20)] == [None, 1, 1, 2, 6]


@for_all(st.integers(min_value=6, max_value=200))
def test_the_rank_is_the_largest_that_holds_95_per_cent(n: int) -> None:
    """Counted out with binomial coefficients: one rank further in would hold less."""

    def outside(rank: int) -> float:
        return float(2 * sum(math.comb(n, i) for i in range(rank)) / 2**n)

    rank = median_rank(n)
    assert rank is not None
    assert outside(rank) <= 0.05 < outside(rank + 1)


def test_the_median_of_a_level_lies_between_its_order_statistics() -> None:
    """Of six exact values it is anywhere from first to last; its middle lies between the middle two."""
    values = (1.0, 1.1, 1.2, 1.3, 1.4, 9.0)
    low, high = median_level([Figure(v, "kWh") for v in values])
    assert (low, high) == pytest.approx((1.0, 9.0))
    held = hold_level(Limit(kpi="energy", max=10.0, aggregation=MEDIAN), ENERGY, kwh(*values, gain=0.0))
    assert held.estimate == pytest.approx(math.sqrt(1.2 * 1.3))
    assert held.interval == pytest.approx((1.0, 9.0))


def test_what_is_zero_has_its_own_interval_in_a_median_too() -> None:
    """There are no logarithms of it."""
    assert median_level([Figure(0.0, "kWh")] * 6) == (0.0, 0.0)
    held = hold_level(Limit(kpi="energy", max=1.0, aggregation=MEDIAN), ENERGY, kwh(*[0.0] * 6, gain=0.0))
    assert held.estimate == 0.0


def test_one_run_astray_moves_the_mean_and_not_the_median() -> None:
    """Ten runs at 1 kWh, one of them at 5: the median passes 1.5, the mean cannot tell."""
    runs = kwh(*[1.0] * 10, 5.0, gain=0.0)
    median = hold_level(Limit(kpi="energy", max=1.5, aggregation=MEDIAN), ENERGY, runs)
    mean = hold_level(Limit(kpi="energy", max=1.5), ENERGY, runs)
    assert median.interval[1] < 1.5 < mean.interval[1]


def test_too_few_runs_for_a_median_say_how_many_it_takes() -> None:
    """Whatever their values; also where only the baseline has too few."""
    with pytest.raises(NotEnough, match="from 6 repeats on, and there are 5") as level:
        hold_level(Limit(kpi="energy", max=9.0, aggregation=MEDIAN), ENERGY, kwh(*[1.0] * 5))
    with pytest.raises(NotEnough, match="there is 1") as change:
        hold_change(
            Limit(kpi="energy", max_increase=9.0, aggregation=MEDIAN), ENERGY, kwh(*[1.0] * 6), kwh(1.0)
        )
    assert level.value.runs_needed == change.value.runs_needed == 6


def test_an_open_median_says_how_many_runs_would_decide() -> None:
    """More than the mean takes; none where the meter's own error is what hides it."""
    runs = kwh(0.9, 0.95, 1.0, 1.0, 1.05, 1.1, gain=0.0)
    median = hold_level(Limit(kpi="energy", max=1.02, aggregation=MEDIAN), ENERGY, runs)
    mean = hold_level(Limit(kpi="energy", max=1.02), ENERGY, runs)
    assert median.runs_needed is not None
    assert mean.runs_needed is not None
    assert median.runs_needed > mean.runs_needed > 6
    hidden = kwh(0.9, 0.95, 1.0, 1.0, 1.05, 1.1)
    assert hold_level(Limit(kpi="energy", max=1.02, aggregation=MEDIAN), ENERGY, hidden).runs_needed is None


def test_medians_are_compared_with_both_their_intervals() -> None:
    """Twice as much is beyond 5 % whatever the order of six close runs; the same runs are open."""
    base = kwh(0.98, 0.99, 1.0, 1.0, 1.01, 1.02)
    twice = kwh(*(2 * v for v in (0.98, 0.99, 1.0, 1.0, 1.01, 1.02)))
    limit = Limit(kpi="energy", max_increase=0.05, aggregation=MEDIAN)
    worse = hold_change(limit, ENERGY, twice, base)
    assert worse.estimate == pytest.approx(1.0)
    assert worse.interval[0] > 0.9
    assert worse.detectable is not None
    tight = Limit(kpi="energy", max_increase=0.01, aggregation=MEDIAN)
    same = hold_change(tight, ENERGY, base, base)
    assert same.interval[0] < 0.0 < same.interval[1]
    assert same.runs_needed is not None
    assert same.runs_needed >= 6


def test_the_worst_run_decides_for_all() -> None:
    """Nine of 1 kWh and one of 2: the worst is 2 within its meter's 5 %, on either side of what is bad."""
    runs = kwh(*[1.0] * 9, 2.0)
    most = hold_level(Limit(kpi="energy", max=1.5, aggregation=WORST), ENERGY, runs)
    least = hold_level(Limit(kpi="energy", min=1.5, aggregation=WORST), ENERGY, runs)
    assert most.estimate == pytest.approx(2.0)
    assert most.interval == pytest.approx((2 * math.exp(-0.05), 2 * math.exp(0.05)))
    assert least.estimate == pytest.approx(1.0)
    assert most.runs_needed is None
    assert hold_level(Limit(kpi="energy", max=2.01, aggregation=WORST), ENERGY, runs).runs_needed is None


def test_the_worst_run_is_held_against_the_mean_of_the_baseline() -> None:
    """One run of three takes 20 % more; beside a single run of a baseline no noise is known."""
    limit = Limit(kpi="energy", max_increase=0.05, aggregation=WORST)
    base = kwh(0.99, 1.0, 1.01)
    held = hold_change(limit, ENERGY, kwh(1.0, 1.2, 1.0), base)
    assert held.estimate == pytest.approx(1.2 / statistics.geometric_mean((0.99, 1.0, 1.01)) - 1.0)
    assert held.interval[0] > 0.15
    assert held.runs_needed is None
    assert held.detectable is not None
    alone = hold_change(limit, ENERGY, kwh(1.0, 1.2), kwh(1.0))
    assert alone.detectable is None
    assert "noise between repeats" in alone.reason


def test_what_could_have_been_caught_is_beyond_the_limit() -> None:
    """By a gate that allows 5 %: 1.05 times what the noise hides, and a fall is below all there is."""
    runs = kwh(0.97, 1.0, 1.03)
    none = hold_change(Limit(kpi="energy", max_increase=0.0), ENERGY, runs, runs).detectable
    some = hold_change(Limit(kpi="energy", max_increase=0.05), ENERGY, runs, runs).detectable
    assert none is not None
    assert some == pytest.approx(1.05 * (1.0 + none) - 1.0)
    told = [a_facts(quality=exact(q, "1", quality="accuracy")) for q in (0.3, 0.6, 0.9)]
    accuracy = [Repeat(facts=facts, least=facts, most=facts) for facts in told]
    fall = hold_change(Limit(kpi="quality", max_decrease=0.05), QUALITY, accuracy, accuracy).detectable
    assert fall is not None
    assert 0.05 < fall < 1.0


def test_meters_that_are_not_shared_hide_a_change_from_any_number_of_runs() -> None:
    """5 % and 5 % leave 7 %; one estimate in five falls short by 0.43 of that: 10 % is the least."""
    limit = Limit(kpi="energy", max_increase=0.0)
    held = hold_change(limit, ENERGY, kwh(*[1.0] * 9, source="other"), kwh(*[1.0] * 9))
    assert held.detectable == pytest.approx(math.expm1(1.4294 * math.hypot(0.05, 0.05)), rel=1e-4)


def test_gaps_take_off_what_could_have_been_caught() -> None:
    """With every gap at its least it has to lie beyond the limit too."""
    limit = Limit(kpi="energy", max_increase=0.05)
    base = kwh(0.99, 1.0, 1.01)
    whole = hold_change(limit, ENERGY, kwh(0.99, 1.0, 1.01), base).detectable
    holed = hold_change(limit, ENERGY, [gappy(0.99), gappy(1.0), gappy(1.01)], base).detectable
    assert whole is not None
    assert holed is not None
    assert holed > whole


def test_gaps_on_both_sides_of_a_bound_are_filled_by_no_further_run() -> None:
    """Idle passes and the most fails, however often it is repeated."""
    limit = Limit(kpi="energy", max_increase=0.02)
    runs = [gappy(f, 0.9, 1.1) for f in (0.98, 1.0, 1.0, 1.02)]
    held = hold_change(limit, ENERGY, runs, kwh(0.98, 1.0, 1.0, 1.02))
    assert not decisive(held.outcomes)
    assert held.runs_needed is None
    level = hold_level(Limit(kpi="energy", max=1.07), ENERGY, [gappy(f, 0.8, 1.3) for f in (0.9, 1.0, 1.1)])
    assert not decisive(level.outcomes)
    assert level.runs_needed is None


def test_gaps_hide_no_more_noise_than_they_can() -> None:
    """Five runs of 1.6 % with 1.2 % between the ends of each: apart as far as they can lie they have 2.2 %.

    Welch's interval is then 3.2 % to either side, and the ends move the change by 1.2 % at the most.
    """
    runs = [gappy(value, 0.993, 1.005) for value in (0.98, 0.99, 1.0, 1.01, 1.02)]
    held = hold_change(Limit(kpi="energy", max_increase=0.05), ENERGY, runs, runs)
    assert decisive(held.outcomes)
    assert held.interval[1] == pytest.approx(0.04478, abs=1e-5)
    assert held.noise_hidden


@for_all(
    st.lists(st.floats(min_value=0.8, max_value=1.25), min_size=2, max_size=4),
    st.lists(st.floats(min_value=0.8, max_value=1.25), min_size=1, max_size=4),
    st.tuples(st.floats(min_value=0.9, max_value=0.999), st.floats(min_value=1.001, max_value=1.2)),
    st.lists(st.integers(min_value=0, max_value=1), min_size=8, max_size=8),
    st.booleans(),
)
@settings(max_examples=50, deadline=None)
def test_whatever_runs_were_in_their_gaps_is_in_the_interval(
    base: list[float], candidate: list[float], ends: tuple[float, float], took: list[int], blocks: bool
) -> None:
    """Each run had its gap at one end or the other: judged as if that had been seen, none reaches further."""
    if blocks:
        candidate = (candidate * len(base))[: len(base)]
    values = (*base, *candidate)
    names = [str(i) if blocks else None for i in (*range(len(base)), *range(len(candidate)))]
    holed = [replace(gappy(v, *ends), block=name) for v, name in zip(values, names, strict=True)]
    seen = [
        replace(kwh(v * ends[end], gain=0.0)[0], block=name)
        for v, name, end in zip(values, names, took, strict=False)
    ]
    n = len(base)
    change, level = Limit(kpi="energy", max_increase=0.05), Limit(kpi="energy", max=1.0)
    for told, true in (
        (hold_change(change, ENERGY, holed[n:], holed[:n]), hold_change(change, ENERGY, seen[n:], seen[:n])),
        (hold_level(level, ENERGY, holed[:n]), hold_level(level, ENERGY, seen[:n])),
    ):
        assert told.interval[0] <= true.interval[0] + 1e-9
        assert told.interval[1] * (1 + 1e-9) + 1e-9 >= true.interval[1]


def test_gaps_in_a_baseline_hide_its_noise_from_the_worst_run_too() -> None:
    """What is then open is not let through: with the gaps seen it may have been a violation."""
    holed = (gappy(0.99), gappy(1.0), gappy(1.01))
    limit = Limit(kpi="energy", max_increase=0.05, aggregation=WORST)
    assert hold_change(limit, ENERGY, kwh(1.0), holed).noise_hidden
    assert not hold_change(limit, ENERGY, kwh(1.0), kwh(0.99, 1.0, 1.01)).noise_hidden


def test_where_higher_is_better_the_worst_is_the_lowest() -> None:
    """0.9 of quality beside 0.95 is a fall of a nineteenth."""

    def scored(value: float) -> Repeat:
        repeat = kwh(1.0)[0]
        facts = replace(repeat.facts, quality=exact(value, "1", quality="accuracy"))
        return replace(repeat, facts=facts, least=facts, most=facts)

    limit = Limit(kpi="quality", max_decrease=0.01, aggregation=WORST)
    held = hold_change(limit, QUALITY, [scored(0.95), scored(0.9)], [scored(0.95)])
    assert held.estimate == pytest.approx(-1 / 19)


@pytest.mark.parametrize("aggregation", list(Aggregation))
def test_gaps_are_held_at_both_ends_by_every_aggregation(aggregation: Aggregation) -> None:
    """What was not read may have been at idle or at the most: the interval reaches over both."""
    base = kwh(*(0.99, 1.0, 1.01) * 2)
    whole = kwh(*(0.99, 1.0, 1.01) * 2)
    holed = tuple(gappy(v) for v in (0.99, 1.0, 1.01) * 2)
    level = Limit(kpi="energy", max=2.0, aggregation=aggregation)
    change = Limit(kpi="energy", max_increase=2.0, aggregation=aggregation)
    for full, less in (
        (hold_level(level, ENERGY, whole), hold_level(level, ENERGY, holed)),
        (hold_change(change, ENERGY, whole, base), hold_change(change, ENERGY, holed, base)),
    ):
        assert less.interval[0] < full.interval[0]
        assert less.interval[1] > full.interval[1]
        assert len(less.outcomes) == 3
