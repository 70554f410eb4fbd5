"""Text generation: go on with a text, by as many tokens as are pinned, each the most likely one."""

from __future__ import annotations

from collections.abc import Sequence

from wattmark.bench.asking import Answer, Answerer, ModelAsked, Query, QuerySet
from wattmark.bench.models.classes import model_class
from wattmark.bench.models.generating import MAX_INPUT_TOKENS, OUTPUT_TOKENS, WritingAnswerer
from wattmark.bench.models.loading import load_text_model
from wattmark.bench.models.made import Family
from wattmark.bench.models.settings import TEXT_OPTIONS
from wattmark.bench.published import published_set
from wattmark.bench.scoring.overlap import rouge_l
from wattmark.bench.synthetic.texts import synthetic_set, to_go_on_with
from wattmark.bench.text_rows import text_query
from wattmark.core.bench.pinned import Pinned

TASK = "text_generation"


def pinned(queries: QuerySet, seed: int) -> Pinned:
    """Ten new tokens, no more and no less, after at most 1,000."""
    return Pinned(
        task=TASK,
        dataset=queries.pin,
        queries=len(queries.queries),
        seed=seed,
        max_input_tokens=MAX_INPUT_TOKENS,
        output_tokens=OUTPUT_TOKENS,
        options=TEXT_OPTIONS,
    )


def synthetic(count: int, seed: int) -> QuerySet:
    """Texts of 80 to 580 words and how they go on."""
    return synthetic_set(TASK, to_go_on_with, count, seed)


def published(names: Sequence[str], count: int, seed: int) -> QuerySet:
    """Whole texts, of which nobody says how they go on, unless a column ``reference`` does."""
    return published_set(TASK, names, count, seed, text_query)


def load(asked: ModelAsked, pinned: Pinned) -> Answerer:
    """A causal language model, or one with encoder and decoder (T5)."""
    loaded = load_text_model(asked, pinned, (Family.CAUSAL, Family.SEQ2SEQ))
    return WritingAnswerer(loaded=loaded, pinned=pinned, facts=model_class(loaded.facts))


def score(query: Query, answer: Answer) -> float | None:
    """ROUGE-L of the answer against how the text really goes on; None where nobody knows."""
    if query.reference is None or answer.failed or answer.output is None:
        return None
    return rouge_l(str(query.reference), str(answer.output))
