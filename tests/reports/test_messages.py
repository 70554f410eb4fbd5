"""Decisions and budgets as messages: stable keys, figures with interval and grade, nothing hidden."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wattmark.core.figure import Figure, Missing
from wattmark.core.governance.budget import Budget, BudgetStanding, BudgetState
from wattmark.core.governance.decision import Decision, Standing
from wattmark.core.governance.message import Severity, Topic
from wattmark.core.governance.scope import Scope
from wattmark.core.known import Grade
from wattmark.reports.messages import decision_key, decision_message, message_text
from wattmark.reports.messages_budget import budget_message, budgets_listing, budgets_message
from wattmark.testing.decisions import TAGS, every_standing


def only(*standings: Standing, whole: Standing) -> Decision:
    """A decision with rules of these standings alone."""
    found = every_standing()
    return replace(found, standing=whole, rules=tuple(r for r in found.rules if r.standing in standings))


def test_a_decision_tells_everything_worst_first() -> None:
    """Failed, without evidence, warned of, waived, passed; the budget in a table of its own."""
    message = decision_message(every_standing(), "https://ci.example/1")
    rules, budgets, figures = message.tables
    assert [row[0] for row in rules.rows] == ["failed", "not enough evidence", "warning", "waived", "passed"]
    assert rules.notes == ("1 more is not for these runs",)
    assert budgets.rows[0][2] == "412 kgCO2e [400 .. 424], grade B"
    assert figures.rows == (
        ("Carbon per Inference, operational", "1.20 gCO2e/inference [1.10 .. 1.30], grade B, 99 % observed"),
    )
    assert message.severity is Severity.ERROR
    assert not message.resolved
    assert message.topics == (Topic.FAILED, Topic.INCOMPLETE, Topic.WAIVED, Topic.WARNING, Topic.BUDGET)
    assert message.link == "https://ci.example/1"


def test_a_waived_rule_says_who_let_it_through_and_until_when() -> None:
    """Visible, with its ticket and its end."""
    waived = next(row for row in decision_message(every_standing()).tables[0].rows if row[0] == "waived")
    assert "waiver W-7 (expiring, until 2026-12-10, GREEN-12)" in waived[3]
    assert "approved by board@example.org (ssh signature)" in waived[3]


def test_a_pass_that_rests_on_a_waiver_says_so_in_its_first_line() -> None:
    """Whoever reads no table reads it there; what failed failed, whatever else was waived."""
    decision = every_standing()
    kept = tuple(rule for rule in decision.rules if rule.standing in (Standing.PASS, Standing.WAIVED))
    passed = replace(decision, rules=kept, standing=Standing.PASS, exit_code=0)
    assert decision_message(passed).facts[0] == ("Result", "passed (waived)")
    assert decision_message(decision).facts[0] == ("Result", "failed")


def test_who_wants_missing_evidence_hears_of_a_gate_that_no_rule_shut() -> None:
    """No log although one is required, or no rule applies: exit code 3, and no rule says so."""
    shut = only(Standing.PASS, whole=Standing.INCOMPLETE)
    assert decision_message(shut).topics == (Topic.INCOMPLETE,)
    assert not decision_message(shut).resolved
    assert decision_message(replace(shut, rules=())).topics == (Topic.INCOMPLETE,)


def test_a_key_is_of_policy_and_model_and_not_of_the_version() -> None:
    """The next version resolves what the last one broke; another model is another matter."""
    found = every_standing()
    newer = replace(
        found,
        candidate=replace(found.candidate, name="sorter 2.2.0", tags={**TAGS, "model_version": "2.2.0"}),
    )
    other = replace(found, candidate=replace(found.candidate, tags={**TAGS, "model": "ranker"}))
    assert (
        decision_key(found) == decision_key(newer) == "gate/green/team=language/model=sorter/stage=inference"
    )
    assert decision_key(other) != decision_key(found)
    assert (
        decision_key(replace(found, candidate=replace(found.candidate, tags={})))
        == "gate/green/name=sorter 2.1.0"
    )


@pytest.mark.parametrize(
    ("decision", "severity", "resolved"),
    [
        (only(Standing.PASS, whole=Standing.PASS), Severity.INFO, True),
        (only(Standing.PASS, Standing.WAIVED, whole=Standing.PASS), Severity.WARNING, False),
        (only(Standing.PASS, Standing.WARNING, whole=Standing.WARNING), Severity.WARNING, False),
        (only(Standing.INCOMPLETE, whole=Standing.INCOMPLETE), Severity.ERROR, False),
    ],
)
def test_only_a_plain_pass_resolves(decision: Decision, severity: Severity, resolved: bool) -> None:
    """A waiver keeps the matter open, and so does a warning."""
    message = decision_message(decision)
    assert (message.severity, message.resolved) == (severity, resolved)


def test_markdown_formats_nothing_that_it_was_given() -> None:
    """Tags, pipes and addresses are text; code stays code."""
    text = decision_message(every_standing()).markdown
    assert "<b>" not in text
    assert "@example" not in text
    assert "`marks`" in text
    assert "| failed | Inference Watts per Query at most 10 W/kQPS |" in text


def test_the_terminal_sees_the_same() -> None:
    """With tables."""
    text = message_text(decision_message(every_standing()))
    assert text.startswith("sorter 2.1.0: failed (1 failed,")
    assert "Audit log, entry 41" in text


def standing(state: BudgetState, **more: object) -> BudgetStanding:
    """500 kgCO2e a quarter of team language, 412 kg of it used."""
    budget = Budget(
        id="nlp", limit=500.0, unit="kgCO2e", period="quarter", owner="leads@example.org",
        scope=Scope({"team": ("language",), "stage": ("train*",)}), reason="half of last year",
    )  # fmt: skip
    used = Figure(value=412e3, unit="gCO2e", errors={"meter": 12e3}, grades={Grade.B: 1.0})
    fields = {"budget": budget, "used": used, "period": "2026-Q4", "elapsed": 0.57, "burn_rate": 1.44}
    return BudgetStanding(**{**fields, "state": state, **more})  # type: ignore[arg-type]


def test_a_budget_that_is_close_to_its_limit() -> None:
    """Used with interval, grade and share; pace; whose it is."""
    message = budget_message(standing(BudgetState.WARNING), "2026-11-22T12:00:00Z")
    assert message.title == "Budget nlp of team language, stage train*: close to its 500 kgCO2e in 2026-Q4"
    assert dict(message.facts) == {
        "Used": "412 kgCO2e (400 to 424 kgCO2e) grade B, 82 % of it",
        "Limit": "500 kgCO2e",
        "Period": "2026-Q4, 57 % over",
        "Pace": "1.44 times an even pace",
        "Owner": "leads@example.org",
    }
    assert message.labels == {"team": "language", "budget": "nlp"}
    assert (message.severity, message.topics, message.resolved) == (Severity.WARNING, (Topic.BUDGET,), False)
    assert message.key == "budget/nlp"


def test_a_new_period_resolves_what_the_last_one_spent() -> None:
    """The same key, within its limit."""
    spent = budget_message(standing(BudgetState.SPENT), "2026-11-22T12:00:00Z")
    fresh = budget_message(standing(BudgetState.WITHIN, period="2027-Q1"), "2027-01-02T12:00:00Z")
    assert spent.severity is Severity.ERROR
    assert fresh.key == spent.key
    assert fresh.resolved


def test_what_is_not_known_is_told_as_that() -> None:
    """No zero in the place of what nobody measured; what waivers let through is told."""
    unknown = budget_message(standing(BudgetState.UNDECIDED, used=Missing("a ledger", "name one")), "t")
    assert dict(unknown.facts)["Used"] == "missing: a ledger (name one)"
    waived = standing(BudgetState.WARNING, waived=Figure(value=20e3, unit="gCO2e"))
    assert dict(budget_message(waived, "t").facts)["Used"].endswith("20.0 kgCO2e of that waived")


def test_a_message_speaks_of_energy_as_the_limit_does() -> None:
    """3.6 MJ of 2 kWh are 1 kWh; what nothing tells yet is too early to say, in words that anybody reads."""
    budget = Budget(id="e", limit=2.0, unit="kWh", period="month")
    used, waived = Figure(3.6e6, "J", errors={"meter": 3.6e5}), Figure(1.8e6, "J")
    stands = BudgetStanding(
        budget=budget, state=BudgetState.WITHIN, used=used, period="2026-11",
        waived=waived, projected=Missing("projection", "none"), burn_rate=1.2e-7,
    )  # fmt: skip
    assert dict(budget_message(stands, "t").facts) == {
        "Used": "1.00 kWh (0.900 to 1.10 kWh), 50 % of it, 500 Wh of that waived",
        "Limit": "2.00 kWh",
        "Period": "2026-11",
        "Pace": "< 0.01 times an even pace",
        "At its end": "too early to say",
    }


def test_all_budgets_in_one_table() -> None:
    """The worst first, counted in the title; over only when all are within."""
    both = (standing(BudgetState.WITHIN), standing(BudgetState.SPENT, key=(("team", "vision"),)))
    message = budgets_message(both, "t", "wattmark-policy.toml")
    assert message.title == "Budgets of wattmark-policy.toml: 1 spent, 1 within"
    assert [row[0] for row in message.tables[0].rows] == ["spent", "within"]
    gone = Missing("a ledger", "name one")
    (row,) = budgets_listing((standing(BudgetState.UNDECIDED, used=gone, reason=str(gone)),)).rows
    assert (row[2], row[-1]) == ("not known", "missing: a ledger (name one)")  # said once
    assert not message.resolved
    assert budgets_message(both[:1], "t", "p").resolved
