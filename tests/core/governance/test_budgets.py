"""Budgets: decided on intervals, and never made to look better by evidence that is not there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.figure import Figure, Missing
from wattmark.core.governance.budget import Budget, BudgetStanding, BudgetState, base_unit, beside_limit
from wattmark.core.governance.budgets import (
    Course,
    alone,
    beyond_at_end,
    course_of,
    exit_code_of,
    may_be_let_off,
    ruling_of,
)
from wattmark.core.governance.level import Level
from wattmark.core.governance.periods import period_at
from wattmark.core.governance.scope import Applies, Scope
from wattmark.core.governance.uses import Use, added, keys_of
from wattmark.core.verdict import Ruling

START = datetime(2026, 11, 1, tzinfo=UTC)
LATE = datetime(2026, 11, 29, tzinfo=UTC)
BETTER = {BudgetState.WITHIN: 0, BudgetState.WARNING: 1, BudgetState.UNDECIDED: 2, BudgetState.SPENT: 3}


def budget(**changes: Any) -> Budget:
    """1000 J a month, of everything."""
    return Budget(**{"id": "b", "limit": 1000.0, "unit": "J", "period": "month", **changes})


def use(joules: float = 10.0, day: int = 1, *, share: float = 1.0, error: float = 0.0, **tags: str) -> Use:
    """10 J on a day, exact, of nobody."""
    figure = Figure(joules, "J", errors={"gain": error * joules} if error else {}, terms={"boundary": "node"})
    return Use(at=START + timedelta(days=day - 1), tags=tags, figure=figure, share=share)


def course(*uses: Use, now: datetime = LATE, key: Any = (), waived: Any = (), **changes: Any) -> Course:
    """How they stand."""
    asked = budget(**changes)
    period = period_at(asked.period, now, UTC)
    return course_of(asked, period, uses, now, UTC, key=key, waived=waived)


def standing(*uses: Use, **more: Any) -> BudgetStanding:
    """How they stand."""
    return course(*uses, **more).standing


def test_what_is_used_evenly_is_within() -> None:
    """280 J in 28 of 30 days of 1000 J: 28 % of it, 300 J in the end, 72 days to go."""
    told = standing(*(use(10.0, day) for day in range(1, 29)))
    assert told.state is BudgetState.WITHIN
    assert isinstance(told.used, Figure)
    assert (told.used.value, told.period) == (280.0, "2026-11")
    assert told.elapsed == pytest.approx(28 / 30)
    assert told.burn_rate == pytest.approx(0.3)
    assert told.days_left == pytest.approx(72.0)
    assert isinstance(told.projected, Figure)
    assert told.projected.value == pytest.approx(300.0)
    assert told.reason == ""


@pytest.mark.parametrize(
    ("unit", "shown", "value"), [("Wh", "kWh", 1.0), ("J", "J", 3.6e6), ("kgCO2e", "gCO2e", 3.6e6)]
)
def test_amounts_are_shown_in_the_terms_of_the_limit(unit: str, shown: str, value: float) -> None:
    """3.6 MJ beside a limit in watt-hours are 1 kWh; beside one in joules they stay joules."""
    asked = budget(unit=unit)
    told = beside_limit(Figure(3.6e6, base_unit(asked), ends=(1.8e6, 7.2e6)), asked)
    assert (told.unit, told.value) == (shown, pytest.approx(value))
    assert told.interval == pytest.approx((value / 2, value * 2))


def test_a_burn_rate_of_one_spends_it_in_exactly_the_period() -> None:
    """500 J of 1000 J at the middle of the month."""
    told = standing(use(500.0), now=datetime(2026, 11, 16, tzinfo=UTC))
    assert told.burn_rate == pytest.approx(1.0)
    assert told.days_left == pytest.approx(15.0)


def test_spent_is_beyond_with_the_whole_interval() -> None:
    """1100 J +- 5 % is spent; 1040 J +- 5 % may be 988 J, and is undecided."""
    spent = standing(use(1100.0, error=0.05))
    assert spent.state is BudgetState.SPENT
    assert spent.reason == "1100 J [1045 J .. 1155 J]: the whole interval lies beyond 1000 J"
    assert spent.days_left == 0.0
    open_still = standing(use(1040.0, error=0.05))
    assert open_still.state is BudgetState.UNDECIDED
    assert "inside the interval" in open_still.reason


def test_it_warns_by_the_upper_end() -> None:
    """780 J +- 5 % may be 819 J: beyond 80 %."""
    told = standing(use(780.0, error=0.05), on_projection="ignore")
    assert told.state is BudgetState.WARNING
    assert told.reason == "78% of it is used: it warns from 80%"
    assert standing(use(700.0, error=0.05), on_projection="ignore").state is BudgetState.WITHIN


def test_it_warns_where_the_projection_is_beyond() -> None:
    """40 J a day for ten days are 400 J, and 1200 J in the end."""
    uses = [use(40.0, day) for day in range(1, 11)]
    now = datetime(2026, 11, 11, tzinfo=UTC)
    told = standing(*uses, now=now)
    assert told.state is BudgetState.WARNING
    assert told.reason == "at the rate so far it comes to 1200 J by the end of 2026-11"
    assert ruling_of(told) is Ruling.PASS
    assert beyond_at_end(told)
    assert ruling_of(standing(*uses, now=now, on_projection="fail")) is Ruling.VIOLATION
    assert standing(*uses, now=now, on_projection="ignore").state is BudgetState.WITHIN


def test_a_projection_that_may_lie_within_only_warns() -> None:
    """Days of 10 and 80 J: what comes may be either, and nothing fails."""
    uses = [use(10.0 if day % 2 else 80.0, day) for day in range(1, 7)]
    told = standing(*uses, now=datetime(2026, 11, 7, tzinfo=UTC), on_projection="fail")
    assert told.state is BudgetState.WARNING
    assert told.reason.endswith("the limit lies inside its interval")
    assert ruling_of(told) is Ruling.PASS


def test_a_projection_that_gaps_hide_is_not_enough_evidence() -> None:
    """50 J a day come to 1500 J for sure; with readings lost in two days, what was lost may decide."""
    now, many = datetime(2026, 11, 9, tzinfo=UTC), {"on_projection": "fail", "limit": 1490.0}
    whole = [use(50.0, day) for day in range(1, 9)]
    assert ruling_of(standing(*whole, now=now, **many)) is Ruling.VIOLATION
    hole = Figure(49.0, "J", errors={"gap:r:d": 2.0}, coverage=0.96)
    less = [replace(u, figure=hole) if i in (2, 5) else u for i, u in enumerate(whole)]
    told = standing(*less, now=now, **many)
    assert (told.state, ruling_of(told)) == (BudgetState.UNDECIDED, Ruling.UNDECIDED)
    assert (
        "what was not read decides whether it comes to more than 1490 J by the end of 2026-11" in told.reason
    )
    assert standing(*less, now=now, **{**many, "on_projection": "warn"}).state is BudgetState.WARNING
    assert standing(*less, now=now, **{**many, "limit": 9000.0}).state is BudgetState.WITHIN


def test_a_projection_that_untagged_energy_decides_is_not_enough_evidence() -> None:
    """60 J a day come to 1800 J; half of it states no team: it may be a's, or come to 900 J."""
    now, scope = datetime(2026, 11, 9, tzinfo=UTC), Scope({"team": ("a",)})
    stated = [use(60.0, day, team="a") for day in range(1, 9)]
    bare = [*stated[:4], *(replace(u, tags={}) for u in stated[4:])]
    more = {"now": now, "on_projection": "fail", "scope": scope}
    assert ruling_of(standing(*stated, **more)) is Ruling.VIOLATION
    told = standing(*bare, **more)
    assert ruling_of(told) is Ruling.UNDECIDED
    assert told.reason == (
        "what does not state team decides whether it comes to more than 1000 J by the end of 2026-11"
    )
    assert standing(*bare, **{**more, "on_projection": "warn"}).state is not BudgetState.UNDECIDED
    assert standing(*bare, **{**more, "limit": 9000.0}).state is BudgetState.WITHIN
    assert ruling_of(standing(*stated, use(1.0), **more)) is Ruling.VIOLATION


