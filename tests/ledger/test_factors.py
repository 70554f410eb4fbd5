"""Grid intensity and PUE over time: what holds when, where two clash, and where none is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from wattmark.core.errors import RefusedError, UsageError
from wattmark.ledger.factors import GridFactor, SitePue, course, expanded, grid_courses, moment, pue_courses

HOUR = 3_600_000_000


def grid(start: int | None, end: int | None, grams: float) -> GridFactor:
    """An intensity of France, by hours."""
    return GridFactor(
        zone="FRA",
        start_us=None if start is None else start * HOUR,
        end_us=None if end is None else end * HOUR,
        grams_per_kwh=grams,
        source="table",
    )


def mean(factors: Sequence[GridFactor], start: float, end: float) -> float | None:
    """The mean intensity between two hours."""
    met = grid_courses(factors)["FRA"].over(
        (round(start * HOUR), round(end * HOUR)), lambda f: f.grams_per_kwh
    )
    return None if met is None else met[1]


def test_a_stretch_inside_one_factor_meets_it() -> None:
    """0:15 to 0:30 lies in the first hour."""
    assert mean([grid(0, 1, 30), grid(1, 2, 60)], 0.25, 0.5) == 30
    assert mean([grid(0, 1, 30), grid(1, 2, 60)], 1, 1.25) == 60


def test_a_stretch_across_factors_meets_their_mean_by_time() -> None:
    """A quarter of it at 30, three quarters at 60: 52.5."""
    assert mean([grid(1, 5, 60), grid(0, 1, 30)], 0.75, 1.75) == 52.5


def test_a_stretch_that_is_only_partly_covered_meets_none() -> None:
    """Half an answer would pass for a whole one."""
    assert mean([grid(0, 1, 30)], 0.5, 1.5) is None
    assert mean([grid(0, 1, 30), grid(2, 3, 30)], 0.5, 2.5) is None
    assert mean([grid(1, 2, 30)], 0, 1) is None


def test_open_ends_hold_for_ever() -> None:
    """From an hour on, or until one."""
    assert mean([grid(None, 5, 30), grid(5, None, 60)], -1000, -999) == 30
    assert mean([grid(None, 5, 30), grid(5, None, 60)], 10_000, 10_001) == 60


def test_a_factor_without_bounds_holds_where_no_other_does() -> None:
    """A yearly figure fills what hourly ones leave."""
    assert mean([grid(None, None, 100), grid(0, 1, 30)], 0, 1) == 30
    assert mean([grid(None, None, 100), grid(0, 1, 30)], 0.5, 1.5) == 65
    assert mean([grid(None, None, 100), grid(0, 1, 30)], 7, 8) == 100


@pytest.mark.parametrize(
    ("factors", "said"),
    [
        ([grid(0, 2, 30), grid(1, 3, 60)], "zone FRA has two factors from 1970-01-01T01:00:00Z on"),
        ([grid(None, None, 30), grid(None, None, 60)], "zone FRA has 2 factors that hold always"),
        ([grid(2, 1, 30)], "zone FRA has a factor that ends at 1970-01-01T01:00:00Z, before it begins"),
    ],
)
def test_factors_that_clash_are_refused_with_zone_and_time(factors: list[GridFactor], said: str) -> None:
    """Which of two holds is not ours to choose."""
    with pytest.raises(UsageError, match=said):
        grid_courses(factors)


def test_impossible_factors_are_refused() -> None:
    """Before any energy meets them."""
    with pytest.raises(RefusedError, match="PUE of 0"):
        pue_courses([SitePue(site="a", pue=0.9)])
    with pytest.raises(RefusedError, match="intensity of -1"):
        grid_courses([grid(0, 1, -1)])


def test_sites_are_named_in_their_clashes() -> None:
    """The same rules hold for PUE."""
    with pytest.raises(UsageError, match="site paris has 2 factors"):
        pue_courses([SitePue(site="paris", pue=1.2), SitePue(site="paris", pue=1.3)])


def test_an_expansion_has_one_row_for_each_key_and_slot() -> None:
    """Without a factor the table is none, the value neutral, and the first hole is told."""
    made = expanded(
        [course("zone FRA", [grid(0, 1, 30), grid(1, 2, 60)]), None],
        [(0, HOUR), (HOUR, 2 * HOUR), (2 * HOUR, 3 * HOUR)],
        lambda f: f.grams_per_kwh,
        lambda f: f.zone,
        lambda f: f.source,
        0.0,
    )
    assert made.tables == ("FRA",)
    assert made.rows == (
        (0, 0, 0, 30.0),
        (0, 1, 0, 60.0),
        (0, 2, -1, 0.0),
        *((1, n, -1, 0.0) for n in range(3)),
    )
    assert dict(made.holes) == {0: (2 * HOUR, 3 * HOUR)}


def test_moments_are_told_in_utc() -> None:
    """As people read them."""
    assert moment(1_793_534_400_000_000) == "2026-11-01T12:00:00Z"


def test_a_mean_of_two_tables_names_both_and_is_as_uncertain_as_the_worse() -> None:
    """A long record meets 2025's table for an hour and 2026's for three."""
    first = replace(grid(0, 1, 30.0), year=2025, estimated_share=1.0)
    second = replace(grid(1, 4, 60.0), source="b", year=2026, relative_error=0.2)
    met = course("zone FRA", [first, second]).over((0, 4 * HOUR), lambda f: f.grams_per_kwh)
    assert met is not None
    told, grams = met
    assert grams == pytest.approx(52.5)
    assert (told.source, told.year, told.relative_error) == ("table + b", None, 0.2)
    assert told.estimated_share == pytest.approx(0.25)
    sites = (
        SitePue(site="s", end_us=HOUR, pue=1.1, relative_error=0.1),
        SitePue(site="s", start_us=HOUR, pue=1.2, source="report"),
    )
    pue = course("site s", sites).over((0, 2 * HOUR), lambda f: f.pue)
    assert pue is not None
    assert (pue[0].source, pue[0].relative_error, pue[1]) == ("report", 0.1, pytest.approx(1.15))


def test_factors_of_two_kinds_in_one_zone_are_refused() -> None:
    """Location- and market-based grams are never added, also not hour after hour."""
    market = replace(grid(0, 1, 30.0), accounting="market")
    with pytest.raises(UsageError, match=r"two kinds, location-based, lifecycle and market-based, lifecycle"):
        grid_courses([market, grid(1, None, 30.0)])
