"""What a project states of its sites: country, zone and PUE for runs that are scored without a ledger."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.builders import a_run
from wattmark.config import Config, PlaceConfig
from wattmark.core.errors import ConfigError
from wattmark.core.pue_series import HOUR_US, PueInterval, PueSeries
from wattmark.core.run import Place, Run, Subject
from wattmark.core.site import Site, SitePue
from wattmark.ledger.settings import LedgerSettings
from wattmark.stated.pue_csv import pue_csv
from wattmark.wiring import Stated, given_from
from wattmark.wiring.ledger import factors_for
from wattmark.wiring.sites import region_of

NOON = 1_793_534_400_000_000
"""2026-11-01T12:00:00Z."""
NOTHING = Stated()
TEN_SECONDS = a_run(started_at="2026-11-01T12:00:00.000000Z")


def project(folder: Path, *sites: dict[str, Any], **place: Any) -> Config:
    """A configuration with these sites."""
    path = str(folder / "wattmark.toml")
    return Config(place=PlaceConfig(**place), tables={"site": tuple(sites)}, path=path)


PARIS = {"name": "paris-1", "country": "FRA", "pue": 1.3, "relative_error": 0.05, "source": "contract"}


def at(place: Place, **changes: Any) -> Run:
    """A run somewhere."""
    return replace(TEN_SECONDS, place=place, **changes)


def test_a_site_gives_country_and_pue_to_a_project(tmp_path: Path) -> None:
    """By its name under [place]; each with its source."""
    given = given_from(project(tmp_path, PARIS, site="paris-1"), NOTHING, [TEN_SECONDS])
    assert given.intensity is not None
    assert given.pue is not None
    assert given.intensity.zone == "FRA"
    assert given.intensity.note.endswith("by its site (site paris-1)")
    assert given.intensity.inventory != "scope 3.1"
    assert (given.pue.value, given.pue.kind, given.pue.relative_error) == (1.3, "declared", 0.05)
    assert given.pue.source == "contract"


def test_a_run_that_names_its_site_meets_what_is_stated_of_it(tmp_path: Path) -> None:
    """Without [place]; and the site's PUE goes before the one that the run recorded."""
    run = at(Place(site="paris-1", pue=1.9))
    given = given_from(project(tmp_path, PARIS), NOTHING, [run])
    assert given.pue is not None
    assert given.pue.value == 1.3
    assert given.intensity is not None
    assert given.intensity.zone == "FRA"
    two = [run, at(Place(site="lyon", pue=1.9))]
    assert given_from(project(tmp_path, PARIS), NOTHING, two).pue is not None


def test_what_is_stated_nearer_goes_first(tmp_path: Path) -> None:
    """The command line, then [place], then the site."""
    config = project(tmp_path, PARIS, site="paris-1", pue=1.1, country="DEU")
    given = given_from(config, NOTHING, [TEN_SECONDS])
    assert given.pue is not None
    assert given.intensity is not None
    assert (given.pue.value, given.intensity.zone) == (1.1, "DEU")
    said = given_from(config, Stated(pue=1.7, country="POL"), [TEN_SECONDS])
    assert said.pue is not None
    assert said.intensity is not None
    assert (said.pue.value, said.intensity.zone) == (1.7, "POL")


def test_a_site_without_a_country_leaves_that_of_the_runs(tmp_path: Path) -> None:
    """And without either no intensity is known."""
    config = project(tmp_path, {"name": "a", "pue": 1.2}, site="a")
    assert given_from(config, NOTHING, [TEN_SECONDS]).intensity is None
    found = given_from(config, NOTHING, [at(Place(country="DEU"))]).intensity
    assert found is not None
    assert found.zone == "DEU"


def test_the_pue_is_that_of_the_time_of_the_runs(tmp_path: Path) -> None:
    """1.5 until 2026, 1.2 from then on; runs of both times have no common one."""
    new = {"name": "a", "pue": 1.2, "valid_from": "2026-01-01"}
    config = project(tmp_path, {"name": "a", "pue": 1.5}, new, site="a")
    old = replace(TEN_SECONDS, started_at="2025-11-01T12:00:00.000000Z")
    now, before = (given_from(config, NOTHING, [run]).pue for run in (TEN_SECONDS, old))
    assert now is not None
    assert before is not None
    assert (now.value, before.value) == (1.2, 1.5)
    assert given_from(config, NOTHING, [TEN_SECONDS, old]).pue is None
    newest = given_from(config, NOTHING).pue
    assert newest is not None
    assert newest.value == 1.2


def measured(folder: Path, *pues: float, seconds: int = 5) -> dict[str, Any]:
    """A site whose PUE was measured from noon on, in stretches of some seconds."""
    step = seconds * 1_000_000
    intervals = tuple(
        PueInterval(
            start_us=NOON + n * step,
            end_us=NOON + (n + 1) * step,
            facility_kwh=pue,
            it_kwh=1.0,
            covered_us=step,
            problem="" if pue >= 1 else "impossible",
        )
        for n, pue in enumerate(pues)
    )
    series = PueSeries(site="paris-1", intervals=intervals, category=3, relative_error=0.03, source="dcim")
    (folder / "pue.csv").write_text(pue_csv([series]))
    return {**PARIS, "pue_file": "pue.csv"}


