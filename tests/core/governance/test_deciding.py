"""From a verdict to a decision: levels, dates, waivers, budgets, reviews."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest

from tests.core.decisions import SMALL_CATALOG, a_facts, joules
from wattmark.core.figure import Figure, Missing, NotReached, exact
from wattmark.core.governance.budget import Budget, BudgetStanding, BudgetState
from wattmark.core.governance.deciding import About, decide
from wattmark.core.governance.decision import Decision, Kind, Ruled, Side, Standing
from wattmark.core.governance.identity import Identity, Proof
from wattmark.core.governance.level import Level
from wattmark.core.governance.rules import PolicyAbout
from wattmark.core.governance.scope import Scope
from wattmark.core.governance.waiver import JudgedWaiver, Waiver, WaiverState
from wattmark.core.policy import IfLacking, Limit, OnUndecided, Policy
from wattmark.core.repeats import Repeat
from wattmark.core.verdict import gate

NOW = "2026-11-22T10:00:00Z"
ANNA = Identity(name="anna@example.org", proof=Proof.SSH_SIGNATURE)
BOARD = Identity(name="board@example.org", proof=Proof.SSH_SIGNATURE)
TYPED = Identity(name="board@example.org")
TAGS = {"team": "language", "model": "sorter"}
BROKEN = Limit(id="energy", kpi="energy", max=0.9, reason="a lean model is the aim", line=7)
"""1 kWh +- 5 % is beyond it for sure."""


def run(kwh: float = 1.0) -> Repeat:
    """One run of so many kWh, by a meter of 5 %."""
    facts = a_facts(3.6e6 * kwh)
    return Repeat(facts=facts, least=facts, most=facts, hosts=("h",), tags=(TAGS,))


def decided(
    *limits: Limit,
    waivers: tuple[JudgedWaiver, ...] = (),
    budgets: tuple[BudgetStanding, ...] = (),
    about: PolicyAbout | None = None,
    against: tuple[Repeat, ...] = (),
    candidate: Repeat | None = None,
    at: str = NOW,
    tags: Mapping[str, str] = TAGS,
) -> Decision:
    """What the gate says of one run of 1 kWh."""
    policy = Policy(
        limits=limits,
        budgets=tuple(s.budget for s in budgets),
        name="p.toml",
        digest="d" * 64,
        about=about or PolicyAbout(),
    )
    verdict = gate(policy, [candidate or run()], SMALL_CATALOG, against)
    side = Side(name="sorter", repeats=1, tags=tags)
    return decide(
        policy, verdict, About(candidate=side), SMALL_CATALOG, decided_at=at, waivers=waivers, budgets=budgets
    )


def waiver(
    state: WaiverState = WaiverState.ACTIVE,
    *,
    reason: str = "",
    approver: Identity = BOARD,
    name: str = "W-1",
    **changes: object,
) -> JudgedWaiver:
    """A waiver of the limit on energy up to 1.2 kWh."""
    whole: dict[str, object] = {
        "id": name,
        "rule": "energy",
        "cap": 1.2,
        "requested_by": ANNA,
        "expires": date(2026, 12, 31),
        **changes,
    }
    return JudgedWaiver(
        waiver=Waiver(**whole),  # type: ignore[arg-type]
        state=state,
        digest="w" * 64,
        reason=reason,
        counted=(approver,),
    )


def only(decision: Decision, kind: Kind = Kind.LIMIT) -> Ruled:
    """The one rule of a kind."""
    (found,) = [rule for rule in decision.rules if rule.kind is kind]
    return found


def test_a_pass_is_a_pass() -> None:
    """Everything that a form needs is there: rule, bound, figure with interval and grade, where it stands."""
    found = decided(Limit(id="energy", kpi="energy", max=2.0, target=0.5, line=3))
    rule = only(found)
    assert (found.standing, found.exit_code, rule.standing) == (Standing.PASS, 0, Standing.PASS)
    assert (rule.id, rule.kpi, rule.bound, rule.bound_kind, rule.target) == (
        "energy",
        "energy",
        2.0,
        "max",
        0.5,
    )
    assert (rule.file, rule.line, rule.title) == ("p.toml", 3, "Energy at most 2 kWh")
    assert rule.value is not None
    assert rule.value.value == pytest.approx(1.0)
    assert (rule.value.unit, rule.value.grade) == ("kWh", "B")
    assert rule.value.low is not None
    assert rule.value.low < 1.0
    assert rule.compared == rule.value
    assert rule.advice == ""
    assert (found.policy.file, found.policy.digest, found.decided_at) == ("p.toml", "d" * 64, NOW)


def test_a_violation_fails_with_the_reason_and_what_to_do() -> None:
    """What may be 1 kWh x e^0.05 comes to 0.9 by 14.4 per cent; an exception can be asked for."""
    found = decided(BROKEN)
    rule = only(found)
    assert (found.standing, found.exit_code) == (Standing.FAILED, 1)
    assert rule.reason.startswith("the whole interval lies beyond the limit")
    assert rule.why == "a lean model is the aim"
    assert "lower it by 14.4 %" in rule.advice
    assert "wattmark waiver request" in rule.advice


def test_a_change_is_told_as_a_share() -> None:
    """10 % more than the baseline by the same meter: the gain cancels."""
    found = decided(
        Limit(id="g", kpi="energy", max_increase=0.05), candidate=run(1.1), against=(run(), run())
    )
    rule = only(found)
    assert rule.standing is Standing.FAILED
    assert rule.compared is not None
    assert rule.compared.value == pytest.approx(0.1)
    assert rule.compared.unit == "1"
    assert rule.value is not None
    assert rule.value.value == pytest.approx(1.1)
    assert rule.baseline is not None
    assert rule.baseline.value == pytest.approx(1.0)
    assert rule.repeats == (1, 2)
    assert "lower it by 4.55 %" in rule.advice  # two runs that are equal: no noise, and the gain cancels


def test_a_warning_level_warns() -> None:
    """Broken and unknown alike; the exit code stays 0."""
    broken = decided(replace(BROKEN, level=Level.WARN))
    unknown = decided(Limit(id="energy", kpi="energy", max=1.0, level=Level.WARN))
    for found in (broken, unknown):
        assert (found.standing, found.exit_code, only(found).standing) == (
            Standing.WARNING,
            0,
            Standing.WARNING,
        )


def test_what_is_off_decides_nothing() -> None:
    """It is listed; alone it is not enough evidence."""
    off = replace(BROKEN, level=Level.OFF)
    assert only(decided(off)).standing is Standing.NOT_APPLICABLE
    assert (decided(off).standing, decided(off).exit_code) == (Standing.INCOMPLETE, 3)
    assert "no rule applies to these runs" in decided(off).notes
    assert decided(off, Limit(id="e", kpi="energy", max=2.0)).exit_code == 0


def test_leniency_is_shown_as_what_the_policy_made_of_it() -> None:
    """`warn` is a warning, `pass` is a pass; the ruling stays undecided."""
    for how, standing in ((OnUndecided.WARN, Standing.WARNING), (OnUndecided.PASS, Standing.PASS)):
        rule = only(decided(Limit(id="energy", kpi="energy", max=1.0, on_undecided=how)))
        assert rule.standing is standing
        assert rule.ruling == "undecided"


def test_an_open_limit_says_how_many_runs_to_measure() -> None:
    """Needed less present, on either side."""
    limit = Limit(id="energy", kpi="energy", max=2.0, repeats=3)
    assert only(decided(limit)).advice == "measure 2 more runs"
    relative = Limit(id="energy", kpi="energy", max_increase=1.0, repeats=2)
    advice = only(decided(relative, against=(run(),))).advice
    assert advice == "measure 1 more run of the candidate and 1 more run of the baseline"


# --- Dates ---------------------------------------------------------------------------------------


def test_before_its_first_day_a_policy_only_warns() -> None:
    """On the day itself it holds."""
    about = PolicyAbout(effective=date(2026, 11, 23))
    early = decided(BROKEN, about=about)
    assert (early.standing, early.exit_code) == (Standing.WARNING, 0)
    assert "the policy holds from 2026-11-23 on: until then it only warns" in early.notes
    assert decided(BROKEN, about=about, at="2026-11-23T00:00:00Z").exit_code == 1
    nothing = decided(replace(BROKEN, level=Level.OFF), about=about)
    assert nothing.exit_code == 3


def test_an_overdue_review_is_a_warning_and_saves_nothing() -> None:
    """Its last day counts; it never makes a gate pass to which nothing applies."""
    about = PolicyAbout(review_by=date(2026, 11, 21), owner="board@example.org")
    fine = Limit(id="e", kpi="energy", max=2.0)
    found = decided(fine, about=about)
    assert (found.standing, found.exit_code) == (Standing.WARNING, 0)
    assert only(found, Kind.REVIEW).reason == "overdue for 1 day"
    assert decided(fine, about=replace(about, review_by=date(2026, 11, 22))).standing is Standing.PASS
    assert (
        "2 days"
        in only(decided(fine, about=replace(about, review_by=date(2026, 11, 20))), Kind.REVIEW).reason
    )
    assert decided(replace(BROKEN, level=Level.OFF), about=about).exit_code == 3
    assert decided(BROKEN, about=about).exit_code == 1
    assert found.policy.review_by == "2026-11-21"


# --- Waivers -------------------------------------------------------------------------------------


def test_a_waiver_lets_through_what_lies_within_its_cap() -> None:
    """1 kWh +- 5 % is within 1.2 with its whole interval; the rule stays broken and shown."""
    found = decided(BROKEN, waivers=(waiver(),))
    rule = only(found)
    assert (found.standing, found.exit_code, rule.standing) == (Standing.PASS, 0, Standing.WAIVED)
    assert rule.ruling == "violation"
    assert rule.waiver is not None
    assert (rule.waiver.id, rule.waiver.verified, rule.waiver.note) == ("W-1", True, "")
    assert rule.waiver.expires == "2026-12-31"
    assert rule.advice == ""  # nobody asks for an exception that there is
    assert only(decided(BROKEN)).advice != ""


def test_a_cap_inside_the_interval_is_no_cap_that_holds() -> None:
    """It may be 1.051, and 1.04 was let through."""
    rule = only(decided(BROKEN, waivers=(waiver(cap=1.04),)))
    assert rule.standing is Standing.FAILED
    assert rule.waiver is not None
    assert "its cap of 1.04 kWh is exceeded: it may be 1.05" in rule.waiver.note


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (WaiverState.EXPIRED, "expired 3 days ago"),
        (WaiverState.PENDING, "board@example.org is unverified: a typed name"),
        (WaiverState.STALE, "rule energy was changed since it was approved"),
        (WaiverState.REVOKED, ""),
    ],
)
def test_a_waiver_that_does_not_hold_says_why(state: WaiverState, reason: str) -> None:
    """The violation is back, with the reason beside it."""
    found = decided(BROKEN, waivers=(waiver(state, reason=reason),))
    rule = only(found)
    assert (found.exit_code, rule.standing) == (1, Standing.FAILED)
    assert rule.waiver is not None
    assert rule.waiver.note == (f"{state}: {reason}" if reason else state.value)
    told = [r for r in found.rules if r.kind is Kind.WAIVER]
    assert len(told) == (0 if state is WaiverState.REVOKED else 1)
    assert all(r.standing is Standing.WARNING and r.reason == reason for r in told)
    approve = "`wattmark waiver approve W-1`"  # what was never approved cannot be renewed
    assert all((approve in (r.advice or "")) is (state is WaiverState.PENDING) for r in told)


def test_missing_evidence_needs_a_waiver_that_says_so() -> None:
    """No cap can be shown to hold for what nobody knows."""
    unknown = a_facts(Missing("energy"))
    nothing = Repeat(facts=unknown, least=unknown, most=unknown, tags=(TAGS,))
    limit = Limit(id="energy", kpi="energy", max=2.0)
    refused = decided(limit, waivers=(waiver(),), candidate=nothing)
    assert refused.exit_code == 3
    assert only(refused).waiver is not None
    assert "evidence is missing" in (only(refused).waiver or waiver()).note  # type: ignore[union-attr]
    allowed = decided(limit, waivers=(waiver(evidence=True),), candidate=nothing)
    assert only(allowed).standing is Standing.WAIVED


def test_an_open_limit_within_the_cap_is_let_through() -> None:
    """Whether 1 kWh +- 5 % passes 1.0 is open, that it is within 1.2 is not."""
    limit = Limit(id="energy", kpi="energy", max=1.0)
    assert only(decided(limit, waivers=(waiver(),))).standing is Standing.WAIVED


def test_failed_work_has_no_value_to_cap() -> None:
    """An uncapped waiver lets it through, where a policy allows one."""
    failed = replace(SMALL_CATALOG["energy"], of=lambda f: NotReached("accuracy>=0.95", Figure(1.0, "kWh")))
    policy = Policy(limits=(BROKEN,))
    verdict = gate(policy, [run()], {"energy": failed})
    about = About(candidate=Side(name="s", repeats=1, tags=TAGS))
    for cap, standing in ((1.2, Standing.FAILED), (None, Standing.WAIVED)):
        found = decide(policy, verdict, about, SMALL_CATALOG, decided_at=NOW, waivers=(waiver(cap=cap),))
        assert only(found).standing is standing
        assert only(found).value is None


def test_caps_of_changes_are_shares() -> None:
    """A fifth more than the baseline, within 25 % and not within 15 %."""
    limit = Limit(id="energy", kpi="energy", max_increase=0.05)
    sides = {"candidate": run(1.2), "against": (run(),)}
    assert only(decided(limit, waivers=(waiver(cap=0.25),), **sides)).standing is Standing.WAIVED  # type: ignore[arg-type]
    rule = only(decided(limit, waivers=(waiver(cap=0.15),), **sides))  # type: ignore[arg-type]
    assert rule.standing is Standing.FAILED
    assert rule.waiver is not None
    assert rule.waiver.note == "its cap of 15 % is exceeded: the change may be +20 %"


def test_a_cap_of_a_fall_is_how_far_it_may_fall() -> None:
    """Quality falls by 5.3 %: within a cap of 6 %, not of 5.2 %."""

    def scored(value: float) -> Repeat:
        facts = a_facts(quality=exact(value, "1", quality="accuracy"))
        return Repeat(facts=facts, least=facts, most=facts, hosts=("h",), tags=(TAGS,))

    limit = Limit(id="energy", kpi="quality", max_decrease=0.01, grade=None)
    for cap, standing in ((0.06, Standing.WAIVED), (0.052, Standing.FAILED)):
        found = decided(limit, waivers=(waiver(cap=cap),), candidate=scored(0.9), against=(scored(0.95),))
        assert only(found).standing is standing
    assert "raise it by" in only(found).advice


def test_a_waiver_is_for_the_runs_of_its_scope() -> None:
    """Another team's does nothing and is not told; one whose tag nobody stated says so."""
    other = decided(BROKEN, waivers=(waiver(scope=Scope({"team": ("vision",)})),))
    assert (only(other).standing, only(other).waiver) == (Standing.FAILED, None)
    unknown = only(decided(BROKEN, waivers=(waiver(scope=Scope({"region": ("eu-*",)})),)))
    assert unknown.waiver is not None
    assert unknown.waiver.note == "the runs do not state the region of its scope"
    assert decided(BROKEN, waivers=(waiver(rule="other"),)).rules[0].waiver is None


