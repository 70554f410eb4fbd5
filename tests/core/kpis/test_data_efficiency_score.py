"""Data Efficiency Score: quality per terabyte, for one task."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.kpis.builders import full_facts, of
from wattmark.core.figure import Missing, Undefined, differing_terms, exact
from wattmark.core.run import Dataset

KPI = "data_efficiency_score"
FACTS = full_facts(dataset=Dataset(unique_bytes=2 * 10**12))


def test_a_quality_of_0_8_from_two_terabytes_is_0_4_per_terabyte() -> None:
    """1 TB = 10^12 bytes."""
    answer = of(KPI, FACTS)
    assert (answer.value, answer.unit) == (pytest.approx(0.4), "1/TB")


def test_two_tasks_or_two_qualities_are_never_compared() -> None:
    """Both are terms."""
    other = of(KPI, replace(FACTS, task="cifar", quality_name="f1", quality=exact(0.8, "1", quality="f1")))
    assert {name for name, _, _ in differing_terms(of(KPI, FACTS), other)} == {"task", "quality"}


def test_declared_bytes_are_said_to_be_declared() -> None:
    """Nobody counted them."""
    declared = replace(FACTS, dataset=Dataset(unique_bytes=10**12, declared=True))
    assert "the bytes of the dataset were declared, not counted" in of(KPI, declared).notes


def test_bytes_as_stored_never_stand_in_for_unique_bytes() -> None:
    """Missing, although the total is known."""
    stored = replace(FACTS, dataset=Dataset(total_bytes=10**12))
    assert of(KPI, stored).field == "unique bytes of the dataset"
    assert of(KPI, replace(FACTS, dataset=None)).field == "unique bytes of the dataset"


def test_without_task_or_quality_it_is_missing() -> None:
    """A score for no task would be compared with anything."""
    assert of(KPI, replace(FACTS, task=None)).field == "task"
    assert of(KPI, replace(FACTS, quality=Missing("quality"))) == Missing("quality")


def test_no_bytes_make_it_undefined() -> None:
    """An empty dataset taught nothing."""
    assert isinstance(of(KPI, replace(FACTS, dataset=Dataset(unique_bytes=0))), Undefined)
