"""How long answers took."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.bench.evidence import QueryRecord
from wattmark.core.bench.result import Latency
from wattmark.core.bench.timing import latency_of, mean_of, nearest_rank, sum_of


def took(seconds: float, first: float | None = None, failed: str = "") -> QueryRecord:
    return QueryRecord(
        repeat=0,
        turn=0,
        index=0,
        start_us=1_000_000,
        end_us=1_000_000 + round(seconds * 1e6),
        first_output_us=None if first is None else 1_000_000 + round(first * 1e6),
        failed=failed,
    )


def test_latency_of_answers() -> None:
    """1 to 4 s: 2.5 s on average, half within 2 s, 95 % within 4 s; what failed has none."""
    queries = [took(s, first=s / 10) for s in (4.0, 1.0, 3.0, 2.0)]
    assert latency_of([*queries, took(60.0, failed="timeout")]) == Latency(
        mean=2.5, p50=2.0, p95=4.0, first_output_p50=0.2
    )
    assert latency_of([took(1.0, failed="no")]) is None
    assert latency_of([took(1.0)]) == Latency(mean=1.0, p50=1.0, p95=1.0)


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1), (0.05, 1), (0.06, 2), (0.5, 10), (0.95, 19), (1.0, 20)]
)
def test_nearest_rank(share: float, value: float) -> None:
    """Of 1 to 20: 95 % are 19 values, so that the 19th is the answer."""
    assert nearest_rank(list(range(20, 0, -1)), share) == value


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_a_percentile_is_a_value_that_was_seen(values: list[float], share: float) -> None:
    """Never one that was worked out between two."""
    assert nearest_rank(values, share) in values


def test_unknown_counts_have_no_mean() -> None:
    """One that is not known leaves all unknown; none at all is none."""
    assert (mean_of([1, 2]), sum_of([1, 2])) == (1.5, 3.0)
    assert (mean_of([1, None]), sum_of([1, None])) == (None, None)
    assert (mean_of([]), sum_of([])) == (None, None)
