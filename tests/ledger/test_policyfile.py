"""Policy files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from wattmark import tables
from wattmark.core.errors import ConfigError
from wattmark.core.known import Grade
from wattmark.core.policy import Limit, OnUndecided, Policy
from wattmark.core.rubric import Factors
from wattmark.ledger.policyfile import (
    POLICY_NAME,
    find_policy,
    parse_policy,
    read_policy,
    switched_on,
)

DEFAULT = (tables.bundled() / "policy_default.toml").read_text(encoding="utf-8")


def test_every_field_of_a_limit_is_read(tmp_path: Path) -> None:
    """As it is written."""
    path = tmp_path / "p.toml"
    path.write_text(
        """
        factors = "actual"
        [[limit]]
        kpi = "inference_watts_per_query"
        max = 10
        workload_class = ["classical"]
        stage = "inference"
        grade = "D"
        coverage = 0.9
        repeats = 3
        on_undecided = "warn"
        reason = "because"
        [[limit]]
        kpi = "energy_to_solution"
        max_increase = 0.05
        """
    )
    found = read_policy(path)
    assert found.digest
    assert all(limit.digest for limit in found.limits)
    bare = tuple(replace(limit, digest="") for limit in found.limits)
    assert replace(found, digest="", limits=bare) == Policy(
        limits=(
            Limit(
                kpi="inference_watts_per_query",
                max=10.0,
                workload_class=("classical",),
                stage="inference",
                grade=Grade.D,
                coverage=0.9,
                repeats=3,
                on_undecided=OnUndecided.WARN,
                reason="because",
                place="[[limit]] 1",
                id="inference_watts_per_query.max.inference.classical",
                line=3,
            ),
            Limit(
                kpi="energy_to_solution",
                max_increase=0.05,
                place="[[limit]] 2",
                id="energy_to_solution.max_increase",
                line=13,
            ),
        ),
        factors=Factors.ACTUAL,
        name=str(path),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[limits]]\n", "limits: unknown key; did you mean 'limit'"),
        ('[[limit]]\nkpi = "pue"\nmaximum = 1', r"\[\[limit\]\] 1 maximum: unknown key; did you mean 'max'"),
        ('[[limit]]\nkpi = "pu"\nmax = 1', r"\[\[limit\]\] 1: unknown KPI 'pu'"),
        ('[[limit]]\nkpi = "pue"', r"\[\[limit\]\] 1: has no bound"),
        ("[[limit]]\nmax = 1", r"\[\[limit\]\] 1 kpi: is missing"),
        ('[[limit]]\nkpi = "pue"\nmax = "1"', "max: must be a number"),
        ('[[limit]]\nkpi = "pue"\nmax = 1\ngrade = "E"', "grade E is declared"),
        ('[[limit]]\nkpi = "pue"\nmax = 1\ngrade = "c"', "grade: must be one of A, B, C, D, E"),
        ('[[limit]]\nkpi = "pue"\nmax = 1\non_undecided = "skip"', "must be one of fail, warn, pass"),
        (
            '[[limit]]\nkpi = "pue"\nmax = 1\ncoverage = 0',
            "coverage: must be a number above 0, at most 1, not 0",
        ),
        (
            '[[limit]]\nkpi = "pue"\nmax = 1\nrepeats = 1.5',
            "repeats: must be a whole number from 1 up, not 1.5",
        ),
        ('factors = "mine"', "factors: must be one of baseline, actual"),
    ],
)
def test_a_mistake_names_its_place(text: str, words: str) -> None:
    """A typo never leaves a limit out."""
    with pytest.raises(ConfigError, match=words):
        parse_policy(text, "p.toml")


def test_lines_are_those_that_editors_count() -> None:
    """A mark before everything, and one in a comment that ends a line for Python alone."""
    text = '\ufeff[[limit]]\n# a\u2028b\nkpi = "energy_to_solution"\nmax = "much"\n'
    with pytest.raises(ConfigError) as refused:
        parse_policy(text, "p.toml")
    assert str(refused.value).startswith("p.toml:4: ")


def test_the_default_policy_is_valid_as_shipped_and_with_everything_on() -> None:
    """One relative limit is on; common targets are there, switched off."""
    assert [limit.kpi for limit in parse_policy(DEFAULT, "d").limits] == ["energy_to_solution"]
    on = {limit.kpi: limit for limit in parse_policy(switched_on(DEFAULT), "d").limits}
    assert on["carbon_per_inference_operational"].max == 1.0
    assert on["model_efficiency_ratio"].min == 0.5
    assert on["inference_watts_per_query"].max == 10.0
    assert on["inference_watts_per_query"].workload_class == ("classical", "vision-batch")
    assert on["hardware_utilisation_efficiency"].min == 0.65
    assert on["renewable_energy_matching_annual"].min == 0.9
    assert all(limit.reason for limit in on.values())


def test_the_nearest_policy_is_found(tmp_path: Path) -> None:
    """In this folder or one above it."""
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert find_policy(inner) is None
    (tmp_path / POLICY_NAME).write_text("")
    assert find_policy(inner) == tmp_path / POLICY_NAME
