"""``wattmark select`` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import verb
from tests.core.stars.results import INVALID, a_key, a_result, quality, seconds
from wattmark.bench.results import write_results
from wattmark.cli.select import command
from wattmark.core.bench.result import Result
from wattmark.core.errors import UsageError

TASK = ("--task", "text generation")


def kept(folder: Path, *results: Result) -> Path:
    path = folder / "results.json"
    write_results(results, path)
    return path


def three(folder: Path) -> Path:
    """10 J that answers badly; 20 J and 21 J that cannot be told apart; 40 J that answers best."""
    return kept(
        folder,
        a_result("lab/small", 10, quality=quality(0.5), latency=seconds(0.1)),
        a_result("lab/middle", 20, noise=0.098, gain=0.05, quality=quality(0.8), latency=seconds(0.2)),
        a_result(
            "lab/even", 21, noise=0.098, gain=0.05, quality=quality(0.8, 0.7, 0.9), latency=seconds(0.2)
        ),
        a_result("lab/large", 40, noise=0.01, gain=0.05, quality=quality(0.9), latency=seconds(0.3)),
    )


def asked(path: Path, *options: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(verb(command, path, *TASK, *options, "--json").output)
    return found


def test_it_names_the_choice_and_what_it_costs_to_be_wrong(tmp_path: Path) -> None:
    """In words, with who cannot be told apart and what better quality costs."""
    found = verb(command, three(tmp_path), *TASK, "--min-quality", "0.75", "--queries-per-year", "3600000")
    assert found.return_value == 0
    said = " ".join(found.output.split())
    assert said.startswith("lab/middle [1 x NVIDIA H100 80GB HBM3, batch 1, float16]")
    assert "cannot be told apart" in said
    assert "to be wrong: lab/even is better with a probability of 24.5 %" in said
    assert "better quality: lab/large has accuracy 0.9 instead of 0.8, for 5.56 Wh per 1,000 queries" in said
    assert "20.0 kWh a year" in said
    assert "lab/small: accuracy 0.5, at least 0.75 is asked for" in said
    assert "quality unsure" in said


def test_its_json_holds_probabilities_and_losses(tmp_path: Path) -> None:
    """20 and 21 J: 1 J between them, 2.84 J of noise at 95 %, so z = 0.69; their meter's gain is shared."""
    document = asked(three(tmp_path), "--min-quality", "0.75", "--queries-per-year", "1000000")
    assert (document["schema"], document["schema_version"]) == ("wattmark.select", 1)
    (choice,) = document["choices"]
    assert choice["chosen"]["model"] == "lab/middle"
    assert choice["cannot_be_told_apart"] == ["lab/even"]
    even, large = choice["rivals"]
    assert even["probability_better"] == pytest.approx(0.2452, abs=1e-3)
    assert even["extra"]["wh_per_1000"] == pytest.approx(1 / 3.6)
    assert even["worst_loss_95"]["wh_per_1000"] == pytest.approx((2.842 - 1) / 3.6, abs=0.01)
    assert even["worst_loss_95"]["kwh_per_year"] == pytest.approx(even["worst_loss_95"]["wh_per_1000"])
    assert even["shared_sources"] == ["nvml:GPU-1:gain"]
    assert choice["if_wrong"]["rival"] == "lab/even"
    assert large["told_apart"] is True
    assert choice["better_quality"]["model"] == "lab/large"
    assert document["left_out"][0]["model"] == "lab/small"


def test_its_document_keeps_its_shape(tmp_path: Path) -> None:
    """Version 1 means these keys."""
    document = asked(three(tmp_path), "--min-quality", "0.75")
    assert set(document) == {"schema", "schema_version", "asked", "choices", "left_out"}
    (choice,) = document["choices"]
    assert set(choice) == {
        "key", "key_fields", "chosen", "cannot_be_told_apart", "if_wrong", "rivals", "better_quality",
    }  # fmt: skip
    assert set(choice["rivals"][0]) - set(choice["chosen"]) == {
        "told_apart", "extra", "probability_better", "expected_loss", "worst_loss_95", "shared_sources",
    }  # fmt: skip
    assert set(choice["if_wrong"]) == {"rival", "probability", "expected", "worst_95"}


def test_each_key_has_its_own_choice(tmp_path: Path) -> None:
    """Batch 1 and batch 8 are not held against each other, and it says in what they differ."""
    path = kept(tmp_path, a_result("lab/a", 20), a_result("lab/b", 5, key=a_key(batch_policy="batch 8")))
    found = verb(command, path, *TASK).output
    assert "2 comparability keys: a choice within each, none across (they differ in batch_policy)" in found
    assert "there is nothing to be wrong about" in found


def test_where_nothing_is_good_enough_it_ends_with_three(tmp_path: Path) -> None:
    """And says why for each."""
    found = verb(command, three(tmp_path), *TASK, "--min-quality", "0.99")
    assert found.return_value == 3
    assert "no model is good enough" in found.output
    assert "lab/large: accuracy 0.9, at least 0.99 is asked for" in found.output


def test_hardware_and_latency_narrow_the_choice(tmp_path: Path) -> None:
    """Within 0.15 s only the smallest answers; nothing ran on an A100."""
    path = three(tmp_path)
    assert asked(path, "--max-latency", "0.15")["choices"][0]["chosen"]["model"] == "lab/small"
    assert asked(path, "--hardware", "a100")["choices"] == []


def test_unrated_results_come_in_when_asked_and_are_marked(tmp_path: Path) -> None:
    """A try may be chosen, never without a word."""
    path = kept(tmp_path, a_result("lab/tried", 5, validity=INVALID))
    assert verb(command, path, *TASK).return_value == 3
    found = verb(command, path, *TASK, "--include-unrated")
    assert "the choice is unrated: invalid: quick" in found.output


def test_what_is_published_without_its_terms_is_never_chosen(tmp_path: Path) -> None:
    """Nobody knows what it may be compared with."""
    path = tmp_path / "told.csv"
    path.write_text("task,model,gpu_wh_per_1000\ntext generation,told,1\n")
    found = verb(command, path, *TASK, "--include-unrated")
    assert found.return_value == 3
    assert "told: not known: dataset, tokens" in found.output


def test_long_lists_of_what_was_left_out_are_cut(tmp_path: Path) -> None:
    """JSON has them all."""
    path = kept(tmp_path, *(a_result(f"lab/m{i}", 5, validity=INVALID) for i in range(15)))
    assert "and 3 more (--json lists all)" in verb(command, path, *TASK).output
    assert len(asked(path)["left_out"]) == 15


def test_a_choice_whose_quality_may_fall_short_says_so(tmp_path: Path) -> None:
    """And one without any quality or latency is shown without."""
    path = kept(tmp_path, a_result("lab/a", 5, quality=quality(0.8, 0.7, 0.9)))
    assert "accuracy 0.8 may be 0.7" in verb(command, path, *TASK, "--min-quality", "0.75").output
    bare = kept(tmp_path, a_result("lab/a", 5), a_result("lab/b", 5000, noise=0.0001))
    found = verb(command, bare, *TASK).output
    assert "all others use more; the nearest, lab/b, is better with less than 0.01 %" in " ".join(
        found.split()
    )


def test_a_task_nobody_knows_is_refused(tmp_path: Path) -> None:
    """With those that there are."""
    with pytest.raises(UsageError, match="'poetry': there is text_generation, reasoning"):
        verb(command, three(tmp_path), "--task", "poetry")
