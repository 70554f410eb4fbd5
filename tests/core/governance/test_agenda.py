"""The board's agenda: what presses stands first, and directions are told only where intervals show them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.figure import Figure
from wattmark.core.governance.agenda import (
    Agenda,
    Decided,
    Direction,
    Point,
    Trend,
    by_weight,
    latest,
    pressing,
    reviews_due,
    trends_of,
)
from wattmark.core.governance.audit import Action, Entry
from wattmark.core.governance.budget import Budget, BudgetStanding, BudgetState
from wattmark.core.governance.budgets import Course
from wattmark.core.governance.chain import Finding, FindingKind, Findings
from wattmark.core.governance.decision import PolicyShown, Shown, Standing
from wattmark.core.governance.identity import Identity, Proof
from wattmark.core.governance.periods import Period
from wattmark.core.governance.waiver import JudgedWaiver, Waiver, WaiverState
from wattmark.testing.decisions import every_standing

TODAY = datetime(2026, 11, 20, tzinfo=UTC).date()
ANNA = Identity(name="anna@example.org", proof=Proof.SSH_SIGNATURE)


def entry(seq: int = 1, decision: str = "pass") -> Entry:
    """One gate of the log."""
    return Entry(
        seq=seq,
        at="2026-11-20T09:30:00Z",
        action=Action.GATE_EVALUATED,
        actor=ANNA,
        subject="m",
        decision=decision,
    )


def decided(standing: Standing, seq: int = 1, *, waived: bool = False) -> Decided:
    """A decision that came to this; its rules are those of the sample that fit."""
    sample = every_standing()
    rules = tuple(r for r in sample.rules if waived and r.standing is Standing.WAIVED)
    return Decided(entry=entry(seq, standing.value), decision=replace(sample, standing=standing, rules=rules))


def test_what_passed_since_is_not_to_act_on() -> None:
    """The newest decision of a subject under a policy counts; that of another policy mends nothing."""
    failed, passed = decided(Standing.FAILED, 1), decided(Standing.PASS, 2, waived=True)
    again = decided(Standing.FAILED, 3)
    bare = Decided(entry=entry(4, "pass"), decision=None)

    def told(*some: Decided) -> tuple[str, ...]:
        return Agenda(at="", since="", policy="p", decided=by_weight(some)).breaches

    assert told(failed, passed) == ()
    assert told(failed, passed, again) == told(failed, again) == ("m failed on 2026-11-20",)
    assert told(failed, bare) == ("m failed on 2026-11-20",)
    assert passed.decision is not None
    elsewhere = replace(passed.decision, policy=PolicyShown(file="other.toml", digest=""))
    other = replace(passed, decision=elsewhere)
    assert told(failed, other) == ("m failed on 2026-11-20",)
    assert latest((passed, failed)) == (passed,)


def test_a_pass_of_another_stage_of_the_same_version_mends_nothing() -> None:
    """Its inference passed, its training failed: both have one name."""
    training = of_stage("training", decided(Standing.FAILED, 1))
    inference = of_stage("inference", decided(Standing.PASS, 2))
    mended = of_stage("training", decided(Standing.PASS, 3))
    assert latest((training, inference)) == (training, inference)
    assert latest((training, inference, mended)) == (inference, mended)


def of_stage(stage: str, one: Decided) -> Decided:
    """The same of a stage."""
    assert one.decision is not None
    side = replace(one.decision.candidate, tags={"stage": stage})
    return replace(one, decision=replace(one.decision, candidate=side))


def test_failed_gates_stand_first_and_the_newest_of_them_on_top() -> None:
    """A pass that rests on a waiver is no plain pass."""
    some = [
        decided(Standing.PASS, 1),
        decided(Standing.PASS, 2, waived=True),
        decided(Standing.FAILED, 3),
        decided(Standing.INCOMPLETE, 4),
        decided(Standing.FAILED, 5),
        decided(Standing.WARNING, 6),
    ]
    told = [(one.entry.seq, one.standing) for one in by_weight(some)]
    assert told == [
        (5, Standing.FAILED),
        (3, Standing.FAILED),
        (4, Standing.INCOMPLETE),
        (2, Standing.WAIVED),
        (6, Standing.WARNING),
        (1, Standing.PASS),
    ]


def test_a_decision_that_is_not_kept_counts_by_its_standing() -> None:
    """Where the log keeps hashes alone."""
    bare = Decided(entry=entry(decision="failed"), decision=None)
    assert (bare.standing, bare.rules(Standing.FAILED)) == (Standing.FAILED, ())


def test_a_word_that_no_gate_says_shows_nothing() -> None:
    """An entry that somebody wrote hides no others: it counts as one without evidence."""
    odd = [Decided(entry=entry(1, word), decision=None) for word in ("approved", "", "not applicable")]
    odd.append(decided(Standing.NOT_APPLICABLE, 4))
    assert [one.standing for one in by_weight(odd)] == [Standing.INCOMPLETE] * 4


def test_a_failed_subject_names_what_it_broke() -> None:
    """A board sees at once which rule it is."""
    waived = decided(Standing.PASS, 2, waived=True)
    assert waived.decision is not None
    broken = tuple(replace(rule, id="carbon", standing=Standing.FAILED) for rule in waived.decision.rules)
    failed = replace(waived, decision=replace(waived.decision, standing=Standing.FAILED, rules=broken[:1]))
    told = Agenda(at="", since="", policy="p", decided=(failed,)).breaches
    assert told == ("m failed on 2026-11-20: carbon",)


def point(value: float, at: str = "2026-01", half: float | None = 1.0, **terms: str) -> Point:
    """A figure within one gram."""
    low, high = (None, None) if half is None else (value - half, value + half)
    return Point(at=at, shown=Shown(value=value, unit="gCO2e", low=low, high=high), terms=terms)


def trend(*points: Point) -> Trend:
    """Of one model."""
    return Trend(model="m", kpi="k", points=points)


def test_a_direction_needs_intervals_that_lie_apart() -> None:
    """10 +- 1 to 7 +- 1 fell; to 9 +- 1 it may be the same; without ends nobody knows."""
    first = point(10.0)
    assert trend(first).direction is Direction.NONE
    assert trend(first, point(7.0)).direction is Direction.FELL
    assert trend(first, point(13.0)).direction is Direction.ROSE
    assert trend(first, point(9.0)).direction is Direction.OPEN
    assert trend(first, point(1.0, half=None)).direction is Direction.OPEN
    assert trend(point(10.0, half=None), point(20.0)).direction is Direction.OPEN


def test_points_on_other_terms_are_left_out() -> None:
    """The newest says which count; the others are counted."""
    found = trends_of(
        [
            ("b", "k", point(3.0, "2026-03")),
            ("a", "k", point(2.0, "2026-02", accounting="location")),
            ("a", "k", point(9.0, "2026-01", accounting="market")),
            ("a", "k", point(4.0, "2026-03", accounting="location")),
        ]
    )
    assert [(t.model, [p.shown.value for p in t.points], t.left_out) for t in found] == [
        ("a", [2.0, 4.0], 1),
        ("b", [3.0], 0),
    ]


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 50)), min_size=2, max_size=6))
def test_wider_intervals_never_tell_more(values: list[tuple[float, float]]) -> None:
    """What overlaps goes on overlapping when both ends move out."""
    points = [point(v, f"2026-{i:02d}", half) for i, (v, half) in enumerate(values)]
    wider = [point(v, f"2026-{i:02d}", 2 * half + 1) for i, (v, half) in enumerate(values)]
    if trend(*points).direction is Direction.OPEN:
        assert trend(*wider).direction is Direction.OPEN


def test_reviews_that_are_due() -> None:
    """Overdue first, then within 30 days; later ones and those without a day are not told."""
    days = {"late": -2, "soon": 30, "today": 0, "later": 31}
    stated = [(name, "o", TODAY + timedelta(days=n)) for name, n in days.items()]
    found = reviews_due([*stated, ("never", "", None)], TODAY)
    assert [(r.what, r.days, r.overdue) for r in found] == [
        ("late", -2, True),
        ("today", 0, False),
        ("soon", 30, False),
    ]


def waiver(
    state: WaiverState, name: str = "w", days: int | None = None, *, verified: bool = True
) -> JudgedWaiver:
    """A waiver in a state; approved by a verified person, or by a name that was typed."""
    by = ANNA if verified else Identity(name="b")
    return JudgedWaiver(
        waiver=Waiver(id=name, rule="r", requested_by=ANNA),
        state=state,
        digest="d",
        days_left=days,
        counted=(by,),
    )


def test_waivers_that_press() -> None:
    """Expired, then those about to lapse, the first to go first; active ones only unverified."""
    some = [
        waiver(WaiverState.ACTIVE, "fine", 60),
        waiver(WaiverState.ACTIVE, "typed", 60, verified=False),
        waiver(WaiverState.REVOKED, "gone"),
        waiver(WaiverState.EXPIRING, "later", 20),
        waiver(WaiverState.EXPIRING, "sooner", 5),
        waiver(WaiverState.PERMANENT, "always"),
        waiver(WaiverState.EXPIRED, "over", -3),
        waiver(WaiverState.STALE, "stale"),
        waiver(WaiverState.PENDING, "asked"),
    ]
    assert [one.waiver.id for one in pressing(some)] == [
        "over", "sooner", "later", "always", "asked", "stale", "typed"
    ]  # fmt: skip


def course(state: BudgetState, **changes: Any) -> Course:
    """A budget in a state."""
    standing = BudgetStanding(
        budget=Budget(id="b", limit=1.0, unit="J", period="month"),
        state=state,
        used=Figure(1.0, "J"),
        **changes,
    )
    return Course(standing=standing, period=Period(name="2026-11", kind="month"), limit=1.0)


def test_what_is_broken_is_told_in_words() -> None:
    """Budgets, gates, waivers, reviews, and the log itself; what is not there breaks nothing."""
    whole = Agenda(
        at="2026-11-20T09:30:00Z",
        since="2026-10-20",
        policy="p",
        budgets=(
            course(BudgetState.SPENT, key=(("team", "ads"),)),
            course(BudgetState.UNDECIDED),
            course(BudgetState.WARNING),
        ),
        decided=(decided(Standing.FAILED), decided(Standing.PASS)),
        waivers=(waiver(WaiverState.EXPIRED), waiver(WaiverState.STALE)),
        reviews=reviews_due([("policy", "", TODAY - timedelta(days=1)), ("charter", "", TODAY)], TODAY),
        audit=Findings(count=1, newest=None, findings=(Finding(seq=1, kind=FindingKind.EDITED, text="x"),)),
    )
    assert whole.breaches == (
        "budget b ads is spent",
        "budget b is undecided",
        "m failed on 2026-11-20",
        "waiver w is expired",
        "review of policy is overdue",
        "the audit log was tampered with",
    )
    assert Agenda(at="", since="", policy="p").breaches == ()
    assert Agenda(at="", since="", policy="p", audit=Findings(count=1, newest=None)).breaches == ()
