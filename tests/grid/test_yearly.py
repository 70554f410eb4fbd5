"""Yearly tables of several sources: each figure with its basis, and never one basis for another."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark import tables
from wattmark.core.carbon import Intensity
from wattmark.core.errors import ConfigError, NotComparable, RefusedError
from wattmark.core.figure import total
from wattmark.grid.bundled import intensities, scope_2, split, yearly, zone_names
from wattmark.grid.yearly import GOOGLE, TABLES, WORLD, rows_of, yearly_rows

ZONES = sorted(zone_names())


@pytest.mark.parametrize(
    ("zone", "basis", "grams", "year", "source"),
    [
        ("CAMX", "direct", 195.03, 2023, "EPA eGRID2023 rev2"),
        ("USA", "direct", 349.67, 2023, "EPA eGRID2023 rev2"),
        ("GBR", "direct", 130.96, 2026, "DESNZ conversion factors"),
        ("IRL", "direct", 250.88, 2023, "worked out from Eurostat"),
        ("europe-west9", "direct", 15.83, 2025, "Google Cloud region carbon data"),
        ("DEU", "lifecycle", 342.06, 2024, "Ember yearly"),
    ],
)
def test_a_figure_of_each_source(zone: str, basis: str, grams: float, year: int, source: str) -> None:
    """As the source prints it, or as its gases add up: 247.48 + 28 x 0.0128 + 265 x 0.01147 for Ireland."""
    found = yearly(zone, basis)
    assert found.grams_per_kwh == pytest.approx(grams, abs=0.01)
    assert (found.zone, found.basis, found.year, found.source) == (zone, basis, year, source)
    assert (found.accounting, found.granularity) == ("location", "year")


@pytest.mark.parametrize("subregion", ["CAMX", "NYUP", "RFCW"])
def test_the_gases_of_a_subregion_add_up(subregion: str) -> None:
    """AR5: CO2 + 28 CH4 + 265 N2O; the three rates as EPA prints them."""
    gases = {
        "CAMX": (194.3512704, 0.01134, 0.0013608),
        "NYUP": (109.8115704, 0.0049896, 0.0004536),
        "RFCW": (413.4219264, 0.0322056, 0.004536),
    }
    co2, ch4, n2o = gases[subregion]
    assert yearly(subregion, "direct").grams_per_kwh == pytest.approx(co2 + 28 * ch4 + 265 * n2o, abs=0.01)


@pytest.mark.parametrize(
    ("said", "meant"),
    [("UK", "GBR"), ("gb", "GBR"), ("United Kingdom", "GBR"), ("US", "USA"), ("EL", "GRC"), (" fr ", "FRA")],
)
def test_usual_names_of_a_country_mean_it(said: str, meant: str) -> None:
    """Alpha-2 codes, English names, and the codes of statistics offices."""
    assert intensities(said)[0].zone == meant


def test_the_european_union_is_a_mean_and_says_so() -> None:
    """It is no country."""
    found = yearly("EU")
    assert found.grams_per_kwh == pytest.approx(213.02)
    assert "not of a country" in found.note


@pytest.mark.parametrize("zone", ["", "World", "WORLD", "Atlantis", "ZZ"])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    """Never the world's mean in silence."""
    with pytest.raises(RefusedError, match="no grid intensity is known"):
        intensities(zone)


@pytest.mark.parametrize(
    ("said", "near"),
    [("Germny", r"DEU \(Germany\)"), ("CAMZ", r"CAMX \(WECC California\)"), ("us-eat4", "us-east4")],
)
def test_the_closest_zones_are_named(said: str, near: str) -> None:
    """A slip of the pen is mended by reading."""
    with pytest.raises(RefusedError, match=near):
        intensities(said)


def test_one_basis_never_stands_for_the_other() -> None:
    """Germany has no direct figure here and California no lifecycle one."""
    with pytest.raises(
        RefusedError, match=r"of DEU only a lifecycle figure is known.*may not stand for a direct"
    ):
        scope_2("DEU")
    with pytest.raises(RefusedError, match="of CAMX only a direct figure is known"):
        yearly("CAMX", "lifecycle")


def test_googles_figures_of_2020_and_2021_are_never_added() -> None:
    """Their basis changed from lifecycle to operational; refused, with the differing term named."""
    by_year = {i.year: i for i in intensities("us-east4")}
    assert (by_year[2020].basis, by_year[2021].basis) == ("lifecycle", "direct")
    with pytest.raises(NotComparable, match="basis: lifecycle against direct"):
        total([by_year[2020].figure(), by_year[2021].figure()])


def test_the_year_of_the_work_chooses_the_figure() -> None:
    """The newest that is not later; of work before the first one the first one, which is said."""
    assert yearly("GBR", "direct", year=2025).grams_per_kwh == 177
    assert yearly("GBR", "direct", year=2027).grams_per_kwh == pytest.approx(130.96)
    early = yearly("GBR", "direct", year=2020)
    assert (early.year, early.note) == (2024, "the intensity data (2024) is of a later year")