def test_too_early_to_say_what_it_comes_to() -> None:
    """After one day there is no projection, and it says so."""
    told = standing(use(10.0), now=datetime(2026, 11, 2, tzinfo=UTC))
    assert told.projected == Missing("projection", "none: fewer than two whole blocks so far")
    assert not beyond_at_end(told)


def test_what_nobody_counted_yet_is_no_proof_of_idle_days() -> None:
    """Counted from the 20th on, 10 J a day: 90 J by the 29th and 20 J to come, no line out of zeros."""
    uses = [use(10.0, day) for day in range(20, 29)]
    told = standing(*uses).projected
    assert isinstance(told, Figure)
    assert told.value == pytest.approx(110.0)
    first = standing(use(10.0, 28)).projected
    assert first == Missing("projection", "none: fewer than two whole blocks so far")


def test_days_on_which_others_were_counted_are_idle_days() -> None:
    """Somebody looked then: 70 J on two of seven days are 20 J a day on the mean, not 70."""
    uses = [use(10.0, 22, team="b"), *(use(70.0, day, team="a") for day in (27, 28))]
    told = standing(*uses, key=(("team", "a"),), by=("team",)).projected
    assert isinstance(told, Figure)
    assert told.value == pytest.approx(140.0 + 140.0 / 7 * 2)


