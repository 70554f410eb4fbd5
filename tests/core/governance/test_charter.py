"""Charters: what they must state, whether the estimate fits its budget, and the actual beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import a_run
from wattmark.core.errors import NotComparable, UsageError
from wattmark.core.facts import Facts, WorkDone
from wattmark.core.figure import Figure, Missing
from wattmark.core.governance.budget import Budget, BudgetStanding, BudgetState
from wattmark.core.governance.charter import (
    Actual,
    Charter,
    Estimated,
    Finding,
    Held,
    Weight,
    checked,
    exit_code,
    held,
    left_of,
    reached_by,
    stated,
)
from wattmark.core.governance.rules import CharterRules
from wattmark.core.known import Grade
from wattmark.core.repeats import Repeat
from wattmark.core.run import OutcomeGoal, Quality, Run

TODAY = datetime(2026, 11, 20, tzinfo=UTC).date()
KWH = 3.6e6


def estimate(**changes: Any) -> Estimated:
    """10 kWh of nodes, from past runs, within 10 %."""
    return Estimated(**{"energy": 10.0, "uncertainty": 0.1, "basis": "past runs", **changes})


def charter(**changes: Any) -> Charter:
    """One that states the least."""
    return Charter(**{"project": "sorter", "estimate": estimate(), **changes})


def facts(kwh: float = 10.0, **changes: Any) -> Facts:
    """What was used: 10 kWh of nodes, exact, at grade B."""
    terms = {"boundary": changes.pop("boundary", "node")}
    coverage, error = changes.pop("coverage", 1.0), changes.pop("error", 0.0)
    grade = changes.pop("grade", Grade.B)
    joules = kwh * KWH
    energy = Figure(
        joules, "J", errors={"gain": joules * error}, grades={grade: joules}, coverage=coverage, terms=terms
    )
    return Facts(**{"energy": energy, **changes})


def budget(**changes: Any) -> Budget:
    """50 kWh a quarter."""
    return Budget(**{"id": "q", "limit": 50.0, "unit": "kWh", "period": "quarter", **changes})


def standing(kwh: float | None = 20.0, **changes: Any) -> BudgetStanding:
    """20 kWh of it are used."""
    used = Missing("evidence") if kwh is None else Figure(kwh * KWH, "J")
    return BudgetStanding(**{"budget": budget(), "state": BudgetState.WITHIN, "used": used, **changes})


def test_what_is_required_must_be_there() -> None:
    """Each field that is not stated fails; the estimate is required by its one name."""
    rules = CharterRules(
        required=("owner", "estimate", "alternatives", "estimate.carbon", "lifetime_inferences")
    )
    found = checked(charter(alternatives=("smaller",)), rules, TODAY)
    assert [f.field for f in found] == ["owner", "estimate.carbon", "lifetime_inferences"]
    assert exit_code(found) == 1
    bare = checked(charter(estimate=Estimated()), rules, TODAY)
    assert [f.field for f in bare] == [
        "owner", "estimate", "alternatives", "estimate.carbon", "lifetime_inferences"
    ]  # fmt: skip
    assert checked(charter(), None, TODAY) == ()


def test_a_policy_cannot_require_what_charters_do_not_have() -> None:
    """A slip in the policy is an error of the policy."""
    with pytest.raises(UsageError, match="names ownr: a charter has project, owner,"):
        checked(charter(), CharterRules(required=("ownr",)), TODAY)


def test_a_review_that_was_due_is_a_warning() -> None:
    """It stands on the agenda, and fails nothing."""
    (found,) = checked(charter(review_by=date(2026, 11, 19)), None, TODAY)
    assert found == Finding(field="review_by", problem="was due on 2026-11-19", weight=Weight.WARNS)
    assert exit_code([found]) == 0
    assert checked(charter(review_by=TODAY), None, TODAY) == ()


@pytest.mark.parametrize(
    ("kwh", "weight"),
    [(10.0, None), (27.0, None), (30.0, Weight.UNKNOWN), (34.0, Weight.FAILS)],
)
def test_the_estimate_must_fit_what_is_left(kwh: float, weight: Weight | None) -> None:
    """30 kWh are left: 27 +- 10 % fits, 30 may, and 34 does not."""
    found = checked(charter(budget="q", estimate=estimate(energy=kwh)), None, TODAY, [budget()], [standing()])
    assert [f.weight for f in found] == ([] if weight is None else [weight])
    assert exit_code(found) == {None: 0, Weight.UNKNOWN: 3, Weight.FAILS: 1}[weight]


def test_what_needs_more_than_is_left_says_how_much() -> None:
    """In the budget's own unit."""
    told = charter(budget="q", estimate=estimate(energy=40.0))
    (found,) = checked(told, None, TODAY, [budget()], [standing()])
    assert found.problem == "36 to 44 kWh is needed and 30 to 30 kWh is left: the whole interval lies beyond"


