"""The region metadata of the Green Software Foundation, as a user brings it: figures here are made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import verb
from wattmark.cli.data import group
from wattmark.core.errors import ConfigError, UsageError
from wattmark.grid.gsf_regions import LICENCE
from wattmark.grid.places import cloud_places, the_place

HEAD = (
    "year,cloud-provider,cloud-region,cfe-region,em-zone-id,wt-region-id,location,geolocation,"
    "provider-cfe-hourly,provider-cfe-annual,power-usage-effectiveness,water-usage-effectiveness"
)
ROWS = (
    '2023,Amazon Web Services,eu-north-1,Sweden,SE,SE,Stockholm,"59.3,18.1",,,1.91,',
    '2026,Amazon Web Services,eu-north-1,Sweden,SE,SE,Stockholm,"59.3,18.1",0.5,,1.92,',
    '2024,Google Cloud,europe-west1,Belgium,BE,BE,Belgium,"51.1,4.6",0.1,,1.93,',
    '2026,Oracle Cloud Infrastructure,xx-paris-9,,FR,,"Paris, France","48.9,2.4",,0.9,,',
    '2026,Oracle Cloud Infrastructure,nowhere-1,,,,"Nowhere",,,,,',
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this user's own tables go."""
    monkeypatch.setenv("WATTMARK_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "tables"


def take(tmp_path: Path, text: str, *more: str) -> str:
    """What the command says."""
    path = tmp_path / "Cloud_Region_Metadata.csv"
    path.write_text(text, encoding="utf-8")
    asked = ("update", "cloud_regions", path, "--from", "gsf", "--version", "2026-11", *more)
    return str(verb(group, *asked).stdout)


def file(*rows: str) -> str:
    """With its header."""
    return "\n".join([HEAD, *rows]) + "\n"


def test_what_it_says_goes_over_our_own_rows(tmp_path: Path, home: Path) -> None:
    """The newest year, and zones of live providers; every year's PUE meets its own runs."""
    said = take(tmp_path, file(*ROWS))
    assert f"licence: {LICENCE}" in said
    assert "left out: Oracle Cloud Infrastructure nowhere-1, no country can be told" in said
    stockholm = the_place("eu-north-1", home)
    assert stockholm.pue is not None
    assert (stockholm.pue.value, stockholm.pue_year, stockholm.country) == (1.92, 2026, "SWE")
    assert stockholm.pue.source == "AWS, mean of its data centres in the region, 2026, own table 2026-11"
    assert (stockholm.electricity_maps_zone, stockholm.watttime_region) == ("SE", "SE")
    assert (stockholm.carbon_free_share, stockholm.carbon_free_year) == (0.5, 2026)
    then = stockholm.in_year(2024).pue
    assert then is not None
    assert then.value == 1.91


def test_what_is_older_or_empty_leaves_ours(tmp_path: Path, home: Path) -> None:
    """Our figure of 2025 stays; the older one serves runs of its year."""
    take(tmp_path, file(*ROWS))
    ours, belgium = the_place("europe-west1"), the_place("europe-west1", home)
    assert belgium.pue is not None
    assert ours.pue is not None
    assert (belgium.pue.value, belgium.pue_year) == (ours.pue.value, ours.pue_year)
    assert belgium.carbon_free_share == ours.carbon_free_share
    assert [one.year for one in belgium.years] == [2024, ours.pue_year]


def test_regions_that_we_do_not_know_are_new(tmp_path: Path, home: Path) -> None:
    """Their country is that of their zone, and the row says so."""
    take(tmp_path, file(*ROWS))
    paris = the_place("oracle:xx-paris-9", home)
    assert (paris.country, paris.name, paris.pue) == ("FRA", "Paris, France", None)
    assert paris.place_source.endswith("(country of its Electricity Maps zone FR)")
    assert len(cloud_places(home)) == len(cloud_places()) + 1


def test_nothing_is_kept_of_a_dry_run(tmp_path: Path, home: Path) -> None:
    """But it is read whole."""
    assert "would take in cloud_pue" in take(tmp_path, file(*ROWS), "--dry-run")
    assert not home.exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            file(*ROWS).replace("em-zone-id", "zone"),
            "line 1: lacks em-zone-id: is it Cloud_Region_Metadata.csv",
        ),
        (file(*ROWS).replace("1.91", "0.91"), "line 2: power-usage-effectiveness is 0.91, not 1 to 1000"),
        (file(*ROWS).replace("0.5,", "50%,"), "line 3: provider-cfe-hourly is '50%', not a number"),
        (file("soon" + ROWS[0][4:]), "line 2: year is 'soon', not a number"),
        (file("2024,Google Cloud"), "line 2: has more or fewer cells"),
        (file(ROWS[0] + ",1,2"), "line 2: has more or fewer cells"),
    ],
)
def test_a_changed_file_is_an_error_with_its_place(tmp_path: Path, home: Path, text: str, said: str) -> None:
    """Line and column; nothing is kept."""
    with pytest.raises(ConfigError, match=said):
        take(tmp_path, text)
    assert not home.exists()


def test_it_tells_of_regions_only(tmp_path: Path) -> None:
    """And a table in our own columns names its source and licence."""
    path = tmp_path / "x.csv"
    path.write_text(file(*ROWS))
    with pytest.raises(UsageError, match="--from gsf tells of cloud_regions, not of grid/egrid"):
        verb(group, "update", "egrid", path, "--from", "gsf", "--version", "1")
    with pytest.raises(UsageError, match="needs --source and --licence"):
        verb(group, "update", "egrid", path, "--version", "1")
    path.write_bytes("Zürich".encode("latin-1"))
    with pytest.raises(ConfigError, match="is not UTF-8"):
        verb(group, "update", "cloud_regions", path, "--from", "gsf", "--version", "1")