def test_a_period_that_is_over_comes_to_what_was_used() -> None:
    """Looked at in December: nothing is to come, and no days are left."""
    told = course_of(
        budget(period="2026-11"), period_at("2026-11", LATE, UTC), [use(500.0)], START.replace(month=12), UTC
    ).standing
    assert (told.elapsed, told.days_left, told.state) == (1.0, None, BudgetState.WITHIN)
    assert isinstance(told.projected, Figure)
    assert told.projected.value == 500.0


def test_nothing_that_was_counted_is_not_nothing_that_was_used() -> None:
    """A scope that is spelt otherwise than the runs spell it never passes."""
    told = standing(use(10.0, team="nlp"), scope=Scope({"team": ("npl",)}))
    assert told.state is BudgetState.UNDECIDED
    assert str(told.used).startswith("missing: evidence of scope team npl in 2026-11")
    assert (told.burn_rate, told.days_left, told.projected) == (None, None, None)


def test_what_was_used_at_the_first_moment_has_no_rate() -> None:
    """Nothing has passed, so nothing can be divided by it."""
    told = standing(use(10.0), now=START)
    assert (told.burn_rate, told.days_left) == (None, None)
    assert standing(use(0.0)).days_left is None


def test_an_amount_beyond_the_limit_never_reads_as_the_limit() -> None:
    """1000.2 J of 1000 J, known to 0.1 J: four digits would say 1000 of 1000."""
    told = standing(replace(use(), figure=Figure(1000.2, "J", errors={"meter": 0.1})), limit=1000.0)
    assert told.state is BudgetState.SPENT
    assert told.reason == "1000.2 J [1000.1 J .. 1000.3 J]: the whole interval lies beyond 1000 J"


def test_too_little_coverage_is_undecided() -> None:
    """90 % observed of the 95 % that it needs; what is spent all the same is spent."""
    seen = replace(use(100.0), figure=Figure(100.0, "J", coverage=0.9))
    assert standing(seen).reason == "coverage 90.0% is below the 95% that it needs"
    assert standing(seen, coverage=0.9).state is BudgetState.WITHIN
    assert standing(replace(use(), figure=Figure(2000.0, "J", coverage=0.1))).state is BudgetState.SPENT


def test_coverage_is_that_of_the_energy() -> None:
    """1 J that was half seen beside 99 J that were seen: 99.5 %."""
    half = replace(use(), figure=Figure(1.0, "J", coverage=0.5))
    figure = added([half, replace(use(), figure=Figure(99.0, "J"))]).figure
    assert figure is not None
    assert figure.coverage == pytest.approx(0.995)


def test_what_met_no_factor_counts_as_the_rest() -> None:
    """96 J are 96 % of it: 100 J, of which a limit of 98 J may be passed."""
    told = standing(use(96.0, share=0.96), limit=98.0)
    assert told.state is BudgetState.UNDECIDED
    assert standing(use(90.0, share=0.9), limit=98.0).reason == (
        "only 90.0% of its energy met a location-based factor, of the 95% that it needs"
    )
    nothing = added([replace(use(0.0), share=0.0)])
    assert (nothing.share, nothing.top) == (0.0, float("inf"))


