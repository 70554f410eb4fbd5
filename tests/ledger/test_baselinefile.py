"""Baseline files: whole, self-contained, and not to be altered."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.builders import a_run
from wattmark.core.baseline import Baseline
from wattmark.core.carbon import Intensity, Pue
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.facts import Embodied, Renewables
from wattmark.core.given import Given
from wattmark.core.methodology import Methodology
from wattmark.ledger.baselinefile import (
    BASELINE_NAME,
    evidence_hash,
    find_baseline,
    is_baseline_file,
    read_baseline,
    read_baselines,
    write_baselines,
)

GIVEN = Given(
    pue=Pue(value=1.2),
    intensity=Intensity(grams_per_kwh=56.0, zone="FRA", basis="direct", source="test"),
    embodied=Embodied(total_grams=1e6, lifespan_hours=4e4, reserved_hours=1.0),
    quality_map=(60.0, 5.0),
    renewables=Renewables(load_kwh={"a": (1.0,)}, generation_kwh={"a": (2.0,)}),
)
KEPT = Baseline(
    name="default",
    set_at="2026-11-01T12:00:00Z",
    runs=(a_run(),),
    given=GIVEN,
    as_one=True,
    terms=Methodology({"boundary": "node"}),
    evidence_sha256=evidence_hash((a_run(),)),
)


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    """Runs, factors and terms, the same in every field."""
    path = tmp_path / "b.json"
    write_baselines(path, {"default": KEPT})
    assert read_baselines(path) == {"default": KEPT}
    assert read_baseline(path, "default") == KEPT
    assert [p.name for p in tmp_path.iterdir()] == ["b.json"]


def test_a_lifecycle_figure_of_before_enters_scope_2_no_more(tmp_path: Path) -> None:
    """It was kept under Scope 2 once; runs of today are held against it as against one of today."""
    path = tmp_path / "b.json"
    once = replace(GIVEN, intensity=Intensity(grams_per_kwh=56.0, zone="FRA", source="test"))
    terms = Methodology({"accounting": "location", "basis": "lifecycle", "inventory": "scope 2"})
    write_baselines(path, {"default": replace(KEPT, given=once, terms=terms)})
    found = read_baseline(path, "default")
    assert found.given.intensity is not None
    assert found.given.intensity.inventory == found.terms.terms["inventory"] == "product-only"


def test_an_unknown_name_names_those_that_are_there(tmp_path: Path) -> None:
    """A baseline is never guessed."""
    path = tmp_path / "b.json"
    write_baselines(path, {"default": KEPT})
    with pytest.raises(UsageError, match="holds no baseline 'main'; it holds: default"):
        read_baseline(path, "main")


def altered(path: Path, change: Any) -> None:
    """Write the file again with one thing changed."""
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda d: d["baselines"]["default"]["runs"][0]["energies"][0].update(energy_joules=900.0),
            "evidence of baseline 'default' was altered",
        ),
        (lambda d: d["baselines"]["default"]["terms"].update(boundary="device"), "terms .* were altered"),
        (lambda d: d["baselines"]["default"].update(extra=1), "unknown field `extra`"),
        (lambda d: d.update(schema="wattmark.run"), "`schema` is 'wattmark.run'"),
        (lambda d: d.update(schema_version=2), "version 2, expected 'wattmark.baseline' up to 1"),
    ],
)
def test_an_altered_file_is_refused(tmp_path: Path, change: Any, words: str) -> None:
    """Evidence, terms, fields or schema."""
    path = tmp_path / "b.json"
    write_baselines(path, {"default": KEPT})
    altered(path, change)
    with pytest.raises(EvidenceError, match=words):
        read_baselines(path)


def test_what_cannot_be_read_says_so(tmp_path: Path) -> None:
    """Not there, or not JSON."""
    with pytest.raises(EvidenceError, match="cannot be read"):
        read_baselines(tmp_path / "none.json")
    (tmp_path / "x.json").write_bytes(b"\xff{")
    with pytest.raises(EvidenceError, match="is not a baseline file"):
        read_baselines(tmp_path / "x.json")


def test_a_place_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    """A folder that is not there."""
    with pytest.raises(UsageError, match="cannot write"):
        write_baselines(tmp_path / "none" / "b.json", {})


def test_a_baseline_file_is_recognised(tmp_path: Path) -> None:
    """By its schema; whatever else is not one."""
    path = tmp_path / BASELINE_NAME
    assert find_baseline(tmp_path) is None
    write_baselines(path, {})
    (tmp_path / "other.json").write_text("{}")
    (tmp_path / "text").write_text("text")
    assert is_baseline_file(path)
    assert not any(is_baseline_file(tmp_path / n) for n in ("other.json", "text", "none"))
    assert not is_baseline_file(tmp_path)
    assert find_baseline(tmp_path) == path