def test_the_waiver_that_helps_is_taken() -> None:
    """Whichever comes first in the file."""
    tight = waiver(name="W-1", cap=0.95)
    wide = waiver(name="W-2", cap=1.5)
    rule = only(decided(BROKEN, waivers=(tight, wide)))
    assert rule.waiver is not None
    assert (rule.standing, rule.waiver.id) == (Standing.WAIVED, "W-2")


def test_what_is_odd_about_a_waiver_is_a_warning() -> None:
    """It never ends; nobody can vouch for it; nothing needs it; its rule is gone."""
    fine = Limit(id="energy", kpi="energy", max=2.0)
    forever = waiver(WaiverState.PERMANENT, expires=None, reason="never expires")
    typed = waiver(approver=TYPED, reason="board@example.org is unverified: a typed name")
    gone = waiver(WaiverState.STALE, reason="rule energy is not in the policy")
    elsewhere = waiver(WaiverState.STALE, scope=Scope({"team": ("vision",)}))
    for found, words in (
        (decided(BROKEN, waivers=(forever,)), "is permanent"),
        (decided(BROKEN, waivers=(typed,)), "is unverified"),
        (decided(fine, waivers=(waiver(),)), "is stale"),
        (decided(fine, waivers=(gone,)), "is stale"),
    ):
        remark = only(found, Kind.WAIVER)
        assert words in remark.title
        assert remark.standing is Standing.WARNING
        assert (found.standing, found.exit_code) == (Standing.WARNING, 0)
    assert decided(fine, waivers=(elsewhere,)).standing is Standing.PASS
    assert only(decided(BROKEN, waivers=(typed,))).waiver.verified is False  # type: ignore[union-attr]


