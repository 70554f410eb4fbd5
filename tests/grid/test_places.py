"""Cloud regions: where they are, on which grid, with which PUE, and whose word that is."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark import tables
from wattmark.core.errors import ConfigError, RefusedError, UsageError
from wattmark.grid.bundled import zone_names
from wattmark.grid.places import (
    PROVIDERS,
    TABLE,
    CloudPlace,
    cloud_places,
    find_place,
    intensity_at,
    the_place,
)
from wattmark.grid.yearly import GOOGLE
from wattmark.grid.zones import countries

PLACES = cloud_places()


@pytest.mark.parametrize(
    ("said", "region"),
    [
        ("us-east-1", "us-east-1"),
        ("AWS:us-east-1", "us-east-1"),
        ("us-east-1a", "us-east-1"),
        ("gcp:us-central1", "us-central1"),
        ("us-central1-a", "us-central1"),
        ("East US", "eastus"),
        ("azure:eastus2", "eastus2"),
    ],
)
def test_a_region_is_found_by_the_names_in_use(said: str, region: str) -> None:
    """With the provider before it, as the portal writes it, or as an availability zone."""
    found = find_place(said)
    assert found is not None
    assert found.region == region


@pytest.mark.parametrize("said", [None, "", "cellar", "aws:eastus", "us-east-99"])
def test_any_other_name_is_no_cloud_region(said: str | None) -> None:
    """It may be a room; nothing is guessed."""
    assert find_place(said) is None


def test_a_region_that_was_asked_for_must_be_known() -> None:
    """The closest ones are named, and another way."""
    with pytest.raises(UsageError, match=r"perhaps .*us-east-1.*--country"):
        the_place("us-est-1")


def test_the_pue_is_the_providers_word() -> None:
    """Kind, year and width say so: 1.14 for all of AWS in 2025."""
    pue = the_place("eu-west-1").pue
    assert pue is not None
    assert (pue.value, pue.kind, pue.relative_error) == (1.14, "provider_year", 0.10)
    assert pue.figure().sources == ("PUE 1.14 (provider_year: AWS, mean of its data centres, 2025)",)
    assert the_place("cn-north-1").pue is None


def test_the_finest_grid_on_the_asked_basis_holds() -> None:
    """Direct: Google's own figure, else the subregion, else the country. Lifecycle: the country."""
    direct = {r: intensity_at(the_place(r), "direct") for r in ("us-east4", "us-east-1", "us-gov-east-1")}
    assert {r: i.zone for r, i in direct.items()} == {
        "us-east4": "us-east4",
        "us-east-1": "SRVC",
        "us-gov-east-1": "USA",
    }
    assert {i.basis for i in direct.values()} == {"direct"}
    whole = intensity_at(the_place("us-east-1"))
    assert (whole.zone, whole.basis, whole.grams_per_kwh) == ("USA", "lifecycle", 383.55)


def test_a_figure_by_a_region_says_so_and_is_a_bought_service() -> None:
    """Electricity that the provider buys is Scope 3.1 of its customer, never Scope 2."""
    found = intensity_at(the_place("eu-west-1"))
    assert found.inventory == "scope 3.1"
    assert found.note == "by its cloud region (AWS eu-west-1, Ireland)"
    assert found.note in found.figure().notes


def test_an_old_fine_figure_gives_way_to_a_newer_one() -> None:
    """Google's lifecycle figures end in 2020: later work meets the country's of 2024."""
    place = the_place("europe-west1")
    assert intensity_at(place).source == "Ember yearly"
    assert intensity_at(place, year=2026).zone == "BEL"
    assert intensity_at(place, year=2020).zone == "europe-west1"


def test_a_region_without_a_figure_on_that_basis_is_refused() -> None:
    """Frankfurt has no direct one here, and lifecycle does not stand for it."""
    with pytest.raises(RefusedError, match="of DEU only a lifecycle figure is known"):
        intensity_at(the_place("eu-central-1"), "direct")


