"""The resolution order of grid intensity, each step taken, and said beside the figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("urllib3")

from tests.builders import a_row, a_run
from tests.grid.serving import HTML, Answerer, Asked, Reply, as_json, serving
from wattmark.config import Config, PlaceConfig
from wattmark.core.carbon import Intensity
from wattmark.core.errors import RefusedError, UsageError
from wattmark.core.run import Place, Run, Series, Subject
from wattmark.grid.http import HttpWeb
from wattmark.wiring import Stated, facts_for, given_from
from wattmark.wiring.live import Live

HOUR = 3600.0
KWH = 3.6e6
LATER_US = int(datetime.fromisoformat("2026-11-10T12:00:00Z").timestamp()) * 1_000_000


def a_training(**changes: Any) -> Run:
    """Two hours from 12:00 UTC on 1 November 2026: 1 kWh in the first, 3 kWh in the second."""
    row = a_row(duration_seconds=2 * HOUR, observed_seconds=2 * HOUR, energy_joules=4 * KWH, max_watts=4000.0)
    course = Series(
        device_id=row.device_id,
        component="cpu",
        t_seconds=(0.0, HOUR, 2 * HOUR),
        energy_joules=(0.0, KWH, 4 * KWH),
    )
    fields = {"duration_seconds": 2 * HOUR, "energies": (row,), "series": (course,)}
    return a_run(**{**fields, **changes})


def hours(asked: Asked) -> Reply:
    """Electricity Maps: 100 g at even hours and 300 at odd ones, over what was asked."""
    if asked.path.endswith("/zones"):
        return as_json({"FR": {}, "DE": {}})
    at, end = (datetime.fromisoformat(asked.query[k]) for k in ("start", "end"))
    at = at.replace(minute=0, second=0)
    points = []
    while at < end:
        grams = 300.0 if at.hour % 2 else 100.0
        points.append(
            {"datetime": at.isoformat(), "carbonIntensity": grams, "isEstimated": bool(at.hour % 2)}
        )
        at += timedelta(hours=1)
    zone = asked.query.get("zone", "US-MIDA-PJM")
    return as_json({"zone": zone, "data": points, "temporalGranularity": "hourly"})


def place(url: str = "", **changes: Any) -> Config:
    """France, where Electricity Maps is asked at a local address."""
    told = {"country": "FRA", "live": "electricity-maps", "live_url": url or None, **changes}
    return Config(place=PlaceConfig(**told))


def live(
    folder: Path, environ: Mapping[str, str] | None = None, patience_seconds: float = 60.0, **changes: Any
) -> Live:
    """A cache of its own, a key, one try."""
    keys = {"ELECTRICITYMAPS_API_KEY": "s3cret", "XDG_CACHE_HOME": str(folder), **(environ or {})}
    told: dict[str, Any] = {"environ": keys, "clock": lambda: LATER_US, **changes}
    return Live(web=lambda: HttpWeb(tries=1, timeout_seconds=patience_seconds), **told)


def met(config: Config, asker: Live | None, run: Run | None = None, **stated: Any) -> Intensity:
    """The intensity that was given."""
    found = given_from(config, Stated(live=asker, **stated), [run or a_training()]).intensity
    assert found is not None
    return found


def test_the_live_provider_goes_before_the_tables(tmp_path: Path) -> None:
    """1 kWh at 100 and 3 kWh at 300 met 250 g; three quarters of it were estimated, so grade B."""
    with serving(hours) as served:
        found = met(place(served.url), live(tmp_path))
    assert found.grams_per_kwh == pytest.approx(250.0)
    assert (found.granularity, found.source, found.zone) == ("hour", "Electricity Maps", "FR")
    assert found.estimated_share == pytest.approx(0.75)
    assert found.data_quality == "B"
    assert "from the yearly figure (44.18 gCO2e/kWh, Ember yearly 2024)" in found.note
    assert served.asked[0].query["zone"] == "FR"


def test_carbon_is_energy_times_the_met_intensity(tmp_path: Path) -> None:
    """100 g + 900 g; the figure names its source and that it is by the hour."""
    with serving(hours) as served:
        facts = facts_for([a_training()], place(served.url), Stated(live=live(tmp_path)))
    assert facts.intensity.sources == ("Electricity Maps (FR, hour)",)  # type: ignore[union-attr]
    assert "data quality of the intensity: B" in facts.intensity.notes  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "stated",
    [{"intensity": 56.0}, {"world_average": True}],
    ids=["a figure said now", "the world on request"],
)
def test_what_the_user_states_goes_first(tmp_path: Path, stated: dict[str, Any]) -> None:
    """Nobody is asked then."""
    with serving(hours) as served:
        found = met(place(served.url), live(tmp_path), **stated)
    assert found.granularity == "year"
    assert served.asked == []


def test_a_configured_figure_goes_first_unless_another_place_is_said(tmp_path: Path) -> None:
    """`[place] intensity_g_per_kwh` is an override; `--country` says that it is of another place."""
    with serving(hours) as served:
        config = place(served.url, intensity_g_per_kwh=56.0)
        assert met(config, live(tmp_path)).grams_per_kwh == 56.0
        assert served.asked == []
        assert met(config, live(tmp_path), country="DEU").zone == "DE"


def test_nobody_is_asked_unless_a_provider_is_written_down(tmp_path: Path) -> None:
    """Nor by a verb that does not work out carbon, nor with --yearly."""
    with serving(hours) as served:
        for config, asker in (
            (place(served.url, live=None), live(tmp_path)),
            (place(served.url), None),
            (place(served.url), live(tmp_path, yearly=True)),
        ):
            assert met(config, asker).source == "Ember yearly"
    assert served.asked == []


def test_offline_the_cache_answers_and_says_so(tmp_path: Path) -> None:
    """The same figure as before, without a question."""
    with serving(hours) as served:
        first = met(place(served.url), live(tmp_path))
    second = met(place(served.url), live(tmp_path, offline=True))
    assert second.grams_per_kwh == first.grams_per_kwh
    assert "from the cache: nobody was asked" in second.note


def test_offline_without_a_cache_the_year_stands_in_and_says_why(tmp_path: Path) -> None:
    """Grade D."""
    found = met(place(), live(tmp_path, offline=True))
    assert (found.source, found.granularity, found.data_quality) == ("Ember yearly", "year", "D")
    assert "no hourly figure" in found.note
    assert "the yearly one stands in" in found.note


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda _: as_json({"error": "bad key s3cret"}, 401), "the key in ELECTRICITYMAPS_API_KEY is wrong"),
        (lambda _: as_json({}, 503), "fails on its side"),
        (lambda _: as_json({}, 429, **{"Retry-After": "0"}), "limit of requests"),
        (lambda _: HTML, "web page"),
        (lambda _: Reply(b'{"zone": "FR", "da', 200, {"Content-Type": "application/json"}), "in the middle"),
        (lambda _: as_json({"zone": "FR"}), "no field 'data'"),
        (lambda _: as_json({"zone": "DE", "data": []}), "answered for 'DE'"),
        (lambda _: Reply(b"{}", wait=30.0), "did not answer in time"),
    ],
    ids=["wrong key", "down", "quota", "a page", "half", "drift", "wrong zone", "slow"],
)
def test_a_provider_that_fails_gives_way_to_the_year(tmp_path: Path, answer: Answerer, said: str) -> None:
    """What happened, what was used instead, and its grade; no key in it."""
    with serving(answer) as served:
        patience = 0.3 if said == "did not answer in time" else 60.0
        found = met(place(served.url), live(tmp_path, patience_seconds=patience))
    assert found.data_quality == "D"
    assert said in found.note
    assert "the yearly one stands in" in found.note
    assert "s3cret" not in found.note


def test_an_unknown_zone_is_said(tmp_path: Path) -> None:
    """With the closest one."""

    def unknown(asked: Asked) -> Reply:
        return as_json({"FRX": {}}) if asked.path.endswith("zones") else as_json({"message": "no"}, 404)

    with serving(unknown) as served:
        found = met(place(served.url, live_zone="FRY"), live(tmp_path))
    assert "knows no zone 'FRY'; did you mean FRX?" in found.note


def test_no_key_is_said_without_a_question(tmp_path: Path) -> None:
    """The variable is named."""
    with serving(hours) as served:
        found = met(place(served.url), live(tmp_path, {"ELECTRICITYMAPS_API_KEY": ""}))
    assert "ELECTRICITYMAPS_API_KEY" in found.note
    assert served.asked == []


def test_who_is_down_is_asked_once(tmp_path: Path) -> None:
    """Ten repeats do not wait ten times."""
    asker = live(tmp_path)
    with serving(lambda _: as_json({}, 503)) as served:
        found = [met(place(served.url), asker) for _ in range(3)]
    assert len(served.asked) == 1
    assert len({one.note for one in found}) == 1


def test_hours_that_are_missing_meet_the_year_and_that_is_said(tmp_path: Path) -> None:
    """The first hour is told, the second is not: a quarter of the energy met hours."""

    def first_hour(asked: Asked) -> Reply:
        point = {"datetime": "2026-11-01T12:00:00Z", "carbonIntensity": 100.0}
        return as_json({"zone": "FR", "data": [point]})

    with serving(first_hour) as served:
        found = met(place(served.url), live(tmp_path))
    assert found.grams_per_kwh == pytest.approx((100.0 + 3 * 44.18) / 4, rel=1e-3)
    assert found.data_quality == "D"
    assert "75% of the energy met a yearly factor" in found.note


def test_without_hours_and_without_a_year_it_is_refused(tmp_path: Path) -> None:
    """No world average, no neighbour; both reasons are named."""
    with serving(lambda _: as_json({}, 503)) as served:
        config = place(served.url, country=None, live_zone="FR")
        with pytest.raises(RefusedError, match=r"no hourly intensity .*fails on its side.*--country"):
            met(config, live(tmp_path))


def test_the_world_is_the_last_resort_where_it_is_allowed(tmp_path: Path) -> None:
    """Grade E."""
    with serving(lambda _: as_json({}, 503)) as served:
        found = met(place(served.url, country=None, live_zone="FR", world_average=True), live(tmp_path))
    assert (found.zone, found.data_quality) == ("WORLD", "E")


def test_another_basis_never_stands_in(tmp_path: Path) -> None:
    """NESO is direct; who wants lifecycle gets the lifecycle year, and is told."""
    found = met(place(live="neso", country="GBR"), live(tmp_path), basis="lifecycle")
    assert found.basis == "lifecycle"
    assert "neso has no lifecycle figure" in found.note


def test_a_provider_with_one_basis_is_taken_at_it(tmp_path: Path) -> None:
    """Without a word on the basis NESO's year is direct as well, up or down."""
    with serving(lambda _: as_json({}, 503)) as served:
        found = met(place(served.url, live="neso", country="GBR"), live(tmp_path))
    assert (found.basis, found.source) == ("direct", "DESNZ conversion factors")


