"""The time of a machine is shared by the runs on it, whole and once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.inventory_use import merged
from wattmark.ledger.machine_time import Taking, pieces


def a_run(record: str, start: int, end: int, attempt: str = "", own: bool = True) -> Taking:
    return Taking(record, attempt or record, own, start, end)


def times(*takings: Taking, edges: tuple[int, ...] = ()) -> dict[str, float]:
    """Run -> its time."""
    found: dict[str, float] = {}
    for piece in pieces(takings, edges):
        start, end = piece.span
        found[piece.record_id] = found.get(piece.record_id, 0.0) + (end - start) * piece.share
    return found


def test_runs_side_by_side_have_equal_parts() -> None:
    """Ten alone, ten together, ten alone."""
    assert times(a_run("a", 0, 20), a_run("b", 10, 30)) == {"a": 15, "b": 15}


def test_ranks_of_one_job_have_the_part_of_one() -> None:
    """Two ranks beside another run: a quarter each, and a half."""
    ranks = a_run("r0", 0, 12, "job"), a_run("r1", 0, 12, "job")
    assert times(*ranks, a_run("other", 0, 12)) == {"r0": 3, "r1": 3, "other": 6}


def test_a_monitor_has_what_no_run_takes() -> None:
    """It watches the whole day; the run takes its own hours."""
    assert times(a_run("m", 0, 24, own=False), a_run("a", 8, 12)) == {"m": 20, "a": 4}


def test_cuts_are_made_where_they_are_asked_for() -> None:
    """A line's life ends within the run; time without a run is nobody's."""
    spans = [p.span for p in pieces([a_run("a", 0, 10), a_run("b", 20, 30)], (5, 15))]
    assert spans == [(0, 5), (5, 10), (20, 30)]


runs = st.lists(
    st.tuples(st.integers(0, 50), st.integers(1, 30), st.sampled_from("xyz"), st.booleans()), max_size=12
)


@given(runs)
def test_all_runs_together_take_the_machine_once(told: list[tuple[int, int, str, bool]]) -> None:
    """However they overlap, whoever measured them."""
    takings = [a_run(str(n), s, s + d, job, own) for n, (s, d, job, own) in enumerate(told)]
    whole = sum(end - start for start, end in merged((t.start_us, t.end_us) for t in takings))
    assert sum(times(*takings).values()) == pytest.approx(whole)
