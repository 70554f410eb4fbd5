"""A simulated portfolio beside its clouds' exports: every difference that was put in is found again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

pytest.importorskip("deltalake", reason="a ledger's tables need the extra `ledger`")

from tests.cli.ledgers import ask, nothing_else
from tests.cli.running import verb
from wattmark.cli import coverage, import_, reconcile
from wattmark.ledger.inbox import land_run
from wattmark.ledger.store import LocalStore
from wattmark.testing.fleet.cloud_exports import OVERLAP, ExportTruth, write_exports
from wattmark.testing.fleet.portfolio import DEVICES, PortfolioPlan, simulate_portfolio

DAYS = 120


@pytest.fixture
def exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path, ExportTruth]:
    """A ledger with four months of own measurements, and the folder of the exports, not imported yet."""
    nothing_else(tmp_path, monkeypatch)
    fleet = simulate_portfolio(PortfolioPlan(years=(2026,), days=DAYS))
    ledger = tmp_path / "ledger"
    ledger.mkdir()
    (ledger / "ledger.toml").write_text(fleet.settings(), encoding="utf-8")
    (ledger / DEVICES).write_text(fleet.devices(), encoding="utf-8")
    store = LocalStore(ledger)
    for run in fleet.runs:
        if run.energies:
            land_run(store, msgspec.json.encode(run))
    return ledger, tmp_path, write_exports(fleet, tmp_path)


def told(ledger: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """(region, month) -> the row of it."""
    body = json.loads(verb(reconcile.command, "--ledger", ledger, "--json").stdout)
    return {(row["region"], row["month"]): row for row in body["rows"]}


def brought(ledger: Path, folder: Path) -> None:
    """Both exports."""
    for name, path in (("aws-carbon", "aws"), ("google-carbon", "google/carbon_footprint.jsonl")):
        verb(import_.command, name, folder / path, "--ledger", ledger)


@pytest.mark.slow
def test_every_difference_of_an_export_is_told(exported: tuple[Path, Path, ExportTruth]) -> None:
    """Scopes 1 and 3, other services, and a remainder: gram by gram, in each region and month."""
    ledger, folder, truth = exported
    energy = json.loads(ask("totals", "--ledger", ledger, "--json").stdout)["whole"]["energy"]
    assert {row["verdict"] for row in told(ledger).values()} == {"not stated"}
    brought(ledger, folder)
    rows = told(ledger)
    assert rows.keys() == truth.regions.keys()
    for spot, row in rows.items():
        true = truth.regions[spot]
        assert row["ours"]["carbon"]["value"] == pytest.approx(true.ours, rel=1e-9)
        assert {step["what"]: step["gco2e"] for step in row["steps"]} == pytest.approx(
            {
                "Scope 1 of the provider": true.scope_1,
                "Scope 3 of the provider": true.scope_3,
                "Scope 2 of other services": true.others,
                "remainder": true.remainder,
            },
            rel=1e-6,
        )
        assert row["verdict"] == "agree", "3 % is within the interval of grid and meter"
    after = json.loads(ask("totals", "--ledger", ledger, "--json").stdout)["whole"]
    assert after["energy"] == energy, "what a provider states is in no total"
    lacks = json.loads(verb(coverage.command, "--ledger", ledger, "--json").stdout)["lacks"]
    assert not [lack for lack in lacks if lack["kind"] == "statement"]


@pytest.mark.slow
def test_the_newer_model_stands_whenever_it_comes(exported: tuple[Path, Path, ExportTruth]) -> None:
    """The first months came in two versions; the old one once more changes nothing."""
    ledger, folder, truth = exported
    brought(ledger, folder)
    before = told(ledger)
    old = sorted((folder / "aws").glob("model_version=v2*"))
    assert len(truth.files) > OVERLAP
    verb(import_.command, "aws-carbon", *old, "--ledger", ledger)
    assert told(ledger) == before
    aws = {spot: row["theirs"] for spot, row in before.items() if spot[0] == "us-east-1"}
    assert {tuple(theirs["versions"]) for theirs in aws.values()} == {("v3.0.0",)}
    assert [theirs["restated"] for _, theirs in sorted(aws.items())] == [2, 2, 2, 0], (
        "two services, three months"
    )