def test_no_year_stands_in_for_a_marginal_intensity(tmp_path: Path) -> None:
    """A refusal: the two are never exchanged."""
    keys = {"WATTTIME_USER": "me", "WATTTIME_PASSWORD": "s3cret"}
    with serving(lambda _: as_json({}, 503)) as served:
        config = place(served.url, live="watttime", live_zone="CAISO_NORTH", country="USA")
        with pytest.raises(RefusedError, match="no marginal intensity is known by the hour"):
            met(config, live(tmp_path, keys))


def test_a_place_without_a_zone_is_said(tmp_path: Path) -> None:
    """The key to set is named."""
    found = met(place(live="eia"), live(tmp_path), basis=None)
    assert "set live_zone under [place]" in found.note


def test_a_zone_of_the_configuration_is_not_that_of_another_place(tmp_path: Path) -> None:
    """`--country` asks for its own."""
    with serving(hours) as served:
        found = met(place(served.url, live_zone="FR"), live(tmp_path), country="DEU")
    assert found.zone == "DE"


def test_runs_of_two_countries_have_no_common_hours(tmp_path: Path) -> None:
    """As they have no common year."""
    runs = [a_training(place=Place(country=c), record_id=c) for c in ("FRA", "DEU")]
    with pytest.raises(UsageError, match="look at them one by one"):
        given_from(place(country=None), Stated(live=live(tmp_path)), runs)