def test_a_measured_pue_goes_before_a_stated_one(tmp_path: Path) -> None:
    """The run lasts 10 s: 5 s at 1.2 and 5 s at 1.4 are 1.3."""
    config = project(tmp_path, measured(tmp_path, 1.2, 1.4, 1.9), site="paris-1")
    pue = given_from(config, NOTHING, [TEN_SECONDS]).pue
    assert pue is not None
    assert pue.value == pytest.approx(1.3)
    assert (pue.kind, pue.source) == ("measured", "dcim, PUE3")


def test_a_time_that_was_measured_in_part_says_so(tmp_path: Path) -> None:
    """Half of it is enough; with less the stated one stands in, and says that it does."""
    half = given_from(project(tmp_path, measured(tmp_path, 1.2), site="paris-1"), NOTHING, [TEN_SECONDS]).pue
    assert half is not None
    assert (half.value, half.source) == (1.2, "dcim, PUE3; 50% of the time was measured")
    config = project(tmp_path, measured(tmp_path, 1.2, seconds=4), site="paris-1")
    less = given_from(config, NOTHING, [TEN_SECONDS]).pue
    assert less is not None
    assert (less.value, less.kind, less.source) == (1.3, "declared", "contract, where none was measured")


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """Never a silent fallback to the stated one."""
    config = project(tmp_path, {**PARIS, "pue_file": "none.csv"}, site="paris-1")
    with pytest.raises(ConfigError, match=r"none.csv: cannot be read: .*wattmark pue measure --out"):
        given_from(config, NOTHING, [TEN_SECONDS])


def test_a_row_of_a_cloud_region_is_put_right(tmp_path: Path) -> None:
    """Country and carbon-free share as stated; the rest, and Scope 3.1, as the table has it."""
    site = Site(name="us-east-1", country="CAN", carbon_free_share=0.9, carbon_free_year=2026, source="me")
    place = region_of(site)
    assert place is not None
    assert (place.country, place.subregion, place.provider) == ("CAN", "", "aws")
    assert (place.carbon_free_share, place.carbon_free_year, place.place_source) == (0.9, 2026, "me")
    assert region_of(Site(name="a cellar")) is None
    table = {"name": "us-east-1", "country": "CAN", "pue": 1.5}
    run = at(Place(), subject=Subject(region="us-east-1"))
    given = given_from(project(tmp_path, table), NOTHING, [run])
    assert given.intensity is not None
    assert given.pue is not None
    assert (given.intensity.zone, given.intensity.inventory, given.pue.value) == ("CAN", "scope 3.1", 1.5)
    asked = given_from(project(tmp_path, table), Stated(region="us-east-1"), [TEN_SECONDS])
    assert asked.intensity is not None
    assert asked.intensity.zone == "CAN"


def test_a_site_that_is_a_cloud_region_tells_what_the_region_tells(tmp_path: Path) -> None:
    """By another name; one that nobody knows is an error, for it was meant to be one."""
    given = given_from(project(tmp_path, {"name": "prod", "region": "eu-west-1"}, site="prod"), NOTHING)
    assert given.intensity is not None
    assert given.pue is not None
    assert (given.intensity.zone, given.pue.kind) == ("IRL", "provider_year")
    old = replace(TEN_SECONDS, started_at="2024-11-01T12:00:00.000000Z")
    then = given_from(project(tmp_path, {"name": "prod", "region": "eu-west-1"}, site="prod"), NOTHING, [old])
    assert then.pue is not None
    assert (then.pue.value, then.pue.source) == (1.15, "AWS, mean of its data centres, 2024")
    with pytest.raises(ConfigError, match=r"prod, region: 'moon-1' is no known cloud region"):
        given_from(project(tmp_path, {"name": "prod", "region": "moon-1"}, site="prod"), NOTHING)


def test_a_subregion_is_used_where_it_has_a_figure(tmp_path: Path) -> None:
    """eGRID's figure for a room in Virginia, in the direct basis that it has."""
    site = {"name": "room", "country": "USA", "subregion": "SRVC"}
    config = project(tmp_path, site, site="room", intensity_basis="direct")
    intensity = given_from(config, NOTHING).intensity
    assert intensity is not None
    assert (intensity.zone, intensity.inventory, intensity.grams_per_kwh) == ("SRVC", "scope 2", 270.47)


def test_a_ledger_meets_the_same(tmp_path: Path) -> None:
    """Built-in figures for the country of a site; a region behind another name; measured before stated."""
    measured_one = SitePue(site="prod", start_us=0, end_us=HOUR_US, pue=1.1, kind="measured")
    places = (Site(name="paris-1", country="FRA"), Site(name="prod", region="eu-west-1", country="DEU"))
    found = factors_for(
        LedgerSettings(places=places, measured=(measured_one,)), [], sites=["paris-1", "prod"]
    )
    assert {g.zone for g in found.grid} == {"FRA", "DEU", "prod"}
    bought = next(g for g in found.grid if g.zone == "prod")
    germany = next(g for g in found.grid if g.zone == "DEU")
    assert (bought.grams_per_kwh, bought.inventory) == (germany.grams_per_kwh, "scope 3.1")
    assert [(p.pue, p.kind) for p in found.pue] == [
        (1.15, "provider_year"),  # of 2023, and before, but for the hour that was measured
        (1.15, "provider_year"),
        (1.15, "provider_year"),
        (1.14, "provider_year"),
        (1.1, "measured"),
    ]
    assert found.sites == (places[0], replace(places[1], bought=True))
