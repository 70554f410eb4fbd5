"""How single answers of the text tasks are scored, and what the tasks pin; no model is needed."""

from __future__ import annotations

from typing import Any

import pytest

from wattmark.bench.aies_pins import aies_pinned
from wattmark.bench.asking import Answer, Query
from wattmark.bench.catalog import part_of
from wattmark.bench.tasks.question_answering import best_span
from wattmark.bench.tasks.text_classification import plain_label
from wattmark.core.bench.task import TASKS

TEXT_TASKS = (
    "text_generation",
    "reasoning",
    "summarization",
    "question_answering",
    "text_classification",
    "sentence_similarity",
)
TWO = {"label": "positive", "labels": ["negative", "positive"]}


def scored(task: str, reference: Any, output: Any, failed: str = "") -> Any:
    query = Query(index=0, inputs={"text": "x"}, reference=reference)
    return part_of(TASKS[task]).score(query, Answer(output=output, failed=failed))


@pytest.mark.parametrize(
    ("reference", "output", "score"),
    [
        (TWO, "POSITIVE", 1.0),
        (TWO, "pos", 1.0),
        (TWO, "negative", 0.0),
        (TWO, "LABEL_1 of 2", 1.0),
        (TWO, "LABEL_0 of 2", 0.0),
        (TWO, "LABEL_1 of 3", None),
        (TWO, "5 stars", None),
        ({"label": "1 star", "labels": ["1 star", "2 stars"]}, "1 stars", 1.0),
        (None, "positive", None),
    ],
)
def test_classes_are_compared_by_name(reference: Any, output: str, score: float | None) -> None:
    """Unnamed classes go by number where there are as many; other classes tell nothing: None, not wrong."""
    assert scored("text_classification", reference, output) == score


def test_labels_are_plain() -> None:
    """Case, underscores and common short forms do not matter."""
    assert plain_label(" Very_Good ") == "very good"
    assert plain_label("2 Stars") == plain_label("2 star")


@pytest.mark.parametrize(
    ("task", "reference", "output", "score"),
    [
        ("reasoning", "12", "so it is 12.", 1.0),
        ("reasoning", "12", "13", 0.0),
        ("question_answering", ["a potter"], "potter", 1.0),
        ("question_answering", [], "", 1.0),
        ("sentence_similarity", 2.5, 0.75, [0.75, 2.5]),
    ],
)
def test_scores_by_hand(task: str, reference: Any, output: Any, score: Any) -> None:
    """Exact match, F1, and the pair that a rank correlation needs."""
    assert scored(task, reference, output) == score


@pytest.mark.slow
def test_texts_are_scored_by_rouge_l() -> None:
    """The same words in the same order are 1; nothing in common is 0."""
    pytest.importorskip("rouge_score")
    for task in ("text_generation", "summarization"):
        assert scored(task, "and so on", "and so on") == 1.0
        assert scored(task, "and so on", "never") == 0.0


@pytest.mark.parametrize("task", TEXT_TASKS)
def test_nothing_is_told_of_what_is_not_known(task: str) -> None:
    """No reference, or a query that failed: None, never 0."""
    assert scored(task, None, "x") is None
    assert scored(task, "x", None, failed="out of memory") is None


@pytest.mark.parametrize("task", TEXT_TASKS)
def test_pins_are_those_of_the_set(task: str) -> None:
    """Dataset, number and seed; numbers of tokens only where the task writes."""
    part = part_of(TASKS[task])
    queries = part.synthetic(2, 5)
    pinned = part.pinned(queries, 5)
    assert (pinned.task, pinned.dataset, pinned.queries, pinned.seed) == (task, queries.pin, 2, 5)
    fixed = {"text_generation": 10, "summarization": 10}.get(task)
    assert pinned.output_tokens == fixed
    assert (pinned.max_output_tokens is not None) == (task == "reasoning")
    assert pinned.batch_size == 1


def test_the_workload_of_ai_energy_score() -> None:
    """Half precision for text generation, 8,192 tokens for reasoning, no limit of input but the model's."""
    part = part_of(TASKS["text_generation"])
    pinned = aies_pinned(part.pinned(part.synthetic(1, 0), 0))
    assert (pinned.dtype, pinned.output_tokens, pinned.max_input_tokens) == ("float16", 10, None)
    part = part_of(TASKS["reasoning"])
    assert aies_pinned(part.pinned(part.synthetic(1, 0), 0)).max_output_tokens == 8192
    part = part_of(TASKS["question_answering"])
    assert aies_pinned(part.pinned(part.synthetic(1, 0), 0)).dtype == "float32"


OFFSETS = [None, None, (0, 3), (4, 7), (8, 11), None]
CONTEXT = "one two six"


def test_the_best_span_by_hand() -> None:
    """Start at "two" (5) and end at "six" (4): 9 beats all others, and no answer (1 + 1)."""
    starts, ends = [1, 9, 2, 5, 0, 9], [1, 9, 1, 2, 4, 9]
    assert best_span(CONTEXT, OFFSETS, starts, ends) == "two six"
    assert best_span(CONTEXT, OFFSETS, starts, ends, 1) == "two"


def test_no_answer_is_an_answer() -> None:
    """Where the first token beats every part (10 + 10), the text does not say."""
    assert best_span(CONTEXT, OFFSETS, [10, 0, 1, 1, 1, 0], [10, 0, 1, 1, 1, 0]) == ""


def test_an_end_before_its_start_is_no_span() -> None:
    """The best start is "six", the best end "one": together they would be backwards."""
    assert best_span(CONTEXT, OFFSETS, [0, 0, 0, 0, 9, 0], [0, 0, 9, 0, 1, 0]) == "six"


def test_scores_that_are_no_numbers_are_refused() -> None:
    """A model that overflows has no best span."""
    nan = float("nan")
    with pytest.raises(ValueError, match="not finite"):
        best_span(CONTEXT, OFFSETS, [0, 0, nan, 0, 0, 0], [0] * 6)