def test_old_data_is_said_to_be_old() -> None:
    """Beside the figure; three years are usual."""
    assert yearly("ABW", year=2025).note == ""
    old = yearly("ABW", year=2026)
    assert old.note == "the intensity data (2022) is 4 years old"
    assert old.note in old.figure().notes


def test_a_lifecycle_figure_is_split_for_an_inventory() -> None:
    """United States: 349.67 g direct in Scope 2, the rest of 383.55 g upstream in Scope 3.3."""
    direct, upstream = split("USA")
    assert (direct.inventory, upstream.inventory) == ("scope 2", "scope 3.3")
    assert direct.grams_per_kwh + upstream.grams_per_kwh == pytest.approx(383.55)
    assert upstream.relative_error * upstream.grams_per_kwh == pytest.approx((38.355**2 + 34.967**2) ** 0.5)
    assert "Ember yearly 2024 less EPA eGRID2023 rev2 2023" in upstream.source


def test_figures_that_do_not_fit_together_are_not_split() -> None:
    """France: 44 g over the life cycle in 2024, 50 g direct in 2023."""
    with pytest.raises(RefusedError, match="is not above the direct one"):
        split("FRA")


@given(zone=st.sampled_from(ZONES), year=st.integers(2015, 2035))
def test_every_zone_has_a_whole_figure(zone: str, year: int) -> None:
    """With basis, year and source; what was asked for is what is given; newest first within a table."""
    found = intensities(zone)
    for one in found:
        assert one.zone == zone
        assert one.figure().value > 0
        assert yearly(zone, one.basis, year=year).basis == one.basis
    for before, after in pairwise(found):
        assert before.source != after.source or (before.year or 0) > (after.year or 0)


@given(text=st.text(max_size=12))
def test_any_text_is_a_zone_or_refused(text: str) -> None:
    """Nothing in between, and the world is no zone."""
    if text.strip().upper() in {"", WORLD}:
        with pytest.raises(RefusedError, match="--intensity"):
            intensities(text)
        return
    try:
        found = intensities(text)
    except RefusedError:
        return
    assert found[0].zone != WORLD


def test_zones_are_told_apart_across_tables() -> None:
    """A code means one thing."""
    kinds: dict[str, set[str]] = {}
    for row in yearly_rows():
        kinds.setdefault(row.zone, set()).add(
            "country" if row.zone.isupper() and len(row.zone) == 3 else row.table.what
        )
    assert all(len(k) == 1 for k in kinds.values())


def own_table(folder: Path, name: str, text: str, version: str = "2027") -> None:
    """A table of the user's own."""
    target = folder / f"{name}.csv"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    (folder / f"{name}.meta.toml").write_text(
        f'id = "x"\nversion = "{version}"\nsource = "s"\nlicence = "l"\nyear = 2027\nsha256 = "{digest}"\n'
    )


UK = "zone,name,year,gco2e_per_kwh,basis,note\nGBR,United Kingdom,2027,100,direct,\n"


def test_a_table_of_ones_own_goes_first_and_is_named(tmp_path: Path) -> None:
    """It takes the place of the one that is shipped; the others stay."""
    own_table(tmp_path, "grid/uk_desnz", UK)
    found = yearly("GBR", "direct", mine=tmp_path)
    assert (found.grams_per_kwh, found.source) == (100, "DESNZ conversion factors, own table 2027")
    assert yearly("FRA", mine=tmp_path) == yearly("FRA")


def test_a_table_of_ones_own_that_was_altered_is_refused(tmp_path: Path) -> None:
    """The message says what mends it."""
    own_table(tmp_path, "grid/uk_desnz", UK)
    (tmp_path / "grid/uk_desnz.csv").write_text(UK.replace("100", "1"))
    with pytest.raises(ConfigError, match=r"was altered.*wattmark data update"):
        yearly("GBR", "direct", mine=tmp_path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (UK.replace("100", "many"), "gco2e_per_kwh is 'many'"),
        (UK.replace("direct", "green"), "basis is 'green'"),
    ],
)
def test_a_row_that_cannot_be_is_named(tmp_path: Path, text: str, problem: str) -> None:
    """Table, row and column."""
    own_table(tmp_path, "grid/uk_desnz", text)
    with pytest.raises(ConfigError, match=f"row 1: {problem}"):
        yearly("GBR", "direct", mine=tmp_path)


def test_shares_of_carbon_free_energy_are_shares() -> None:
    """0 to 1, where published."""
    shares = [row["carbon_free_share"] for row in tables.rows(GOOGLE.name) if row["carbon_free_share"]]
    assert all(0 <= float(share) <= 1 for share in shares)


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_every_table_says_its_licence_and_hash(table: object) -> None:
    """And holds figures."""
    told = tables.meta(table.name)  # type: ignore[attr-defined]
    assert told.licence
    assert told.source
    rows = rows_of(table)  # type: ignore[arg-type]
    assert rows
    assert all(isinstance(row.intensity, Intensity) for row in rows)