# --- Budgets -------------------------------------------------------------------------------------

MONTH = Budget(id="month", limit=10.0, unit="kWh", period="month", owner="board@example.org", line=9)
KWH = 3.6e6


def standing(state: BudgetState, used: float | Missing = 9.0, **changes: object) -> BudgetStanding:
    """So many kWh of ten, +- 5 %."""
    fields: dict[str, object] = {"budget": MONTH, "period": "2026-11", **changes}
    figure = used if isinstance(used, Missing) else joules(used * KWH)
    return BudgetStanding(state=state, used=figure, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("stands", "expected", "code"),
    [
        (standing(BudgetState.WITHIN), Standing.PASS, 0),
        (standing(BudgetState.WARNING), Standing.WARNING, 0),
        (standing(BudgetState.SPENT, 12.0), Standing.FAILED, 1),
        (standing(BudgetState.UNDECIDED, 10.0), Standing.INCOMPLETE, 3),
        (standing(BudgetState.UNDECIDED, Missing("a ledger")), Standing.INCOMPLETE, 3),
        (standing(BudgetState.SPENT, 12.0, budget=replace(MONTH, level="warn")), Standing.WARNING, 0),
        (standing(BudgetState.SPENT, 12.0, budget=replace(MONTH, level="off")), Standing.NOT_APPLICABLE, 3),
        (
            standing(BudgetState.UNDECIDED, Missing("x"), budget=replace(MONTH, if_missing="warn")),
            Standing.WARNING,
            0,
        ),
        (
            standing(BudgetState.UNDECIDED, Missing("x"), budget=replace(MONTH, if_missing="pass")),
            Standing.PASS,
            0,
        ),
        (
            standing(BudgetState.UNDECIDED, 10.0, budget=replace(MONTH, if_missing="pass")),
            Standing.INCOMPLETE,
            3,
        ),
        (
            standing(
                BudgetState.UNDECIDED, Missing("x"), hidden=True, budget=replace(MONTH, if_missing="pass")
            ),
            Standing.INCOMPLETE,
            3,
        ),
    ],
)
def test_budgets_stand_as_they_stand(stands: BudgetStanding, expected: Standing, code: int) -> None:
    """Spent is broken, open is not enough evidence; leniency is for what cannot be told at all."""
    found = decided(budgets=(stands,))
    assert only(found, Kind.BUDGET).standing is expected
    assert found.exit_code == code