def test_a_cloud_region_is_asked_for_by_its_name(tmp_path: Path) -> None:
    """No table of zones is needed, and its electricity is a bought service."""
    run = a_training(subject=Subject(region="us-east-1"))
    with serving(hours) as served:
        found = met(place(served.url, country=None), live(tmp_path), run)
    query = served.asked[0].query
    assert (query["dataCenterProvider"], query["dataCenterRegion"]) == ("aws", "us-east-1")
    assert "zone" not in query
    assert (found.zone, found.inventory) == ("aws:us-east-1", "scope 3.1")
    assert "US-MIDA-PJM" in found.note


def test_a_run_without_a_course_counts_as_level(tmp_path: Path) -> None:
    """2 kWh in each hour: 200 g/kWh, and that is said."""
    with serving(hours) as served:
        found = met(place(served.url), live(tmp_path), a_training(series=()))
    assert found.grams_per_kwh == pytest.approx(200.0)
    assert "it counts as level" in found.note


def test_a_site_of_ones_own_is_asked_for_by_its_zone(tmp_path: Path) -> None:
    """`[[site]] zone` in the provider's words or as a country; its electricity is bought, not a service."""
    for zone in ("FR", "FRA"):
        site = {"name": "cellar", "country": "FRA", "zone": zone}
        run = a_training(place=Place(site="cellar"))
        with serving(hours) as served:
            config = replace(place(served.url, country=None), tables={"site": (site,)})
            found = met(config, live(tmp_path / zone), run, basis="direct")
        assert served.asked[0].query["zone"] == "FR"
        assert (found.basis, found.inventory) == ("direct", "scope 2")


