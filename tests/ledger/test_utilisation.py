"""From windows of an agent through a ledger to the utilisation KPI."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.serving.test_utilisation import MINUTE, US, a_window, answer
from tests.ledger.landing import NOW, some_samples
from wattmark.core.figure import Figure
from wattmark.core.run import Subject
from wattmark.core.serving.utilisation import utilisation_samples
from wattmark.core.serving.window import ServingWindow
from wattmark.ledger.fold import fold
from wattmark.ledger.inbox import land_samples
from wattmark.ledger.store import Store, open_store
from wattmark.ledger.utilisation import utilisation_in

BEGAN = NOW // (5 * MINUTE) * 5
"""A minute at which a window of five begins."""


def an_hour(begin: int = BEGAN) -> list[ServingWindow]:
    """Twelve windows of 5, 10, ... 60 %."""
    return [a_window(begin + m, 60 * 0.05 * (m // 5 + 1)) for m in range(60)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "ledger"))


def landed(store: Store, windows: list[ServingWindow]) -> None:
    land_samples(store, utilisation_samples(windows, source=US, subject=Subject(zone="DE")))


def test_an_hour_of_an_agent_is_a_sustained_utilisation(store: Store) -> None:
    """In two deliveries, one of them twice, beside energy: p10 is 0.10 and the mean 0.325."""
    landed(store, an_hour()[:30])
    landed(store, an_hour()[30:])
    landed(store, an_hour()[30:])
    land_samples(store, [some_samples()])
    fold(store, NOW)
    found = utilisation_in(store)
    (row,) = found.rows
    assert row.windows_300s == pytest.approx([0.05 * n for n in range(1, 13)])
    assert row.mean == pytest.approx(0.325)
    figure = answer(found)
    assert isinstance(figure, Figure)
    assert figure.value == pytest.approx(0.10)
    assert figure.coverage == 1.0


def test_time_machine_and_component_are_chosen(store: Store) -> None:
    """Ten minutes of the hour; another machine has none."""
    landed(store, an_hour())
    fold(store, NOW)
    some = utilisation_in(store, start_us=BEGAN * MINUTE, end_us=(BEGAN + 10) * MINUTE)
    assert some.rows[0].windows_300s == pytest.approx([0.05, 0.10])
    assert utilisation_in(store, hosts=["h"], components=["gpu"]).hosts == 1
    assert utilisation_in(store, hosts=["other"]).rows == ()
    assert utilisation_in(store, components=["cpu"]).rows == ()


def test_a_ledger_without_agents_has_none(store: Store) -> None:
    """Energy alone says nothing of how busy a device was."""
    land_samples(store, [some_samples()])
    fold(store, NOW)
    assert utilisation_in(store).rows == ()
