"""DuckDB and Spark give one answer where prices and litres are joined, and the carbon stays as it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.ledger.derived import HOUR, NOON, Derived
from tests.ledger.engines import spark
from tests.ledger.test_rollup_spark import same_figure, same_total
from wattmark.core.rollup import Total
from wattmark.core.rollup_rates import Amounts
from wattmark.core.tariff import Band, Tariff
from wattmark.core.water import WaterFactor
from wattmark.ledger.engines.duckdb import DuckDbEngine
from wattmark.ledger.engines.spark import SparkEngine
from wattmark.ledger.factors import Factors, GridFactor, SitePue
from wattmark.ledger.rollup import Question, roll_up

PEAK = Band(name="peak", per_kwh=0.40, days=(0, 1, 2, 3, 4), start_minute=480, end_minute=1200)
NIGHT = Band(name="night", per_kwh=-0.05, start_minute=0, end_minute=330)
TARIFFS = (
    Tariff(name="flat", place="FRA", currency="EUR", per_kwh=0.25, source="a"),
    Tariff(
        name="by time",
        place="DEU",
        currency="EUR",
        per_kwh=0.20,
        bands=(PEAK, NIGHT),
        zone=ZoneInfo("Europe/Berlin"),
        source="b",
        relative_error=0.1,
    ),
    Tariff(name="dollars", place="USA", currency="USD", per_kwh=0.10, pays="it", source="c"),
)
WATER = tuple(
    WaterFactor(place="*", where=where, kind=kind, litres_per_kwh=litres, source="d")
    for where, kind, litres in (
        ("site", "usage", 0.5),
        ("source", "consumption", 2.0),
        ("source", "withdrawal", 40.0),
    )
)
QUESTIONS = (
    Question(by=("team", "country"), period="day", time_zone="Europe/Berlin"),
    Question(by=("site",), period="week"),
)


def same_amounts(one: Amounts, other: Amounts) -> None:
    """Energy without a rate bit by bit, amounts to 1e-9."""
    assert one.without_uj == other.without_uj
    assert list(one.by_unit) == list(other.by_unit)
    for unit, figure in one.by_unit.items():
        same_figure(figure, other.by_unit[unit])


def same(one: Total, other: Total) -> None:
    """Energy and carbon, and money and water."""
    same_total(one, other)
    same_amounts(one.cost, other.cost)
    assert list(one.water) == list(other.water)
    for kind, found in one.water.items():
        same_amounts(found, other.water[kind])


def world(folder: Path) -> Derived:
    """Five days of four places, an hour's energy each, one in four of them a gap of unknown size."""
    d = Derived(folder)
    d.subject("s1", team="a")
    d.subject("s2", team="b")
    d.known()
    for place, country in (("p1", "FRA"), ("p2", "DEU"), ("p3", "USA"), ("p4", "IND")):
        d.place(place, zone=country, country=country, site=f"site-{country}")
        for n in range(120):
            d.energy(
                1e6 + 7919.0 * n,
                subject_id="s1" if n % 3 else "s2",
                place_id=place,
                device_id=place,
                start_us=NOON + n * HOUR,
                gap_us=1_000_000 * (n % 4),
                gap_uj=12_345 * (n % 4),
                gap_most_uj=50_000 * (n % 4),
                record_id=f"{place}-{n}",
            )
    return d.write()


GRID = tuple(GridFactor(zone=z, grams_per_kwh=g, source="e") for z, g in (("FRA", 40.0), ("DEU", 340.0)))
BARE = Factors(grid=GRID, pue=(SitePue(site="site-DEU", pue=1.3), SitePue(site="site-USA", pue=1.2)))
PRICED = replace(BARE, tariffs=TARIFFS, water=WATER)


def test_prices_change_neither_energy_nor_carbon(tmp_path: Path) -> None:
    """What is joined beside them leaves them as they were, to the last joule."""
    pytest.importorskip("duckdb", reason="a ledger's tables need the extra `ledger`")
    tables = world(tmp_path)
    for question in QUESTIONS:
        with DuckDbEngine() as engine:
            bare = roll_up(tables, question, BARE, engine)
        with DuckDbEngine() as engine:
            full = roll_up(tables, question, PRICED, engine)
        for one, other in zip((*bare.totals, bare.whole), (*full.totals, full.whole), strict=True):
            same_total(one, other)
        assert bare.whole.cost.by_unit == {}
        assert set(full.whole.cost.by_unit) == {"EUR", "USD"}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_duckdb_and_spark_agree_on_money_and_water(tmp_path: Path) -> None:
    """Two currencies, bands by the clock of Berlin, three kinds of water, a place without a tariff."""
    with spark("local[1]") as session:
        tables = world(tmp_path)
        for question in QUESTIONS:
            with DuckDbEngine() as engine:
                one = roll_up(tables, question, PRICED, engine)
            with SparkEngine(session) as engine:
                other = roll_up(tables, question, PRICED, engine)
            assert one.findings == other.findings
            for mine, theirs in zip((*one.totals, one.whole), (*other.totals, other.whole), strict=True):
                same(mine, theirs)
            assert one.whole.cost.without_uj > 0
            assert len(one.whole.water) == 3
