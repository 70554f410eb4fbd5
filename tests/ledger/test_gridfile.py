"""Fetched intensity in a ledger: what was kept is what totals meet, and what is stated by hand goes first."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.errors import ConfigError, UsageError
from wattmark.core.grid_series import ESTIMATED, FORECAST, MEASURED, GridPoint, GridSeries
from wattmark.ledger.factors import GridFactor
from wattmark.ledger.gridfile import HEADS, add_series, fetched_factors
from wattmark.ledger.store import LocalStore

HOUR = 3_600_000_000


def a_series(*grams: float, first: int = 0, kind: str = MEASURED, **terms: str) -> GridSeries:
    """Hours since 1970."""
    points = tuple(
        GridPoint(start_us=h * HOUR, end_us=(h + 1) * HOUR, grams_per_kwh=g, kind=kind)
        for h, g in enumerate(grams, first)
    )
    told = {"accounting": "location", "basis": "lifecycle", "source": "test", "note": "n", **terms}
    return GridSeries(zone="FR", points=points, **told)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """An empty ledger."""
    return LocalStore(tmp_path)


def test_what_is_kept_comes_back(store: LocalStore) -> None:
    """Every digit, with kind, source and note; under the ledger's own name of the zone."""
    name, count = add_series(store, a_series(0.1 + 0.2, 50.0, kind=ESTIMATED), "FRA")
    assert (name, count) == ("grid/FRA-location-lifecycle.csv", 2)
    first, second = fetched_factors(store)
    assert first == GridFactor(
        zone="FRA",
        start_us=0,
        end_us=HOUR,
        grams_per_kwh=0.1 + 0.2,
        granularity="hour",
        source="test",
        relative_error=0.15,
        estimated_share=1.0,
        note="n",
    )
    assert second.start_us == HOUR


