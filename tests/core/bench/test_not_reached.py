"""Training that never reaches its target: what was spent is told, and is no energy per attempt."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.bench.benchmarks import Plot, a_benchmark, with_queries
from wattmark.core.bench.as_run import run_of, runs_of
from wattmark.core.bench.derive import result_of
from wattmark.core.bench.evidence import Evidence
from wattmark.core.figure import NotReached
from wattmark.core.given import Given
from wattmark.core.kpis import CATALOG
from wattmark.core.run import OutcomeGoal
from wattmark.core.totals import facts_of

TARGET = "accuracy>=0.95"
WHY = "the target was not reached: accuracy 0.5"


def training(*, reached: bool = False) -> Evidence:
    """Two attempts of 60 s at 100 W: 6000 J each."""
    pinned = {"task": "training", "options": {"target": TARGET}, "output_tokens": None}
    evidence = a_benchmark(Plot(repeats=2, seconds=60.0, queries=1), pinned=pinned)
    return evidence if reached else with_queries(evidence, lambda q: replace(q, failed=WHY, score=None))


def test_all_attempts_are_what_was_spent() -> None:
    """12 kJ; there is no energy per attempt."""
    result = result_of(training())
    assert (result.energy, result.target) == (None, TARGET)
    assert result.spent is not None
    assert result.spent.value == pytest.approx(12_000.0)


def test_nothing_is_told_apart_where_one_got_there() -> None:
    """Then it is the energy until then."""
    result = result_of(training(reached=True))
    assert (result.spent, result.target) == (None, TARGET)
    assert result.energy is not None
    one = training()
    first = replace(one, queries=tuple(replace(q, failed="") if q.repeat == 1 else q for q in one.queries))
    assert result_of(first).spent is None


def test_no_attempt_and_no_meter_tell_nothing() -> None:
    """Neither is a zero; inference has no target."""
    assert result_of(replace(training(), queries=())).spent is None
    assert result_of(replace(training(), devices=(), looks=())).spent is None
    assert (result_of(a_benchmark()).spent, result_of(a_benchmark()).target) == (None, "")


def test_its_run_files_agree() -> None:
    """Energy-to-Solution of the repeats is not reached, with the same 12 kJ spent."""
    evidence = training()
    assert run_of(evidence).outcome == OutcomeGoal(condition=TARGET, reached=False)
    assert run_of(replace(evidence, queries=())).outcome == OutcomeGoal(condition=TARGET, reached=None)
    answer = CATALOG["energy_to_solution"].answer(facts_of(runs_of(evidence), Given()))
    assert isinstance(answer, NotReached)
    assert answer.spent.value * 3.6e6 == pytest.approx(12_000.0)  # type: ignore[union-attr]
    assert [r.outcome and r.outcome.reached for r in runs_of(training(reached=True))] == [True, True]
    assert run_of(a_benchmark()).outcome is None
