"""Rows that are kept come back as they were."""

from __future__ import annotations

from tests.monitoring.detection.rows import START, a_row, steady
from wattmark.monitoring.detection.history import History


def test_rows_come_back_as_they_were() -> None:
    """What is not known stays not known; a release that changes is kept with its rows."""
    rows = [*steady(3), a_row(3, output_tokens=None, version="1.1"), a_row(4)]
    history = History()
    for row in rows:
        history.append(row)
    assert list(history) == rows
    assert (len(history), history.start, history.end) == (5, START, START + 300.0)


def test_the_rows_since_a_moment() -> None:
    """Those that begin at it or later."""
    history = History()
    for row in steady(5):
        history.append(row)
    assert [row.end for row in history.since(START + 120.0)] == [START + 180.0, START + 240.0, START + 300.0]
