"""What was stated: the command line beats the configuration, and that beats the place the runs recorded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.builders import HOST, a_run
from wattmark.config import Config, EmbodiedConfig, PlaceConfig, ProjectConfig, Tags
from wattmark.core.errors import ConfigError, RefusedError, UsageError
from wattmark.core.figure import Figure, Missing
from wattmark.core.known import Scope
from wattmark.core.kpis import CATALOG
from wattmark.core.run import Place, Run, Subject
from wattmark.wiring import Stated, facts_for, given_from, load_config

NOTHING = Stated()


def placed(**place: Any) -> Run:
    return a_run(place=Place(**place))


def config(**place: Any) -> Config:
    return Config(place=PlaceConfig(**place))


# --- PUE --------------------------------------------------------------------------------------------


def test_the_nearest_pue_holds() -> None:
    """Said now, configured, that of an office, recorded; else none is known."""
    run = placed(pue=1.5, pue_kind="measured")
    said = given_from(config(pue=1.3), Stated(pue=1.1), [run]).pue
    configured = given_from(config(pue=1.3, pue_relative_error=0.02), NOTHING, [run]).pue
    office = given_from(config(site="office"), NOTHING, [run]).pue
    recorded = given_from(Config(), NOTHING, [run]).pue
    assert [(p.value, p.kind) for p in (said, configured, office, recorded) if p] == [
        (1.1, "declared"),
        (1.3, "declared"),
        (1.0, "office"),
        (1.5, "measured"),
    ]
    assert configured is not None
    assert configured.relative_error == 0.02
    assert given_from(Config(), NOTHING, [a_run()]).pue is None


def test_runs_of_two_sites_have_no_common_pue() -> None:
    """The message says how to go on."""
    with pytest.raises(UsageError, match="different PUEs: give one with --pue"):
        given_from(Config(), NOTHING, [placed(pue=1.1), placed(pue=1.2)])


def test_what_some_runs_state_and_all_meet_is_told() -> None:
    """One of two says where it ran and behind which PUE: both count with it, and the figure says so."""
    found = given_from(Config(), NOTHING, [placed(pue=1.5, country="FRA"), a_run()])
    assert found.pue is not None
    assert found.intensity is not None
    assert found.pue.source == "stated by 1 of 2 runs and taken for all"
    assert found.intensity.note.endswith("its country is stated by 1 of 2 runs and taken for all")
    both = given_from(Config(), NOTHING, [placed(pue=1.5, country="FRA")] * 2)
    assert both.pue is not None
    assert both.intensity is not None
    assert (both.pue.source, "runs" in both.intensity.note) == ("", False)


# --- intensity --------------------------------------------------------------------------------------


def test_the_nearest_intensity_holds() -> None:
    """A figure said now, a country said now, the world on request, the configuration, the runs' country."""
    run = placed(country="FRA")
    ours = config(
        country="POL", intensity_g_per_kwh=50.0, intensity_source="contract", intensity_basis="direct"
    )

    def told(settings: Config, stated: Stated) -> tuple[str, str]:
        found = given_from(settings, stated, [run]).intensity
        assert found is not None
        return found.zone, found.source

    assert told(ours, Stated(intensity=12.0, country="DEU")) == ("DEU", "declared")
    assert told(ours, Stated(intensity=12.0)) == ("stated", "declared")
    assert told(ours, Stated(country="DEU"))[0] == "DEU"
    assert told(ours, Stated(world_average=True))[0] == "WORLD"
    assert told(ours, NOTHING) == ("POL", "contract")
    assert told(config(country="POL"), NOTHING)[0] == "POL"
    assert told(config(world_average=True), NOTHING)[0] == "WORLD"
    assert told(Config(), NOTHING)[0] == "FRA"
    assert given_from(Config(), NOTHING, [a_run()]).intensity is None
    zone = replace(config(intensity_g_per_kwh=1.0), tags=Tags(zone="DE-LU"))
    assert told(zone, NOTHING)[0] == "DE-LU"


def test_a_place_that_is_not_known_is_refused() -> None:
    """No world average in silence; no negative figure; no mixture of countries."""
    with pytest.raises(RefusedError, match="no grid intensity is known for 'XXX'"):
        given_from(config(country="XXX"), NOTHING)
    with pytest.raises(UsageError, match="--intensity -1 is impossible"):
        given_from(Config(), Stated(intensity=-1.0))
    with pytest.raises(UsageError, match="FRA, POL: look at them one by one"):
        given_from(Config(), NOTHING, [placed(country="POL"), placed(country="FRA")])


# --- cloud regions ----------------------------------------------------------------------------------


def in_region(name: str, **place: Any) -> Run:
    return a_run(subject=Subject(region=name), place=Place(**place))


