"""What is allowed in a policy and makes little sense."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fnmatch import fnmatchcase

import pytest

from wattmark.core.governance.budget import Budget
from wattmark.core.governance.level import Level
from wattmark.core.governance.rules import AuditRules, BaselineRules, IdentityRules, PolicyAbout, WaiverRules
from wattmark.core.governance.scope import Scope
from wattmark.core.governance.sense import remarks_on
from wattmark.core.policy import Aggregation, IfLacking, Limit, Policy

TODAY = date(2026, 11, 22)
FINE = Limit(id="e", kpi="energy", max=1.0, line=3)
GROWTH = Limit(id="g", kpi="energy", max_increase=0.05, repeats=3)
BUDGET = Budget(id="b", limit=1.0, unit="kWh", period="month", line=9)


def said(**fields: object) -> list[str]:
    """What is said of a policy with these, without where."""
    whole: dict[str, object] = {"limits": (FINE, GROWTH), "budgets": (BUDGET,), **fields}
    return [remark.says for remark in remarks_on(Policy(**whole), TODAY)]  # type: ignore[arg-type]


def test_a_policy_that_makes_sense_is_silent() -> None:
    """Also one that was reviewed, holds, and names enough people."""
    assert said() == []
    assert (
        said(
            about=PolicyAbout(effective=date(2026, 1, 1), review_by=date(2026, 11, 22)),
            waivers=WaiverRules(approvers=2),
            identity=IdentityRules(roles={"board": ("a", "b")}),
            audit=AuditRules(required=True, log="audit"),
            budgets=(replace(BUDGET, period="2026-Q4"),),
        )
        == []
    )


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (replace(FINE, level=Level.OFF), "it is switched off"),
        (
            replace(FINE, workload_class=("llm",), scope=Scope({"workload_class": ("vision-*",)})),
            "exclude each other",
        ),
        (replace(FINE, aggregation=Aggregation.MEDIAN), "a median needs 6 repeats"),
        (replace(GROWTH, repeats=1), "one run says nothing about noise"),
        (replace(FINE, if_no_baseline=IfLacking.WARN), "if_no_baseline says nothing"),
        (replace(GROWTH, max_increase=5.0), "lets it grow by 500 %: a share is meant, 0.05 is 5 %"),
        (replace(FINE, max=None, max_decrease=1.0, repeats=3), "lets it fall by 100 %"),
        (replace(FINE, kpi="hardware_utilisation_efficiency", max=None, min=65.0), "lies between 0 and 1"),
        (replace(FINE, kpi="pue", max=0.9), "it can never pass: pue lies between 1 and inf"),
        (replace(FINE, max=-1.0), "it can never pass"),
        (replace(FINE, kpi="energy_to_solution", max=None, min=3.0), "is max meant?"),
        (replace(FINE, kpi="performance_per_watt", max=3.0), "is min meant?"),
        (replace(FINE, scope=Scope({"team": ("ok-[ab]", "vision-[a")})), "'vision-[a' is matched letter by"),
        (replace(FINE, scope=Scope({"team": ("!vision",)})), "team '!vision' is matched letter by letter"),
    ],
)
def test_a_limit_that_cannot_do_what_it_says(limit: Limit, words: str) -> None:
    """One remark each, with its line."""
    (remark,) = remarks_on(Policy(limits=(limit,)), TODAY)
    assert words in remark.says
    assert (remark.about, remark.line) == (limit.id, limit.line)


@pytest.mark.parametrize(
    "limit",
    [
        replace(GROWTH, max_increase=0.99),
        replace(FINE, kpi="hardware_utilisation_efficiency", max=None, min=1.0),
        replace(FINE, kpi="pue", max=1.0),
        replace(FINE, kpi="energy_to_solution", max=0.0),
        replace(FINE, scope=Scope({"team": ("a*", "[!a]b?", "[]x]", "[a][b]", "[[]", "[!]]", "]")})),
    ],
)
def test_bounds_and_patterns_that_can_be_meant_are_fine(limit: Limit) -> None:
    """Up to the edge of what a KPI can be; every pattern that a shell reads as one."""
    assert said(limits=(limit,)) == []


@pytest.mark.parametrize("pattern", ["[]", "[!]", "a[", "[a]b[", "[!a", "[]a"])
def test_a_bracket_that_opens_nothing_is_told(pattern: str) -> None:
    """The matcher takes it for itself, so that the pattern fits nothing but its own letters."""
    assert fnmatchcase(pattern.replace("[a]", "a"), pattern)
    assert len(said(limits=(replace(FINE, scope=Scope({"team": (pattern,)})),))) == 1


def test_classes_that_a_scope_allows_are_fine() -> None:
    """Whether by pattern or by leaving them out."""
    both = replace(FINE, workload_class=("vision-batch",), scope=Scope({"workload_class": ("vision-*",)}))
    assert said(limits=(both,)) == []
    assert said(limits=(replace(FINE, workload_class=("vision-batch",)),)) == []


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        (replace(BUDGET, level="off"), "it is switched off"),
        (replace(BUDGET, period="2026-Q3"), "2026-Q3 is over"),
        (replace(BUDGET, period="2025"), "2025 is over"),
    ],
)
def test_a_budget_that_is_over_is_told(budget: Budget, words: str) -> None:
    """It will never apply again."""
    (found,) = said(budgets=(budget,))
    assert words in found


def test_dates_that_are_over_or_to_come_are_told() -> None:
    """And those that exclude each other."""
    assert said(about=PolicyAbout(review_by=date(2026, 11, 21))) == ["its review was due on 2026-11-21"]
    late = PolicyAbout(effective=date(2026, 12, 1), review_by=date(2026, 12, 1))
    assert said(about=late) == [
        "it holds from 2026-12-01 on: until then everything only warns",
        "its review is due before it holds",
    ]


def test_a_policy_without_rules_is_told() -> None:
    """A gate refuses it."""
    assert said(limits=(), budgets=()) == ["there is no [[limit]] and no [[budget]]: a gate refuses it"]


def test_approvals_that_nobody_or_everybody_can_give_are_told() -> None:
    """Too few people, a role that is not named, names that anybody can type, a log that is nowhere."""
    few = IdentityRules(roles={"board": ("a", "a")})
    assert said(identity=few, waivers=WaiverRules(approvers=2)) == [
        "2 must approve and 'board' has 1: no waiver can hold"
    ]
    assert "everybody may approve" in said(identity=IdentityRules(roles={"owners": ("a",)}))[0]
    assert "anybody can type" in said(identity=IdentityRules(allow_unverified=True))[0]
    assert "a log is required" in said(audit=AuditRules(required=True))[0]


def test_a_baseline_asks_for_something_or_nothing() -> None:
    """A reason, or people who approve."""
    assert not BaselineRules().asks
    assert BaselineRules(reason=True).asks
    assert BaselineRules(approvers=1).asks
