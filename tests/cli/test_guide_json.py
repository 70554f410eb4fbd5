"""The JSON of kpis, check, estimate and hardware keeps its shape: version 1 means these keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest

from tests.builders import a_run
from tests.cli.running import kept, verb
from wattmark.cli import check, estimate, hardware, kpis

DEVICE = {
    "id", "name", "vendor", "kind", "year", "tdp_watts", "tdp_basis", "memory_gb",
    "memory_bandwidth_gb_per_s",
    "peak_dense_ops_per_second", "peak_sparse_ops_per_second", "peak_dense_ops_per_joule",
    "peak_sparse_ops_per_joule", "source_title", "source_url", "retrieved", "note",
}  # fmt: skip
KPI = {
    "id", "title", "primary_focus", "measurement_scope", "granularity", "unit", "better", "formula",
    "best_for",
    "data_source", "measuring_overhead_as_the_field_states_it", "measuring_overhead_ours_as_measured",
    "accuracy_for_cost_attribution", "hardware_dependency", "AWS", "Google_Cloud", "Azure",
    "ease_of_benchmarking", "actionability", "what_to_do_about_it", "integration_difficulty",
    "integration_point", "ESG_link", "disclosure_readiness", "limitation", "target", "needs", "sources",
}  # fmt: skip
PICK = {"id", "chosen", "feasible", "points", "why", "against", "to_do"}


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine is in force."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATTMARK_CONFIG", raising=False)


def told(command: click.Command, *arguments: object) -> Any:
    document = json.loads(verb(command, *arguments, "--json").output)
    assert document["schema_version"] == 1
    return document


def test_a_kpi_has_every_column_of_the_guide() -> None:
    """The columns that a reader of the guide may count on."""
    document = told(kpis.group, "list")
    assert set(document) == {"schema", "schema_version", "guide_version", "kpis"}
    assert all(set(row) == KPI for row in document["kpis"])


def test_a_choice() -> None:
    """Wish, picks, warnings, what frameworks ask, weights."""
    document = told(kpis.group, "choose", "--goal", "esg")
    parts = {"wish", "kpis", "tools", "warnings", "frameworks", "weights"}
    assert set(document) == {"schema", "schema_version"} | parts
    assert all(set(row) == PICK for row in document["kpis"])
    assert all(set(row) == PICK | {"kind"} for row in document["tools"])
    assert all(set(row) == {"id", "title", "why", "instead", "source"} for row in document["warnings"])


def test_findings(tmp_path: Path) -> None:
    """A run without work has some."""
    document = told(check.command, kept(tmp_path, a_run(), "plain"))
    assert document["findings"]
    keys = {"code", "severity", "title", "seen", "runs", "fix", "page"}
    assert all(set(row) == keys for row in document["findings"])


def test_an_estimate_and_its_actual(tmp_path: Path) -> None:
    """Figures, assumptions, what is stored, and the actual."""
    path = kept(tmp_path, a_run(), "plain")
    document = told(estimate.command, "--pilot", path, "--fraction", "1", "--actual", path)
    parts = {
        "basis",
        "estimate",
        "energy",
        "facility_energy",
        "carbon",
        "cost",
        "device_hours",
        "assumptions",
    }
    assert set(document) == {"schema", "schema_version", "actual"} | parts
    assert set(document["estimate"]) == {"energy_joules", "relative_error_95", "boundary"}
    assert set(document["actual"]) == {"energy", "ratio", "inside_interval"}


def test_hardware() -> None:
    """The same device in a list and in a comparison."""
    document = told(hardware.group, "list")
    assert set(document) == {"schema", "schema_version", "table", "devices"}
    assert all(set(row) == DEVICE for row in document["devices"])
    compared = told(hardware.group, "compare", "h100-sxm")
    assert set(compared) == {"schema", "schema_version", "table", "published", "achieved"}
    assert set(compared["published"][0]) == DEVICE
