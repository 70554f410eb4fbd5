"""``wattmark score`` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.deciding import PLACE, a_solution, three, write
from tests.cli.running import verb
from wattmark.cli.baseline import group as baseline
from wattmark.cli.score import command
from wattmark.core.errors import NotComparable, UsageError
from wattmark.core.run import Subject


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine is in force."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATTMARK_CONFIG", raising=False)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Three repeats of the baseline."""
    return write(tmp_path / "old", *three(1.0, "wide"))


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """Three repeats that use 80 % of it."""
    return write(tmp_path / "new", *three(0.8, "lean"))


def document(*arguments: object) -> dict[str, Any]:
    """The JSON of a score."""
    found: dict[str, Any] = json.loads(verb(command, *arguments, "--json").output)
    return found


def test_a_leaner_model_scores_above_the_baseline(old: Path, new: Path) -> None:
    """A fifth less energy everywhere: every ratio is 1.25, and so is the score."""
    output = verb(command, new, "--baseline", old, *PLACE).output
    assert "score 125" in output
    assert "lean (3 repeats)" in output
    assert "against wide (3 repeats); rubric default 1" in output
    found = document(new, "--baseline", old, *PLACE)
    assert (found["schema"], found["schema_version"]) == ("wattmark.score", 1)
    assert found["score"]["value"] == pytest.approx(125.0)
    assert found["candidate"] == {"name": "lean", "repeats": 3}
    assert [line["kpi"] for line in found["lines"]] == [
        "energy_to_solution",
        "carbon_per_inference_operational",
        "model_efficiency_ratio",
        "inference_watts_per_query",
    ]


def test_single_runs_say_that_their_noise_is_unknown(old: Path, new: Path) -> None:
    """The interval holds what the meters leave uncertain, and no more."""
    output = verb(command, new / "lean-1.run.json", "--baseline", old / "wide-1.run.json", *PLACE).output
    assert "noise between repeats is unknown" in output


def test_what_is_missing_is_named_with_a_way_out(old: Path, new: Path) -> None:
    """No grid and no lifetime: no score, how to give them, and a rubric that can do without."""
    output = verb(command, new, "--baseline", old).output
    assert "no score" in output
    assert "carbon_per_inference_operational of the baseline: missing: grid intensity" in output
    assert "--rubric training" in output
    assert document(new, "--baseline", old)["score"]["status"] == "missing"


def test_a_saturated_ratio_is_marked(old: Path, tmp_path: Path) -> None:
    """A fifth of the energy counts as 2, and the unclipped score is told."""
    tiny = write(tmp_path / "tiny", a_solution(0.2, model="tiny"))
    output = verb(command, tiny, "--baseline", old, *PLACE).output
    assert "2.00 saturated" in output
    assert "unclipped score 500" in output


def test_another_rubric_and_another_aggregation(old: Path, new: Path, tmp_path: Path) -> None:
    """Bundled by name, own by path."""
    assert (
        "rubric inference 1" in verb(command, new, "--baseline", old, *PLACE, "--rubric", "inference").output
    )
    own = tmp_path / "own.toml"
    own.write_text(
        'id = "own"\nversion = "3"\naggregation = "geometric"\n[[kpi]]\nid = "energy_to_solution"\nweight = 1'
    )
    found = document(new, "--baseline", old, *PLACE, "--rubric", own)
    assert (found["rubric"], found["aggregation"]) == ("own 3", "geometric")


def test_a_dispute_is_told(old: Path, tmp_path: Path) -> None:
    """Less energy for a far worse model: the two aggregations disagree."""
    own = tmp_path / "own.toml"
    own.write_text(
        'id = "own"\nversion = "1"\n[[kpi]]\nid = "energy_to_solution"\nweight = 0.5\n'
        '[[kpi]]\nid = "data_efficiency_score"\nweight = 0.5'
    )
    from wattmark.core.run import Quality

    poor = write(
        tmp_path / "poor", a_solution(0.5, model="poor", quality=(Quality(name="accuracy", value=0.3),))
    )
    output = verb(command, poor, "--baseline", old, "--rubric", own).output
    assert "geometric 79: the two ways to put KPIs together disagree" in output
    own.write_text(own.read_text().replace('version = "1"', 'version = "1"\naggregation = "geometric"'))
    assert "arithmetic 116" in verb(command, poor, "--baseline", old, "--rubric", own).output


def test_a_kept_baseline_is_found_and_brings_its_factors(old: Path, new: Path) -> None:
    """Scored on a grid ten times dirtier, the candidate is held at the baseline's, unless asked."""
    verb(baseline, "set", old, "--intensity", "50", *PLACE[2:])
    dirty = ("--intensity", "500", *PLACE[2:], "--rubric", "inference")
    assert document(new, *dirty)["lines"][0]["ratio"]["value"] == pytest.approx(1.25)
    actual = document(new, *dirty, "--factors", "actual")
    assert actual["lines"][0]["ratio"]["value"] == pytest.approx(0.125)


def test_without_a_baseline_there_is_no_score(new: Path) -> None:
    """A score is relative; a name without a file is told apart."""
    with pytest.raises(UsageError, match="a score is relative: give --baseline"):
        verb(command, new)
    with pytest.raises(UsageError, match="no baseline file holds 'main'"):
        verb(command, new, "--name", "main")
    with pytest.raises(UsageError, match="--name chooses a baseline of a baseline file"):
        verb(command, new, "--baseline", new, "--name", "main")


def test_another_task_is_refused(old: Path, tmp_path: Path) -> None:
    """With the field that differs."""
    other = write(tmp_path / "other", a_solution(model="x", subject=Subject(task="cifar")))
    with pytest.raises(NotComparable, match="task: digits against cifar"):
        verb(command, other, "--baseline", old, *PLACE)


def test_stages_in_files_of_their_own_are_one_solution_when_said(tmp_path: Path) -> None:
    """Training and inference runs without a solution id: refused as repeats, scored with --as-one."""
    parts = [
        a_solution(number=n, windows=(), subject=Subject(stage=stage, task="digits"))
        for n, stage in enumerate(("training", "inference"))
    ]
    folder = write(tmp_path / "parts", *parts)
    with pytest.raises(UsageError, match="--as-one"):
        verb(command, folder, "--baseline", folder, *PLACE)
    output = verb(command, folder, "--baseline", folder, *PLACE, "--as-one").output
    assert "score 100" in output


def test_candidates_are_ranked(old: Path, tmp_path: Path) -> None:
    """--each: one line per solution, the best first, those without a name by their record."""
    mixed = write(
        tmp_path / "mixed",
        a_solution(0.5, model="half"),
        a_solution(0.9, model="near", number=1),
        a_solution(1.1, model="near", number=2),
    )
    output = verb(command, mixed, "--baseline", old, *PLACE, "--each").output
    lines = [line.split()[0:2] for line in output.splitlines()[2:5]]
    assert lines == [["half", "200"], ["near", "near-1"], ["near", "near-2"]]
    found = document(mixed, "--baseline", old, *PLACE, "--each")
    assert found["schema"] == "wattmark.scores"
    assert [s["candidate"] for s in found["scores"]] == ["half", "near near-1", "near near-2"]
    assert found["rankings_differ"] is False
