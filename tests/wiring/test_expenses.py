"""What runs cost by the tariffs of a project, at the hours in which they used energy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.builders import a_row, a_run
from wattmark.config import Config, PlaceConfig, Tags, load_config
from wattmark.core.errors import ConfigError
from wattmark.core.expenses import MEAN, Expenses
from wattmark.core.figure import Figure, Missing
from wattmark.core.known import Boundary
from wattmark.core.rate import MetRate
from wattmark.core.run import Place, Run, Series, Statement, Subject
from wattmark.wiring import Stated, facts_for
from wattmark.wiring.expenses import expenses_of, places_of, price_ahead, stated_tariffs

NOTHING = Stated()
FLAT = {"place": "DEU", "currency": "EUR", "per_kwh": 0.25, "source": "contract"}
BANDED = {
    **FLAT,
    "per_kwh": 0.20,
    "time_zone": "Europe/Berlin",
    "bands": [{"name": "late", "per_kwh": 0.40, "hours": "14:00-24:00"}],
}
"""12:00 to 14:00 UTC of 1 November 2026 is 13:00 to 15:00 in Berlin."""


def project(*tariffs: dict[str, Any], water: tuple[dict[str, Any], ...] = (), **place: Any) -> Config:
    """A project in Germany, with these tables."""
    where = PlaceConfig(**{"country": "DEU", **place})
    return Config(place=where, tables={"tariff": tariffs, "water": water})


def two_hours(joules: tuple[float, ...] = (0.0, 3.6e6, 7.2e6, 14.4e6, 14.4e6)) -> Run:
    """1, 1, 2 and 0 kWh in four half hours, as the run's own series tells."""
    row = a_row(duration_seconds=7200.0, observed_seconds=7200.0, energy_joules=joules[-1], max_watts=1e6)
    course = Series(
        device_id=row.device_id,
        component="cpu",
        t_seconds=(0.0, 1800.0, 3600.0, 5400.0, 7200.0),
        energy_joules=joules,
    )
    return a_run(duration_seconds=7200.0, energies=(row,), series=(course,))


def asked(config: Config, *runs: Run, stated: Stated = NOTHING) -> Expenses:
    """The expenses of runs under what is stated."""
    return expenses_of(runs, config, facts_for(runs, config, stated), stated)


def test_a_flat_tariff_is_energy_times_price() -> None:
    """4 kWh at 0.25 EUR; whether a course is kept makes no difference."""
    found = asked(project(FLAT), two_hours())
    assert found.cost["EUR"].value == pytest.approx(1.0)
    level = asked(project(FLAT), replace(two_hours(), series=()))
    assert level.cost["EUR"].value == pytest.approx(1.0)
    assert MEAN not in level.cost["EUR"].notes


def test_each_hour_of_the_run_meets_its_own_price() -> None:
    """2 kWh before 14:00 in Berlin at 0.20, 2 kWh after it at 0.40."""
    found = asked(project(BANDED), two_hours())
    assert found.cost["EUR"].value == pytest.approx(2 * 0.20 + 2 * 0.40)
    assert [one.by_time for one in found.met] == [False]


def test_without_a_course_the_mean_price_of_its_time_is_met_and_said() -> None:
    """4 kWh at 0.30."""
    found = asked(project(BANDED), replace(two_hours(), series=()))
    assert found.cost["EUR"].value == pytest.approx(4 * 0.30)
    assert MEAN in found.cost["EUR"].notes


def test_the_buildings_meter_is_paid_for() -> None:
    """Node energy x PUE; the machines' own meter is not multiplied."""
    node = replace(
        two_hours(), energies=(replace(two_hours().energies[0], boundary=Boundary.NODE, component="node"),)
    )
    energy = facts_for((node,), project(FLAT, pue=1.5), NOTHING).energy
    assert isinstance(energy, Figure)
    assert energy.terms["boundary"] == "node"
    assert asked(project(FLAT, pue=1.5), node).cost["EUR"].value == pytest.approx(1.5)
    machines = {**FLAT, "pays": "it"}
    assert asked(project(machines, pue=1.5), node).cost["EUR"].value == pytest.approx(1.0)


def test_a_tariff_that_ends_within_a_run_prices_a_part_of_it() -> None:
    """From 13:00 UTC on there is none: 2 of 4 kWh."""
    found = asked(project({**FLAT, "valid_to": "2026-11-01T13:00:00Z"}), two_hours())
    assert found.cost["EUR"].value == pytest.approx(0.5)
    assert "50.0% of the energy met no rate: it is not in it" in found.cost["EUR"].notes


