"""The six text tasks, whole: tiny models made on the spot, the real harness, simulated time, no network."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wattmark.bench.asking import ModelAsked, Query
from wattmark.bench.catalog import part_of
from wattmark.bench.tasks import reasoning
from wattmark.config import Config
from wattmark.core.bench.evidence import Evidence
from wattmark.core.bench.task import TASKS
from wattmark.core.errors import UsageError
from wattmark.wiring.bench import run_asked
from wattmark.wiring.bench_asked import BenchAsked

pytest.importorskip("torch", reason="needs torch (extra bench)")
pytest.importorskip("transformers", reason="needs transformers (extra bench)")
pytest.importorskip("rouge_score", reason="needs rouge-score (extra bench)")
pytestmark = pytest.mark.slow

TEXT_TASKS = (
    "text_generation",
    "reasoning",
    "summarization",
    "question_answering",
    "text_classification",
    "sentence_similarity",
)


def ran(task: str, folder: Path, **more: Any) -> Any:
    asked = BenchAsked(task=task, model="tiny", device="cpu", profile="quick", queries=4, simulated=1, **more)
    done = run_asked(asked, folder, Config())
    assert done.bundle is not None
    return done.bundle


@pytest.mark.parametrize("task", TEXT_TASKS)
def test_runs_whole_and_offline(task: str, tmp_path: Path) -> None:
    """Every query is answered and scored, tokens are counted, and the quality is of the same run."""
    bundle = ran(task, tmp_path / "a.wattmark")
    evidence: Evidence = bundle.evidence
    assert evidence.queries
    assert not any(query.failed for query in evidence.queries)
    assert all(query.score is not None and (query.input_tokens or 0) > 0 for query in evidence.queries)
    assert evidence.model.random_weights
    assert bundle.result.quality.name == TASKS[task].quality
    writes = TASKS[task].output_unit == "output_tokens"
    assert all((query.output_tokens is not None) == writes for query in evidence.queries)
    assert all((query.first_output_us is not None) == writes for query in evidence.queries)


@pytest.mark.parametrize("task", ["text_generation", "sentence_similarity"])
def test_the_same_seed_answers_alike(task: str, tmp_path: Path) -> None:
    """Two runs: the same weights, the same queries, and answers with the same hashes."""
    one, other = (ran(task, tmp_path / f"{n}.wattmark").evidence for n in (1, 2))
    assert one.model.sha256 == other.model.sha256
    assert one.pinned == other.pinned
    assert [q.output_sha256 for q in one.queries] == [q.output_sha256 for q in other.queries]


def test_nothing_of_what_was_asked_is_kept(tmp_path: Path) -> None:
    """No word of a question and no answer is in the bundle."""
    ran("question_answering", tmp_path / "a.wattmark")
    asked = part_of(TASKS["question_answering"]).synthetic(4, 0).queries
    kept = "".join(f.read_text() for f in (tmp_path / "a.wattmark").rglob("*") if f.is_file())
    for query in asked:
        assert query.inputs["question"] not in kept
        assert query.inputs["context"][:40] not in kept


@pytest.mark.parametrize("task", TEXT_TASKS)
def test_batches_answer_as_each_alone(task: str) -> None:
    """Padding is no part of what is asked: texts are equal, cosines up to rounding."""
    part = part_of(TASKS[task])
    queries = part.synthetic(3, 0)
    pinned = part.pinned(queries, 0)
    if task == "reasoning":
        pinned = replace(pinned, max_output_tokens=16)
    model = part.load(ModelAsked(model="tiny", device="cpu"), pinned)
    together = model.answer(queries.queries, model.prepare(queries.queries))
    alone = [model.answer([query], model.prepare([query]))[0] for query in queries.queries]
    for one, other in zip(together, alone, strict=True):
        assert one.output == pytest.approx(other.output, abs=1e-5) if isinstance(one.output, float) else True
        assert isinstance(one.output, float) or one.output == other.output
        assert (one.input_tokens, one.output_tokens) == (other.input_tokens, other.output_tokens)
    model.close()


def test_long_inputs_are_cut_and_counted() -> None:
    """A context of 400 words in a window of 384 tokens: what is cut off and what is asked are the whole."""
    part = part_of(TASKS["question_answering"])
    queries = part.synthetic(1, 0)
    model = part.load(ModelAsked(model="tiny", device="cpu"), part.pinned(queries, 0))
    long = Query(index=0, inputs={"question": "who built it", "context": "the " * 400}, reference=["x"])
    answer = model.answer([long], model.prepare([long]))[0]
    assert answer.input_tokens == 384
    assert answer.truncated_tokens == 3 + 400 + 3 - 384  # both texts, [CLS] and two [SEP]


class Chat:
    """A tokenizer with a chat template that has a switch, or has none."""

    chat_template = "yes"

    def __init__(self, *, switch: bool) -> None:
        self.switch = switch

    def apply_chat_template(self, said: Any, **more: Any) -> str:
        thinking = more.get("enable_thinking", True) if self.switch else True
        return f"<user>{said[0]['content']}<model>" + ("" if thinking else "<think></think>")


class Plain:
    """A tokenizer without a chat template."""

    chat_template = None


def test_reasoning_is_turned_on_and_off_by_the_template() -> None:
    """The state is told only where it was really set."""
    frame, state = reasoning._frame(Chat(switch=True), "off", "m")
    assert frame is not None
    assert (frame("q"), state) == ("<user>q<model><think></think>", "off")
    frame, state = reasoning._frame(Chat(switch=True), "on", "m")
    assert frame is not None
    assert (frame("q"), state) == ("<user>q<model>", "on")
    assert reasoning._frame(Plain(), "as shipped", "m") == (None, "as shipped")


@pytest.mark.parametrize(
    ("tokenizer", "wanted", "problem"),
    [
        (Chat(switch=False), "off", "has no switch"),
        (Chat(switch=False), "on", "has no switch"),
        (Plain(), "on", "no chat template"),
        (Plain(), "maybe", "there is on, off"),
    ],
)
def test_a_state_that_cannot_be_set_is_refused(tokenizer: Any, wanted: str, problem: str) -> None:
    """A model that thinks anyway is never called one that does not."""
    with pytest.raises(UsageError, match=problem):
        reasoning._frame(tokenizer, wanted, "m")


def test_thinking_though_it_is_off_fails_the_query() -> None:
    """The toggle is checked against what was said."""
    assert reasoning._thought_though_off("<think>hm</think>4") != ""
    assert reasoning._thought_though_off("4") == ""


def test_pooling_is_read_from_the_model(tmp_path: Path) -> None:
    """What sentence-transformers saved says which tokens make the embedding; else their mean."""
    from wattmark.bench.tasks.sentence_similarity import _pooling

    assert _pooling(None) == _pooling(tmp_path) == "mean"
    (tmp_path / "1_Pooling").mkdir()
    settings = tmp_path / "1_Pooling" / "config.json"
    settings.write_text(json.dumps({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}))
    assert _pooling(tmp_path) == "first token"
    settings.write_text(json.dumps({"pooling_mode_max_tokens": True, "pooling_mode_mean_tokens": False}))
    with pytest.raises(UsageError, match="not known"):
        _pooling(tmp_path)
