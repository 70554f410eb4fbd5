"""Logs of the same time are read side by side."""

from collections.abc import Iterator

from wattmark.attribution.columns import RequestColumns, of
from wattmark.attribution.merging import side_by_side
from wattmark.core.serving.request import Request, Service


def a_chunk(*starts: int) -> RequestColumns:
    return of([Request(service=Service(), start_us=start, end_us=start) for start in starts])


def read(*logs: list[RequestColumns]) -> Iterator[tuple[list[int], int]]:
    for columns, latest_us in side_by_side(logs):
        yield columns.start_us.tolist(), latest_us


def test_the_log_that_is_furthest_behind_comes_next() -> None:
    """Nothing is known to be complete before each was read once; a log at its end holds nobody back."""
    one = [a_chunk(1, 10), a_chunk(20)]
    other = [a_chunk(2, 5), a_chunk(4, 6), a_chunk(30)]
    assert list(read(one, other)) == [
        ([1, 10], -1),
        ([2, 5], 5),
        ([4, 6], 6),
        ([30], 10),
        ([20], 20),
    ]


def test_a_log_alone_is_read_as_it_is() -> None:
    """Chunk after chunk, the empty ones too."""
    assert list(read([a_chunk(3), a_chunk(), a_chunk(1)])) == [([3], 3), ([], 3), ([1], 3)]


def test_no_log_is_nothing() -> None:
    """And a log without requests holds none back."""
    assert list(read()) == []
    assert list(read([], [a_chunk(1)])) == [([1], 1)]
