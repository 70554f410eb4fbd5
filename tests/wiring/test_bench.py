"""From what was asked to a benchmark: what fits together, and what is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import wattmark
from tests.bench.answering import a_set
from wattmark.bench.bundle.verify import verify
from wattmark.bench.simulated import simulated_world
from wattmark.config import Config
from wattmark.core.bench.evidence import PhaseName
from wattmark.core.bench.findings import Verdict
from wattmark.core.bench.pinned import ModelFacts, Pinned
from wattmark.core.errors import UsageError
from wattmark.testing.fakes import a_device
from wattmark.wiring.bench import bundle_name, run_asked
from wattmark.wiring.bench_asked import BenchAsked, pinned_asked, profile_asked
from wattmark.wiring.bench_job import job_of
from wattmark.wiring.bench_world import used_devices, versions

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def labels(texts: list[str]) -> list[str]:
    """Always the same class."""
    return ["positive"] * len(texts)


def asked(**changes: Any) -> BenchAsked:
    """A try of a function on synthetic texts, in simulated time."""
    fields: dict[str, Any] = {
        "task": "text_classification",
        "callable": labels,
        "profile": "quick",
        "simulated": 1,
    }
    return BenchAsked(**{**fields, **changes})


def a_pin(**changes: Any) -> Pinned:
    """Of a task that puts out ten tokens."""
    fields: dict[str, Any] = {
        "task": "text_generation",
        "dataset": a_set().pin,
        "queries": 4,
        "seed": 0,
        "output_tokens": 10,
        "options": {"steps": "4"},
    }
    return Pinned(**{**fields, **changes})


def test_a_function_is_benchmarked_from_python(tmp_path: Path) -> None:
    """The public door: a result comes back, and a bundle that verifies stays."""
    result = wattmark.benchmark("text classification", labels, profile="quick", simulated=1, out=tmp_path)
    assert (result.task, result.model.id, result.model.served_by) == (
        "text_classification",
        "labels",
        "callable",
    )
    assert "quick" in {r.code for r in result.validity.reasons}
    (bundle,) = tmp_path.iterdir()
    assert verify(bundle).checked.verdict is Verdict.GENUINE


def test_python_names_an_argument_that_there_is_not() -> None:
    """As the command line would."""
    with pytest.raises(UsageError, match="no argument 'batchsize'"):
        wattmark.benchmark("text_classification", labels, batchsize=4)


def test_a_standard_run_in_simulated_time_has_everything_but_a_rating(tmp_path: Path) -> None:
    """Simulated is the only reason against it."""
    done = run_asked(asked(profile="standard", datasets=("synthetic",)), tmp_path / "b.wattmark", Config())
    assert done.bundle is not None
    assert [r.code for r in done.bundle.result.validity.reasons] == ["simulated"]


def test_labels_reach_the_run_file(tmp_path: Path) -> None:
    """So that a ledger finds it."""
    from wattmark.core.bench.as_run import run_of

    done = run_asked(asked(labels={"team": "search"}), tmp_path / "b.wattmark", Config())
    assert done.bundle is not None
    assert run_of(done.bundle.evidence).subject.labels["team"] == "search"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"task": "text_clasification"}, "did you mean 'text_classification'"),
        ({"task": "poetry"}, "`wattmark bench tasks` lists them"),
        ({"profile": "slow"}, "one of quick, standard, certified, aies"),
        ({"callable": None}, "no model: give one of --model, --endpoint and --callable"),
        ({"model": "tiny"}, "--model and --callable: give one"),
        ({"concurrency": 4}, "--concurrency and --rate are for --endpoint"),
        ({"rate": 2.0}, "--concurrency and --rate are for --endpoint"),
        ({"task": "training"}, "training: say when it is done"),
        ({"datasets": ("synthetic", "imdb")}, "stands alone"),
        ({"callable": "no_colon"}, "write module:function"),
    ],
)
def test_what_does_not_fit_together_is_said(tmp_path: Path, changes: dict[str, Any], why: str) -> None:
    """Each with the option, and nothing is left behind."""
    with pytest.raises(UsageError, match=re.escape(why)):
        run_asked(asked(**changes), tmp_path / "b.wattmark", Config())
    assert list(tmp_path.iterdir()) == []


def test_a_server_cannot_be_simulated() -> None:
    """It answers in real time."""
    server = replace(asked(), callable=None, endpoint=lambda task, pinned: pytest.fail("never opened"))
    with pytest.raises(UsageError, match="does not answer in simulated time"):
        job_of(server, simulated_world(1), Path())


def test_pins_are_the_tasks_unless_something_else_is_asked() -> None:
    """Batch, dtype, tokens and the task's own options."""
    found = pinned_asked(
        asked(batch_size=8, dtype="bfloat16", output_tokens=64, options={"steps": "20"}), a_pin()
    )
    assert (found.batch_size, found.dtype, found.output_tokens) == (8, "bfloat16", 64)
    assert found.options == {"steps": "20"}
    assert pinned_asked(asked(callable=None, model="tiny"), a_pin()) == a_pin()


