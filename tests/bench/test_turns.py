"""Sets of queries, asked again and again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.answering import a_set
from wattmark.bench.asking import Answer
from wattmark.bench.concurrent import Asked
from wattmark.bench.turns import NOTHING, Sets, Window, records


def asked(count: int, size: int, turns: int) -> list[tuple[int, list[int]]]:
    """Turn and indices of each batch, until so many sets are asked."""
    done = 0

    def full() -> bool:
        nonlocal done
        done += 1
        return done >= turns

    sets = Sets(a_set(count).queries, full, lambda: False)
    found = []
    while (taken := sets.take(size)) is not None:
        found.append((taken[0], [q.index for q in taken[1]]))
    assert not sets.cut
    return found


def test_a_batch_ends_where_its_set_does() -> None:
    """Three queries in twos, two sets."""
    assert asked(3, 2, 2) == [(0, [0, 1]), (0, [2]), (1, [0, 1]), (1, [2])]


@given(st.integers(1, 9), st.integers(1, 12), st.integers(1, 4))
def test_every_query_is_asked_equally_often(count: int, size: int, turns: int) -> None:
    """Whatever the batch, whole sets are asked, in order."""
    flat = [index for _, batch in asked(count, size, turns) for index in batch]
    assert flat == list(range(count)) * turns


def test_one_after_the_other_it_is_an_iterator() -> None:
    """For loops with many in flight."""
    sets = Sets(a_set(2).queries, lambda: True, lambda: False)
    assert [(turn, query.index) for turn, query in sets] == [(0, 0), (0, 1)]


def test_it_stops_in_the_middle_when_told_and_says_so() -> None:
    """After two of three queries."""
    taken: list[int] = []
    sets = Sets(a_set(3).queries, lambda: True, lambda: len(taken) >= 2)
    for _, query in sets:
        taken.append(query.index)
    assert (taken, sets.cut) == ([0, 1], True)


def test_it_is_not_cut_when_it_was_whole_already() -> None:
    """Told to stop after the last query of the last set."""
    taken: list[int] = []
    sets = Sets(a_set(2).queries, lambda: True, lambda: len(taken) >= 2)
    for _, query in sets:
        taken.append(query.index)
    assert (taken, sets.cut) == ([0, 1], False)


@pytest.mark.parametrize("turn", [0, 1])
def test_no_output_is_no_answer(turn: int) -> None:
    """Else whoever keeps silent where it does not know is scored by the rest alone; empty text is one."""
    window = Window()
    (query,) = a_set(1).queries
    for output in (None, ""):
        answer = Answer(output=output)
        window.take(Asked(turn=turn, query=query, start_us=0, prepared_us=0, end_us=1, answer=answer))
    assert [r.failed for r in records(window, 0, lambda q, a: 1.0)] == [NOTHING, ""]