def test_a_budget_must_be_there_and_be_comparable() -> None:
    """One that the policy does not have, and carbon that is not estimated, fail."""
    (unknown,) = checked(charter(budget="x"), None, TODAY, [budget()])
    assert unknown.problem == "'x' is not in the policy; it has q"
    (none,) = checked(charter(budget="x"), None, TODAY)
    assert none.problem.endswith("it has none")
    grams = budget(unit="kgCO2e", limit=5.0)
    (lacking,) = checked(charter(budget="q"), None, TODAY, [grams])
    assert "missing: estimate.carbon" in lacking.problem
    told = charter(budget="q", estimate=estimate(carbon=4.0))
    assert checked(told, None, TODAY, [grams]) == ()


def test_a_budget_kept_by_tags_is_the_projects_own() -> None:
    """The other team's is spent; nothing was counted of the own one, so that all of it is left."""
    ads = standing(50.0, key=(("team", "ads"),))
    nlp = standing(10.0, key=(("team", "nlp"),))
    told = charter(budget="q", team="nlp", estimate=estimate(energy=30.0))
    assert checked(told, None, TODAY, [budget(by=("team",))], [ads, nlp]) == ()
    assert told.tags == {"project": "sorter", "team": "nlp"}
    assert checked(told, None, TODAY, [budget(by=("team",))], [ads]) == ()
    assert checked(told, None, TODAY, [budget()], [standing(None)]) == ()


def test_a_budget_of_which_nobody_counts_anything_is_not_a_full_one() -> None:
    """Where there is nothing to count from, what is left is not known; what is more than all of it fails."""
    nowhere = standing(None, more=None)
    (found,) = checked(charter(budget="q"), None, TODAY, [budget()], [nowhere])
    assert found.problem == "what is left of it is not known: missing: evidence"
    assert exit_code([found]) == 3
    too_much = charter(budget="q", estimate=estimate(energy=500.0))
    assert exit_code(checked(too_much, None, TODAY, [budget()], [nowhere])) == 1


def test_what_may_belong_to_a_budget_is_taken_off_what_is_left() -> None:
    """10 kWh that state no team: 20 to 30 kWh are left."""
    told = standing(untagged=Figure(10.0 * KWH, "J"), more=10.0 * KWH)
    assert left_of(budget(), told) == (20.0 * KWH, 30.0 * KWH)
    assert left_of(budget(), standing(more=None)) == (0.0, 30.0 * KWH)  # something of it has no figure
    assert left_of(budget(), None) == (50.0 * KWH, 50.0 * KWH)
    assert left_of(budget(), standing(60.0)) == (0.0, 0.0)


def test_an_estimate_on_other_terms_is_not_held_against_a_budget() -> None:
    """Location-based grams beside market-based ones, devices beside nodes; a mix of both may hold either."""
    market = budget(unit="kgCO2e", accounting="market")
    grams = {"carbon": 1.0, "uncertainty": 0.1}
    (found,) = checked(charter(budget="q", estimate=estimate(**grams)), None, TODAY, [market])
    assert found.weight is Weight.UNKNOWN
    assert "location-based and the budget market-based" in found.problem
    same = charter(budget="q", estimate=estimate(**grams, accounting="market"))
    assert checked(same, None, TODAY, [market]) == ()
    for boundary, fits in (("node", True), ("device+node", True), ("device", False), ("", True)):
        used = Figure(20 * KWH, "J", terms={"boundary": boundary} if boundary else {})
        told = checked(charter(budget="q"), None, TODAY, [budget()], [standing(used=used)])
        assert [f.weight for f in told] == ([] if fits else [Weight.UNKNOWN])


