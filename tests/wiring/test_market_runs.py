"""Market-based carbon of single runs: a supplier's rate and a residual mix need no ledger, an amount does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.ledgers import nothing_else
from tests.cli.running import kept, verb
from tests.wiring.electricity import a_node
from wattmark.cli.report import command as report
from wattmark.cli.score import command as score
from wattmark.cli.show import command as show
from wattmark.core.run import Run

PLACE = '[place]\ncountry = "FRA"\npue = 1.5\n'
SUPPLIER = """
[[instrument]]
id = "city-works"
kind = "supplier"
market = "EU"
from = 2026-01-01
to = 2027-01-01
grams_per_kwh = 100
source = "fuel mix disclosure"
"""
MIX = """
[[residual_mix]]
market = "EU"
year = 2026
grams_per_kwh = 500
source = "issuing bodies"
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing_else(tmp_path, monkeypatch)


def shown(folder: Path, toml: str, run: Run | None = None, *options: object) -> Any:
    """What `show --json` says of market-based carbon."""
    document = shown_whole(folder, toml, run, *options)
    return document["runs"][0]["market_carbon"]


def shown_whole(folder: Path, toml: str, run: Run | None, *options: object) -> Any:
    (folder / "wattmark.toml").write_text(toml, encoding="utf-8")
    path = kept(folder, run or a_node(1, 12), "run")
    return json.loads(verb(show, path, "--json", *options).stdout)


def test_a_suppliers_rate_holds_for_all_of_the_run(tmp_path: Path) -> None:
    """2 kWh x PUE 1.5 x 100 g."""
    found = shown(tmp_path, PLACE + SUPPLIER)
    assert found["value"] == pytest.approx(300.0)
    assert found["terms"]["accounting"] == "market"
    assert found["terms"]["inventory"] == "scope 2"


def test_half_by_a_tariff_and_half_by_the_residual_mix(tmp_path: Path) -> None:
    """3 kWh: half at 0 g, half at 500 g."""
    tariff = SUPPLIER.replace('"supplier"', '"green_tariff"').replace("= 100", "= 0") + "share = 0.5\n"
    assert shown(tmp_path, PLACE + tariff + MIX)["value"] == pytest.approx(750.0)


def test_without_a_residual_mix_the_location_based_factor_stands_in_on_the_same_basis(tmp_path: Path) -> None:
    """France, direct: 49.84 g; on another basis it may not stand in, and the hint says what to give."""
    half = SUPPLIER + "share = 0.5\n"
    found = shown(tmp_path, PLACE + half, None, "--basis", "direct")
    assert found["value"] == pytest.approx(1.5 * 100 + 1.5 * 49.84)
    assert any("no residual mix of EU is stated" in note for note in found["notes"])
    lacking = shown(tmp_path, PLACE + half)
    assert lacking["status"] == "missing"
    assert "on a direct basis" in lacking["hint"]


@pytest.mark.parametrize(
    ("toml", "run", "told"),
    [
        (PLACE + SUPPLIER.replace("supplier", "ppa") + "kwh = 5\n", None, "`wattmark ledger totals"),
        (SUPPLIER, a_node(1, 12, country="FRA", site="eu-west-3"), "AWS buys this electricity (scope 3.1)"),
        (SUPPLIER, a_node(1, 12, country=None), "say the country"),
        (PLACE + SUPPLIER, a_node(1, 12, kwh=0.0), "holds no energy"),
    ],
)  # fmt: skip
def test_what_a_run_alone_cannot_tell_is_missing_with_the_reason(
    tmp_path: Path, toml: str, run: Run | None, told: str
) -> None:
    """Never a guess."""
    options = (
        () if "[place]" in toml or run is None or run.place.country is None else ("--region", "eu-west-3")
    )
    found = shown(tmp_path, toml, run, *options)
    assert found["status"] == "missing"
    assert told in found["hint"]


def test_a_site_of_ones_own_is_no_cloud(tmp_path: Path) -> None:
    """A [[site]] in France buys its electricity itself: 2 kWh x PUE 1.5 x 100 g."""
    site = '[place]\nsite = "paris-1"\n[[site]]\nname = "paris-1"\ncountry = "FRA"\npue = 1.5\n'
    found = shown(tmp_path, site + SUPPLIER, a_node(1, 12, country=None))
    assert found["value"] == pytest.approx(300.0)


def test_what_is_stated_for_another_market_leaves_the_residual_mix(tmp_path: Path) -> None:
    """A supplier in the United States says nothing of France; a market of one's own may."""
    assert shown(tmp_path, PLACE + SUPPLIER.replace('"EU"', '"US"') + MIX)["value"] == pytest.approx(1500.0)
    own = '[[market]]\nname = "FRA"\nzones = ["FRA"]\n' + SUPPLIER.replace('"EU"', '"FRA"')
    assert shown(tmp_path, PLACE + own)["value"] == pytest.approx(300.0)


def test_what_may_not_be_used_is_named(tmp_path: Path) -> None:
    """A lot whose certificates were sold claims nothing: the residual mix holds, and the line says why."""
    lot = SUPPLIER.replace("supplier", "ppa") + 'kwh = 5\ncertificates = "sold"\n'
    (tmp_path / "wattmark.toml").write_text(PLACE + lot + MIX, encoding="utf-8")
    line = verb(show, kept(tmp_path, a_node(1, 12), "run")).stdout
    assert "1.50 kgCO2e" in line
    assert "instrument city-works meets nothing: its certificates were sold" in line


def test_kpis_and_all_else_stay_to_the_last_bit(tmp_path: Path) -> None:
    """Location-based carbon and the SCI of a run with and without instruments."""
    one, other = (shown_whole(tmp_path, toml, None) for toml in (PLACE, PLACE + SUPPLIER + MIX))
    assert one["runs"][0].pop("market_carbon") is None
    assert other["runs"][0].pop("market_carbon") is not None
    assert one == other


def test_the_line_stands_beside_the_figures_of_every_verb(tmp_path: Path) -> None:
    """`show`, `report` and `score` say it in words; `score` in JSON too."""
    (tmp_path / "wattmark.toml").write_text(PLACE + SUPPLIER, encoding="utf-8")
    path = kept(tmp_path, a_node(1, 12), "run")
    line = "300 gCO2e"
    assert f"market-based     {line}" in verb(show, path).stdout
    assert f"Market-based carbon: {line}" in verb(report, path, "--md").stdout
    assert f"market-based     {line}" in verb(score, path, "--baseline", path).stdout
    document = json.loads(verb(score, path, "--baseline", path, "--json").stdout)
    assert document["market_carbon"]["value"] == pytest.approx(300.0)
