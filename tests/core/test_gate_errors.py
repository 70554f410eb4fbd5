"""Simulated gates: seeded dice, the gate itself, counts that add up."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tests.core.decisions import ENERGY, QUALITY, SMALL_CATALOG, a_facts, joules
from wattmark.core.errors import UsageError
from wattmark.core.figure import Missing, exact
from wattmark.core.gate_errors import Rates, Trial, elasticity, gate_errors, noise_known_to, noise_of, scaled
from wattmark.core.kpis import CATALOG, Better
from wattmark.core.policy import Limit
from wattmark.core.repeats import Repeat

GROWTH = Limit(kpi="energy", max_increase=0.05, workload_class=("llm",))
FACTS = a_facts(3.6e6)
WHOLE = Repeat(facts=FACTS, least=FACTS, most=FACTS, hosts=("h",))


def tried(
    change: float, *, noise: float = 0.01, runs: int = 5, limit: Limit = GROWTH, **more: Repeat
) -> Rates:
    """A hundred gates."""
    trial = Trial(runs=runs, baseline_runs=runs, noise=noise, change=change)
    return gate_errors(limit, SMALL_CATALOG, more.get("example", WHOLE), trial, random.Random(7), 100)


def test_without_a_change_nothing_fails_and_with_a_large_one_everything_does() -> None:
    """1 % of noise, five runs: no change passes, 15 % more fails, and each trial is counted once."""
    same, worse = tried(0.0), tried(0.15)
    assert (same.failed, same.wrong) == (0, 0.0)
    assert same.passed > 90
    assert (worse.failed, worse.passed, worse.wrong) == (100, 0, 0.0)
    assert same.passed + same.failed + same.undecided == same.trials == 100


def test_at_the_limit_itself_it_is_nearly_always_open() -> None:
    """Neither a violation nor a pass can be shown of a change of exactly the limit."""
    edge = tried(0.05)
    assert edge.undecided > 85
    assert edge.wrong == edge.share(edge.failed)


def test_few_noisy_runs_make_the_gate_silent_not_wrong() -> None:
    """Three runs of 10 %: a true 15 % is rarely caught and never passed off as good."""
    noisy = tried(0.15, noise=0.10, runs=3)
    assert noisy.undecided > 80
    assert noisy.passed <= 5


def test_the_same_dice_give_the_same_rates() -> None:
    """Whoever doubts them rolls again."""
    assert tried(0.05) == tried(0.05)


def test_an_absolute_limit_is_tried_around_its_bound() -> None:
    """The counter's 5 % does not cancel: 20 % below 1 kWh passes, 20 % above fails, at it nobody can tell."""
    limit = Limit(kpi="energy", max=2.0)
    assert tried(-0.2, limit=limit).passed == 100
    assert tried(0.2, limit=limit).failed == 100
    assert tried(0.0, limit=limit).undecided == 100


@pytest.mark.slow
def test_gaps_take_answers_away() -> None:
    """A fiftieth that was not read, at half to twice the mean: fewer pass, none is wrong."""
    ends = [a_facts(joules(3.6e6 * share)) for share in (1.0, 0.99, 1.02)]
    holed = Repeat(facts=ends[0], least=ends[1], most=ends[2], hosts=("h",))
    assert tried(0.0, example=holed).passed < tried(0.0).passed
    assert tried(0.0, example=holed).failed == 0
    assert not scaled(holed, 2.0).complete


def test_a_kpi_that_falls_with_energy_is_followed_backwards() -> None:
    """Work per joule halves when energy doubles."""
    kpi = CATALOG["performance_per_watt"]
    limit = Limit(kpi=kpi.id, max_decrease=0.05)
    assert elasticity(kpi, limit, WHOLE) == pytest.approx(-1.0)
    trial = Trial(runs=5, baseline_runs=5, noise=0.01, change=0.15)
    found = gate_errors(limit, CATALOG, WHOLE, trial, random.Random(7), 50)
    assert found.failed == 50


def test_energy_is_scaled_everywhere() -> None:
    """Stages and components follow; what is missing stays missing."""
    parts = {"training": joules(1.0)}
    whole = replace(FACTS, energy_by_stage=parts, energy_by_component=parts)
    twice = scaled(replace(WHOLE, facts=whole, least=whole, most=whole), 2.0).facts
    assert twice.energy_by_stage["training"].value == twice.energy_by_component["training"].value == 2.0
    lacking = replace(FACTS, energy=Missing("energy"))
    assert scaled(replace(WHOLE, facts=lacking, least=lacking, most=lacking), 2.0).facts.energy == Missing(
        "energy"
    )


def test_noise_is_the_spread_of_logarithms() -> None:
    """Two runs a factor of e^0.02 apart differ by 0.02 / root 2; one run shows none."""
    facts = a_facts(3.6e6 * 1.0202013400267558)
    other = Repeat(facts=facts, least=facts, most=facts)
    assert noise_of(GROWTH, ENERGY, [WHOLE, other]) == pytest.approx(0.02 / 2**0.5)
    with pytest.raises(UsageError, match="two or more"):
        noise_of(GROWTH, ENERGY, [WHOLE])


def test_noise_from_a_few_runs_is_hardly_known() -> None:
    """As table E.1 of the GUM has it: 76, 52, 36 and 24 per cent."""
    assert [round(100 * (noise_known_to(n) or 0.0)) for n in (2, 3, 5, 10)] == [76, 52, 36, 24]
    assert noise_known_to(1) is None


def test_a_stage_has_noise_of_its_own() -> None:
    """Its energy alone is looked at; without it there is nothing to simulate."""
    limit = replace(GROWTH, stage="training")
    facts = replace(FACTS, energy_by_stage={"training": joules(1.0)})
    staged = Repeat(facts=facts, least=facts, most=facts)
    assert noise_of(limit, ENERGY, [staged, staged]) == 0.0
    with pytest.raises(UsageError, match="not a number above zero"):
        noise_of(limit, ENERGY, [WHOLE, WHOLE])


@pytest.mark.parametrize(
    ("limit", "change", "words"),
    [
        (Limit(kpi="quality", min=0.5), 0.1, "quality does not follow energy"),
        (Limit(kpi="energy", max=0.0), 0.1, "a bound of zero"),
        (Limit(kpi="gained", max_decrease=0.1), 1.0, "leaves nothing"),
    ],
)
def test_what_cannot_be_simulated_says_so(limit: Limit, change: float, words: str) -> None:
    """A KPI without energy, a bound of nothing, a fall to nothing."""
    gained = replace(ENERGY, id="gained", better=Better.HIGHER)
    trial = Trial(runs=3, baseline_runs=3, noise=0.01, change=change)
    catalog = {**SMALL_CATALOG, "quality": replace(QUALITY, of=lambda f: exact(0.9, "1")), "gained": gained}
    with pytest.raises(UsageError, match=words):
        gate_errors(limit, catalog, WHOLE, trial, random.Random(1), 10)


def test_shares_come_with_their_own_interval() -> None:
    """Wilson: none of 100 may still be 3.7 %."""
    rates = tried(0.0)
    low, high = rates.interval(0)
    assert low == pytest.approx(0.0, abs=1e-12)
    assert high == pytest.approx(0.0370, abs=1e-4)