def test_a_budget_says_whose_it_is_and_whom_to_ask() -> None:
    """Its figures are in kWh as those of other rules are: nobody holds joules against watt-hours."""
    stands = standing(BudgetState.SPENT, 12.0, key=(("team", "language"),), reason="12 kWh of 10")
    rule = only(decided(budgets=(stands,)), Kind.BUDGET)
    assert (rule.id, rule.title) == ("month.language", "10 kWh per month of team language")
    assert (rule.bound, rule.bound_kind, rule.line) == (10.0, "budget", 9)
    assert rule.value is not None
    assert rule.value.value == pytest.approx(12.0)
    assert rule.value.unit == "kWh"
    assert rule.value.high == pytest.approx(12.6)
    assert rule.reason == "12 kWh of 10; period 2026-11"
    assert rule.advice.startswith("talk to board@example.org, or ask for an exception")


def test_each_run_has_its_own_rule_of_a_budget_for_runs() -> None:
    """Otherwise reports would take them for one."""
    each = replace(MONTH, id="run", period="run")
    found = decided(
        budgets=tuple(standing(BudgetState.WITHIN, budget=each, period=f"run r{n}") for n in (1, 2))
    )
    assert [rule.id for rule in found.rules] == ["run.r1", "run.r2"]


def test_budgets_are_waived_in_their_own_unit() -> None:
    """12 kWh +- 5 % of ten, up to 13; what is open is not known to be within any cap."""
    spent = standing(BudgetState.SPENT, 12.0)
    assert only(
        decided(budgets=(spent,), waivers=(waiver(rule="month", cap=13.0),)), Kind.BUDGET
    ).standing is (Standing.WAIVED)
    rule = only(decided(budgets=(spent,), waivers=(waiver(rule="month", cap=12.1),)), Kind.BUDGET)
    assert rule.waiver is not None
    assert "its cap of 12.1 kWh is exceeded: it may be 12.6" in rule.waiver.note
    open_ = standing(BudgetState.UNDECIDED, 10.0)
    assert decided(budgets=(open_,), waivers=(waiver(rule="month", cap=13.0),)).exit_code == 3


