"""Points of grid intensity: in order, possible, of one kind each; units convert both ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.errors import RefusedError
from wattmark.core.grid_series import (
    ESTIMATED,
    FORECAST,
    HIGHEST,
    MEASURED,
    UNITS,
    GridPoint,
    GridSeries,
    checked,
    grams_per_kwh,
    ordered,
)

HOUR = 3_600_000_000


def point(hour: int, grams: float = 100.0, kind: str = MEASURED, hours: int = 1) -> GridPoint:
    """One hour, counted from 1970."""
    return GridPoint(start_us=hour * HOUR, end_us=(hour + hours) * HOUR, grams_per_kwh=grams, kind=kind)


def series(*points: GridPoint, accounting: str = "location", basis: str = "lifecycle") -> GridSeries:
    """Of France."""
    return GridSeries(zone="FR", points=points, accounting=accounting, basis=basis, source="test")


def test_points_come_in_order_and_once() -> None:
    """However they were sent."""
    assert ordered([point(2), point(1), point(2)]) == (point(1), point(2))


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ([point(1, -1.0)], "impossible"),
        ([point(1, float("nan"))], "impossible"),
        ([point(1, float("inf"))], "impossible"),
        ([point(1, HIGHEST + 1)], "check the unit"),
        ([point(1, hours=0)], "ends before it begins"),
        ([point(1, kind="guessed")], "no kind"),
        ([point(1, 100.0), point(1, 200.0)], "hold at once: 100 and 200"),
        ([point(1, hours=3), point(2)], "hold at once"),
    ],
)
def test_what_cannot_be_is_refused(points: list[GridPoint], said: str) -> None:
    """No point is chosen, mended or left out in silence."""
    with pytest.raises(RefusedError, match=said):
        ordered(points)


@pytest.mark.parametrize(("field", "said"), [("accounting", "accounting"), ("basis", "basis")])
def test_unknown_terms_are_refused(field: str, said: str) -> None:
    """They decide with what a figure may be compared."""
    with pytest.raises(RefusedError, match=said):
        checked(series(**{field: "other"}))
    assert checked(series()) == series()


def test_the_mean_is_by_time() -> None:
    """1 h at 100 and 3 h at 200 are 175."""
    assert series(point(0, 100.0), point(1, 200.0, hours=3)).mean() == 175.0
    assert series().mean() is None


def test_shares_are_by_time() -> None:
    """1 h measured and 3 h estimated: 25 % and 75 %."""
    assert series(point(0), point(1, kind=ESTIMATED, hours=3)).shares() == {MEASURED: 0.25, ESTIMATED: 0.75}
    assert series(point(0, kind=FORECAST)).shares() == {FORECAST: 1.0}


def test_holes_are_found() -> None:
    """Before, between and after the points; what lies outside the stretch counts for nothing."""
    known = series(point(0), point(2), point(4), point(9))
    assert known.holes(1 * HOUR, 6 * HOUR) == ((HOUR, 2 * HOUR), (3 * HOUR, 4 * HOUR), (5 * HOUR, 6 * HOUR))
    assert known.holes(2 * HOUR, 3 * HOUR) == ()
    assert series().holes(0, HOUR) == ((0, HOUR),)


def test_a_marginal_factor_enters_no_inventory() -> None:
    """WattTime's marginal signal is for scheduling and SCI, never for Scope 2."""
    assert series(accounting="marginal").inventory == "product-only"
    assert series().inventory == "scope 2"


@pytest.mark.parametrize(
    ("value", "unit", "grams"),
    [
        (1000.0, "lb/MWh", 453.59237),
        (1.0, "lb/kWh", 453.59237),
        (0.4, "t/MWh", 400.0),
        (400.0, "kg/MWh", 400.0),
        (0.4, "kg/kWh", 400.0),
        (400.0, "g/kWh", 400.0),
        (400_000.0, "g/MWh", 400.0),
    ],
)
def test_units_become_grams_per_kwh(value: float, unit: str, grams: float) -> None:
    """1 lb = 453.59237 g."""
    assert grams_per_kwh(value, unit) == pytest.approx(grams, rel=1e-12)


@given(st.floats(0, 1e6), st.sampled_from(sorted(UNITS)))
def test_a_unit_and_back_is_the_same(value: float, unit: str) -> None:
    """Each conversion is one factor, the same in both directions."""
    assert grams_per_kwh(value, unit) / UNITS[unit] == pytest.approx(value, rel=1e-12)


def test_an_unknown_unit_is_refused() -> None:
    """Never taken for g/kWh."""
    with pytest.raises(RefusedError, match="no unit of grid intensity"):
        grams_per_kwh(1.0, "gCO2")


def test_a_lifecycle_series_enters_no_scope_2_as_it_stands() -> None:
    """A direct one does, a marginal one enters nothing."""
    assert series(basis="lifecycle").enters == "product-only"
    assert series(basis="direct").enters == "scope 2"
    assert series(basis="direct", accounting="marginal").enters == "product-only"
