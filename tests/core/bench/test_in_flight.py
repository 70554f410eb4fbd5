"""The stretch in which a server was as busy as it was to be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.bench.in_flight import Span, full_of_closed_loop, full_of_open_loop

FOUR = [Span(0, 10, 3), Span(0, 12, 5), Span(10, 20, 13), Span(12, 22, 15)]
"""Two workers, two requests each: from 0 to 10 to 20, and from 0 to 12 to 22."""


def test_it_begins_with_the_second_first_token_and_ends_with_the_first_that_is_not_followed() -> None:
    """The second of the first tokens comes at 5; at 20 one worker has nothing left to ask."""
    assert full_of_closed_loop(FOUR, 2) == (5, 20)


def test_one_worker_is_full_from_its_first_token_to_its_last_answer() -> None:
    assert full_of_closed_loop([Span(0, 10, 2), Span(10, 20, 12)], 1) == (2, 20)


def test_without_a_stream_the_end_of_an_answer_counts() -> None:
    """Two workers: both had an answer at 12, and at 20 the first has nothing left to ask."""
    spans = [Span(s.start_us, s.end_us) for s in FOUR]
    assert full_of_closed_loop(spans, 2) == (12, 20)


def test_where_so_many_never_were_in_flight_there_is_none() -> None:
    """Fewer requests than workers; nobody in flight; each worker asking once without a stream."""
    assert full_of_closed_loop(FOUR, 5) is None
    assert full_of_closed_loop(FOUR, 0) is None
    assert full_of_closed_loop([Span(0, 10), Span(0, 12)], 2) is None


def test_an_open_loop_is_full_from_the_first_answer_to_the_last_request() -> None:
    assert full_of_open_loop(FOUR) == (10, 12)
    assert full_of_open_loop([Span(0, 10)]) is None
    assert full_of_open_loop([]) is None


@given(
    st.integers(1, 4),
    st.lists(st.lists(st.integers(1, 50), min_size=1, max_size=6), min_size=4, max_size=4),
)
def test_inside_it_every_worker_is_busy(workers: int, lengths: list[list[int]]) -> None:
    """Workers that ask one after the other: no worker's last answer lies before its end."""
    spans, lasts = [], []
    for mine in lengths[:workers]:
        at = 0
        for length in mine:
            spans.append(Span(at, at + length, at + 1))
            at += length
        lasts.append(at)
    found = full_of_closed_loop(spans, workers)
    if found is not None:
        begin, end = found
        assert begin < end
        assert begin >= 1
        assert end <= max(lasts)
        assert sum(s.start_us < end <= s.end_us for s in spans) >= 1
