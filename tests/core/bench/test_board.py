"""Boards rank only what may be ranked, and only among equal keys."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reports.board_results import INVALID, a_key, a_published, a_rating, a_result, joules
from wattmark.core.bench.board import Board, Group, board_of, ranks, why_unranked
from wattmark.core.bench.result import Result
from wattmark.core.known import Grade


def board(*results: Result, mode: str = "anchored") -> Board:
    """Without ratings."""
    return board_of([(r, None) for r in results], mode)


def only_group(found: Board) -> Group:
    """The one group of the one task."""
    assert [len(t.groups) for t in found.tasks] == [1]
    return found.tasks[0].groups[0]


def shown(group: Group) -> list[tuple[str, str]]:
    """Model and place of each row, in their order."""
    return [(row.result.model.id, row.rank.shown if row.rank else row.unranked) for row in group.rows]


def test_results_whose_intervals_meet_share_places() -> None:
    """1±0.1 is first; 2±0.3 and 2.5±0.3 meet at 2.2 to 2.3 and share 2-3; 9±1 is fourth."""
    found = only_group(
        board(a_result("d", 9, 1), a_result("b", 2, 0.3), a_result("a", 1, 0.1), a_result("c", 2.5, 0.3))
    )
    assert shown(found) == [("a", "1"), ("b", "2-3"), ("c", "2-3"), ("d", "4")]
    assert found.ranked == 4


def test_intervals_that_touch_are_not_told_apart() -> None:
    """0 to 1 and 1 to 2 share the value 1."""
    assert [r.shown for r in ranks([(0, 1), (1, 2)])] == ["1-2", "1-2"]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 10)), min_size=1, max_size=30))
def test_every_place_is_taken_and_order_is_kept(pairs: list[tuple[int, int]]) -> None:
    """A place lies within 1..n; what is wholly lower has only better places than what is wholly higher."""
    intervals = [(float(low), float(low + width)) for low, width in pairs]
    found = ranks(intervals)
    for (low, high), rank in zip(intervals, found, strict=True):
        assert 1 <= rank.first <= rank.last <= len(pairs)
        assert rank.first == 1 + sum(h < low for _, h in intervals)
        assert rank.last == sum(x <= high for x, _ in intervals)


def test_without_uncertainty_places_are_plain() -> None:
    """Three exact values, two of them equal."""
    assert [r.shown for r in ranks([(1, 1), (2, 2), (2, 2)])] == ["1", "2-3", "2-3"]


def test_unequal_keys_are_never_ranked_together() -> None:
    """A lower figure of another batch policy is first in its own group, and takes no place here."""
    other = a_key(batch_policy="concurrency 32")
    found = board(a_result("a", 36), a_result("b", 3, 0.1, key=other))
    assert [shown(g) for g in found.tasks[0].groups] == [[("a", "1")], [("b", "1")]]
    assert found.tasks[0].rows == 2


def test_a_group_says_what_differs_from_the_one_before() -> None:
    """The first says nothing; the second names the field with both its values."""
    other = a_key(batch_policy="concurrency 32")
    first, second = board(a_result("a"), a_result("b", key=other)).tasks[0].groups
    assert first.differs == ()
    assert second.differs == (("batch_policy", "batch 1", "concurrency 32"),)


def test_groups_stand_in_natural_order() -> None:
    """Concurrency 32 before concurrency 128."""
    keys = [a_key(batch_policy=f"concurrency {n}") for n in (128, 32)]
    found = board(*(a_result(f"m{i}", key=key) for i, key in enumerate(keys)))
    assert [g.key.batch_policy for g in found.tasks[0].groups] == ["concurrency 32", "concurrency 128"]


def test_published_figures_stand_unranked_behind() -> None:
    """However low, they come after what was measured."""
    found = board(a_published("told", 0.1), a_result("measured"))
    assert [shown(g) for g in found.tasks[0].groups] == [
        [("measured", "1")],
        [("told", "published, evidence not checked")],
    ]


def test_rows_without_a_rank_stand_below_those_with_one() -> None:
    """By energy, and those without any energy last."""
    found = only_group(
        board(
            a_result("none", None),
            a_result("tried", 1.0, validity=INVALID),
            a_result("good", 36.0),
        )
    )
    assert shown(found) == [("good", "1"), ("tried", "invalid"), ("none", "no energy is known")]


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (a_result(), ""),
        (a_result(energy=None), "no energy is known"),
        (a_published(), "published, evidence not checked"),
        (a_result(grade=Grade.D), "not measured"),
        (a_result(key=a_key(evidence="estimated")), "not measured"),
        (a_result(key=a_key(precision="unknown", tokens="unknown")), "not known: tokens, precision"),
        (a_result(validity=INVALID), "invalid"),
    ],
)
def test_every_reason_is_told(result: Result, why: str) -> None:
    """The first reason that holds."""
    assert why_unranked(result, result.energy) == why


def test_energy_of_no_grade_is_not_measured() -> None:
    """A figure that does not say how it is known has no place."""
    bare = replace(joules(1.0, 0.1), grades={})
    assert why_unranked(a_result(), bare) == "not measured"


def test_mode_aies_ranks_by_the_gpus_where_they_are_known() -> None:
    """One whole-node result of 50 J of which 36 J are the GPU's; one without a GPU keeps its own energy."""
    node = a_key(boundary="node")
    with_gpu = a_result("g", 50.0, key=node, gpu_energy=joules(36.0, 1.0))
    without = a_result("c", 50.0, key=node, gpu_energy=None)
    rows = {r.result.model.id: r for r in only_group(board(with_gpu, without, mode="aies")).rows}
    assert rows["g"].energy is not None
    assert rows["g"].energy.value == 36.0
    assert rows["c"].energy is not None
    assert rows["c"].energy.value == 50.0


def test_a_result_that_comes_twice_is_shown_once() -> None:
    """Equal results are one; another result of the same id stays."""
    again = a_result("a")
    other = a_result("a", 40.0)
    found = board(a_result("a"), again, other)
    assert (found.doubles, found.tasks[0].rows) == (1, 2)


def test_a_rating_stays_with_its_result() -> None:
    """Through grouping and ranking."""
    one = a_result("a")
    found = board_of([(one, a_rating(one))])
    row = found.tasks[0].groups[0].rows[0]
    assert row.rating is not None
    assert row.rating.shown == "3-4"