def test_a_pin_tells_no_folder_of_this_machine(tmp_path: Path) -> None:
    """The name of a folder stays, its place does not; an id of the hub is no folder."""
    pin = a_pin(options={"tokenizer": "its own"})
    (tmp_path / "mine").mkdir()
    folder = pinned_asked(asked(options={"tokenizer": str(tmp_path / "mine")}), pin)
    assert folder.options == {"tokenizer": "mine"}
    hub = pinned_asked(asked(options={"tokenizer": "lab/words"}), pin)
    assert hub.options == {"tokenizer": "lab/words"}


def test_the_precision_of_a_function_is_not_known_unless_it_is_said() -> None:
    """It shows none: such results are ranked with no others."""
    assert pinned_asked(asked(), a_pin()).dtype == "unknown"
    assert pinned_asked(asked(dtype="float16"), a_pin()).dtype == "float16"


def test_the_most_tokens_are_limited_where_answers_may_end_earlier() -> None:
    """Reasoning has no fixed number."""
    found = pinned_asked(asked(output_tokens=64), a_pin(output_tokens=None, max_output_tokens=4096))
    assert (found.output_tokens, found.max_output_tokens) == (None, 64)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"options": {"height": "64"}}, "--pin height: text_generation has no such pin; it has steps"),
        ({"output_tokens": 4}, "puts out no tokens"),
    ],
)
def test_pins_that_a_task_has_not_are_refused(changes: dict[str, Any], why: str) -> None:
    """Rather than recorded and left aside."""
    with pytest.raises(UsageError, match=why):
        pinned_asked(asked(**changes), a_pin(output_tokens=None))


def test_numbers_of_the_profile_can_be_asked_otherwise() -> None:
    """Five repeats, no more and no less."""
    found = profile_asked(
        asked(profile="standard", repeats=5, idle=60.0, cool_down=10.0, warm_up=20, queries=7)
    )
    assert (found.min_repeats, found.max_repeats) == (5, 5)
    assert (found.idle_seconds, found.cooldown_seconds, found.warmup_queries, found.queries) == (
        60,
        10,
        20,
        7,
    )
    assert found.window_seconds == 60


def test_gpus_are_left_out_where_the_model_runs_on_the_cpu() -> None:
    """What they draw meanwhile is not the model's; whole nodes and superchips stay."""
    devices = [a_device(c, component=c) for c in ("cpu", "gpu", "node", "module")]
    kept = used_devices(ModelFacts(id="m", device="cpu"), devices)
    assert [d.component for d in kept] == ["cpu", "node", "module"]


@pytest.mark.parametrize("device", ["cuda", "an endpoint", "", "mps"])
def test_all_devices_stay_where_nobody_knows(device: str) -> None:
    """A GPU too many is seen, one too few is not."""
    devices = [a_device("gpu-0", component="gpu"), a_device("gpu-1", component="gpu")]
    assert used_devices(ModelFacts(id="m", device=device), devices) == devices


def test_a_bundle_is_named_by_when_what_and_which() -> None:
    """No folder of the machine is in it."""
    name = bundle_name(BenchAsked(task="Text Generation", model="/home/somebody/models/my gpt"), NOW)
    assert name == "20261122T093000Z-text-generation-my-gpt.wattmark"
    assert "good" in bundle_name(BenchAsked(task="reasoning", callable="my.models:good"), NOW)


def test_versions_tell_no_more_than_versions() -> None:
    """wattmark, Python and kernel are there; no variable, no path."""
    found = versions()
    assert {"wattmark", "python", "kernel"} <= found.keys()
    assert not any("/" in value for value in found.values())


def test_loading_is_a_phase_with_a_length_in_simulated_time(tmp_path: Path) -> None:
    """Half a second each."""
    done = run_asked(asked(), tmp_path / "b.wattmark", Config())
    assert done.bundle is not None
    loads = done.bundle.evidence.phases[:2]
    assert [p.name for p in loads] == [PhaseName.LOAD_DATASET, PhaseName.LOAD_MODEL]
    assert [p.end_us - p.start_us for p in loads] == [500_000, 500_000]
