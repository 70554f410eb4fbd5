"""Limits on scores and stars."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.decisions import SMALL_CATALOG, a_facts
from wattmark.core.errors import UsageError
from wattmark.core.facts import Answer
from wattmark.core.figure import Figure, Missing
from wattmark.core.governance.deciding import About, decide
from wattmark.core.governance.decision import Side, Standing
from wattmark.core.governance.level import Level
from wattmark.core.governance.rated import NO_BENCHMARK, RATINGS, Rated, check_rating, gate_rated, names
from wattmark.core.governance.scope import Scope
from wattmark.core.known import Grade
from wattmark.core.policy import IfLacking, Limit, OnUndecided, Policy
from wattmark.core.repeats import Repeat
from wattmark.core.verdict import INSIDE, Finding, Ruling

FACTS = a_facts(3.6e6)
RUN = Repeat(facts=FACTS, least=FACTS, most=FACTS, hosts=("h",), tags=({"team": "vision"},))
SCORE = Limit(id="score", kpi="score", min=100.0)
STARS = Limit(id="stars", kpi="stars", min=4.0)


def points(value: float = 120.0, **changes: Any) -> Figure:
    """A score of grade B."""
    return Figure(value, "points", **{"ends": (110.0, 130.0), "grades": {Grade.B: 1.0}, **changes})


def found(limit: Limit, rated: Rated, *, baseline: tuple[Repeat, ...] = (RUN,)) -> Finding:
    """What is found of one limit."""
    (finding,) = gate_rated(Policy(limits=(limit,)), [RUN], SMALL_CATALOG, baseline, rated).findings
    return finding


@pytest.mark.parametrize(
    ("ends", "ruling"),
    [
        ((100.0, 130.0), Ruling.PASS),
        ((99.9, 130.0), Ruling.UNDECIDED),
        ((80.0, 99.9), Ruling.VIOLATION),
    ],
)
def test_the_whole_interval_of_a_score_decides(ends: tuple[float, float], ruling: Ruling) -> None:
    """At least 100: from 100 on passes, below 100 is broken, across it is open."""
    told = found(SCORE, Rated(score=points(), ends=ends))
    assert (told.ruling, told.interval, told.tolerated) == (ruling, ends, False)
    assert told.reason == (INSIDE if ruling is Ruling.UNDECIDED else "")


def test_an_open_score_is_let_through_where_the_limit_says_so() -> None:
    """As any other limit."""
    limit = Limit(id="score", kpi="score", min=100.0, on_undecided=OnUndecided.WARN)
    told = found(limit, Rated(score=points(), ends=(90.0, 110.0)))
    assert (told.ruling, told.tolerated, told.leniency) == (Ruling.UNDECIDED, True, "warn")


def test_a_score_that_gaps_leave_open_is_not_let_through() -> None:
    """On either side: what was not read may hide that it is broken."""
    limit = Limit(id="score", kpi="score", min=100.0, on_undecided=OnUndecided.PASS)
    holed = Repeat(facts=FACTS, least=a_facts(3.5e6), most=a_facts(3.7e6), hosts=("h",))
    rated = Rated(score=points(), ends=(90.0, 110.0))
    for ours, theirs in ((holed, RUN), (RUN, holed)):
        told = gate_rated(Policy(limits=(limit,)), [ours], SMALL_CATALOG, [theirs], rated).findings[0]
        assert (told.ruling, told.tolerated, told.reason) == (Ruling.UNDECIDED, False, INSIDE)


def test_a_score_needs_a_baseline() -> None:
    """Without one it is not enough evidence, or what the limit says of that."""
    told = found(SCORE, Rated(), baseline=())
    assert told.ruling is Ruling.UNDECIDED
    assert "no baseline" in told.reason
    lenient = Limit(id="score", kpi="score", min=100.0, if_no_baseline=IfLacking.PASS)
    assert found(lenient, Rated(), baseline=()).tolerated


@pytest.mark.parametrize(
    ("score", "ends", "reason"),
    [
        (Missing("lifetime", "state it"), None, "lifetime"),
        (points(grades={Grade.D: 1.0}), (110.0, 130.0), "grade D"),
        (points(coverage=0.5), (110.0, 130.0), "50.0% of the time"),
        (points(), None, "what the score may be is not known"),
    ],
)
def test_a_score_that_is_not_known_well_enough_never_passes(
    score: Answer, ends: tuple[float, float] | None, reason: str
) -> None:
    """A field that is missing, a poor grade, gaps: not enough evidence."""
    told = found(SCORE, Rated(score=score, ends=ends))
    assert told.ruling is Ruling.UNDECIDED
    assert reason in told.reason


@pytest.mark.parametrize(
    ("stars", "ruling", "reason"),
    [
        ((4, 5), Ruling.PASS, ""),
        ((3, 4), Ruling.VIOLATION, "3-4 stars, and the worst counts"),
        ((2, 2), Ruling.VIOLATION, ""),
    ],
)
def test_the_worst_of_the_stars_counts(stars: tuple[int, int], ruling: Ruling, reason: str) -> None:
    """At least 4: 4-5 passes, 3-4 and 2 do not."""
    told = found(STARS, Rated(stars=stars, benchmark=True))
    assert (told.ruling, told.reason) == (ruling, reason)


def test_who_is_unrated_has_not_enough_evidence() -> None:
    """A benchmark that earned none is never let through; that there was none may be."""
    lenient = Limit(id="stars", kpi="stars", min=4.0, if_missing=IfLacking.PASS)
    bad = found(lenient, Rated(unrated="unrated: invalid", benchmark=True))
    assert (bad.ruling, bad.reason, bad.tolerated) == (Ruling.UNDECIDED, "unrated: invalid", False)
    none = found(lenient, Rated())
    assert (none.reason, none.tolerated) == (NO_BENCHMARK, True)
    assert not found(STARS, Rated()).tolerated


def test_a_limit_for_others_is_not_judged() -> None:
    """Nor one that is off; where the tag is not stated there is not enough evidence."""
    other = Limit(id="score", kpi="score", min=100.0, scope=Scope({"team": ("language",)}))
    assert found(other, Rated()).ruling is Ruling.NOT_APPLICABLE
    off = Limit(id="stars", kpi="stars", min=4.0, level=Level.OFF)
    assert found(off, Rated()).reason == "switched off"
    unstated = Limit(id="stars", kpi="stars", min=4.0, scope=Scope({"model": ("x",)}))
    told = found(unstated, Rated(stars=(5, 5)))
    assert told.ruling is Ruling.UNDECIDED
    assert "does not state its model" in told.reason


def test_limits_keep_their_order_and_plain_policies_their_verdict() -> None:
    """Ratings stand where the policy has them."""
    plain = Limit(id="energy", kpi="energy", max=2.0)
    policy = Policy(limits=(STARS, plain, SCORE), name="p.toml")
    verdict = gate_rated(policy, [RUN], SMALL_CATALOG, [RUN], Rated(stars=(5, 5)))
    assert [(f.limit.id, f.ruling.value) for f in verdict.findings] == [
        ("stars", "pass"), ("energy", "pass"), ("score", "undecided"),
    ]  # fmt: skip
    only = gate_rated(Policy(limits=(plain,)), [RUN], SMALL_CATALOG, [], Rated())
    assert [f.ruling for f in only.findings] == [Ruling.PASS]
    assert names(policy, "stars")
    assert not names(Policy(limits=(plain,)), "stars")


@pytest.mark.parametrize(
    ("stars", "shown"), [(None, ""), ((4, 4), "4"), ((3, 4), "3-4")]
)  # fmt: skip
def test_stars_are_shown_as_people_read_them(stars: tuple[int, int] | None, shown: str) -> None:
    """With their interval where they have one."""
    assert Rated(stars=stars).stars_shown == shown


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"kpi": "score", "max": 90.0}, "limit it with min"),
        ({"kpi": "stars", "min": 4.0, "stage": "training"}, "leave stage out"),
        ({"kpi": "stars", "min": 3.5}, "whole numbers from 1 to 5"),
        ({"kpi": "stars", "min": 6.0}, "whole numbers from 1 to 5"),
    ],
)
def test_limits_that_make_no_sense_are_refused(fields: dict[str, Any], problem: str) -> None:
    """With what to write instead."""
    with pytest.raises(UsageError, match=problem):
        check_rating(Limit(**fields))
    check_rating(STARS)
    check_rating(SCORE)
    check_rating(Limit(kpi="energy", max=1.0))


def test_a_decision_says_what_kind_of_breach_it_is() -> None:
    """Stars that reach the limit with their best do not lie wholly beyond it; two stars do."""
    for stars, beyond in (((3, 4), False), ((2, 2), True)):
        policy = Policy(limits=(STARS,), name="p.toml")
        verdict = gate_rated(policy, [RUN], SMALL_CATALOG, (), Rated(stars=stars, benchmark=True))
        about = About(candidate=Side(name="m", repeats=1), stars="x")
        decision = decide(policy, verdict, about, RATINGS, decided_at="2026-11-22T10:00:00Z")
        (rule,) = decision.rules
        assert (rule.standing, rule.title) == (Standing.FAILED, "Stars at least 4 stars")
        assert ("whole interval" in rule.reason) is beyond


def test_a_rating_is_not_of_facts() -> None:
    """Whatever asks the catalogue for it gets no figure."""
    assert isinstance(RATINGS["score"].answer(FACTS), Missing)
