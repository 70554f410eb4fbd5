"""Summarization: put a text into few words, as many tokens as are pinned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wattmark.bench.asking import Answer, Answerer, ModelAsked, Query, QuerySet
from wattmark.bench.models.generating import MAX_INPUT_TOKENS, OUTPUT_TOKENS, WritingAnswerer
from wattmark.bench.models.loading import load_text_model
from wattmark.bench.models.made import Family
from wattmark.bench.models.settings import TEXT_OPTIONS
from wattmark.bench.published import published_set
from wattmark.bench.scoring.overlap import rouge_l
from wattmark.bench.synthetic.texts import synthetic_set, to_sum_up
from wattmark.bench.text_rows import text_query
from wattmark.core.bench.pinned import Pinned

TASK = "summarization"


def pinned(queries: QuerySet, seed: int) -> Pinned:
    """Ten new tokens, as AI Energy Score has it, after at most 1,000."""
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
    """Texts of about 370 words that tell of one landmark among other things."""
    return synthetic_set(TASK, to_sum_up, count, seed)


def published(names: Sequence[str], count: int, seed: int) -> QuerySet:
    """Articles, dialogues and papers with what people wrote to sum them up."""
    return published_set(TASK, names, count, seed, text_query)


def load(asked: ModelAsked, pinned: Pinned) -> Answerer:
    """A model with encoder and decoder; a causal one is given the text and the word Summary."""
    loaded = load_text_model(asked, pinned, (Family.SEQ2SEQ, Family.CAUSAL))
    return WritingAnswerer(
        loaded=loaded, pinned=pinned, facts=loaded.facts, frame=_frame(loaded.model.config)
    )


def score(query: Query, answer: Answer) -> float | None:
    """ROUGE-L against the reference; with ten tokens it stays low for every model."""
    if query.reference is None or answer.failed or answer.output is None:
        return None
    return rouge_l(str(query.reference), str(answer.output))


def _frame(config: Any) -> Callable[[str], str] | None:
    if not config.is_encoder_decoder:
        return lambda text: f"{text}\n\nSummary:"
    if config.model_type in ("t5", "mt5", "longt5", "umt5"):
        return lambda text: f"summarize: {text}"  # as T5 was trained (its model card)
    return None