def test_what_is_missing_of_one_is_missing_of_all() -> None:
    """The rest is the least that it can be: enough to be spent, never to be within."""
    lacking = replace(use(), figure=Missing("energy of gpu-0"))
    told = standing(use(10.0), lacking)
    assert told.state is BudgetState.UNDECIDED
    assert told.reason == "not all of it is known: missing: energy of gpu-0"
    assert isinstance(told.used, Figure)
    assert told.used.notes == ("not all of it: missing: energy of gpu-0",)
    assert standing(use(2000.0), lacking).state is BudgetState.SPENT
    assert standing(lacking).used == Missing("energy of gpu-0")


def test_what_may_belong_to_it_is_shown_and_may_decide() -> None:
    """300 J of the team and 200 J of nobody: within 1000 J whatever they are, undecided of 400 J."""
    scope = Scope({"team": ("nlp",)})
    uses = (use(300.0, team="nlp"), use(200.0), use(900.0, team="ads"))
    told = standing(*uses, scope=scope)
    assert isinstance(told.used, Figure)
    assert told.untagged is not None
    assert (told.used.value, told.untagged.value, told.state) == (300.0, 200.0, BudgetState.WITHIN)
    tight = standing(*uses, scope=scope, limit=400.0)
    assert tight.state is BudgetState.UNDECIDED
    assert tight.reason == (
        "up to 200 J may belong to it and does not state team: with it 400 J may be spent"
    )
    unknown = standing(uses[0], replace(uses[1], figure=Missing("energy")), scope=scope)
    assert unknown.reason == "what may belong to it is not known: missing: energy"


def test_a_budget_by_tags_is_one_for_each_of_them() -> None:
    """Each team has 1000 J of its own; what states no team may be anybody's."""
    uses = [use(600.0, team="nlp"), use(700.0, team="ads"), use(50.0), use(1.0, team="nlp", stage="x")]
    asked = budget(by=("team",))
    keys = keys_of(asked, uses)
    assert keys == ((("team", "ads"),), (("team", "nlp"),))
    told = [standing(*uses, key=key, by=("team",), on_projection="ignore") for key in keys]
    assert [t.used.value for t in told if isinstance(t.used, Figure)] == [700.0, 601.0]
    assert keys_of(budget(), uses) == ((),)


def test_the_part_of_waivers_is_told() -> None:
    """It consumes as everything else does."""
    one, other = use(300.0), use(200.0)
    told = standing(one, other, waived=[other])
    assert told.waived is not None
    assert isinstance(told.used, Figure)
    assert (told.used.value, told.waived.value) == (500.0, 200.0)
    assert standing(one).waived is None


def test_the_course_rises_step_by_step() -> None:
    """10 J on the first, 20 J and 5 J on the third."""
    told = course(use(20.0, 3), use(10.0, 1), use(5.0, 3), replace(use(), figure=Missing("x")))
    assert told.steps == ((START, 10.0), (START + timedelta(days=2), 35.0))
    assert told.method.startswith("trend")
    assert told.limit == 1000.0


def test_all_time_has_no_rate_and_no_end() -> None:
    """What has no end comes to nothing."""
    told = standing(use(10.0), period="total")
    assert (told.elapsed, told.burn_rate, told.projected, told.days_left) == (None, None, None, None)
    assert told.state is BudgetState.WITHIN


def test_carbon_of_several_inventories_is_a_product_view() -> None:
    """Scope 2 and Scope 3.1 may stand in one budget, and enter no inventory; market-based grams may not."""

    def grams(**terms: str) -> Use:
        stated = {"accounting": "location", "basis": "direct", **terms}
        return replace(use(), figure=Figure(10.0, "gCO2e", terms=stated))

    both = added([grams(inventory="scope 2"), grams(inventory="scope 3.1")]).figure
    assert both is not None
    assert (both.value, both.terms["inventory"]) == (20.0, "product-only")
    assert both.notes == ("product view: scope 2 and scope 3.1 together; it enters no company inventory",)
    apart = added([grams(inventory="scope 2"), grams(inventory="scope 2", accounting="market")])
    assert apart.lacking is not None
    assert "accounting: location against market" in str(apart.lacking)
    told = standing(grams(), unit="kgCO2e", limit=0.009)
    assert (told.budget.carbon, told.state) == (True, BudgetState.SPENT)


