"""``wattmark grid now``, ``history`` and ``forecast``, against a local provider that also fails."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

pytest.importorskip("urllib3")

from tests.builders import a_row, a_run
from tests.cli.running import kept
from tests.grid.serving import Answerer, Asked, Reply, as_json, serving
from wattmark.cli.grid import group
from wattmark.core.errors import ConfigError, UsageError
from wattmark.core.run import Series
from wattmark.grid.failures import NoData, ProviderDown, WrongKey

RUN_HOUR = datetime(2026, 11, 1, 12, tzinfo=UTC)


def grid(folder: Path, *arguments: object, **environ: str) -> Result:
    """Run a command with a cache of its own."""
    env = {"XDG_CACHE_HOME": str(folder), "ELECTRICITYMAPS_API_KEY": "s3cret", **environ}
    return CliRunner().invoke(
        group, [str(a) for a in arguments], env=env, catch_exceptions=False, standalone_mode=False
    )


def halves(asked: Asked) -> Reply:
    """Great Britain: every half hour of what was asked, 100 at night's side of the clock and then 300."""
    first, last = asked.path.split("/")[2:4]
    start = datetime.fromisoformat(first)
    end = start + timedelta(hours=48) if last == "fw48h" else datetime.fromisoformat(last)
    start -= timedelta(minutes=start.minute % 30)
    rows: list[dict[str, Any]] = []
    while start < end:
        until = start + timedelta(minutes=30)
        grams = 100.0 if start.minute < 30 else 300.0
        when = {"from": f"{start:%Y-%m-%dT%H:%MZ}", "to": f"{until:%Y-%m-%dT%H:%MZ}"}
        rows.append({**when, "intensity": {"forecast": grams + 1, "actual": grams}})
        start = until
    return as_json({"data": rows})


def down(_: Asked) -> Reply:
    """Refuses."""
    return as_json({"error": "bad s3cret"}, 401)


NESO = ("--provider", "neso", "--base-url")


def test_now_draws_the_last_day(tmp_path: Path) -> None:
    """A bar for each half hour, the mean, how it is known, whose data it is."""
    with serving(halves) as served:
        found = grid(tmp_path, "now", "GB", *NESO, served.url)
    assert found.return_value in (0, None)
    lines = found.stdout.splitlines()
    assert lines[0] == "GB: NESO Carbon Intensity API, location-based, direct, gCO2e/kWh"
    assert sum("█" in line for line in lines) >= 40
    assert "estimated 100%; data quality B" in found.stdout
    assert "CC BY 4.0" in found.stdout


def test_history_is_json_and_csv_and_then_offline(tmp_path: Path) -> None:
    """The second time nobody is asked; offline the same comes from the cache."""
    span = "--from", "2026-11-01T12:00", "--to", "2026-11-01T14:00"
    with serving(halves) as served:
        first = grid(tmp_path, "history", "GB", *NESO, served.url, *span, "--json")
        grid(tmp_path, "history", "GB", *NESO, served.url, *span)
        asked = len(served.asked)
    assert asked == 1
    document = json.loads(first.stdout)
    assert document["schema"] == "wattmark.grid-series"
    assert (document["mean"], document["grade"], document["inventory"]) == (200.0, "B", "scope 2")
    assert [p["grams_per_kwh"] for p in document["points"]] == [100.0, 300.0, 100.0, 300.0]
    rows = grid(
        tmp_path, "history", "GB", "--provider", "neso", *span, "--offline", "--csv"
    ).stdout.splitlines()
    assert rows[0] == "zone,from,to,grams_per_kwh,kind,accounting,basis,source"
    assert rows[1].startswith("GB,2026-11-01T12:00:00Z,2026-11-01T12:30:00Z,100.0,estimated,location,direct,")


def test_forecast_is_planned_with(tmp_path: Path) -> None:
    """Grade C, and every bar says that it is a forecast."""
    with serving(halves) as served:
        found = grid(tmp_path, "forecast", "GB", *NESO, served.url, "--hours", 3)
    assert "forecast 100%; data quality C" in found.stdout


def test_a_forecast_says_when_it_was_made_and_is_kept(tmp_path: Path) -> None:
    """In text and JSON; offline it is the one that was fetched before."""
    with serving(halves) as served:
        first = json.loads(grid(tmp_path, "forecast", "GB", *NESO, served.url, "--hours", 3, "--json").stdout)
    again = grid(tmp_path, "forecast", "GB", "--provider", "neso", "--hours", 2, "--offline")
    assert f"forecast made {first['issued'][:16]}Z" in again.stdout


