"""What is held against counts for nothing as long as nobody approved it."""

from __future__ import annotations

from datetime import date

import pytest

from wattmark.core.governance.deciding import About, decide
from wattmark.core.governance.decision import Decision, Kind, Side, Standing
from wattmark.core.governance.rules import BaselineRules, PolicyAbout
from wattmark.core.kpis import CATALOG
from wattmark.core.policy import Policy
from wattmark.core.verdict import Verdict

DOUBT = "0 of 1 approvals"


def decided(doubt: str, effective: date | None = None, baseline: str = "main") -> Decision:
    """A decision on runs that no limit is for."""
    about = About(
        candidate=Side(name="sorter", repeats=1),
        baseline=Side(name=baseline, repeats=1) if baseline else None,
    )
    policy = Policy(limits=(), about=PolicyAbout(effective=effective))
    verdict = Verdict(policy="p", findings=())
    return decide(policy, verdict, about, CATALOG, decided_at="2026-11-22T10:00:00Z", baseline_doubt=doubt)


def test_a_baseline_that_nobody_approved_fails_closed() -> None:
    """Not enough evidence, with the reason and what to do."""
    found = decided(DOUBT)
    (rule,) = found.rules
    assert (rule.kind, rule.standing, rule.reason) == (Kind.BASELINE, Standing.INCOMPLETE, DOUBT)
    assert rule.title == "Baseline main is approved"
    assert "wattmark baseline approve main" in rule.advice
    assert (found.standing, found.exit_code) == (Standing.INCOMPLETE, 3)
    assert decided(DOUBT, baseline="").rules[0].title == "Baseline  is approved"


@pytest.mark.parametrize(
    "doubt", ["it is not of a baseline file: x", "it does not say why it was set; 0 of 1"]
)
def test_what_was_not_set_as_asked_cannot_be_approved(doubt: str) -> None:
    """So the next step is to set it."""
    assert decided(doubt).rules[0].advice.startswith("`wattmark baseline set RUN --reason WHY")


def test_before_the_policy_holds_it_only_warns() -> None:
    """As everything does."""
    found = decided(DOUBT, effective=date(2026, 12, 1))
    assert [rule.standing for rule in found.rules] == [Standing.WARNING]
    assert found.exit_code == 0


def test_without_doubt_nothing_is_said() -> None:
    """The usual case."""
    assert decided("").rules == ()


def test_what_a_policy_may_ask() -> None:
    """A reason, approvals, or nothing."""
    assert not BaselineRules().asks
    assert BaselineRules(reason=True).asks
    assert BaselineRules(approvers=1).asks
