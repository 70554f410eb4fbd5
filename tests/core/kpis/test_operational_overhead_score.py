"""Operational Overhead Score: four parts, a quarter each, none of them guessed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.kpis.builders import OPERATIONS, of, some_facts
from wattmark.core.facts import Operations
from wattmark.core.figure import Missing, Undefined

KPI = "operational_overhead_score"


def score(**changes: Any) -> Any:
    """The score when one thing is changed from nothing lost."""
    return of(KPI, some_facts(operations=replace(OPERATIONS, **changes)))


def test_nothing_lost_is_a_hundred_points() -> None:
    """No latency, no CPU, no steps, nothing declared."""
    answer = score()
    assert (answer.value, answer.unit) == (100, "points")


@pytest.mark.parametrize(
    ("change", "points"),
    [
        ({"latency_p95_seconds": 1800.0}, 87.5),
        ({"latency_p95_seconds": 3600.0}, 75),
        ({"latency_p95_seconds": 99999.0}, 75),
        ({"own_cpu_seconds": 0.5}, 87.5),
        ({"own_cpu_seconds": 5.0}, 75),
        ({"manual_steps": 10}, 75),
        ({"declared_share": 0.4}, 90),
    ],
)
def test_each_part_loses_a_quarter_at_most(change: dict[str, Any], points: float) -> None:
    """Half of 3600 s or of 10 % CPU costs 12.5 points, all of it 25, more still 25."""
    assert score(**change).value == pytest.approx(points)


def test_everything_lost_is_zero_points_and_the_note_says_where() -> None:
    """Four times 25."""
    answer = score(latency_p95_seconds=1e9, own_cpu_seconds=1e9, manual_steps=99, declared_share=1.0)
    assert answer.value == 0
    assert answer.notes == ("points lost: latency 25, own CPU 25, manual steps 25, declared figures 25",)


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("latency_p95_seconds", "latency from window end to ledger"),
        ("own_cpu_seconds", "own CPU seconds"),
        ("workload_cpu_seconds", "workload CPU seconds"),
        ("manual_steps", "manual steps per report"),
        ("declared_share", "share of declared figures"),
    ],
)
def test_a_part_that_is_not_known_leaves_no_score(field: str, name: str) -> None:
    """Its weight never falls to the others."""
    answer = score(**{field: None})
    assert isinstance(answer, Missing)
    assert answer.field == name


def test_everything_that_is_missing_is_named_at_once() -> None:
    """Not one after the other."""
    assert of(KPI, some_facts(operations=Operations())).field.count(",") == 4


@pytest.mark.parametrize(
    "field", ["latency_p95_seconds", "own_cpu_seconds", "manual_steps", "declared_share"]
)
def test_less_than_nothing_is_undefined(field: str) -> None:
    """A negative part would lift the score above 100."""
    assert isinstance(score(**{field: -1}), Undefined)


def test_a_workload_without_cpu_time_is_undefined() -> None:
    """There is nothing that the own CPU time is a share of."""
    assert isinstance(score(workload_cpu_seconds=0.0), Undefined)


@given(st.floats(0, 1e6), st.floats(0, 1e3), st.integers(0, 100), st.floats(0, 1))
def test_it_lies_between_0_and_100(latency: float, own: float, steps: int, declared: float) -> None:
    """Whatever the parts are."""
    answer = score(
        latency_p95_seconds=latency, own_cpu_seconds=own, manual_steps=steps, declared_share=declared
    )
    assert -1e-9 <= answer.value <= 100
