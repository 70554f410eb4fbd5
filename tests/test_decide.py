"""Deciding from Python: the same answers as the verbs, from runs, files or folders."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import wattmark
from tests.builders import a_row, a_run
from wattmark.core.figure import Figure
from wattmark.core.plain import plain
from wattmark.core.run import OutcomeGoal, Run

RUBRIC = """
id = "energy"
version = "1"
[[kpi]]
id = "energy_to_solution"
weight = 1.0
"""
POLICY = """
[[limit]]
kpi = "energy_to_solution"
max_increase = 0.05
"""


def _run(joules: float, number: int) -> Run:
    """A run that reached its outcome with so much energy."""
    return replace(
        a_run(record_id=f"00000000-0000-4000-8000-00000000000{number}"),
        energies=(a_row(energy_joules=joules),),
        outcome=OutcomeGoal(condition="accuracy>=0.9", reached=True),
        started_monotonic_seconds=1000.0 * number,
    )


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with a rubric, a policy and a run file, and nothing configured."""
    (tmp_path / "energy.toml").write_text(RUBRIC)
    (tmp_path / "policy.toml").write_text(POLICY)
    (tmp_path / "old.run.json").write_text(json.dumps(plain(_run(90.0, 1))))
    return tmp_path


def test_half_the_energy_scores_200(files: Path) -> None:
    """45 J against 90 J is a ratio of 2."""
    score = wattmark.score(_run(45.0, 2), files / "old.run.json", rubric=str(files / "energy.toml"))
    assert isinstance(score.value, Figure)
    assert score.value.value == pytest.approx(200.0)


def test_a_comparison_says_by_how_much(files: Path) -> None:
    """45 J against 90 J: half, and the meter's gain, shared by both, cancels."""
    (found,) = wattmark.compare(files / "old.run.json", _run(45.0, 2), kpis=["energy_to_solution"])
    assert found.effect is not None
    assert found.effect.ratio == pytest.approx(0.5)


@pytest.mark.parametrize(("joules", "code"), [(45.0, 0), (180.0, 1)])
def test_a_gate_passes_and_fails(files: Path, joules: float, code: int) -> None:
    """Half the energy passes a limit of 5 % more, twice the energy does not."""
    verdict = wattmark.gate(_run(joules, 2), policy=files / "policy.toml", baseline=files / "old.run.json")
    assert verdict.exit_code == code


def test_a_relative_limit_without_a_baseline_is_not_enough_evidence(files: Path) -> None:
    """Nothing passes for want of something to compare with."""
    assert wattmark.gate(_run(45.0, 2), policy=files / "policy.toml").exit_code == 3


def test_the_public_names_are_these() -> None:
    """What users may rely on changes on purpose only."""
    assert set(wattmark.__all__) == {
        "Dataset",
        "Facts",
        "Figure",
        "Missing",
        "NotReached",
        "Run",
        "Track",
        "Undefined",
        "__version__",
        "attribute",
        "benchmark",
        "compare",
        "dataset",
        "facts_of",
        "gate",
        "log",
        "measured",
        "read_run",
        "score",
        "track",
    }
    for name in wattmark.__all__:
        assert getattr(wattmark, name) is not None