def test_the_region_of_a_run_tells_what_nobody_said() -> None:
    """Country, grid and the provider's PUE, each naming whose word it is."""
    found = given_from(Config(), NOTHING, [in_region("us-east-1")])
    assert found.pue is not None
    assert found.intensity is not None
    assert (found.pue.value, found.pue.kind) == (1.14, "provider_year")
    assert (found.intensity.zone, found.intensity.inventory) == ("USA", "scope 3.1")
    assert "us-east-1" in found.intensity.note
    direct = given_from(Config(), Stated(basis="direct"), [in_region("us-east-1")]).intensity
    assert direct is not None
    assert (direct.zone, direct.basis) == ("SRVC", "direct")
    assert given_from(config(intensity_basis="direct"), NOTHING, [in_region("us-east-1")]).intensity == direct


def test_what_was_said_goes_before_the_region() -> None:
    """A country and a PUE of the run's own, of the configuration, or said now."""
    run = in_region("eu-west-1", country="POL", pue=1.3, pue_kind="measured")
    found = given_from(Config(), NOTHING, [run])
    assert (found.pue and found.pue.value, found.intensity and found.intensity.zone) == (1.3, "POL")
    ours = given_from(config(country="DEU", pue=1.2), NOTHING, [in_region("eu-west-1")])
    assert (ours.pue and ours.pue.value, ours.intensity and ours.intensity.zone) == (1.2, "DEU")
    asked = given_from(config(country="DEU", pue=1.2), Stated(region="eu-west-3"), [run])
    assert (asked.pue and asked.pue.value, asked.intensity and asked.intensity.zone) == (1.14, "FRA")


def test_a_cloud_buys_its_electricity_whatever_figure_is_stated() -> None:
    """Ours under [place], or a country's: scope 3.1. Asked for another country it is nobody's cloud there."""
    run = in_region("eu-west-1", country="IRL")
    own = config(intensity_g_per_kwh=300.0, intensity_basis="direct", intensity_source="t")
    for given in (
        given_from(own, NOTHING, [run]),
        given_from(config(country="IRL"), Stated(basis="direct"), [run]),
        given_from(Config(), Stated(intensity=300.0, basis="direct"), [run]),
        given_from(Config(), Stated(intensity=300.0), [run]),
    ):
        assert given.intensity is not None
        assert given.intensity.inventory == "scope 3.1"
    there = given_from(Config(), Stated(country="FRA", basis="direct"), [run]).intensity
    assert there is not None
    assert there.inventory == "scope 2"


def test_a_region_of_the_runs_country_is_the_finer_word() -> None:
    """Virginia's grid, not that of the United States."""
    run = in_region("us-east-1", country="USA")
    found = given_from(Config(), Stated(basis="direct"), [run]).intensity
    assert found is not None
    assert found.zone == "SRVC"


def test_several_regions_and_other_names_tell_nothing() -> None:
    """The energy stays what it is; one that was asked for must be known."""
    for runs in ([in_region("eu-west-1"), in_region("us-east-1")], [in_region("the cellar")]):
        found = given_from(Config(), NOTHING, runs)
        assert (found.pue, found.intensity) == (None, None)
    with pytest.raises(UsageError, match="no cloud region that is known"):
        given_from(Config(), Stated(region="the cellar"))
    with pytest.raises(UsageError, match="--world-average and --region contradict"):
        given_from(Config(), Stated(region="eu-west-1", world_average=True))


def test_a_configured_region_places_what_has_no_runs() -> None:
    """Under [place], or as a tag."""
    tagged = given_from(Config(tags=Tags(region="eu-west-3")), NOTHING).intensity
    assert tagged is not None
    assert tagged.zone == "FRA"
    assert given_from(config(region="eu-west-3"), NOTHING).intensity == tagged


def test_the_year_of_a_run_chooses_the_figure() -> None:
    """UK factors of 2025 for work in 2025; old data is said to be old."""
    run = replace(placed(country="GBR"), started_at="2025-06-01T00:00:00.000000Z")
    found = given_from(Config(), Stated(basis="direct"), [run]).intensity
    assert found is not None
    assert (found.year, found.grams_per_kwh) == (2025, 177)
    old = given_from(Config(), NOTHING, [placed(country="ABW")]).intensity
    assert old is not None
    assert "4 years old" in old.note


# --- the rest ---------------------------------------------------------------------------------------


def test_declared_facts_are_passed_on() -> None:
    """And what is said now comes first."""
    project = ProjectConfig(
        functional_unit="images",
        quality="f1",
        quality_worst=1.0,
        quality_best=0.0,
        lifetime_inferences=1e6,
        manual_steps=3,
        reference_device_factor=2.0,
    )
    found = given_from(Config(project=project), NOTHING)
    assert (found.functional_unit, found.quality_name, found.quality_map) == ("images", "f1", (1.0, 0.0))
    assert (found.lifetime_inferences, found.manual_steps, found.reference_device_factor) == (1e6, 3, 2.0)
    assert found.scope is Scope.WHOLE
    stated = Stated(
        functional_unit="requests", quality="wer", quality_map=(0.5, 0.0), lifetime_inferences=5.0, share=True
    )
    said = given_from(Config(project=project), stated)
    assert (said.functional_unit, said.quality_name, said.quality_map) == ("requests", "wer", (0.5, 0.0))
    assert (said.lifetime_inferences, said.scope) == (5.0, Scope.SHARE)