def test_a_budget_for_each_run_judges_it_alone() -> None:
    """Within 100 J, beyond, of another scope, and of nobody knows whom."""
    asked = budget(limit=100.0, period="run", scope=Scope({"team": ("nlp",)}), by=("model",))
    tags = {"team": "nlp", "model": "m"}
    told = [alone(asked, "r1", tags, [use(joules, **tags)]) for joules in (50.0, 150.0)]
    assert [t.state for t in told if t] == [BudgetState.WITHIN, BudgetState.SPENT]
    assert told[0] is not None
    assert (told[0].period, told[0].key) == ("run r1", (("model", "m"),))
    assert alone(asked, "r1", {"team": "ads"}, [use()]) is None
    unknown = alone(asked, "r1", {}, [use()])
    assert unknown is not None
    assert (unknown.state, unknown.reason) == (
        BudgetState.UNDECIDED,
        "the run does not state team: it may well be meant",
    )
    nothing = alone(asked, "r1", tags, [])
    assert nothing is not None
    assert nothing.used == Missing("energy of r1")


def test_a_stretch_of_a_run_that_states_no_stage_may_belong_to_the_budget_of_one() -> None:
    """100 J of training and 100 J of nobody knows which stage: 150 J may be spent, and 90 J are for sure."""
    tags = {"stage": "train"}
    uses = [use(100.0, **tags), use(100.0)]
    scope = Scope({"stage": ("train",)})
    for limit, state in (
        (150.0, BudgetState.UNDECIDED), (90.0, BudgetState.SPENT), (900.0, BudgetState.WITHIN),
    ):  # fmt: skip
        told = alone(budget(limit=limit, period="run", scope=scope), "r1", tags, uses)
        assert told is not None
        assert told.state is state
        assert told.untagged is not None
        assert isinstance(told.used, Figure)
        assert (told.used.value, told.untagged.value, told.more) == (100.0, 100.0, 100.0)


def test_exit_codes_fail_closed() -> None:
    """Spent beats undecided beats within; what only warns, or may be missing, counts for nothing."""
    within, spent = standing(use(1.0)), standing(use(2000.0))
    unknown = standing(use(1.0), scope=Scope({"team": ("x",)}))
    assert [exit_code_of(s) for s in ([within], [within, unknown], [unknown, spent])] == [0, 3, 1]
    warns = replace(spent, budget=replace(spent.budget, level=Level.WARN))
    lenient = replace(unknown, budget=replace(unknown.budget, if_missing="warn"))
    assert exit_code_of([warns, lenient]) == 0
    open_ = standing(use(1000.0, error=0.05), if_missing="pass")
    assert exit_code_of([open_]) == 3  # the limit lies inside its interval, which is not missing: as a gate


def test_leniency_is_not_for_what_was_left_out() -> None:
    """1000 J are allowed. A lost reading, or 2000 J without the tag that would tell, fail closed however
    lenient it is; a factor that nobody stated, and 300 J that could not spend it, are let off.
    """
    team, unread = Scope({"team": ("a",)}), Use(at=START, figure=Missing("energy", "no reading"))
    unstated = Use(at=START, figure=Missing("grid intensity"))
    loose = standing(use(2000.0), scope=team, if_missing="pass")
    assert loose.reason.endswith("; up to 2000 J may belong to it and does not state team")
    shut = [standing(unread, if_missing="pass"), loose, standing(unread, scope=team, if_missing="pass")]
    open_ = [standing(unstated, if_missing="pass"), standing(use(300.0), scope=team, if_missing="pass")]
    assert [exit_code_of([s]) for s in (*shut, *open_)] == [3, 3, 3, 0, 0]
    alone_ = [alone(budget(period="run", if_missing="pass"), "r", {}, [u]) for u in (unread, unstated)]
    assert [may_be_let_off(s) for s in alone_ if s is not None] == [False, True]


def test_what_states_only_some_of_the_tags_is_not_overlooked() -> None:
    """Kept by team and model, and nothing states both: 2000 J of a team may be of any of these budgets."""
    told = standing(use(2000.0, team="a"), key=(("team", ""), ("model", "")), by=("team", "model"))
    assert told.untagged is not None
    assert (told.untagged.value, told.hidden) == (2000.0, True)
    assert str(told.used) == (
        "missing: evidence of any team, any model in 2026-11 (it is kept by team, model, and no run states "
        "all of that: tag them)"
    )


