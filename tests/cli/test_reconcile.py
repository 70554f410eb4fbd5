"""``wattmark reconcile``: cloud energy and a provider's statements of one ledger, beside each other."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("deltalake", reason="a ledger's tables need the extra `ledger`")

from tests.builders import a_row, a_run
from tests.cli.ledgers import HOSTS, a_ledger, ask, nothing_else, number, the_run
from tests.cli.running import kept, verb
from wattmark.cli import coverage
from wattmark.cli.reconcile import command
from wattmark.core.known import Boundary
from wattmark.core.run import Run, Statement, Subject
from wattmark.core.statements import seq_of

KWH = 3.6e6
FACTORS = """
[[site]]
name = "us-east-1"
pue = 1.25
[[grid]]
zone = "us-east-1"
grams_per_kwh = 320.0
basis = "direct"
inventory = "scope 3.1"
source = "stated for the test"
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine is in force."""
    nothing_else(tmp_path, monkeypatch)


def measured(n: int, region: str = "us-east-1", kwh: float = 1.0) -> Run:
    """A node of a cloud that used so much on the first of November."""
    row = a_row(
        device_id=f"node:{HOSTS['a'].id}",
        component="node",
        boundary=Boundary.NODE,
        energy_joules=kwh * KWH,
    )
    return the_run(n, "a", 60 * n, subject=Subject(region=region, model="m"), energies=(row,))


def stated(n: int, service: str, scope_2: float, region: str = "us-east-1", month: str = "2026-11") -> Run:
    """What AWS states of a month, in kilograms: 0.01 of Scope 1 and 0.1 of Scope 3 beside Scope 2."""

    def said(value: float, *scopes: str, accounting: str | None = "location") -> Statement:
        return Statement(
            quantity="emissions",
            value=value,
            unit="kgCO2e",
            accounting=accounting,
            scopes=scopes,
            period=month,
            provider_model_version="v3.0.0",
        )

    labels = {"cloud.provider": "aws", "cloud.account.id": "111122223333", "cloud.service": service}
    return a_run(
        record_id=number(n),
        started_at=f"{month}-01T00:00:00.000000Z",
        duration_seconds=30 * 86400.0,
        subject=Subject(region=region, labels=labels),
        energies=(),
        work=(),
        quality=(),
        windows=(),
        statements=(
            said(0.11 + scope_2, "scope 1", "scope 2", "scope 3"),
            said(0.01, "scope 1", accounting=None),
            said(scope_2, "scope 2"),
            said(0.1, "scope 3"),
        ),
    )


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """1 kWh x 1.25 x 320 g = 400 g of ours; 0.44 kg of EC2, 0.05 of S3; a region where nobody measured."""
    place = a_ledger(tmp_path, FACTORS)
    files = tmp_path / "runs"
    files.mkdir()
    runs = [
        measured(1),
        stated(2, "AmazonEC2", 0.44),
        stated(3, "AmazonS3", 0.05),
        stated(4, "AmazonEC2", 9.0, region="eu-north-1"),
        measured(5, region="somewhere"),
        stated(6, "AmazonEC2", 1.0, month="2026-10"),
    ]
    for n, run in enumerate(runs):
        kept(files, run, f"run-{n}")
    ask("add", files, "--ledger", place)
    return place


def heard_again(folder: Path, ledger: Path, scope_2: float, version: str, n: int = 20) -> None:
    """The same account, region and month through another importer."""
    run = stated(n, "AmazonEC2", scope_2)
    again = replace(
        run,
        host=replace(run.host, fingerprint="aws-sustainability"),
        seq=seq_of(version, 0),
        statements=tuple(replace(s, provider_model_version=version) for s in run.statements),
    )
    ask("add", kept(folder, again, f"again-{n}"), "--ledger", ledger)


def told(ledger: Path, *arguments: object) -> dict[tuple[str, str], dict[str, Any]]:
    """(region, month) -> the row of it."""
    body = json.loads(verb(command, "--ledger", ledger, "--json", *arguments).stdout)
    return {(row["region"], row["month"]): row for row in body["rows"]}


def test_the_way_from_ours_to_theirs_is_told_in_grams(ledger: Path) -> None:
    """400 + 20 of Scope 1 + 200 of Scope 3 + 50 of S3 + 40 that are left = 710 g."""
    row = told(ledger)["us-east-1", "2026-11"]
    assert row["ours"]["carbon"]["value"] == pytest.approx(400)
    assert row["ours"]["boundary"] == "facility"
    assert row["theirs"]["location_gco2e"] == pytest.approx(710)
    assert {step["what"]: step["gco2e"] for step in row["steps"]} == pytest.approx(
        {
            "Scope 1 of the provider": 20,
            "Scope 3 of the provider": 200,
            "Scope 2 of other services": 50,
            "remainder": 40,
        }
    )
    assert row["implied_gco2e_per_kwh"] == pytest.approx(440 / 1.25)
    assert row["verdict"] == "differ"


def test_what_one_side_alone_knows_is_no_zero_of_the_other(ledger: Path) -> None:
    """A region that is stated and not measured, and a month before anything was measured."""
    rows = told(ledger)
    assert {spot: row["verdict"] for spot, row in rows.items()} == {
        ("eu-north-1", "2026-11"): "not measured",
        ("us-east-1", "2026-10"): "not measured",
        ("us-east-1", "2026-11"): "differ",
    }
    assert rows["eu-north-1", "2026-11"]["ours"] is None


def test_a_part_can_be_asked_for(ledger: Path) -> None:
    """By time, region, provider and account; an account that runs do not state has nothing on our side."""
    assert set(told(ledger, "--in", "2026-10")) == {("us-east-1", "2026-10")}
    assert set(told(ledger, "--region", "eu-north-1")) == {("eu-north-1", "2026-11")}
    assert told(ledger, "--provider", "azure") == {}
    mine = told(ledger, "--account", "111122223333", "--in", "2026-11", "--region", "us-east-1")
    assert [row["verdict"] for row in mine.values()] == ["not measured"]


def test_ours_is_direct_unless_asked_otherwise(ledger: Path) -> None:
    """As providers' Scope 2 is; what is upstream stands in their Scope 3."""
    (ledger / "ledger.toml").write_text("format = 1\n")
    row = told(ledger, "--region", "us-east-1", "--in", "2026-11")["us-east-1", "2026-11"]
    assert row["ours"]["carbon"]["terms"]["basis"] == "direct"


