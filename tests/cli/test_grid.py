"""``wattmark grid zones`` and ``grid sources`` as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import verb
from wattmark.cli.grid import group
from wattmark.core.errors import UsageError


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No table of this machine's user is in force."""
    monkeypatch.setenv("WATTMARK_HOME", str(tmp_path))


def told(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(verb(group, *arguments, "--json").output)
    return found


def test_a_country_shows_both_bases_apart() -> None:
    """Ireland, with its cloud regions below it."""
    said = verb(group, "zones", "irel").output
    assert "279.79" in said
    assert "250.88" in said
    assert "eu-west-1" in said
    assert "northeurope" in said


@pytest.mark.parametrize("text", ["UK", "gb", "United Kingdom"])
def test_another_name_of_a_country_finds_it(text: str) -> None:
    """And the regions there."""
    found = told("zones", text)
    assert "GBR" in {zone["zone"] for zone in found["zones"]}
    assert {"eu-west-2", "uksouth"} <= {region["region"] for region in found["regions"]}


def test_every_figure_says_how_it_is_known() -> None:
    """Accounting, basis, year and source; of a region's PUE the kind, the year and whose word it is."""
    found = told("zones")
    assert len(found["zones"]) > 250
    for zone in found["zones"]:
        assert zone["figures"]
        for figure in zone["figures"]:
            assert figure["basis"] in {"lifecycle", "direct"}
            assert figure["accounting"] == "location"
            assert figure["source"]
            assert figure["year"] >= 2020
    for region in found["regions"]:
        assert region["place_source"]
        assert region["pue"] is None or region["pue"]["kind"] == "provider_year"
        assert region["pue"] is None or region["pue"]["source"]
    assert "WORLD" not in {zone["zone"] for zone in found["zones"]}


def test_a_text_that_nothing_holds_is_refused() -> None:
    """With the closest names."""
    with pytest.raises(UsageError, match=r"DEU \(Germany\)"):
        verb(group, "zones", "germny")


def test_sources_say_basis_years_and_terms() -> None:
    """Google's has both bases, and years to tell them apart."""
    found = {one["table"]: one for one in told("sources")["tables"]}
    assert found["grid/google_regions"]["bases"] == ["direct", "lifecycle"]
    assert found["grid/egrid"]["licence"].startswith("public domain")
    assert not any(one["own"] for one in found.values())
    said = verb(group, "sources").output
    assert "2019 to 2025" in said
    assert "on request only" in said
    live = {one["provider"]: one for one in told("sources")["live"]}
    assert live["neso"]["keys"] == []
    assert live["watttime"]["signals"][0] == "co2_moer"
    assert "ENTSOE_API_KEY" in said


def test_regions_are_listed_with_the_sources_of_their_rows() -> None:
    """Country, subregion, PUE and share with their years; no zones among them."""
    said = verb(group, "zones", "--regions", "oregon").stdout
    assert "us-west-2" in said
    assert "g/kWh" not in said
    assert (
        "  https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html: 1 of " in said
    )
    body = json.loads(verb(group, "zones", "--regions", "us-west-2", "--json").stdout)
    assert body["zones"] == []
    (oregon,) = [r for r in body["regions"] if r["region"] == "us-west-2"]
    assert oregon["pue_years"] == {"2023": 1.15, "2024": 1.15, "2025": 1.14}
    with pytest.raises(UsageError, match="no cloud region is like 'afghanistan'"):
        verb(group, "zones", "--regions", "afghanistan")


def test_zones_and_sources_are_drawn() -> None:
    """The dirtiest zone of a basis has the longest bar; a source has a mark for each of its years."""
    said = verb(group, "zones", "land").output.splitlines()
    rows = {line.split()[0]: line.count("█") for line in said if "Ember" in line}
    assert rows["FIN"] < rows["FRO"] < rows["FLK"] == 8
    sources = {line.split()[0]: line for line in verb(group, "sources").output.splitlines() if line}
    assert "·····███" in sources["DESNZ"]