def test_the_same_hours_are_replaced(store: LocalStore) -> None:
    """Restated hours are there once; others stay."""
    add_series(store, a_series(1.0, 2.0, 3.0), "FR")
    assert add_series(store, a_series(20.0, first=1), "FR")[1] == 3
    assert [f.grams_per_kwh for f in fetched_factors(store)] == [1.0, 20.0, 3.0]


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 12)), min_size=1, max_size=5))
def test_whatever_is_fetched_in_whichever_order_holds_once(fetched: list[tuple[int, int]]) -> None:
    """Each hour has the value that was fetched for it last."""
    with tempfile.TemporaryDirectory() as folder:
        store = LocalStore(Path(folder))
        wanted: dict[int, float] = {}
        for turn, (first, hours) in enumerate(fetched):
            add_series(store, a_series(*[float(turn)] * hours, first=first), "FR")
            wanted |= {hour: float(turn) for hour in range(first, first + hours)}
        found = {(f.start_us or 0) // HOUR: f.grams_per_kwh for f in fetched_factors(store)}
        assert found == dict(sorted(wanted.items()))


def test_a_marginal_factor_stays_out_of_every_inventory(store: LocalStore) -> None:
    """In a file of its own, and never Scope 2."""
    add_series(store, a_series(1.0), "FR")
    name, _ = add_series(store, a_series(2.0, accounting="marginal", basis="direct"), "FR")
    assert name == "grid/FR-marginal-direct.csv"
    assert {f.accounting: f.inventory for f in fetched_factors(store)} == {
        "location": "scope 2",
        "marginal": "product-only",
    }


def test_an_inventory_may_be_stated_except_for_marginal_factors(store: LocalStore) -> None:
    """Electricity that a cloud provider buys is Scope 3.1."""
    add_series(store, a_series(1.0), "FR", "scope 3.1")
    assert [f.inventory for f in fetched_factors(store)] == ["scope 3.1"]
    with pytest.raises(UsageError, match="product-only"):
        add_series(store, a_series(1.0, accounting="marginal"), "FR", "scope 2")


def test_forecasts_do_not_go_into_a_ledger(store: LocalStore) -> None:
    """They are no evidence of what was."""
    with pytest.raises(UsageError, match="forecasts"):
        add_series(store, a_series(1.0, kind=FORECAST), "FR")
    assert fetched_factors(store) == ()


@pytest.mark.parametrize(
    ("stated", "left"),
    [
        ({"start_us": HOUR, "end_us": 2 * HOUR}, [1.0, 3.0]),
        ({"start_us": HOUR}, [1.0]),
        ({"end_us": HOUR}, [2.0, 3.0]),
        ({}, [1.0, 2.0, 3.0]),
        ({"start_us": 0, "basis": "direct"}, [1.0, 2.0, 3.0]),
    ],
)
def test_what_is_stated_by_hand_goes_first(
    store: LocalStore, stated: dict[str, int], left: list[float]
) -> None:
    """A factor without bounds fills what is left, and takes nothing away."""
    add_series(store, a_series(1.0, 2.0, 3.0), "FR")
    by_hand = GridFactor(zone="FR", grams_per_kwh=9.0, source="me", **stated)  # type: ignore[arg-type]
    assert [f.grams_per_kwh for f in fetched_factors(store, [by_hand])] == left


ROW = "FR,1970-01-01T00:00:00Z,1970-01-01T01:00:00Z,5.0,location,direct,scope 2,measured,s,"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n", "line 1: must be the names"),
        ("", "line 1"),
        (f"{','.join(HEADS)}\nFR,1\n", "line 2: has 2 columns"),
        (f"{','.join(HEADS)}\n{ROW.replace('5.0', 'many')}\n", "line 2: could not convert"),
        (f"{','.join(HEADS)}\n{ROW.replace('5.0', '-5')}\n", "line 2: an intensity of -5"),
        (f"{','.join(HEADS)}\n{ROW.replace('measured', 'known')}\n", "line 2: kind 'known'"),
        (f"{','.join(HEADS)}\n{ROW.replace('01:00:00Z', '01:00:00')}\n", "line 2: .*no offset"),
        (f"{','.join(HEADS)}\n{ROW.replace('location', 'here')}\n", "line 2: 'here'"),
        (f"{','.join(HEADS)}\n{ROW.replace('5.0', '1e308')}\n", "line 2: an intensity of 1e"),
        (f"{','.join(HEADS)}\n{ROW.replace('5.0', 'nan')}\n", "line 2: an intensity of nan"),
        (f"{','.join(HEADS)}\n{ROW.replace('T01', 'T00')}\n", "line 2: it ends before it begins"),
        (f"{','.join(HEADS)}\n{ROW[2:]}\n", "line 2: zone is empty"),
        (f'{",".join(HEADS)}\n{ROW}"half\n{ROW}\n', "is no whole CSV file"),
        (f"{','.join(HEADS)}\n{ROW}\0\n", "line 2: is no text"),
        (
            f"{','.join(HEADS)}\n{ROW.replace('1970-01-01T00', '0001-01-01T00')}\n",
            "line 2: 0001-01-01T00.* no time",
        ),
    ],
)
def test_a_damaged_file_names_its_line(store: LocalStore, text: str, said: str) -> None:
    """Nothing is left out in silence."""
    store.replace("grid/FR.csv", text.encode())
    with pytest.raises(ConfigError, match=said):
        fetched_factors(store)


def test_a_file_in_another_encoding_is_refused(store: LocalStore) -> None:
    """A zone whose name is half read would be met by nothing, and nobody would know."""
    store.replace("grid/z.csv", f"{','.join(HEADS)}\n{ROW.replace('FR', 'Zürich')}\n".encode("latin-1"))
    with pytest.raises(ConfigError, match="line 2: is not UTF-8"):
        fetched_factors(store)


def test_two_zones_whose_names_make_one_file_keep_their_points(store: LocalStore) -> None:
    """`a b` and `a_b` lie in one file, and neither takes the other's hours away."""
    first, _ = add_series(store, a_series(1.0, 2.0), "a b")
    second, _ = add_series(store, a_series(3.0, 4.0), "a_b")
    assert first == second
    found = [(f.zone, f.grams_per_kwh) for f in fetched_factors(store)]
    assert sorted(found) == [("a b", 1.0), ("a b", 2.0), ("a_b", 3.0), ("a_b", 4.0)]