def test_the_text_draws_the_way(ledger: Path) -> None:
    """From our side down to theirs, each step with its sign."""
    text = verb(command, "--ledger", ledger).stdout
    for words in (
        "from ours to theirs, 1 row that can be compared",
        "+ Scope 3 of the provider",
        "+ remainder",
        "1 differ, 2 not measured",
        "another grid factor or PUE",
    ):
        assert words in text
    assert max(len(line) for line in text.splitlines()) < 250


def test_an_empty_ledger_says_what_to_bring(tmp_path: Path) -> None:
    """Both sides come by `import`."""
    assert "`wattmark import` brings both" in verb(command, "--ledger", a_ledger(tmp_path)).stdout


def test_csv_leaves_empty_what_is_not_known(ledger: Path) -> None:
    """An empty cell, never 0."""
    rows = {
        (r["region"], r["month"]): r
        for r in csv.DictReader(io.StringIO(verb(command, "--ledger", ledger, "--csv").stdout))
    }
    assert rows["eu-north-1", "2026-11"]["ours_gco2e"] == ""
    assert float(rows["us-east-1", "2026-11"]["remainder_gco2e"]) == pytest.approx(40)


def test_statements_that_are_not_monthly_are_named(ledger: Path, tmp_path: Path) -> None:
    """A quarter cannot be set beside a month."""
    kept(tmp_path, stated(9, "AmazonEC2", 1.0, month="2026-07"), "quarter")
    path = next(tmp_path.glob("quarter*"))
    path.write_text(path.read_text().replace('"2026-07"', '"2026-Q3"'))
    ask("add", path, "--ledger", ledger)
    body = json.loads(verb(command, "--ledger", ledger, "--json").stdout)
    assert body["findings"] == ["statements of 2026-Q3 are left out: only months are compared"]


def test_coverage_names_what_is_stated_and_not_measured(ledger: Path) -> None:
    """A hole that only the provider can tell of."""
    body = json.loads(verb(coverage.command, "--ledger", ledger, "--json").stdout)
    found = [lack["where"] for lack in body["lacks"] if lack["kind"] == "statement"]
    assert found == ["aws eu-north-1, 2026-11", "aws us-east-1, 2026-10"]


def test_what_an_export_and_an_api_both_state_counts_once(ledger: Path, tmp_path: Path) -> None:
    """0.49 kg by the export, 0.5 by the API of a newer model: 0.61 with Scopes 1 and 3, and never both."""
    assert told(ledger)["us-east-1", "2026-11"]["theirs"]["location_gco2e"] == pytest.approx(710.0)
    heard_again(tmp_path, ledger, 0.5, "v4.0.0")
    body = json.loads(verb(command, "--ledger", ledger, "--json").stdout)
    (row,) = [r for r in body["rows"] if (r["region"], r["month"]) == ("us-east-1", "2026-11")]
    assert row["theirs"]["location_gco2e"] == pytest.approx(610.0)
    assert any("aws-sustainability is the newer word and counts alone" in line for line in body["findings"])
