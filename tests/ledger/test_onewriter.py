"""Files that are read, changed and put back: whoever writes at the same time loses nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from wattmark.core.errors import LedgerError
from wattmark.core.grid_series import GridPoint, GridSeries
from wattmark.ledger.gridfile import add_series, fetched_factors
from wattmark.ledger.onewriter import one_writer
from wattmark.ledger.store import LocalStore

HOUR = 3_600_000_000


def test_eight_who_fetch_at_once_keep_all_their_hours(tmp_path: Path) -> None:
    """Each ten hours of its own of one zone: 80 in the end, and no lock stays."""
    store = LocalStore(tmp_path)

    def fetch(first: int) -> None:
        points = tuple(
            GridPoint(start_us=h * HOUR, end_us=(h + 1) * HOUR, grams_per_kwh=1.0)
            for h in range(first * 10, first * 10 + 10)
        )
        add_series(store, GridSeries(zone="FR", points=points, basis="direct", source="s"), "FR")

    with ThreadPoolExecutor(8) as hands:
        list(hands.map(fetch, range(8)))
    assert len(fetched_factors(store)) == 80
    assert [entry.name for entry in store.names("grid/")] == ["grid/FR-location-direct.csv"]


def test_a_lock_that_nobody_takes_away_is_named(tmp_path: Path) -> None:
    """Its writer was killed: the message says which file to remove, and it stays until then."""
    store = LocalStore(tmp_path)
    store.put_new("grid/a.csv.lock", b"killed")
    with (
        pytest.raises(LedgerError, match=r"somebody else writes grid/a\.csv.*remove .*grid/a\.csv\.lock"),
        one_writer(store, "grid/a.csv", patience_seconds=0.0),
    ):
        raise AssertionError("nobody may write now")
    assert store.read("grid/a.csv.lock") == b"killed"


def test_a_lock_whose_answer_was_lost_is_known_again(tmp_path: Path) -> None:
    """An object store made it and could not say so."""

    class Forgetful(LocalStore):
        def put_new(self, name: str, data: bytes) -> bool:
            super().put_new(name, data)
            return False

    store = Forgetful(tmp_path)
    with one_writer(store, "grid/a.csv", patience_seconds=0.0):
        assert store.size("grid/a.csv.lock") is not None
    assert store.size("grid/a.csv.lock") is None