def test_embodied_carbon_is_reserved_for_as_long_as_machines_were() -> None:
    """1 t over 4 years; two runs at once for an hour reserve an hour, on two machines two."""
    embodied = Config(embodied=EmbodiedConfig(total_kg=1000.0, lifespan_years=4.0))
    hour = a_run(duration_seconds=3600.0)
    beside = replace(hour, record_id="b")
    found = given_from(embodied, NOTHING, [hour, beside]).embodied
    assert found is not None
    assert (found.total_grams, found.lifespan_hours) == (1e6, 4 * 8766.0)
    assert (found.reserved_hours, found.utilised_hours) == (pytest.approx(1.0), None)
    elsewhere = replace(beside, host=replace(HOST, id="other"))
    found = given_from(embodied, NOTHING, [hour, elsewhere]).embodied
    assert found is not None
    assert found.reserved_hours == pytest.approx(2.0)


def test_utilised_hours_are_told_in_that_mode_only() -> None:
    """The two modes are never mixed; without a life span there is nothing to share out."""
    mode = EmbodiedConfig(total_kg=1.0, lifespan_years=1.0, mode="utilised", utilisation=0.5)
    found = given_from(Config(embodied=mode), NOTHING, [a_run(duration_seconds=3600.0)]).embodied
    assert found is not None
    assert (found.reserved_hours, found.utilised_hours) == (None, pytest.approx(1.0))
    assert given_from(Config(embodied=EmbodiedConfig(total_kg=1.0)), NOTHING).embodied is None


def test_facts_are_made_under_what_was_stated() -> None:
    """From settings to totals in one call."""
    assert facts_for([a_run()], config(pue=1.2), NOTHING).pue.value == 1.2  # type: ignore[union-attr]


def test_the_configuration_in_force_is_named_or_the_nearest(tmp_path: Path) -> None:
    """``WATTMARK_CONFIG`` first; a name that leads nowhere is an error, not a default."""
    named = tmp_path / "mine.toml"
    named.write_text("[tags]\nteam = 'a'\n")
    (tmp_path / "wattmark.toml").write_text("[tags]\nteam = 'b'\n")
    assert load_config(tmp_path, {"WATTMARK_CONFIG": str(named)}).tags.team == "a"
    assert load_config(tmp_path, {}).tags.team == "b"
    with pytest.raises(ConfigError, match="named by WATTMARK_CONFIG, is not there"):
        load_config(tmp_path, {"WATTMARK_CONFIG": str(tmp_path / "none")})


def with_inventory(folder: Path, *lines: str, **stated: Any) -> Config:
    """A configuration beside an inventory of one server of the tests' machine and these lines."""
    head = "name,component,host,device_id,total_kg,contains,quantity,purchased,lifespan_years,source"
    server = f"s1,machine,{HOST.id},,1000,cpu dram,1,2026-10-01,1,sheet"
    (folder / "devices.csv").write_text("\n".join((head, server, *lines)) + "\n")
    embodied = EmbodiedConfig(inventory="devices.csv", **stated)
    return Config(embodied=embodied, path=str(folder / "wattmark.toml"))


def test_an_inventory_tells_what_the_runs_own_devices_carry(tmp_path: Path) -> None:
    """1 t over 8766 hours: an hour carries 114.08 g; without runs there are no hours."""
    config = with_inventory(tmp_path)
    hour = a_run(duration_seconds=3600.0)
    facts = facts_for([hour], config, NOTHING)
    answer = CATALOG["embodied_carbon_amortisation"].of(facts)
    assert isinstance(answer, Figure)
    assert answer.value == pytest.approx(1e6 / 8766)
    assert answer.sources == ("embodied 1000 kgCO2e (sheet)",)
    none = given_from(config, NOTHING)
    assert (none.embodied, none.embodied_unknown) == (None, None)


def test_a_machine_that_the_inventory_does_not_name_has_no_embodied_figure(tmp_path: Path) -> None:
    """Missing, with what to do, and not the other machine's."""
    elsewhere = a_run(duration_seconds=3600.0, host=replace(HOST, id="other"))
    facts = facts_for([elsewhere], with_inventory(tmp_path), NOTHING)
    assert facts.embodied == Missing(
        "embodied carbon of machine other", "no line of the inventory names it: add one"
    )


def test_one_total_and_an_inventory_contradict_each_other(tmp_path: Path) -> None:
    """The same server would be counted twice."""
    with pytest.raises(ConfigError, match="of their own: leave one"):
        given_from(with_inventory(tmp_path, total_kg=1000.0), NOTHING, [a_run()])