def test_a_cap_must_hold_what_may_belong_to_a_budget_as_well() -> None:
    """12 kWh +- 5 %, and 2 kWh that do not say whose: a cap of 13 does not hold that, one of 15 does."""
    spent = standing(BudgetState.SPENT, 12.0, more=2 * KWH)
    assert decided(budgets=(spent,), waivers=(waiver(rule="month", cap=13.0),)).exit_code == 1
    assert decided(budgets=(spent,), waivers=(waiver(rule="month", cap=15.0),)).exit_code == 0
    unknown = standing(BudgetState.SPENT, 12.0, more=None)
    assert decided(budgets=(unknown,), waivers=(waiver(rule="month", cap=1e6),)).exit_code == 1


def test_a_projection_that_fails_is_what_a_waiver_must_hold() -> None:
    """9 kWh so far, 15 in the end, and the budget says that this fails."""
    strict = replace(MONTH, on_projection="fail")
    ahead = standing(BudgetState.WARNING, 9.0, budget=strict, projected=joules(15 * KWH))
    assert decided(budgets=(ahead,)).exit_code == 1
    for cap, code in ((16.0, 0), (13.0, 1)):
        assert decided(budgets=(ahead,), waivers=(waiver(rule="month", cap=cap),)).exit_code == code


def test_leniency_about_missing_baselines_and_figures_shows() -> None:
    """One rule each, as the policy says."""
    rule = only(decided(Limit(id="g", kpi="energy", max_increase=0.1, if_no_baseline=IfLacking.WARN)))
    assert rule.standing is Standing.WARNING
    assert "no baseline" in rule.reason


def test_a_baseline_that_nobody_approved_is_no_evidence() -> None:
    """What is held against could be anything: incomplete, with what to do; before the first day a warning."""
    policy = Policy(limits=(Limit(id="e", kpi="energy", max=2.0),), name="p.toml")
    verdict = gate(policy, [run()], SMALL_CATALOG)
    about = About(candidate=Side(name="s", repeats=1), baseline=Side(name="default", repeats=1))
    for side in (about, replace(about, baseline=None)):
        found = decide(
            policy, verdict, side, SMALL_CATALOG, decided_at=NOW, baseline_doubt="0 of 1 approvals"
        )
        assert (found.standing, found.exit_code) == (Standing.INCOMPLETE, 3)
        assert only(found, Kind.BASELINE).reason == "0 of 1 approvals"
    assert "wattmark baseline approve" in only(found, Kind.BASELINE).advice
    early = replace(policy, about=PolicyAbout(effective=date(2026, 12, 1)))
    softened = decide(early, verdict, about, SMALL_CATALOG, decided_at=NOW, baseline_doubt="none")
    assert (softened.standing, softened.exit_code) == (Standing.WARNING, 0)