@given(place=st.sampled_from(PLACES))
def test_every_region_is_whole(place: CloudPlace) -> None:
    """Country known, subregion known, shares in range, every word with its source."""
    assert place.provider in PROVIDERS
    assert place.country in countries()
    assert not place.subregion or (place.country == "USA" and place.subregion in zone_names())
    assert place.place_source.startswith("https://")
    assert (place.pue is None) == (not place.pue_source)
    assert place.pue is None or 1.0 <= place.pue.value <= 2.0
    assert intensity_at(place, year=2026).zone == place.country
    assert find_place(f"{place.provider}:{place.region}") == place


def test_names_are_unique_across_providers() -> None:
    """A bare name means one region."""
    assert len({p.region for p in PLACES}) == len(PLACES) >= 130


def test_carbon_free_shares_are_those_of_googles_own_table() -> None:
    """Two tables, one figure."""
    told = {(r["zone"], r["year"]): r["carbon_free_share"] for r in tables.rows(GOOGLE.name)}
    google = [p for p in PLACES if p.carbon_free_share is not None]
    assert google
    for place in google:
        assert float(told[place.region, str(place.carbon_free_year)]) == place.carbon_free_share


HEAD = (
    "provider,region,name,country,subregion,pue,pue_year,pue_scope,carbon_free_share,carbon_free_year,"
    "place_source,pue_source\n"
)


def own(folder: Path, row: str) -> Path:
    """A table of the user's own, of one region."""
    text = f"{HEAD}{row}\n"
    (folder / f"{TABLE}.csv").write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    (folder / f"{TABLE}.meta.toml").write_text(
        f'id = "x"\nversion = "7"\nsource = "s"\nlicence = "l"\nyear = 2027\nsha256 = "{digest}"\n'
    )
    return folder


def test_a_table_of_ones_own_replaces_ours(tmp_path: Path) -> None:
    """And its figures name it."""
    mine = own(tmp_path, "aws,eu-west-1,Dublin,IRL,,1.07,2026,campus,0.5,2026,https://a,https://b")
    found = the_place("eu-west-1", mine)
    assert found.pue is not None
    assert found.pue.source == "AWS, its campus there, 2026, own table 7"
    assert find_place("us-east-1", mine) is None


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("aws,x-1,X,IRL,,0.9,2026,campus,,,https://a,https://b", "a PUE of 0.9 is impossible"),
        ("aws,x-1,X,IRL,,1.1,2026,guess,,,https://a,https://b", "pue_scope is 'guess'"),
        ("aws,x-1,X,IRL,,low,2026,campus,,,https://a,https://b", "pue is 'low', not a number"),
        ("aws,x-1,X,IRL,,,,,1.5,2026,https://a,https://b", "carbon_free_share is 1.5, not 0 to 1"),
    ],
)
def test_a_row_that_cannot_be_is_named(tmp_path: Path, row: str, problem: str) -> None:
    """Table, row and what is wrong."""
    with pytest.raises(ConfigError, match=f"row 1: {problem}"):
        cloud_places(own(tmp_path, row))


def test_a_run_meets_the_pue_of_its_year() -> None:
    """AWS: 1.15 in 2024, 1.14 in 2025; before the first year the first, after the last the last."""
    ireland = the_place("eu-west-1")
    told = [ireland.in_year(year) for year in (2020, 2023, 2024, 2025, 2030)]
    assert [(p.pue.value, p.pue_year) for p in told if p.pue] == [
        (1.15, 2023),
        (1.15, 2023),
        (1.15, 2024),
        (1.14, 2025),
        (1.14, 2025),
    ]
    assert ireland.in_year(None) is ireland
    assert "aws.amazon.com" in told[2].pue_source


def test_the_mean_of_a_provider_never_goes_before_what_is_known_of_a_region() -> None:
    """The campus of 2025 tells more of a run of 2023 than the mean of all campuses in 2023 does."""
    belgium = the_place("europe-west1")
    assert [one.year for one in belgium.years] == [2025]
    assert belgium.in_year(2023).pue == belgium.pue
    assert [one.year for one in the_place("europe-west9").years] == [2023, 2024]