def test_more_may_belong_to_it_than_its_interval_tells() -> None:
    """2000 J of a, 300 J that may be a's; half of it met no factor; one run has no figure."""
    team = Scope({"team": ("a",)})
    spent = standing(use(2000.0, team="a"), use(300.0), scope=team)
    assert (spent.state, spent.more) == (BudgetState.SPENT, pytest.approx(300.0))
    assert standing(use(2000.0, share=0.5)).more == pytest.approx(2000.0)
    unread = Use(at=START, figure=Missing("energy"))
    assert standing(use(2000.0), unread).more is None
    assert standing(use(2000.0, team="a"), unread, scope=team).more is None
    assert standing(use(2000.0), use(10.0, share=0.0)).more is None
    assert standing(use(2000.0)).more == standing().more == 0.0


tags = st.fixed_dictionaries({}, optional={"team": st.sampled_from(["a", "b"]), "stage": st.just("train")})
amounts = st.floats(0.0, 400.0)
uses_drawn = st.lists(
    st.builds(lambda j, day, error, t: use(j, day, error=error, **t), amounts, st.integers(1, 28),
              st.sampled_from([0.0, 0.05]), tags),
    min_size=1, max_size=12,
)  # fmt: skip


@given(uses_drawn, uses_drawn)
def test_consumption_never_falls_when_runs_are_added(some: list[Use], more: list[Use]) -> None:
    """Neither the amount nor its upper end."""
    before, after = added(some), added([*some, *more])
    assert before.figure is not None
    assert after.figure is not None
    assert after.figure.value >= before.figure.value
    assert after.top >= before.top - 1e-9


@given(uses_drawn)
def test_parts_by_tag_sum_to_the_whole(uses: list[Use]) -> None:
    """What each team used, and what states no team, is all of it."""
    asked = budget(by=("team",))
    whole = standing(*uses).used
    assert isinstance(whole, Figure)
    parts = [standing(*uses, key=key, by=("team",)).used for key in keys_of(asked, uses)]
    nobody = [u.figure.value for u in uses if "team" not in u.tags and isinstance(u.figure, Figure)]
    told = sum(p.value for p in parts if isinstance(p, Figure)) + sum(nobody)
    assert told == pytest.approx(whole.value)


@given(uses_drawn, st.data())
def test_leaving_tags_out_never_makes_it_look_better(uses: list[Use], data: st.DataObject) -> None:
    """A run that forgets its team never turns a budget from spent or undecided to within."""
    at = data.draw(st.integers(0, len(uses) - 1))
    bare = [replace(u, tags={}) if i == at else u for i, u in enumerate(uses)]
    scope, more = Scope({"team": ("a",)}), {"limit": 700.0, "on_projection": "ignore"}
    before, after = (standing(*some, scope=scope, **more).state for some in (uses, bare))
    if before in (BudgetState.SPENT, BudgetState.UNDECIDED):
        assert BETTER[after] >= BETTER[BudgetState.UNDECIDED]
    assert Applies.UNKNOWN is scope.of({})
    begun = datetime(2026, 11, 20, tzinfo=UTC)
    first, then = (
        ruling_of(standing(*some, scope=scope, limit=1400.0, on_projection="fail", now=begun))
        for some in (uses, bare)
    )
    assert first is Ruling.PASS or then is not Ruling.PASS


@given(uses_drawn, st.data(), st.floats(0.0, 1.0))
def test_taking_readings_away_never_makes_it_look_better(
    uses: list[Use], data: st.DataObject, share: float
) -> None:
    """What was not read stands in a figure by an estimate, with the worst case as its bound."""
    at = data.draw(st.integers(0, len(uses) - 1))
    whole = uses[at].figure
    assert isinstance(whole, Figure)
    # The same with a part unread: its estimate may be anything down to idle, the bound reaches what it was.
    low = share * whole.value
    gap = Figure(
        low, "J", errors={**whole.errors, "gap:x": whole.value - low}, terms=whole.terms, coverage=0.99
    )
    unread = [replace(u, figure=gap) if i == at else u for i, u in enumerate(uses)]
    before, after = (standing(*some, limit=700.0, on_projection="ignore").state for some in (uses, unread))
    if before in (BudgetState.SPENT, BudgetState.UNDECIDED):
        assert after in (BudgetState.SPENT, BudgetState.UNDECIDED)
    begun = datetime(2026, 11, 20, tzinfo=UTC)
    first, then = (
        ruling_of(standing(*some, limit=1400.0, on_projection="fail", now=begun)) for some in (uses, unread)
    )
    assert first is Ruling.PASS or then is not Ruling.PASS
