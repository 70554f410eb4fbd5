"""``wattmark hardware embodied`` and ``inventory`` as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import verb
from wattmark.cli.hardware import group
from wattmark.cli.hardware_embodied import _ids, embodied_command
from wattmark.core.errors import ConfigError, UsageError

HEAD = "name,component,host,total_kg,purchased,lifespan_years,site,quantity"
NODE = "node,machine,n1,1000,2025-03-01,5,paris,1"
GPUS = "gpus,gpu,n2,100,2025-06-01,5,lyon,8"
OLD = "old,machine,n3,500,2019-01-01,5,,1"


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """Three lines at two sites and none."""
    path = tmp_path / "devices.csv"
    path.write_text("\n".join((HEAD, NODE, GPUS, OLD)) + "\n")
    return path


def test_the_list_names_kinds_stages_and_errors() -> None:
    """An eighth of NVIDIA's baseboard is 164 kg, and how far it may be off stands beside it."""
    told = verb(group, "embodied", "--kind", "gpu").output
    line = next(line for line in told.splitlines() if line.startswith("nvidia-h100-sxm5-80gb"))
    assert "164" in line
    assert "50%" in line
    assert "cradle-to-gate" in line
    assert "Morand et al." in told
    assert "use not in it" in told
    assert "PowerEdge" not in told


def test_one_figure_shows_where_it_is_from() -> None:
    """Document, address, and that it was not opened again."""
    told = verb(group, "embodied", "hgx-b200").output
    assert "2274 kgCO2e, cradle-to-gate" in told
    assert "https://images.nvidia.com/" in told
    assert "not re-read" in told
    assert "0.11/GB kgCO2e" in verb(group, "embodied", "ssd-r740").output


def test_json_holds_every_column() -> None:
    """With what a figure holds, so that nothing is counted twice."""
    told = json.loads(verb(group, "embodied", "dell-poweredge-r640", "--json").output)
    assert (told["schema"], told["schema_version"]) == ("wattmark.hardware-embodied", 1)
    (row,) = told["figures"]
    assert (row["kg_co2e"], row["per"], row["error_basis"]) == (1314, "device", "published")
    assert "dram" in row["contains"]
    assert row["retrieved"] is None


def test_ids_complete() -> None:
    """In a shell."""
    found = _ids(None, embodied_command.params[0], "google")  # type: ignore[arg-type]
    assert [item.value for item in found] == ["google-tpu-v6e", "google-tpu-v5p-machine"]


def test_an_inventory_tells_what_an_hour_carries_and_what_is_used_up(inventory: Path) -> None:
    """1 t over 5 x 8766 h are 22.8 g an hour; the old server's life is over."""
    told = verb(group, "inventory", inventory, "--at", "2026-11-01").output
    assert "22.8" in next(line for line in told.splitlines() if line.startswith("node"))
    assert "devices.csv:4: old: used up" in told
    assert "Bought" not in told


def test_purchases_of_a_year_stand_whole_by_site_and_apart(inventory: Path) -> None:
    """1000 kg in Paris and 8 x 100 kg in Lyon; of 2018 nothing."""
    told = verb(group, "inventory", inventory, "--year", 2025).output
    rows = [line.split() for line in told.partition("Bought in 2025")[2].splitlines()]
    assert ["lyon", "800", "50%"] in rows
    assert ["paris", "1", "000", "50%"] in rows
    assert ["all", "1", "800", "36%"] in rows
    assert "never to be added to amortised figures" in told
    assert "nothing that is owned" in verb(group, "inventory", inventory, "--year", 2018).output
    one = verb(group, "inventory", inventory, "--year", 2019).output
    assert "(no site)" in one
    assert "500" in one


def test_the_json_of_an_inventory_keeps_the_two_views_apart(inventory: Path) -> None:
    """Grams per hour beside scope 3.2 whole."""
    told = json.loads(verb(group, "inventory", inventory, "--year", 2025, "--site", "paris", "--json").output)
    assert (told["schema"], told["schema_version"]) == ("wattmark.hardware-inventory", 1)
    (device,) = told["devices"]
    assert device["grams_per_hour"] == pytest.approx(1e6 / (5 * 8766))
    assert device["used_up"] == "2030-03-01"
    assert told["bought"]["total"]["value"] == 1e6
    assert told["bought"]["total"]["terms"] == {"inventory": "scope 3.2"}
    assert told["findings"] == []
    none = json.loads(verb(group, "inventory", inventory, "--year", 2018, "--json").output)
    assert none["bought"]["total"] is None
    assert json.loads(verb(group, "inventory", inventory, "--json").output)["bought"] is None


def test_a_site_that_is_not_there_is_refused(inventory: Path) -> None:
    """With those that are."""
    with pytest.raises(UsageError, match="sites are lyon, paris"):
        verb(group, "inventory", inventory, "--site", "rome")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A slip of the pen has its line."""
    path = tmp_path / "devices.csv"
    path.write_text(f"{HEAD}\nnode,machine,n1,1000,2025-03-01,0,paris,1\n")
    with pytest.raises(ConfigError, match=r"line 2, lifespan_years: must be from 0\.01"):
        verb(group, "inventory", path)
