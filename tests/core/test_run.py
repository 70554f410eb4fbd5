"""The record of a run: what it works out from its own fields."""

from __future__ import annotations

import pytest

from tests.builders import a_row


@pytest.mark.parametrize(
    ("observed", "duration", "coverage"),
    [(5.0, 10.0, 0.5), (10.0, 10.0, 1.0), (11.0, 10.0, 1.0), (0.0, 0.0, 1.0)],
)
def test_coverage_is_the_share_of_the_time_that_was_seen(
    observed: float, duration: float, coverage: float
) -> None:
    """At most all of it; of no time at all nothing was missed."""
    assert a_row(observed_seconds=observed, duration_seconds=duration).coverage == coverage
