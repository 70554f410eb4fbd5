"""Energy-to-Solution: all attempts, and only once the outcome holds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.kpis.builders import KWH, joules, of, some_facts
from wattmark.core.figure import Figure, Missing, NotReached, differing_terms

KPI = "energy_to_solution"
REACHED = some_facts(energy=joules(2 * KWH), condition="accuracy>=0.9", reached=True, attempts=3)


def test_all_attempts_count_once_the_outcome_holds() -> None:
    """2 kWh over three attempts are 2 kWh."""
    answer = of(KPI, REACHED)
    assert (answer.value, answer.unit) == (pytest.approx(2), "kWh")
    assert answer.terms["outcome"] == "accuracy>=0.9"
    assert "sum of 3 attempts" in answer.notes


def test_one_attempt_is_one_attempt() -> None:
    """Said in the singular."""
    assert "sum of 1 attempt" in of(KPI, replace(REACHED, attempts=1)).notes


def test_how_many_attempts_got_there_is_said_where_it_is_known() -> None:
    """1 of 3, and the two that failed are in the sum."""
    notes = of(KPI, replace(REACHED, attempts_reached=1)).notes
    assert "1 of 3 attempts reached the outcome; all are counted" in notes


def test_the_stages_that_are_in_it_are_named() -> None:
    """A reader sees whether tuning and evaluation were measured."""
    stages = {"training": joules(1), "evaluation": joules(1), "unstaged": joules(1)}
    assert "stages: evaluation, training" in of(KPI, replace(REACHED, energy_by_stage=stages)).notes
    assert not any(n.startswith("stages") for n in of(KPI, replace(REACHED, energy_by_stage={})).notes)


def test_an_outcome_that_was_not_reached_gives_no_figure_but_tells_what_was_spent() -> None:
    """2 kWh spent on accuracy>=0.9, in vain."""
    answer = of(KPI, replace(REACHED, reached=False))
    assert isinstance(answer, NotReached)
    assert answer.target == "accuracy>=0.9"
    assert isinstance(answer.spent, Figure)
    assert answer.spent.value == pytest.approx(2)
    assert "sum of 3 attempts" in answer.spent.notes


def test_an_outcome_that_was_not_reached_stays_so_without_energy() -> None:
    """What was spent is then what is missing."""
    answer = of(KPI, replace(REACHED, reached=False, energy=Missing("energy")))
    assert answer == NotReached("accuracy>=0.9", Missing("energy"))


def test_without_a_declared_outcome_it_is_missing() -> None:
    """Nobody said when the solution is there."""
    assert of(KPI, replace(REACHED, condition=None)).field == "outcome"


def test_without_the_value_that_the_outcome_names_it_is_missing() -> None:
    """Declared, and nobody knows whether it holds."""
    assert of(KPI, replace(REACHED, reached=None)).field == "value for the outcome accuracy>=0.9"


def test_without_energy_it_is_missing() -> None:
    """The outcome holds, the meter failed."""
    assert of(KPI, replace(REACHED, energy=Missing("energy"))) == Missing("energy")


def test_another_outcome_is_another_figure() -> None:
    """0.9 and 0.8 are not the same solution."""
    easier = of(KPI, replace(REACHED, condition="accuracy>=0.8"))
    assert [name for name, _, _ in differing_terms(of(KPI, REACHED), easier)] == ["outcome"]
