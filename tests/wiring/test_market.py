"""Market-based totals of a ledger: its instruments meet its whole load, and nothing else ever sees them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cli.ledgers import ask, nothing_else, told
from tests.cli.running import verb
from tests.core.instruments import an_instrument
from tests.wiring.electricity import MIX, TWO_HOURS, WIND, a_ledger_of, a_node
from wattmark.cli.market import group
from wattmark.core.carbon import Intensity
from wattmark.core.errors import NotComparable
from wattmark.core.figure import Figure, require_same_terms
from wattmark.core.given import Given
from wattmark.core.groups import compare_groups
from wattmark.core.kpis import CATALOG
from wattmark.core.repeats import repeats_of
from wattmark.core.rubric import Factors
from wattmark.wiring.market import basis_of, country_of

MARKET = ("--accounting", "market")
HOURLY = (*MARKET, "--matching", "hourly")
LOT = """
[[instrument]]
id = "GO-2026"
kind = "certificate"
market = "EU"
vintage = 2026
kwh = 1
renewable = true
grams_per_kwh = 0
"""
ANNUAL_KPI, HOURLY_KPI = "renewable_energy_matching_annual", "renewable_energy_matching_hourly"


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing_else(tmp_path, monkeypatch)


def totals(ledger: Path, *arguments: object) -> dict[str, Any]:
    return told("totals", "--ledger", ledger, *arguments)


def grams(ledger: Path, *arguments: object) -> float:
    """Carbon of the whole."""
    carbon = totals(ledger, *arguments)["whole"]["carbon"]
    assert carbon["status"] == "known", carbon
    value: float = carbon["value"]
    return value


def test_the_year_as_a_whole_and_hour_by_hour(tmp_path: Path) -> None:
    """2 kWh from 12:00 and 2 from 13:00; the wind makes 1 and 5. Over the year all is met; by the hour 1 kWh
    is not and meets the residual mix of 500 g."""
    ledger = a_ledger_of(tmp_path, WIND + MIX)
    assert grams(ledger, *MARKET) == 0.0
    assert grams(ledger, *HOURLY) == pytest.approx(500.0)
    terms = totals(ledger, *HOURLY)["whole"]["carbon"]["terms"]
    assert (terms["accounting"], terms["basis"], terms["inventory"]) == ("market", "direct", "scope 2")


def test_a_part_of_the_load_has_its_part_of_the_instruments(tmp_path: Path) -> None:
    """A certificate of 1 kWh for 4 kWh of load: whoever asks for a team alone sees a quarter met, 750 g."""
    ledger = a_ledger_of(tmp_path, LOT + MIX)
    assert grams(ledger, *MARKET) == pytest.approx(1500.0)
    assert grams(ledger, *MARKET, "--where", "team=a") == pytest.approx(750.0)


def test_an_error_of_the_load_is_one_of_what_no_instrument_met(tmp_path: Path) -> None:
    """4 kWh known to 1 % are 4 +- 0.04 kWh: 1 kWh is met, and the rest is 3 +- 0.04 kWh at 500 g."""
    row = replace(a_node(1, 12, kwh=4.0).energies[0], errors={"meter:gain": 0.01})
    ledger = a_ledger_of(tmp_path, LOT + MIX, replace(a_node(1, 12), energies=(row,)))
    carbon = totals(ledger, *MARKET)["whole"]["carbon"]
    assert carbon["interval_95"] == pytest.approx([1480.0, 1520.0])


def test_location_based_figures_and_the_sci_never_see_an_instrument(tmp_path: Path) -> None:
    """The whole document is the same to the last bit, with and without them."""
    asked = ("--by", "team", "--kpi", "software_carbon_intensity", "--kpi", "carbon_to_solution")
    with_them = a_ledger_of(tmp_path / "a", WIND + LOT + MIX)
    without = a_ledger_of(tmp_path / "b", "")
    for more in ((), ("--basis", "direct"), ("--period", "hour"), ("--accounting", "marginal")):
        one, other = (totals(ledger, *asked, *more) for ledger in (with_them, without))
        assert {**one, "ledger": ""} == {**other, "ledger": ""}


def test_matching_kpis_come_from_instruments(tmp_path: Path) -> None:
    """Over the year 4 of 4 kWh; by the hour 1 of 2 for team a and 2 of 2 for team b."""
    ledger = a_ledger_of(tmp_path, WIND)
    document = totals(ledger, "--by", "team", "--kpi", f"{ANNUAL_KPI},{HOURLY_KPI}")
    found = {t["group"]["team"]: t["kpis"] for t in document["totals"]} | {"": document["whole"]["kpis"]}
    assert {team: kpis[HOURLY_KPI]["value"] for team, kpis in found.items()} == {"a": 0.5, "b": 1.0, "": 0.75}
    assert {team: kpis[ANNUAL_KPI]["value"] for team, kpis in found.items()} == {"a": 1.0, "b": 1.0, "": 1.0}


def test_without_instruments_the_kpi_says_how_to_give_them(tmp_path: Path) -> None:
    """Missing, never 0."""
    ledger = a_ledger_of(tmp_path, MIX)
    answer = totals(ledger, "--kpi", HOURLY_KPI)["whole"]["kpis"][HOURLY_KPI]
    assert answer["status"] == "missing"
    assert "[[instrument]]" in answer["hint"]


def test_what_a_cloud_provider_buys_meets_no_instrument_of_ours(tmp_path: Path) -> None:
    """2 kWh in a room of ours, 2 in a cloud region of that country: 1 kWh of certificates is for ours."""
    runs = a_node(1, 12), a_node(2, 13, site="eu-west-3")
    document = totals(a_ledger_of(tmp_path, LOT + MIX, *runs), *MARKET, "--kpi", ANNUAL_KPI)
    whole = document["whole"]
    assert whole["carbon"]["status"] == "missing"
    assert whole["carbon_known"]["value"] == pytest.approx(500.0)
    assert whole["without_factor_microjoules"] == 7_200_000_000_000
    assert any("bought by a cloud provider (scope 3.1)" in line for line in document["findings"])
    kpi = whole["kpis"][ANNUAL_KPI]
    assert kpi["value"] == pytest.approx(0.5)
    assert any("cloud provider" in note for note in kpi["notes"])


def test_a_load_that_is_all_bought_by_others_has_no_matched_share(tmp_path: Path) -> None:
    """There is nothing of ours to match."""
    ledger = a_ledger_of(tmp_path, LOT, a_node(1, 12, site="eu-west-3"))
    answer = totals(ledger, "--kpi", ANNUAL_KPI)["whole"]["kpis"][ANNUAL_KPI]
    assert (answer["status"], answer["field"]) == ("missing", "load of the reporter's own")


def test_without_a_residual_mix_the_average_of_each_place_stands_in(tmp_path: Path) -> None:
    """A quarter is met; the rest meets 60 g in France and 400 g in Germany, and every figure says so."""
    own = "".join(
        f'[[grid]]\nzone = "{zone}"\ngrams_per_kwh = {g}\nbasis = "direct"\nsource = "t"\n'
        for zone, g in (("FRA", 60), ("DEU", 400))
    )
    carbon = totals(a_ledger_of(tmp_path, LOT + own), *MARKET)["whole"]["carbon"]
    assert carbon["value"] == pytest.approx(0.75 * (2 * 60 + 2 * 400))
    assert any("no residual mix of EU is stated" in note for note in carbon["notes"])


def test_a_market_of_ones_own_keeps_instruments_apart(tmp_path: Path) -> None:
    """Germany as a market of its own: the certificate of the EU meets France alone, 1 of 2 kWh."""
    apart = '[[market]]\nname = "DEU"\nzones = ["DEU"]\n'
    german = MIX.replace('"EU"', '"DEU"')
    ledger = a_ledger_of(tmp_path, apart + LOT + MIX + german)
    by_team = {
        t["group"]["team"]: t["carbon"]["value"] for t in totals(ledger, *MARKET, "--by", "team")["totals"]
    }
    assert by_team == {"a": pytest.approx(500.0), "b": pytest.approx(1000.0)}


def test_what_the_ledger_states_for_a_zone_goes_first_there(tmp_path: Path) -> None:
    """A market-based [[grid]] for Germany: the certificate is for France alone."""
    own = (
        '[[grid]]\nzone = "DEU"\ngrams_per_kwh = 100\naccounting = "market"\nbasis = "direct"\nsource = "s"\n'
    )
    document = totals(a_ledger_of(tmp_path, own + LOT + MIX), *MARKET)
    assert document["whole"]["carbon"]["value"] == pytest.approx(500.0 + 200.0)
    assert any("meet a market-based [[grid]]" in line for line in document["findings"])


def test_the_pue_is_in_the_load(tmp_path: Path) -> None:
    """2 kWh at a PUE of 1.5 are 3 kWh of load: a certificate of 1 kWh leaves 2, at 500 g."""
    ledger = a_ledger_of(tmp_path, LOT + MIX, a_node(1, 12, pue=1.5, pue_kind="measured"))
    assert grams(ledger, *MARKET) == pytest.approx(1000.0)
    assert totals(ledger, "--kpi", ANNUAL_KPI)["whole"]["kpis"][ANNUAL_KPI]["value"] == pytest.approx(1 / 3)


def test_energy_of_which_nobody_said_the_place_is_in_no_market(tmp_path: Path) -> None:
    """It meets nothing, and is named."""
    document = totals(a_ledger_of(tmp_path, LOT + MIX, a_node(1, 12, country=None)), *MARKET)
    assert document["whole"]["carbon"]["status"] == "missing"
    assert any("nobody said where" in line for line in document["findings"])


def test_show_sets_both_matchings_and_the_location_beside_each_other(tmp_path: Path) -> None:
    """Text with a chart; JSON of a frozen shape."""
    ledger = a_ledger_of(tmp_path, WIND + LOT + MIX)
    text = verb(group, "show", "--ledger", ledger, "--plot", "--basis", "direct").stdout
    assert "wind-1" in text
    assert "3.00 kWh  3.00 kWh" in text, "the lot gives 1 of 4 kWh, so the wind gives 3 in both matchings"
    assert "12:00  load" in text
    assert "11:00" not in text
    document = json.loads(verb(group, "show", "--ledger", ledger, "--json").stdout)
    assert (document["schema"], document["schema_version"]) == ("wattmark.market-show", 1)
    keys = {"ledger", "version", "basis", "time_zone", "instruments", "residual_mixes", "markets"}
    assert set(document) == {"schema", "schema_version", "hours_of_day", "findings"} | keys
    (row,) = document["markets"]
    assert (row["market"], row["year"], row["load_kwh"]) == ("EU", "2026", pytest.approx(4.0))
    assert row["matched_annual_kwh"] == pytest.approx(4.0)
    assert row["matched_hourly_kwh"] == pytest.approx(3.0)
    assert row["market_annual_grams"] == pytest.approx(0.0)
    assert row["market_hourly_grams"] == pytest.approx(500.0)
    assert row["location_grams"] is None, "no direct figure of Germany is built in"
    lot = next(one for one in document["instruments"] if one["id"] == "GO-2026")
    assert (lot["offered_kwh"], lot["used_annual_kwh"], lot["used_hourly_kwh"]) == (
        1.0,
        pytest.approx(1.0),
        None,
    )
    assert any("no retirement is stated" in line for line in document["findings"])
    assert any("its hours are not known" in line for line in document["findings"])


def test_a_year_that_goes_on_says_that_its_matching_is_of_so_far(tmp_path: Path) -> None:
    """A lot of all of 2026 meets what was used until November; by the hour, or with a lot until then, not."""

    def told_of(ledger: Path, *arguments: object) -> bool:
        return any("should more load come" in line for line in totals(ledger, *arguments)["findings"])

    ledger = a_ledger_of(tmp_path / "year", WIND + LOT + MIX)
    assert told_of(ledger, *MARKET)
    assert any("ends on 2026-11-01" in line for line in totals(ledger, *MARKET)["findings"])
    assert not told_of(ledger, *HOURLY)
    until = LOT.replace("vintage = 2026", "from = 2026-01-01\nto = 2026-11-02")
    assert not told_of(a_ledger_of(tmp_path / "part", until + MIX), *MARKET)


def test_show_without_instruments_says_so(tmp_path: Path) -> None:
    """A residual mix alone is market-based accounting, too: 4 kWh x 500 g."""
    ledger = a_ledger_of(tmp_path, MIX)
    text = verb(group, "show", "--ledger", ledger).stdout
    assert "no [[instrument]] is stated" in text
    assert "2.00 kgCO2e" in text
    assert grams(ledger, *MARKET) == pytest.approx(2000.0)


def test_market_and_location_figures_are_refused_beside_each_other(tmp_path: Path) -> None:
    """In totals and in `compare`: the accounting is named."""
    ledger = a_ledger_of(tmp_path, WIND + MIX)
    terms = [totals(ledger, *more)["whole"]["carbon"]["terms"] for more in ((), MARKET)]
    one, other = (Figure(value=1.0, unit="gCO2e", terms=t) for t in terms)
    with pytest.raises(NotComparable, match="accounting: location against market"):
        require_same_terms(one, other)

    def given(accounting: str) -> Given:
        return Given(intensity=Intensity(grams_per_kwh=50.0, zone="FRA", accounting=accounting, source="s"))

    ours, theirs = (repeats_of(TWO_HOURS[:1], given(kind)) for kind in ("location", "market"))
    with pytest.raises(NotComparable, match="accounting: location against market"):
        compare_groups(ours, theirs, [CATALOG["carbon_to_solution"]], factors=Factors.ACTUAL)


def test_annual_and_hourly_figures_are_refused_beside_each_other(tmp_path: Path) -> None:
    """The matching is a term of the figure."""
    ledger = a_ledger_of(tmp_path, WIND + MIX)
    terms = [totals(ledger, *more)["whole"]["carbon"]["terms"] for more in (MARKET, HOURLY)]
    one, other = (Figure(value=1.0, unit="gCO2e", terms=t) for t in terms)
    with pytest.raises(NotComparable, match="matching: annual against hourly"):
        require_same_terms(one, other)


def test_the_country_of_a_zone() -> None:
    """By Electricity Maps' code, by eGRID's, by ISO; "" for what tells nothing."""
    assert [country_of(z) for z in ("FR", "US-CAL-CISO", "CAMX", "DEU", "basement")] == [
        "FRA",
        "USA",
        "USA",
        "DEU",
        "",
    ]


def test_the_basis_is_that_of_what_is_stated() -> None:
    """Direct where all is direct; lifecycle, as everywhere, where there are two or none."""
    direct, other = an_instrument(kwh=1.0), an_instrument("b", kwh=1.0, basis="lifecycle")
    assert basis_of([direct], []) == "direct"
    assert basis_of([direct, other], []) == basis_of([], []) == "lifecycle"


def test_a_missing_file_of_hours_is_named(tmp_path: Path) -> None:
    """With the place in ledger.toml, and what to do."""
    ledger = a_ledger_of(tmp_path, "")
    (ledger / "ledger.toml").write_text(
        f"format = 1\n{WIND.replace('wind.csv', 'sun.csv')}", encoding="utf-8"
    )
    with pytest.raises(Exception, match=r"\[\[instrument\]\] 1 file: sun.csv cannot be read: put it beside"):
        ask("totals", "--ledger", ledger)