def test_a_tariff_of_another_time_or_place_prices_nothing() -> None:
    """And says why."""
    past = asked(project({**FLAT, "valid_to": "2025-01-01"}), two_hours())
    assert past.cost == {}
    assert "does not hold then" in str(past.no_cost)
    elsewhere = asked(project({**FLAT, "place": "FRA"}), two_hours())
    assert "a [[tariff]] in wattmark.toml" in str(elsewhere.no_cost)


def test_runs_of_two_places_have_no_common_tariff() -> None:
    """Each may have its own."""
    one, other = (a_run(subject=Subject(region=name), record_id=f"r-{name}") for name in ("a", "b"))
    found = asked(project(FLAT), one, other)
    assert "look at the runs one by one" in str(found.no_cost)


def test_without_energy_there_is_no_cost() -> None:
    """The reason is that of the energy."""
    found = asked(project(FLAT), a_run(energies=()))
    assert found.cost == {}
    assert "no meter gave a reading" in str(found.no_cost)


def test_bills_stand_apart_with_and_without_tariffs() -> None:
    """They are never added to what the tariff tells."""
    bill = Statement(quantity="cost", value=12.5, unit="EUR", period="2026-11")
    assert asked(Config(), a_run(statements=(bill,))).billed == (bill,)
    both = asked(project(FLAT), replace(two_hours(), statements=(bill,)))
    assert both.billed == (bill,)
    assert both.cost["EUR"].value == pytest.approx(1.0)


def test_water_is_that_of_the_nearest_place() -> None:
    """The country's, unless the site has its own; what is not known is not there."""
    country = {"place": "DEU", "where": "source", "kind": "consumption", "litres_per_kwh": 2, "source": "t"}
    site = {**country, "place": "lab", "litres_per_kwh": 3}
    found = asked(project(water=(country, site)), two_hours())
    assert {kind: f.value for kind, f in found.water.items()} == pytest.approx(
        {"water source consumption": 8.0}
    )
    lab = asked(project(water=(country, site), site="lab"), two_hours())
    assert lab.water["water source consumption"].value == pytest.approx(12.0)
    later = {**country, "valid_from": "2027-01-01"}
    assert asked(project(water=(later,)), two_hours()).water == {}


def test_what_was_said_goes_before_what_is_configured() -> None:
    """A country or a region on the command line; a region knows its country."""
    config = replace(project(), tags=Tags(zone="DE-1"))
    run = a_run(place=Place(site="lab", country="POL"), subject=Subject(region="eu-west-1"))
    assert places_of(run, config, NOTHING) == ("lab", "eu-west-1", "DE-1", "DEU")
    assert places_of(run, config, Stated(country="FRA")) == ("FRA",)
    assert places_of(run, config, Stated(region="eu-west-1")) == ("eu-west-1", "IRL")
    assert places_of(None, Config(), NOTHING) == ()


def test_bands_need_a_clock(tmp_path: Path) -> None:
    """UTC is nobody's clock on the wall."""
    file = tmp_path / "wattmark.toml"
    file.write_text(
        '[[tariff]]\ncurrency = "EUR"\nper_kwh = 0.2\nbands = [{ name = "a", per_kwh = 0.1, days = "sun" }]\n'
    )
    with pytest.raises(ConfigError, match=r"\[\[tariff\]\] 1 time_zone: is missing"):
        stated_tariffs(load_config(file))


def test_prices_of_a_file_lie_beside_the_configuration(tmp_path: Path) -> None:
    """By its name in the table."""
    (tmp_path / "prices.csv").write_text("start,per_mwh\n2026-11-01T12:00Z,100\n2026-11-01T13:00Z,-50\n")
    file = tmp_path / "wattmark.toml"
    file.write_text('[place]\ncountry = "DEU"\n[[tariff]]\ncurrency = "EUR"\nfile = "prices.csv"\n')
    found = asked(load_config(file), two_hours())
    assert found.cost["EUR"].value == pytest.approx(2 * 0.10 - 2 * 0.05)


def test_the_year_to_come_has_the_mean_price_of_a_tariff() -> None:
    """Ten hours of 24 at 0.40, the rest at 0.20; without a tariff that holds then it is missing."""
    now = round(datetime(2026, 11, 1, tzinfo=UTC).timestamp()) * 1_000_000
    found = price_ahead(project(BANDED), NOTHING, now)
    assert isinstance(found, MetRate)
    assert found.rate.per_kwh == pytest.approx((10 * 0.40 + 14 * 0.20) / 24, rel=1e-3)
    assert found.by_time
    flat = price_ahead(project(FLAT), NOTHING, now)
    assert isinstance(flat, MetRate)
    assert (flat.rate.per_kwh, flat.by_time) == (0.25, False)
    assert isinstance(price_ahead(Config(), NOTHING, now), Missing)
    assert isinstance(price_ahead(project({**FLAT, "valid_to": "2026-01-01"}), NOTHING, now), Missing)
