"""The tasks of pictures, sound, training and pipelines through the real harness, into bundles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wattmark.bench.bundle.read import read_bundle
from wattmark.config import Config
from wattmark.core.bench.result import Result
from wattmark.wiring.bench import run_asked
from wattmark.wiring.bench_asked import BenchAsked

SMALL = {
    "image_generation": {"steps": "2", "height": "64", "width": "64"},
    "training": {"target": "accuracy>=0.5"},
}
TASKS = (
    "image_classification",
    "object_detection",
    "speech_recognition",
    "image_generation",
    "image_captioning",
    "training",
    "data_pipeline",
)
QUALITIES = {
    "image_classification": "accuracy",
    "object_detection": "average_precision_50",
    "speech_recognition": "word_error_rate",
    "image_generation": "prompt_adherence",
    "image_captioning": "rouge_l",
    "training": "accuracy",
    "data_pipeline": "checks_passed",
}


def done(task: str, folder: Path, **more: Any) -> Result:
    asked = BenchAsked(task=task, profile="quick", simulated=1, **more)
    bundle = run_asked(asked, folder, Config()).bundle
    assert bundle is not None
    return bundle.result


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_a_tiny_model_leaves_a_bundle_with_energy_and_quality(task: str, tmp_path: Path) -> None:
    """Simulated time: energy per query, the task's quality, its output unit, no failed query."""
    if task != "data_pipeline":
        for needed in ("torch", "transformers", "diffusers"):
            pytest.importorskip(needed)
    folder = tmp_path / "a.wattmark"
    result = done(task, folder, model="tiny", device="cpu", options=SMALL.get(task, {}))
    assert result.energy is not None
    assert result.energy.value > 0
    assert result.quality is not None
    assert result.quality.name == QUALITIES[task]
    assert "queries_failed" not in {reason.code for reason in result.validity.reasons}
    evidence = read_bundle(folder)
    assert evidence.simulated
    assert evidence.pinned.dataset.synthetic
    assert not any(query.failed for query in evidence.queries)


def test_a_function_of_ones_own_trains_until_its_target(tmp_path: Path) -> None:
    """Its quality is the name in the target; its data are unknown, since nothing is stated of them."""
    result = done("training", tmp_path / "a", callable=lambda: 0.97, options={"target": "accuracy>=0.95"})
    assert result.quality is not None
    assert (result.quality.name, result.quality.value) == ("accuracy", 0.97)
    assert result.energy is not None
    assert result.key.dataset == "unknown"


def test_a_target_that_is_never_reached_gives_no_figure_and_says_what_was_spent(tmp_path: Path) -> None:
    """No energy to a target that there is none to; the phases tell what it took."""
    result = done("data_pipeline", tmp_path / "a", callable=lambda: 0.5, options={"target": "recall>=0.95"})
    assert result.energy is None
    assert "target_not_reached" in {reason.code for reason in result.validity.reasons}
    assert result.phases_joules["measure"] > 0