def test_a_provider_s_zones_are_listed(tmp_path: Path) -> None:
    """Its own names, in text and JSON; a text that none holds names the closest."""
    found = grid(tmp_path, "zones", "london", "--source", "neso")
    assert found.stdout.splitlines()[-1].split() == ["13", "London"]
    document = json.loads(grid(tmp_path, "zones", "--source", "entsoe", "--json").stdout)
    assert document["schema"] == "wattmark.grid-provider-zones"
    assert {"zone": "FR", "name": "10YFR-RTE------C"} in document["zones"]
    with pytest.raises(UsageError, match="has no zone like 'fra'; perhaps FR"):
        grid(tmp_path, "zones", "fra", "--source", "entsoe")
    (tmp_path / "own.toml").write_text(DECLARED)
    with pytest.raises(UsageError, match="has no list of zones"):
        grid(tmp_path, "zones", "--source", tmp_path / "own.toml")


DECLARED = """
name = "own"
url = "http://localhost/{zone}"
points = "data"
time = "at"
value = "g"
unit = "g/kWh"
accounting = "location"
basis = "direct"
source = "ours"
step_minutes = 60
"""


def test_whoever_names_no_provider_is_told_which_there_are(tmp_path: Path) -> None:
    """Nobody is asked unasked; the error lists whom one may ask."""
    with pytest.raises(click.MissingParameter) as refused:
        grid(tmp_path, "now", "FR")
    assert "'--provider' (electricity-maps, watttime, neso" in refused.value.format_message()


def test_a_provider_without_forecasts_says_so(tmp_path: Path) -> None:
    """And names those that have them."""
    with pytest.raises(UsageError, match="electricity-maps, watttime and neso do"):
        grid(tmp_path, "forecast", "CISO", "--provider", "eia", EIA_API_KEY="k")


def test_a_failure_is_an_error_without_its_key(tmp_path: Path) -> None:
    """No other figure in its place."""
    with serving(down) as served, pytest.raises(WrongKey) as caught:
        grid(tmp_path, "now", "FR", "--provider", "electricity-maps", "--base-url", served.url)
    assert "s3cret" not in str(caught.value)


def test_no_key_no_question(tmp_path: Path) -> None:
    """The message names the variable."""
    with pytest.raises(WrongKey, match="ELECTRICITYMAPS_API_KEY"):
        grid(tmp_path, "now", "FR", "--provider", "electricity-maps", ELECTRICITYMAPS_API_KEY="")


def test_offline_without_anything_known(tmp_path: Path) -> None:
    """Nothing is made up."""
    with pytest.raises(NoData, match="without --offline"):
        grid(tmp_path, "now", "GB", "--provider", "neso", "--offline")


def test_a_yearly_figure_stands_in_only_when_it_is_asked_for(tmp_path: Path) -> None:
    """It says what was used instead, why, and its grade."""
    with serving(down) as served:
        options = "--provider", "electricity-maps", "--base-url", served.url, "--yearly", "FRA"
        found = grid(tmp_path, "now", "FR", *options)
    assert "used instead there" in found.stdout
    assert "Ember yearly" in found.stdout
    assert "data quality D" in found.stdout
    assert "401" in found.stderr


def test_no_year_stands_in_for_a_marginal_signal(tmp_path: Path) -> None:
    """The failure is what is said."""
    keys = {"WATTTIME_USER": "me", "WATTTIME_PASSWORD": "s3cret"}
    with serving(down) as served:
        asked = "now", "CAISO_NORTH", "--provider", "watttime", "--base-url", served.url, "--yearly", "USA"
        with pytest.raises(WrongKey):
            grid(tmp_path, *asked, **keys)


def test_a_failure_in_the_middle_shows_the_rest_and_fails(tmp_path: Path) -> None:
    """Exit code 1: not all of it is there."""
    replies: list[Answerer] = [halves, lambda _: as_json({}, 404), lambda _: as_json({}, 401)]

    def once(asked: Asked) -> Reply:
        return (replies.pop(0) if len(replies) > 1 else replies[0])(asked)

    span = "--from", "2026-09-01", "--to", "2026-11-01"
    with serving(once) as served:
        found = grid(tmp_path, "history", "GB", *NESO, served.url, *span, "--json")
    assert found.return_value == 1
    document = json.loads(found.stdout)
    assert document["holes"] == [{"from": "2026-09-14T00:00:00Z", "to": "2026-11-01T00:00:00Z"}]
    assert "401" in document["failure"]


