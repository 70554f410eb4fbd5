"""Figures that came by hand: declared, or of an import."""

from __future__ import annotations

from tests.builders import a_row, a_run
from wattmark.core.known import Grade, Method
from wattmark.core.manual import figures_by_hand
from wattmark.core.run import Work

OURS = {"environment": {"wattmark": "1.0"}}
DECLARED = {"method": Method.DECLARED, "grade": Grade.E}


def test_a_device_is_one_figure_however_many_rows_it_has() -> None:
    """It was declared when all of its rows were."""
    rows = (a_row(device_id="a"), a_row(device_id="a", **DECLARED), a_row(device_id="b", **DECLARED))
    assert figures_by_hand(a_run(energies=rows, **OURS)) == (1, 2)


def test_work_that_was_stated_came_by_hand_and_work_that_was_counted_did_not() -> None:
    """Two counts and a device."""
    work = (Work(unit="images", count=1.0, declared=True), Work(unit="images", count=1.0))
    assert figures_by_hand(a_run(work=work, **OURS)) == (1, 3)


def test_all_of_an_import_came_by_hand() -> None:
    """Also what a counter has read: somebody had to bring it."""
    assert figures_by_hand(a_run(work=(Work(unit="images", count=1.0),))) == (2, 2)