def test_an_estimate_says_how_it_is_known() -> None:
    """From runs it is of grade D, declared of E and within 100 %; a stated grade holds."""
    past = estimate().figure
    assert isinstance(past, Figure)
    assert (past.value, past.grade) == (36e6, Grade.D)
    assert past.half_width == pytest.approx(3.6e6)
    declared = Estimated(energy=1.0, carbon=2.0, carbon_unit="gCO2e")
    told, grams = declared.figure, declared.carbon_figure
    assert isinstance(told, Figure)
    assert isinstance(grams, Figure)
    assert (told.grade, told.relative, grams.value) == (Grade.E, 1.0, 2.0)
    graded = estimate(grade=Grade.C).figure
    assert isinstance(graded, Figure)
    assert graded.grade is Grade.C
    assert isinstance(Estimated().figure, Missing)


def test_every_field_has_its_name() -> None:
    """Those of the estimate under theirs."""
    told = stated(charter())
    assert told["project"] == "sorter"
    assert told["estimate.energy"] == 10.0
    assert not {"file", "estimate", "estimate.from_file"} & set(told)


def beside(told: Facts | Repeat, reached: bool | None = True, **changes: Any) -> Actual:
    """The actual beside 10 kWh, with 20 % allowed."""
    return held(
        charter(**changes), whole(told) if isinstance(told, Facts) else told, CharterRules(), reached, 0.95
    )


def whole(told: Facts) -> Repeat:
    """All attempts, of which everything was seen."""
    return Repeat(facts=told, least=told, most=told)


@pytest.mark.parametrize(
    ("kwh", "error", "verdict", "code"),
    [
        (9.0, 0.05, Held.WITHIN, 0),
        (11.9, 0.0, Held.WITHIN, 0),
        (11.9, 0.05, Held.NOT_ENOUGH, 3),
        (13.0, 0.05, Held.BEYOND, 1),
    ],
)
def test_the_actual_is_held_by_its_interval(kwh: float, error: float, verdict: Held, code: int) -> None:
    """12 kWh are allowed: 11.9 +- 5 % may be more."""
    told = beside(facts(kwh, error=error))
    assert (told.verdict, told.exit_code) == (verdict, code)
    assert told.ratio is not None
    assert told.ratio.value == pytest.approx(kwh / 10.0)
    assert told.inside is (kwh <= 11.0)


def test_an_outcome_that_was_not_reached_is_told() -> None:
    """Within the estimate, and for nothing; what is beyond is beyond all the same."""
    assert beside(facts(), False).verdict is Held.NOT_REACHED
    assert beside(facts(), False).exit_code == 1
    assert beside(facts(), None).reason == "whether the outcome was reached is not known"
    assert beside(facts(20.0), False).verdict is Held.BEYOND


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (facts(coverage=0.9), "coverage 90.0% is below the 95% that it needs"),
        (facts(grade=Grade.E), "the actual is declared (grade E), not measured"),
    ],
)
def test_too_little_evidence_never_holds_an_estimate(told: Facts, reason: str) -> None:
    """However small it is."""
    found = beside(told)
    assert (found.verdict, found.reason) == (Held.NOT_ENOUGH, reason)