def test_factors_by_plant_lie_beside_the_configuration(tmp_path: Path) -> None:
    """`live_factors` names the file; another provider than ENTSO-E and EIA takes none."""
    (tmp_path / "plants.csv").write_text("kind,basis,grams_per_kwh,source\ncoal,direct,900,inventory\n")
    config = replace(
        place(
            live="entsoe", live_factors="plants.csv", intensity_basis="direct", country="GBR", live_zone="GB"
        ),
        path=str(tmp_path / "wattmark.toml"),
    )
    found = met(config, live(tmp_path, {"ENTSOE_API_KEY": ""}))
    assert "ENTSOE_API_KEY" in found.note
    with pytest.raises(UsageError, match="tells an intensity"):
        met(replace(config, place=config.place._replace(live="neso")), live(tmp_path))


def test_a_declared_api_is_asked_as_well(tmp_path: Path) -> None:
    """Its declaration lies beside the configuration."""
    (tmp_path / "own.toml").write_text(
        'name = "own"\nurl = "{URL}/{{zone}}"\npoints = ""\ntime = "at"\nvalue = "g"\nunit = "g/kWh"\n'
        'accounting = "location"\nbasis = "direct"\nsource = "ours"\nstep_minutes = 180\n'
    )
    with serving(lambda _: as_json([{"at": "2026-11-01T12:00:00Z", "g": 70.0}])) as served:
        file = tmp_path / "own.toml"
        file.write_text(file.read_text().replace("{URL}", served.url).replace("{{zone}}", "{zone}"))
        config = replace(place(live="own.toml", live_zone="X"), path=str(tmp_path / "wattmark.toml"))
        found = met(config, live(tmp_path))
    assert (found.grams_per_kwh, found.source, found.basis) == (pytest.approx(70.0), "ours", "direct")


def test_a_declaration_names_the_zone_of_a_place(tmp_path: Path) -> None:
    """France is X there; of a place that it does not name the year stands in, and why."""
    text = (
        'name = "own"\nurl = "{URL}/{zone}"\npoints = ""\ntime = "at"\nvalue = "g"\nunit = "g/kWh"\n'
        'accounting = "location"\nbasis = "lifecycle"\nsource = "ours"\nstep_minutes = 180\n'
        '[zones]\nFRA = "X"\n'
    )
    asked: list[str] = []

    def answer(question: Asked) -> Reply:
        asked.append(question.path)
        return as_json([{"at": "2026-11-01T12:00:00Z", "g": 70.0}])

    with serving(answer) as served:
        (tmp_path / "own.toml").write_text(text.replace("{URL}", served.url))
        config = replace(place(live="own.toml"), path=str(tmp_path / "wattmark.toml"))
        assert met(config, live(tmp_path)).grams_per_kwh == pytest.approx(70.0)
        elsewhere = met(config, live(tmp_path), country="DEU")
    assert asked == ["/X"]
    assert elsewhere.granularity == "year"
    assert "name it under [zones] of the declaration" in elsewhere.note


def test_one_log_in_serves_all_runs(tmp_path: Path) -> None:
    """WattTime counts log-ins: three runs of three days take one."""
    keys = {"WATTTIME_USER": "me", "WATTTIME_PASSWORD": "s3cret"}

    def watttime(asked: Asked) -> Reply:
        if asked.path == "/login":
            return as_json({"token": "t"})
        start = datetime.fromisoformat(asked.query["start"])
        meta = {
            "data_point_period_seconds": 3600,
            "region": "CAISO_NORTH",
            "signal_type": "co2_moer",
            "units": "lbs_co2_per_mwh",
        }
        points = [{"point_time": (start + timedelta(hours=h)).isoformat(), "value": 1000.0} for h in range(3)]
        return as_json({"data": points, "meta": meta})

    asker = live(tmp_path, keys)
    with serving(watttime) as served:
        config = place(served.url, live="watttime", live_zone="CAISO_NORTH", country="USA")
        for day in (1, 2, 3):
            found = met(config, asker, a_training(started_at=f"2026-11-0{day}T12:00:00.000000Z"))
            assert (found.accounting, found.inventory) == ("marginal", "product-only")
            assert found.grams_per_kwh == pytest.approx(453.59237)
    assert [asked.path for asked in served.asked].count("/login") == 1
