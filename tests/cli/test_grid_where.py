"""``wattmark grid where``: the same energy in other places and at other hours, each with its source."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

pytest.importorskip("urllib3")

from tests.cli.running import kept
from tests.grid.serving import Asked, Reply, as_json, serving
from tests.wiring.test_hourly import KWH, a_training
from wattmark.cli.grid import group
from wattmark.core.errors import RefusedError, UsageError
from wattmark.core.known import Boundary

REGIONS = ("--region", "eu-north-1", "--region", "us-east-1", "--region", "europe-west1")
HOURS = ("--at", "2026-05-01T03:00", "--at", "2026-05-01T18:00")
ZONES = {"eu-north-1": "SE-SE3", "us-east-1": "US-MIDA-PJM", "europe-west1": "BE"}


@pytest.fixture
def at_node(tmp_path: Path) -> Path:
    """A run of two hours and 4 kWh, read at the node, in an empty folder."""
    node = replace(a_training().energies[0], boundary=Boundary.NODE)
    return kept(tmp_path, a_training(energies=(node,)), "train")


def where(folder: Path, *arguments: object) -> Result:
    """Ask, with a cache of its own."""
    env = {"XDG_CACHE_HOME": str(folder), "XDG_DATA_HOME": str(folder), "ELECTRICITYMAPS_API_KEY": "s3cret"}
    return CliRunner().invoke(
        group, ["where", *map(str, arguments)], env=env, catch_exceptions=False, standalone_mode=False
    )


def day_and_night(asked: Asked) -> Reply:
    """100 g before noon and 300 after it, in the zone of the region that was asked for."""
    start = datetime.fromisoformat(asked.query["start"])
    hours = [start.replace(minute=0).replace(hour=start.hour + i) for i in range(3)]
    points = [{"datetime": h.isoformat(), "carbonIntensity": 100.0 if h.hour < 12 else 300.0} for h in hours]
    return as_json({"zone": ZONES[asked.query["dataCenterRegion"]], "data": points})


def test_three_regions_at_two_hours(tmp_path: Path, at_node: Path) -> None:
    """4 kWh x PUE x 100 g at night and 300 g in the evening; the difference from the year is shown."""
    with serving(day_and_night) as served:
        asked = "--provider", "electricity-maps", "--base-url", served.url
        found = where(tmp_path, at_node, *REGIONS, *HOURS, *asked, "--json")
    document = json.loads(found.stdout)
    assert (document["schema"], document["schema_version"]) == ("wattmark.grid-where", 1)
    rows = document["places"]
    assert [(r["name"], r["from"]) for r in rows] == [
        (name, f"2026-05-01T{hour}:00:00Z")
        for name in ("eu-north-1", "us-east-1", "europe-west1")
        for hour in ("03", "18")
    ]
    for row in rows:
        grams = 100.0 if "T03" in row["from"] else 300.0
        assert row["by_hour"] is True
        assert row["location_based"]["value"] == pytest.approx(4 * row["pue"]["value"] * grams)
        assert row["location_based"]["terms"]["inventory"] == "scope 3.1"
        assert row["difference"] == pytest.approx(grams / row["yearly_grams_per_kwh"] - 1)
        assert row["intensity"]["sources"] == [f"Electricity Maps ({row['intensity']['zone']}, hour)"]
    assert document["energy"]["value"] == pytest.approx(4 * KWH)


def test_by_the_year_the_hour_cannot_matter(tmp_path: Path, at_node: Path) -> None:
    """Both hours are alike, and it says so and why."""
    found = where(tmp_path, at_node, *REGIONS, *HOURS)
    assert "the hour cannot matter there" in found.stdout
    assert "no live provider is named" in found.stdout
    rows = json.loads(where(tmp_path, at_node, *REGIONS, *HOURS, "--json").stdout)["places"]
    assert rows[0]["location_based"]["value"] == rows[1]["location_based"]["value"]
    assert {r["intensity"]["granularity"] for r in rows} == {"year"}


def test_a_place_without_a_figure_leaves_the_others_theirs(tmp_path: Path, at_node: Path) -> None:
    """Of Japan no direct figure is known: it is named with the reason, and alone it is refused."""
    places = ("--region", "us-east-1", "--region", "ap-northeast-1", "--basis", "direct")
    told = json.loads(where(tmp_path, at_node, *places, "--json").stdout)
    assert [row["name"] for row in told["places"]] == ["us-east-1"]
    assert "only a lifecycle figure is known" in told["refused"]["ap-northeast-1"]
    assert "not known\n  ap-northeast-1: of JPN only a lifecycle" in where(tmp_path, at_node, *places).stdout
    with pytest.raises(RefusedError, match="of JPN only a lifecycle figure"):
        where(tmp_path, at_node, *places[2:])
    with pytest.raises(RefusedError, match=r"ap-northeast-3: .*; ap-northeast-1: "):
        where(tmp_path, at_node, "--region", "ap-northeast-3", *places[2:])


def test_the_text_names_sources_and_draws_bars(tmp_path: Path, at_node: Path) -> None:
    """Table, bars, and for each place where grid, PUE and market-based figure come from."""
    lines = where(tmp_path, at_node, *REGIONS).stdout.splitlines()
    assert lines[0] == "14.4 MJ (4.00 kWh) at node boundary, wherever it runs"
    assert sum("█" in line for line in lines) == 3
    text = "\n".join(lines)
    assert "AWS eu-north-1" in text
    assert "PUE 1.14 (provider_year: AWS" in text
    assert "state it as [[residual_mix]]" in text


def test_a_residual_mix_makes_it_market_based(tmp_path: Path, at_node: Path, monkeypatch: Any) -> None:
    """600 g/kWh in the market of the place; the location-based figure does not move."""
    (tmp_path / "wattmark.toml").write_text(
        '[[residual_mix]]\nmarket = "EU"\nyear = 2026\ngrams_per_kwh = 600.0\nbasis = "lifecycle"\n'
        'source = "issuing body, 2026"\n'
    )
    plain = where(tmp_path, at_node, "--region", "eu-north-1", "--json").stdout
    monkeypatch.chdir(tmp_path)
    told = where(tmp_path, at_node, "--region", "eu-north-1", "--region", "us-east-1", "--json").stdout
    first, second = json.loads(told)["places"]
    assert first["market_based"]["value"] == pytest.approx(4 * 1.14 * 600.0)
    assert first["market_based"]["terms"]["accounting"] == "market"
    assert first["location_based"] == json.loads(plain)["places"][0]["location_based"]
    assert second["market_based"]["status"] == "missing"
    own = json.loads(where(tmp_path, at_node, "--region", "FRA", "--json").stdout)["places"][0][
        "market_based"
    ]
    assert own["terms"]["inventory"] == "product-only", "a lifecycle figure enters no Scope 2"


def test_a_country_is_a_place_as_well(tmp_path: Path, at_node: Path) -> None:
    """Without a PUE the carbon is that of the machine, and that is said."""
    row = json.loads(where(tmp_path, at_node, "--region", "FRA", "--json").stdout)["places"][0]
    assert row["pue"]["status"] == "missing"
    assert row["location_based"]["terms"]["inventory"] == "product-only"
    direct = where(tmp_path, at_node, "--region", "FRA", "--basis", "direct", "--json").stdout
    assert json.loads(direct)["places"][0]["location_based"]["terms"]["inventory"] == "scope 2"
    said = json.loads(where(tmp_path, at_node, "--region", "FRA", "--pue", 1.5, "--json").stdout)["places"][0]
    assert said["location_based"]["value"] == pytest.approx(1.5 * row["location_based"]["value"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--region", "eu-norht-1"), "perhaps eu-north-1"),
        (("--region", "eu-north-1", "--at", "tonight"), "is no moment"),
    ],
)
def test_what_is_not_understood_is_refused(
    tmp_path: Path, at_node: Path, arguments: tuple[str, ...], said: str
) -> None:
    """With what to write instead."""
    with pytest.raises(UsageError, match=said):
        where(tmp_path, at_node, *arguments)


def test_a_provider_that_fails_gives_way_to_the_year(tmp_path: Path, at_node: Path) -> None:
    """What happened is said once; the figures are yearly ones."""
    with serving(lambda _: as_json({"error": "no"}, 401)) as served:
        found = where(tmp_path, at_node, *REGIONS, "--provider", "electricity-maps", "--base-url", served.url)
        assert len(served.asked) == 1
    assert "the key in ELECTRICITYMAPS_API_KEY is wrong" in found.stdout
    assert "s3cret" not in found.stdout
