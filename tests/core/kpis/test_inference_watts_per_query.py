"""Inference Watts per Query: joules per query, shown for a thousand queries per second."""

from __future__ import annotations

import pytest

from tests.core.kpis.builders import done, joules, of, some_facts
from wattmark.core.figure import Missing, Undefined, differing_terms

KPI = "inference_watts_per_query"


def test_one_joule_per_query_is_1000_watts_per_1000_queries_per_second() -> None:
    """100 J for 100 queries."""
    answer = of(KPI, some_facts(energy=joules(100)))
    assert (answer.value, answer.unit) == (pytest.approx(1000), "W/kQPS")


def test_idle_replicas_are_in_it() -> None:
    """100 J served and 100 J idled: 2 J per query."""
    stages = {"inference": joules(100), "unstaged": joules(100)}
    assert of(KPI, some_facts(energy=joules(200), energy_by_stage=stages)).value == pytest.approx(2000)


def test_the_workload_class_is_a_term_where_it_is_known() -> None:
    """A language model is never compared with a small classifier."""
    vision = of(KPI, some_facts(workload_class="vision-batch"))
    assert differing_terms(vision, of(KPI, some_facts())) == [("workload_class", "vision-batch", None)]


def test_without_energy_or_queries_it_is_missing() -> None:
    """Each names what to give."""
    assert of(KPI, some_facts(energy=Missing("energy"))) == Missing("energy")
    assert of(KPI, some_facts(work=done("output_tokens", 5))).field == "work (inferences)"


def test_no_query_makes_it_undefined() -> None:
    """No rate to divide by."""
    assert isinstance(of(KPI, some_facts(work=done("inferences", 0))), Undefined)
