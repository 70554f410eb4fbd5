"""``wattmark kpis`` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from tests.cli.running import verb
from wattmark.cli.kpis import group
from wattmark.core.errors import UsageError
from wattmark.core.kpis import CATALOG
from wattmark.ledger.rubricfile import read_rubric


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine is in force."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATTMARK_CONFIG", raising=False)


def test_without_a_verb_every_kpi_is_listed() -> None:
    """One line each, with its unit."""
    told = verb(group).output
    assert all(kpi.id in told and kpi.unit in told for kpi in CATALOG.values())


def test_list_says_all_columns_when_asked() -> None:
    """The columns that do not fit a line are in the full form."""
    told = verb(group, "list", "--full").output
    assert told.count("disclosure readiness:") == len(CATALOG)
    assert told.count("measuring overhead, ours as measured:") == len(CATALOG)


def test_json_has_a_schema_and_a_source_for_every_row() -> None:
    """The same rows for programs."""
    told = json.loads(verb(group, "list", "--json").output)
    assert (told["schema"], told["schema_version"]) == ("wattmark.kpis", 1)
    assert {row["id"] for row in told["kpis"]} == set(CATALOG)
    assert all(row["sources"]["limitation"] and row["target"] for row in told["kpis"])


def test_show_gives_one_kpi_with_the_target_of_the_default_policy() -> None:
    """The limit is read from the policy file, its only home."""
    told = json.loads(verb(group, "show", "hardware_utilisation_efficiency", "--json").output)
    assert "0.65" in told["kpi"]["target"]
    assert "target:" in verb(group, "show", "pue").output


def test_an_unknown_kpi_is_answered_with_those_that_are() -> None:
    """The message lists them."""
    with pytest.raises(UsageError, match="energy_to_solution"):
        verb(group, "show", "happiness")


def test_choose_writes_a_rubric_whose_weights_sum_to_one(tmp_path: Path) -> None:
    """The file names its KPIs and how it came about."""
    out = tmp_path / "rubric.toml"
    told = verb(group, "choose", "--goal", "cost", "--max-overhead", "10%", "--out", out).output
    rubric = read_rubric(out)
    assert sum(round(k.weight * 100) for k in rubric.kpis) == 100
    assert (rubric.id, rubric.aggregation, rubric.factors) == ("chosen-cost", "arithmetic", "baseline")
    assert f"Rubric written to {out}" in told


def test_choose_says_why_what_not_and_what_misleads() -> None:
    """All four parts of a recommendation."""
    told = verb(group, "choose", "--goal", "regulatory", "--framework", "csrd", "--data", "cloud").output
    for part in (
        "Recommended KPIs",
        "Recommended tools",
        "Infeasible here",
        "Not chosen",
        "Beware of",
        "Frameworks",
    ):
        assert f"\n{part}" in f"\n{told}"
    assert "AWS carbon export" in told


def test_choose_as_json() -> None:
    """Every KPI and tool with its reasons."""
    told = json.loads(verb(group, "choose", "--goal", "research", "--granularity", "run", "--json").output)
    assert told["schema"] == "wattmark.kpi-choice"
    assert len(told["kpis"]) == len(CATALOG)
    assert all(row["why"] if row["chosen"] else row["against"] for row in told["kpis"])


def test_when_nothing_fits_no_rubric_is_written(tmp_path: Path) -> None:
    """An empty rubric would score nothing."""
    wish = ("--goal", "cost", "--data", "api", "--granularity", "request")
    with pytest.raises(UsageError, match="no KPI fits"):
        verb(group, "choose", *wish, "--out", tmp_path / "r.toml")
    assert not (tmp_path / "r.toml").exists()
    assert "none fits" in verb(group, "choose", *wish).output


@pytest.mark.parametrize("text", ["much", "150%", "-1%"])
def test_an_overhead_that_is_no_share_is_refused(text: str) -> None:
    """The message shows the two ways to write one."""
    with pytest.raises(click.BadParameter, match=r"write 1% or 0\.01"):
        verb(group, "choose", "--goal", "cost", f"--max-overhead={text}")