def a_run_file(folder: Path) -> Path:
    """An hour from 12:00 on: 1 kWh, level."""
    row = a_row(energy_joules=3.6e6, duration_seconds=3600.0, observed_seconds=3600.0, max_watts=2000.0)
    series = Series(
        device_id=row.device_id, component="cpu", t_seconds=(0.0, 3600.0), energy_joules=(0.0, 3.6e6)
    )
    return kept(folder, a_run(duration_seconds=3600.0, energies=(row,), series=(series,)), "hour")


def test_a_run_is_counted_hour_by_hour_beside_the_year(tmp_path: Path) -> None:
    """1 kWh, half of it at 100 and half at 300: 200 g; and how far the yearly factor is from that."""
    path = a_run_file(tmp_path)
    with serving(halves) as served:
        asked = "history", "GB", *NESO, served.url, "--for", path, "--yearly", "GBR"
        found = grid(tmp_path, *asked, "--json")
        text = grid(tmp_path, *asked).stdout
    run = json.loads(found.stdout)["run"]
    assert run["grams"] == pytest.approx(200.0)
    assert run["difference"] == pytest.approx(200.0 / run["yearly_grams"] - 1)
    assert "the run: 1.00 kWh hour by hour are 200 gCO2e (estimated 100%)" in text
    assert "with the yearly factor:" in text
    assert "yearly figure beside it" in text


def test_a_run_takes_its_own_time(tmp_path: Path) -> None:
    """Another time beside it is a contradiction."""
    with pytest.raises(UsageError, match="--for takes the time of the run"):
        grid(tmp_path, "history", "GB", "--provider", "neso", "--for", a_run_file(tmp_path), "--in", "2026")


def test_a_stretch_ahead_is_no_history(tmp_path: Path) -> None:
    """It says which command tells it."""
    with pytest.raises(UsageError, match="grid forecast"):
        grid(tmp_path, "history", "GB", "--provider", "neso", "--from", "2199-01-01")


def test_history_goes_into_a_ledger_whose_totals_use_it(tmp_path: Path) -> None:
    """1 kWh from 12:00 to 12:30 meets the 100 of that half hour: neither 300, nor the mean, nor a year."""
    pytest.importorskip("deltalake")
    pytest.importorskip("duckdb")
    from tests.cli.ledgers import a_ledger, ask, told
    from wattmark.core.known import Boundary, Grade, Method
    from wattmark.core.run import Subject

    ledger = a_ledger(tmp_path)
    node = a_row(
        device_id="node:x",
        component="node",
        energy_joules=3.6e6,
        duration_seconds=1800.0,
        observed_seconds=1800.0,
        method=Method.WALL_METER,
        boundary=Boundary.NODE,
        grade=Grade.A,
        errors={},
        max_watts=1e6,
    )
    run = a_run(duration_seconds=1800.0, energies=(node,), subject=Subject(zone="GBR"))
    ask("add", kept(tmp_path, run, "one"), "--ledger", ledger)
    span = "--from", "2026-11-01T12:00", "--to", "2026-11-01T13:00"
    into = "--into", ledger, "--as", "GBR", "--inventory", "scope 3.1"
    with serving(halves) as served:
        found = grid(tmp_path, "history", "GB", *NESO, served.url, *span, *into)
    assert "GBR-location-direct.csv holds 2 points" in found.stderr
    carbon = told("totals", "--basis", "direct", "--ledger", ledger)["whole"]["carbon"]
    assert carbon["value"] == pytest.approx(100.0)
    assert carbon["terms"]["inventory"] == "scope 3.1"
    assert "NESO" in " ".join(carbon["sources"])
    assert any("100% of the intensity data is estimated" in note for note in carbon["notes"])


def test_a_wrong_ledger_file_is_named(tmp_path: Path) -> None:
    """Whoever opens the ledger hears of it."""
    from tests.cli.ledgers import a_ledger
    from wattmark.wiring.ledger import open_ledger

    ledger = a_ledger(tmp_path)
    (ledger / "grid").mkdir()
    (ledger / "grid" / "x.csv").write_text("nonsense\n")
    with pytest.raises(ConfigError, match=r"x\.csv"):
        open_ledger(str(ledger))


def test_a_provider_that_is_down_is_named(tmp_path: Path) -> None:
    """Nobody listens there any more."""
    with serving(halves) as served:
        pass
    with pytest.raises(ProviderDown, match="--offline"):
        grid(tmp_path, "now", "GB", *NESO, served.url)
