"""The figures that are watched."""

from __future__ import annotations

from tests.monitoring.detection.rows import a_row
from wattmark.monitoring.detection.features import PER_REQUEST, PER_TOKEN, figure


def test_failed_requests_count_in_the_energy_and_not_in_the_work() -> None:
    """10 kJ for 100 requests of which 20 failed: 125 J for each that succeeded."""
    assert figure(a_row(failed=20.0), PER_REQUEST) == 125.0
    assert figure(a_row(failed=20.0), PER_TOKEN) == 0.5


def test_there_is_no_figure_of_nothing() -> None:
    """All failed, no token was told, nothing was used."""
    assert figure(a_row(failed=100.0), PER_REQUEST) is None
    assert figure(a_row(output_tokens=None), PER_TOKEN) is None
    assert figure(a_row(joules=0.0), PER_TOKEN) is None
