"""Rules in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.decisions import SMALL_CATALOG
from wattmark.core.facts import Answer
from wattmark.core.figure import Figure, Missing, NotReached
from wattmark.core.governance.budget import Budget
from wattmark.core.governance.scope import Scope
from wattmark.core.governance.showing import shown, shown_figures
from wattmark.core.governance.wording import budget_words, finding_advice, limit_words
from wattmark.core.kpis import CATALOG
from wattmark.core.policy import Aggregation, Limit
from wattmark.core.verdict import Finding, Ruling


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (Limit(kpi="energy", max=2.0), "Energy at most 2 kWh"),
        (Limit(kpi="energy", min=0.5, stage="training"), "Energy in stage training at least 0.5 kWh"),
        (Limit(kpi="quality", min=0.9), "Quality at least 0.9"),
        (Limit(kpi="energy", max_increase=0.05), "Energy at most 5 % more than the baseline"),
        (Limit(kpi="energy", max_increase=0.0), "Energy no more than the baseline"),
        (Limit(kpi="quality", max_decrease=0.02), "Quality at most 2 % less than the baseline"),
        (Limit(kpi="energy", max=2.0, tolerance=0.05), "Energy at most 2 kWh (5 % tolerance)"),
        (Limit(kpi="energy", max=2.0, unit="Wh"), "Energy at most 2 Wh"),
        (
            Limit(kpi="energy", max=2.0, aggregation=Aggregation.WORST),
            "Energy at most 2 kWh, worst of the repeats",
        ),
    ],
)
def test_a_limit_reads_as_a_sentence(limit: Limit, words: str) -> None:
    """Number, unit, direction."""
    assert limit_words(limit, SMALL_CATALOG) == words


def test_a_statistic_is_named() -> None:
    """The mean is not the tenth percentile."""
    limit = Limit(kpi="hardware_utilisation_efficiency", min=0.65, statistic="mean")
    assert limit_words(limit, CATALOG) == "Hardware Utilisation Efficiency (mean) at least 0.65"


def test_a_budget_reads_as_a_sentence() -> None:
    """By kind of period, by name, without an end, of somebody."""
    budget = Budget(id="b", limit=500.0, unit="kgCO2e", period="quarter", scope=Scope({"team": ("nlp",)}))
    assert budget_words(budget) == "500 kgCO2e per quarter of team nlp"
    assert budget_words(budget, (("team", "nlp-1"),)) == "500 kgCO2e per quarter of team nlp-1"
    assert budget_words(budget, (("team", ""), ("model", ""))).endswith("quarter of any team, any model")
    assert budget_words(replace(budget, period="2027-Q1", scope=Scope())) == "500 kgCO2e in 2027-Q1"
    assert budget_words(replace(budget, period="total", scope=Scope())) == "500 kgCO2e in total"


def test_advice_says_how_far_it_is_where_that_can_be_said() -> None:
    """Not of a bound of zero, nor of a change that nobody knows."""
    zero = Finding(limit=Limit(kpi="energy", max=0.0), ruling=Ruling.VIOLATION, value=Figure(1.0, "kWh"))
    assert finding_advice(zero).startswith("lower it, or ask")
    unknown = Finding(limit=Limit(kpi="quality", max_decrease=0.1), ruling=Ruling.VIOLATION)
    assert finding_advice(unknown).startswith("raise it, or ask")
    enough = Finding(
        limit=Limit(kpi="energy", max=1.0), ruling=Ruling.UNDECIDED, runs_needed=3, repeats=(3, 0)
    )
    assert finding_advice(enough) == ""
    both = Limit(kpi="energy", max_increase=0.1)
    done = Finding(limit=both, ruling=Ruling.UNDECIDED, runs_needed=3, repeats=(3, 3))
    assert finding_advice(done) == ""


@pytest.mark.parametrize(
    ("limit", "interval", "words"),
    [
        (Limit(kpi="energy", max=0.9), (0.95, 1.05), "lower it by 14.3 %"),  # 0.9 / 1.05 is 0.857
        (Limit(kpi="quality", min=0.9), (0.5, 0.6), "raise it by 80 %"),
        (Limit(kpi="energy", max_increase=0.05), (0.17, 0.23), "lower it by 14.7 %"),  # 14.63, rounded up
        (Limit(kpi="quality", max_decrease=0.1), (-0.5, -0.4), "raise it by 80 %"),
        (Limit(kpi="quality", max_decrease=0.1), (-1.0, -0.4), "raise it,"),
        (Limit(kpi="energy", max=1.0, tolerance=0.5), (1.6, 3.0), "lower it by 50 %"),
        (Limit(kpi="energy", max=1e-4), (1.0, 1.1), "lower it by more than 99.9 %"),
        (Limit(kpi="quality", min=1.0), (0.4, 0.5), "raise it by 150 %"),
    ],
)
def test_advice_brings_the_whole_interval_within_the_bound(
    limit: Limit, interval: tuple[float, float], words: str
) -> None:
    """Not its middle alone: then the gate could still not tell."""
    found = Finding(
        limit=limit, ruling=Ruling.VIOLATION, value=Figure(1.0, "kWh"), interval=interval, estimate=0.2
    )
    assert finding_advice(found).startswith(words)


def test_work_that_failed_is_not_told_to_use_less() -> None:
    """No energy is small enough for an outcome that was not reached."""
    lost = NotReached("accuracy of 0.9", Figure(1.0, "kWh"))
    found = Finding(limit=Limit(kpi="energy", max=2.0), ruling=Ruling.VIOLATION, value=lost)
    assert finding_advice(found).startswith("reach the outcome that was declared, or ask")


def test_what_is_not_finite_is_not_shown() -> None:
    """JSON has no word for it; an end that is infinite is not known."""
    assert shown(Figure(float("inf"), "1")) is None
    found = shown(Figure(1.0, "1"), (0.5, float("inf")))
    assert found is not None
    assert (found.low, found.high) == (0.5, None)
    answers: dict[str, Answer] = {"a": Figure(1.0, "1"), "b": Missing("b"), "c": Figure(float("nan"), "1")}
    assert list(shown_figures(answers)) == ["a"]
