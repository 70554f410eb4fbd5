"""Rubric files."""

from __future__ import annotations

from pathlib import Path

import pytest

from wattmark.core.errors import ConfigError, UsageError
from wattmark.core.rubric import Aggregation, Factors, Rubric, Weighted
from wattmark.ledger.rubricfile import BUNDLED, read_rubric, rubric_named


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_rubrics_are_valid(name: str) -> None:
    """And named as their file is."""
    rubric = rubric_named(name)
    assert rubric.id == name
    assert rubric.title


def test_a_file_by_its_path(tmp_path: Path) -> None:
    """Every field as it is written."""
    path = tmp_path / "mine.toml"
    path.write_text(
        'id = "mine"\nversion = "2"\ntitle = "T"\naggregation = "geometric"\nfactors = "actual"\n'
        '[[kpi]]\nid = "energy_to_solution"\nweight = 0.6\n[[kpi]]\nid = "pue"\nweight = 0.4\n'
    )
    assert rubric_named(str(path)) == Rubric(
        id="mine",
        version="2",
        title="T",
        aggregation=Aggregation.GEOMETRIC,
        factors=Factors.ACTUAL,
        kpis=(Weighted(kpi="energy_to_solution", weight=0.6), Weighted(kpi="pue", weight=0.4)),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('version = "1"', "id: is missing"),
        ('id = "x"\nversion = 1', "version: must be a string"),
        ('id = "x"\nversion = "1"\nkpis = []', "kpis: unknown key; did you mean 'kpi'"),
        ('id = "x"\nversion = "1"', "names no KPI"),
        ('id = "x"\nversion = "1"\n[[kpi]]\nid = "pue"', r"\[\[kpi\]\] 1 weight: is missing"),
        ('id = "x"\nversion = "1"\n[[kpi]]\nid = "pue"\nweight = 0.9', "weights sum to 0.9"),
        ('id = "x"\nversion = "1"\n[[kpi]]\nid = "pu"\nweight = 1', "unknown KPI 'pu'"),
        ('id = "x"\nversion = "1"\naggregation = "mean"', "must be one of arithmetic, geometric"),
    ],
)
def test_a_mistake_names_its_place(tmp_path: Path, text: str, words: str) -> None:
    """Weights are never put right in silence."""
    path = tmp_path / "r.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words):
        read_rubric(path)


def test_a_name_that_is_neither_bundled_nor_a_file() -> None:
    """Names what there is."""
    with pytest.raises(UsageError, match="no rubric 'trainin': give one of default, training, inference"):
        rubric_named("trainin")
