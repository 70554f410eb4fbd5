"""A project that names a live provider: verbs count runs with their own hours; measuring asks nobody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

pytest.importorskip("urllib3")

from tests.cli.running import kept
from tests.grid.serving import Served, serving
from tests.wiring.test_hourly import a_training, hours
from wattmark.cli import baseline, check, compare, gate, measure, report, score, show
from wattmark.core.run import Work

NOON, ONE = "2026-11-01T12:00:00.000000Z", "2026-11-01T13:00:00.000000Z"


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A project in France whose provider is this server: 100 g at even hours and 300 at odd ones."""
    monkeypatch.chdir(tmp_path)
    with serving(hours) as server:
        lines = ["[place]", 'country = "FRA"', 'live = "electricity-maps"', f'live_url = "{server.url}"']
        (tmp_path / "wattmark.toml").write_text("\n".join(lines))
        yield server


def did(folder: Path, command: click.Command, *arguments: object) -> Result:
    """Run a verb with a cache and a key."""
    env = {"XDG_CACHE_HOME": str(folder / "cache"), "ELECTRICITYMAPS_API_KEY": "s3cret"}
    return CliRunner().invoke(
        command, [str(a) for a in arguments], env=env, catch_exceptions=False, standalone_mode=False
    )


def trained(folder: Path, name: str, started_at: str = NOON) -> Path:
    """4 kWh for 10 inferences: 1 kWh in the first hour, 3 kWh in the second."""
    work = (Work(unit="inferences", count=10.0, failed=0.0),)
    return kept(folder, a_training(record_id=name, started_at=started_at, work=work), name)


def carbon(result: Result) -> Any:
    """Carbon per Inference out of `show --json`."""
    return json.loads(result.stdout)["runs"][0]["kpis"]["carbon_per_inference_operational"]


def test_show_counts_each_hour_with_its_own_factor(tmp_path: Path, served: Served) -> None:
    """100 g + 900 g over 10 inferences; an hour later 300 g + 300 g; the text says what was used."""
    early, late = trained(tmp_path, "early"), trained(tmp_path, "late", ONE)
    assert carbon(did(tmp_path, show.command, early, "--json"))["value"] == pytest.approx(100.0)
    assert carbon(did(tmp_path, show.command, late, "--json"))["value"] == pytest.approx(60.0)
    said = did(tmp_path, show.command, early).stdout
    assert "grid 250 gCO2e/kWh (Electricity Maps (FR, hour))" in said
    assert "from the yearly figure (44.18 gCO2e/kWh, Ember yearly 2024)" in said


def test_yearly_and_offline_ask_nobody(tmp_path: Path, served: Served) -> None:
    """The one leaves hours aside, the other takes the cache, and says so."""
    run = trained(tmp_path, "run")
    yearly = carbon(did(tmp_path, show.command, run, "--yearly", "--json"))
    assert yearly["value"] == pytest.approx(4 * 44.18 / 10)
    offline = did(tmp_path, show.command, run, "--offline").stdout
    assert "the yearly one stands in" in offline
    assert served.asked == []


def test_a_score_holds_the_grid_at_the_baseline_s(tmp_path: Path, served: Served) -> None:
    """The same work at a cleaner hour is no better model; with --factors actual it is cleaner."""
    early, late = trained(tmp_path, "early"), trained(tmp_path, "late", ONE)
    asked = late, "--baseline", early, "--rubric", _rubric(tmp_path), "--json"
    held = json.loads(did(tmp_path, score.command, *asked).stdout)
    actual = json.loads(did(tmp_path, score.command, *asked, "--factors", "actual").stdout)
    assert held["score"]["value"] == pytest.approx(100.0)
    assert actual["score"]["value"] == pytest.approx(100.0 * 100 / 60)


def test_a_kept_baseline_keeps_its_hours(tmp_path: Path, served: Served) -> None:
    """Its factors are frozen: nobody is asked for them again."""
    early, late = trained(tmp_path, "early"), trained(tmp_path, "late", ONE)
    did(tmp_path, baseline.group, "set", early)
    asked = len(served.asked)
    kept_one = json.loads((tmp_path / "wattmark-baseline.json").read_text())["baselines"]["default"]
    assert kept_one["given"]["intensity"]["granularity"] == "hour"
    assert kept_one["given"]["intensity"]["grams_per_kwh"] == pytest.approx(250.0)
    rubric = _rubric(tmp_path)
    found = json.loads(did(tmp_path, score.command, late, "--rubric", rubric, "--json").stdout)
    assert found["score"]["value"] == pytest.approx(100.0)
    assert all("T12" not in one.query["start"] for one in served.asked[asked:])


def _rubric(folder: Path) -> Path:
    """Carbon alone."""
    path = folder / "carbon.toml"
    path.write_text(
        'id = "carbon"\ntitle = "Carbon"\nversion = "1"\naggregation = "arithmetic"\n\n[[kpi]]\n'
        'id = "carbon_per_inference_operational"\nweight = 1.0\n'
    )
    return path


def test_compare_tells_the_grid_s_part(tmp_path: Path, served: Served) -> None:
    """All of the change from 1000 g to 600 g is the grid's."""
    early, late = trained(tmp_path, "early"), trained(tmp_path, "late", ONE)
    found = json.loads(did(tmp_path, compare.command, early, late, "--json").stdout)
    causes = found["comparisons"][0]["carbon_change"]["causes_grams"]
    assert causes["grid"] == pytest.approx(-400.0)
    assert causes["energy"] == pytest.approx(0.0, abs=1e-6)


def test_a_report_names_the_hours(tmp_path: Path, served: Served) -> None:
    """The source of the figure is in it."""
    said = did(tmp_path, report.command, trained(tmp_path, "run"), "--md").stdout
    assert "Electricity Maps (FR, hour)" in said


def test_a_gate_counts_with_hours(tmp_path: Path, served: Served) -> None:
    """A limit of 80 g passes the hour of 60 g and not that of 100 g."""
    policy = tmp_path / "policy.toml"
    policy.write_text('[[limit]]\nkpi = "carbon_per_inference_operational"\nmax = 80.0\ngrade = "D"\n')
    early = did(tmp_path, gate.command, trained(tmp_path, "early"), "--policy", policy)
    late = did(tmp_path, gate.command, trained(tmp_path, "late", ONE), "--policy", policy)
    assert (early.return_value, late.return_value) == (1, 0)


def test_measuring_and_checking_ask_nobody(tmp_path: Path, served: Served) -> None:
    """Whatever is written down."""
    did(tmp_path, measure.command, "--meter", "model", "--", "true")
    did(tmp_path, check.command, trained(tmp_path, "run"))
    assert served.asked == []