@pytest.mark.parametrize(
    ("lacks", "reason"),
    [
        ({"unread": ("1 of 2 gpu devices",)}, "no energy was read of 1 of 2 gpu devices"),
        ({"bounded": False}, "the most the device draws is not known"),
        ({"simulated": True}, "clock and meters were simulated"),
    ],
)
def test_what_nobody_read_keeps_no_promise(lacks: dict[str, Any], reason: str) -> None:
    """A device that is listed and was not read, a gap without an upper end, meters that were made up."""
    found = beside(replace(whole(facts(5.0)), **lacks))
    assert found.verdict is Held.NOT_ENOUGH
    assert reason in found.reason
    more = beside(replace(whole(facts(20.0)), **lacks))
    assert more.verdict is (Held.NOT_ENOUGH if "simulated" in lacks else Held.BEYOND)


def test_no_energy_is_not_enough_evidence() -> None:
    """Never 0."""
    found = beside(Facts(energy=Missing("energy")))
    assert (found.verdict, found.ratio, found.inside) == (Held.NOT_ENOUGH, None, None)


def test_other_terms_are_refused() -> None:
    """Devices beside nodes, other work, and a charter without an estimate."""
    with pytest.raises(NotComparable, match="boundary: node against device"):
        beside(facts(boundary="device"))
    images = {"images": WorkDone(unit="images", count=1.0)}
    with pytest.raises(NotComparable, match="functional_unit: inferences against images"):
        beside(facts(work=images), functional_unit="inferences")
    assert beside(facts(work=images), functional_unit="images").verdict is Held.WITHIN
    assert beside(facts(), functional_unit="images").verdict is Held.WITHIN
    with pytest.raises(UsageError, match=r"the charter: missing: estimate\.energy"):
        beside(facts(), estimate=Estimated())


def test_an_estimate_at_the_facility_meets_the_pue() -> None:
    """10 kWh of nodes x 1.2; without a PUE there is no way there."""
    pue = Figure(1.2, "1", terms={"pue_kind": "declared"})
    found = beside(facts(pue=pue), estimate=estimate(boundary="facility"))
    assert isinstance(found.actual, Figure)
    assert found.actual.value == pytest.approx(12 * KWH)
    with pytest.raises(NotComparable, match="boundary: facility against node"):
        beside(facts(), estimate=estimate(boundary="facility"))
    assert beside(facts(boundary="facility"), estimate=estimate(boundary="facility")).verdict is Held.WITHIN


def run(quality: float | None = None, own: OutcomeGoal | None = None, **changes: Any) -> Run:
    """One attempt with an accuracy."""
    logged = () if quality is None else (Quality(name="accuracy", value=quality),)
    return a_run(quality=logged, outcome=own, **changes)


def test_one_attempt_that_got_there_is_enough() -> None:
    """By its quality, or by the same outcome that it declared; failed ones did not; others do not tell."""
    goal = charter(outcome="accuracy>=0.9")
    same = OutcomeGoal(condition="accuracy>=0.9", reached=True)
    other = OutcomeGoal(condition="f1>=0.9", reached=True)
    open_still = OutcomeGoal(condition="accuracy>=0.9", reached=None)
    assert reached_by(goal, [run(0.8), run(0.95)]) is True
    assert reached_by(goal, [run(own=same)]) is True
    assert reached_by(goal, [run(0.8), run(failed=True)]) is False
    assert reached_by(goal, [run(0.8), run()]) is None
    assert reached_by(goal, [run(own=other)]) is None
    assert reached_by(goal, [run(own=open_still)]) is None
    assert reached_by(goal, []) is None
    assert reached_by(charter(), [run(own=same)]) is True
    assert reached_by(charter(), [run(0.95)]) is None


def test_an_outcome_that_is_none_is_refused() -> None:
    """Also where no file was read."""
    with pytest.raises(UsageError, match="NAME>=VALUE"):
        checked(charter(outcome="good"), None, TODAY)


@given(st.floats(1.0, 30.0), st.floats(0.0, 0.5), st.floats(0.0, 1.0))
def test_taking_readings_away_never_holds_an_estimate(kwh: float, error: float, coverage: float) -> None:
    """What was beyond or not enough with all readings is never within with fewer."""
    full, part = beside(facts(kwh, error=error)), beside(facts(kwh, error=error, coverage=coverage))
    if full.verdict is not Held.WITHIN:
        assert part.verdict is not Held.WITHIN
