"""Stars against a frozen reference."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.stars.results import INVALID, a_key, a_result, a_row, joules, quality
from wattmark.core.known import Grade
from wattmark.core.stars.anchored import EDGES, rate_anchored, stars_at
from wattmark.core.stars.thresholds import Entry, Member, QualityFloor, Thresholds


def references(e_ref: float = 100.0, floor: QualityFloor | None = None, **key: str) -> Thresholds:
    """One key, whose reference is 100 J."""
    members = tuple(Member(model=f"m{i}", energy_joules=e_ref + i - 2) for i in range(5))
    entry = Entry(key=a_key(**key), members=members, quality_floor=floor)
    return Thresholds(id="house", version=3, effective="2026-11-22", entries=(entry,))


def rating(energy: float, noise: float = 0.001, **changes: object):
    """Of one result by the reference of 100 J."""
    return rate_anchored([a_result("lab/one", energy, noise=noise, **changes)], references())[0]


@pytest.mark.parametrize(
    ("energy", "stars"),
    [(30, 5), (36, 4), (70, 4), (71, 3), (141, 3), (142, 2), (282, 2), (283, 1), (9e9, 1)],
)
def test_each_star_is_a_factor_of_two(energy: float, stars: int) -> None:
    """Edges at 35.4, 70.7, 141.4 and 282.8 J where the reference is 100 J."""
    assert rating(energy).stars == stars


@pytest.mark.parametrize(("edge", "worse"), list(zip(EDGES, (4, 3, 2, 1), strict=True)))
def test_on_an_edge_the_worse_star_counts(edge: float, worse: int) -> None:
    """Also where a division left the index a little below."""
    assert stars_at(edge) == worse
    assert stars_at(math.nextafter(edge, 0.0)) == worse
    assert stars_at(edge * (1 - 1e-9)) == worse + 1


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6))
def test_more_energy_never_has_more_stars(one: float, other: float) -> None:
    """Stars fall with the index, and lie between 1 and 5."""
    low, high = sorted((one, other))
    assert 5 >= stars_at(low) >= stars_at(high) >= 1


def test_an_interval_over_an_edge_shows_all_stars_and_counts_the_worst() -> None:
    """70 J give or take 5 J reaches both sides of 70.7 J."""
    found = rating(70, noise=5 / 70)
    assert (found.stars, found.interval, found.shown) == (3, (3, 4), "3-4")
    assert found.reason == "the 95 % interval of its energy reaches from 3 to 4 stars"
    assert found.index == pytest.approx(0.7)
    assert (found.thresholds, found.evidence) == ("house 3", "valid")


def test_the_gain_of_a_meter_does_not_cancel_against_a_frozen_number() -> None:
    """The same meter that measured the cohort errs by 5 % all the same: 70 J may be 66.5 or 73.5."""
    assert rating(70, noise=0.0001).shown == "4"
    assert rating(70, noise=0.0001, gain=0.05).shown == "3-4"


def test_an_interval_down_to_nothing_reaches_five_stars() -> None:
    """20 J with gaps of up to 30 J: 150 % up is 90 J in logarithms, down it may be 0."""
    energy = replace(joules(20), errors={"gap:GPU-1": 30.0})
    assert rate_anchored([a_result(energy=energy)], references())[0].interval == (3, 5)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"validity": INVALID}, "invalid: quick"),
        ({"energy": None}, "no energy is known"),
        ({"grade": Grade.D}, "grade D: stars need evidence of grade A to C"),
        ({"grade": Grade.E}, "grade E: stars need evidence of grade A to C"),
        ({"noise": 0.0}, "its energy states no uncertainty"),
        ({"energy": replace(joules(70), grades={})}, "grade unknown: stars need evidence of grade A to C"),
    ],
)
def test_what_earns_no_stars_says_why(changes: dict[str, object], reason: str) -> None:
    """Never a star for what was modelled, declared or not valid."""
    found = rate_anchored([a_result(**{"spent": 70.0, **changes})], references())[0]
    assert (found.stars, found.shown, found.reason) == (None, "unrated", f"unrated: {reason}")


def test_published_figures_earn_no_anchored_stars() -> None:
    """There is no evidence behind a table."""
    found = rate_anchored([a_row("told", "20")], references())[0]
    assert found.reason == "unrated: published without evidence (grade E)"
    assert found.evidence == "published, evidence not checked"


def test_another_key_is_refused_with_the_fields_that_differ() -> None:
    """The nearest reference is named, and how to make one."""
    found = rate_anchored([a_result(key=a_key(batch_policy="batch 8"))], references())[0]
    assert found.stars is None
    assert "no reference for this key" in found.reason
    assert "differs in batch_policy: batch 1 there, batch 8 here" in found.reason
    assert "wattmark stars recalibrate" in found.reason


def test_without_any_reference_it_says_how_to_make_one() -> None:
    """No file at all, and one without entries."""
    empty = Thresholds(id="house", effective="2026-11-22")
    for found in (*rate_anchored([a_result()], None), *rate_anchored([a_result()], empty)):
        assert found.reason.startswith("unrated: no reference for this key (")
        assert "wattmark stars recalibrate" in found.reason


def test_an_unknown_field_equals_nothing() -> None:
    """Not even the same word in the reference."""
    unknown = {"batch_policy": "unknown"}
    found = rate_anchored([a_result(key=a_key(**unknown))], references(**unknown))[0]
    assert "batch_policy: unknown there, unknown here" in found.reason


FLOOR = QualityFloor(name="accuracy", value=0.8)
CEILING = QualityFloor(name="accuracy", value=0.1, higher_is_better=False)


@pytest.mark.parametrize(
    ("floor", "score", "reason"),
    [
        (FLOOR, quality(0.8), ""),
        (FLOOR, quality(0.9, 0.85, 0.95), ""),
        (FLOOR, quality(0.7), "quality 0.7 does not reach the floor: at least 0.8 accuracy"),
        (
            FLOOR,
            quality(0.9, 0.7, 0.95),
            "quality 0.9 may be 0.7, and the reference asks for at least 0.8 accuracy",
        ),
        (FLOOR, None, "quality accuracy is not known, and the reference asks for at least 0.8 accuracy"),
        (CEILING, quality(0.05, 0.02, 0.08, higher_is_better=False), ""),
        (
            CEILING,
            quality(0.2, higher_is_better=False),
            "quality 0.2 does not reach the floor: at most 0.1 accuracy",
        ),
        (
            CEILING,
            quality(0.05),
            "quality accuracy is not known, and the reference asks for at most 0.1 accuracy",
        ),
    ],
)
def test_quality_comes_first(floor: QualityFloor, score: object, reason: str) -> None:
    """A frugal model that answers badly earns nothing, nor one that may."""
    found = rate_anchored([a_result(spent=10.0, quality=score)], references(floor=floor))[0]
    assert found.reason.removeprefix("unrated: ") == reason
    assert found.stars == (None if reason else 5)
