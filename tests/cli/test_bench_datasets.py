"""``wattmark bench datasets``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from wattmark.bench.listed_datasets import listed_datasets
from wattmark.bench.published_table import published_table
from wattmark.cli.bench_datasets import command
from wattmark.core.errors import UsageError


def test_lists_every_dataset_with_what_pins_it() -> None:
    """A task's stand-in first, with its hashes; then the published ones with revision and licence."""
    said = CliRunner().invoke(command, ["reasoning", "--json"], catch_exceptions=False)
    document = json.loads(said.stdout)
    assert document["schema"] == "wattmark.bench-datasets"
    stand_in, *published = document["datasets"]
    assert stand_in["synthetic"]
    assert stand_in["offline"]
    assert set(stand_in["sha256"]) == {"8", "100", "1000"}
    assert {each["id"] for each in published} == {
        "wikitext",
        "oscar",
        "ultrachat",
        "aies-text-generation",
        "gsm8k",
    }
    assert all(len(each["revision"]) in (0, 40) and each["licence"] for each in published)


def test_the_table_names_all_of_them() -> None:
    """Every row of the table of published datasets stands in the text."""
    said = CliRunner().invoke(command, [], catch_exceptions=False)
    assert all(row.id in said.stdout for row in published_table())


def test_says_what_is_at_hand(tmp_path: Path) -> None:
    """A folder with a copy, the library's cache, the hub, and what needs a copy are told apart."""
    (tmp_path / "copies" / "oscar").mkdir(parents=True)
    (tmp_path / "home" / ".cache/huggingface/datasets/openai___gsm8k/main").mkdir(parents=True)
    found = {
        each.id: each.at_hand
        for each in listed_datasets("reasoning", tmp_path / "copies", {}, tmp_path / "home")
    }
    assert found["synthetic/reasoning"] == "always"
    assert found["oscar"] == "in the folder"
    assert found["gsm8k"] == "cached"
    assert found["wikitext"] == "to be fetched"
    without = {each.id: each.at_hand for each in listed_datasets("reasoning", None, {}, tmp_path)}
    assert without["oscar"] == "copy needed"


def test_the_cache_may_be_elsewhere(tmp_path: Path) -> None:
    """HF_HOME and HF_DATASETS_CACHE say where the library keeps what it has."""
    (tmp_path / "hf/datasets/openai___gsm8k/main").mkdir(parents=True)
    (tmp_path / "other/openai___gsm8k/socratic").mkdir(parents=True)
    for environment, at_hand in (
        ({"HF_HOME": str(tmp_path / "hf")}, "cached"),
        ({"HF_DATASETS_CACHE": str(tmp_path / "other")}, "to be fetched"),
    ):
        found = {e.id: e.at_hand for e in listed_datasets("reasoning", None, environment, tmp_path)}
        assert found["gsm8k"] == at_hand


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["resoning"], "did you mean 'reasoning'"),
        (["--fetch", "wikitex"], "wikitext?"),
        (["--fetch", "oscar"], "--dataset-dir"),
        (["--dataset-dir", "nowhere"], "no such folder"),
    ],
)
def test_names_what_is_wrong(arguments: list[str], problem: str) -> None:
    """A task, dataset or folder that is not there is an error that says what is close."""
    with pytest.raises(UsageError, match=problem):
        CliRunner().invoke(command, arguments, catch_exceptions=False)
