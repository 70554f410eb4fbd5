"""Compute Hours per Business Outcome: what was held for each result."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.kpis.builders import done, of, some_facts
from wattmark.core.facts import Facts
from wattmark.core.figure import Undefined, differing_terms

KPI = "compute_hours_per_outcome"
FACTS = some_facts(device_hours=12.0, work=done("outcomes", 3))


def test_twelve_device_hours_for_three_outcomes_are_four_each() -> None:
    """Provisioned, whether used or idle."""
    answer = of(KPI, FACTS)
    assert (answer.value, answer.unit) == (4.0, "h/outcome")


def test_a_device_twice_as_fast_as_the_reference_counts_twice() -> None:
    """4 h are 8 reference hours; the raw value stays in the note."""
    answer = of(KPI, replace(FACTS, reference_device_factor=2.0))
    assert answer.value == 8.0
    assert answer.terms["normalised_to"] == "reference device"
    assert any(note.startswith("raw 4 h/outcome") for note in answer.notes)


def test_raw_and_normalised_hours_are_never_compared() -> None:
    """One term tells them apart."""
    normalised = of(KPI, replace(FACTS, reference_device_factor=2.0))
    assert [name for name, _, _ in differing_terms(of(KPI, FACTS), normalised)] == ["normalised_to"]


def test_without_hours_or_outcomes_it_is_missing() -> None:
    """Each names what to give."""
    assert of(KPI, replace(FACTS, device_hours=None)).field == "provisioned device-hours"
    assert of(KPI, replace(FACTS, work={})).field == "work (outcomes)"


@pytest.mark.parametrize(
    "wrong",
    [replace(FACTS, work=done("outcomes", 0, failed=2)), replace(FACTS, reference_device_factor=0.0)],
)
def test_no_outcome_or_an_impossible_factor_is_undefined(wrong: Facts) -> None:
    """Hours without a result have no ratio."""
    assert isinstance(of(KPI, wrong), Undefined)
