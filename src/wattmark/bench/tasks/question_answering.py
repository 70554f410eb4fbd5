"""Extractive question answering: find the answer to a question in a text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wattmark.bench.asking import Answer, Answerer, ModelAsked, Query, QuerySet
from wattmark.bench.models.answering import LocalAnswerer
from wattmark.bench.models.device import synchronise, torch_module
from wattmark.bench.models.inputs import Prepared, limit_of, prepared_texts
from wattmark.bench.models.loading import Loaded, load_text_model
from wattmark.bench.models.made import Family
from wattmark.bench.models.settings import TEXT_OPTIONS
from wattmark.bench.published import published_set
from wattmark.bench.published_table import Chosen
from wattmark.bench.scoring.overlap import squad_f1
from wattmark.bench.synthetic.texts import synthetic_set, to_find_in_text
from wattmark.bench.text_rows import text_in
from wattmark.core.bench.pinned import Pinned
from wattmark.core.errors import UsageError

TASK = "question_answering"

MAX_INPUT_TOKENS = 384
"""Question and text together: the length that BERT was fine-tuned with on SQuAD (google-research/bert)."""

MAX_ANSWER_TOKENS = 30
"""As in the evaluation of BERT on SQuAD (google-research/bert, run_squad.py, 2018)."""


def pinned(queries: QuerySet, seed: int) -> Pinned:
    """One window of 384 tokens; a longer text is cut, so that each query is one pass of the model."""
    return Pinned(
        task=TASK,
        dataset=queries.pin,
        queries=len(queries.queries),
        seed=seed,
        max_input_tokens=MAX_INPUT_TOKENS,
        sampling="best span",
        options={**TEXT_OPTIONS, "max_answer_tokens": str(MAX_ANSWER_TOKENS)},
    )


def synthetic(count: int, seed: int) -> QuerySet:
    """Questions about landmarks, and texts of about 130 words that answer them once."""
    return synthetic_set(TASK, to_find_in_text, count, seed)


def published(names: Sequence[str], count: int, seed: int) -> QuerySet:
    """Questions with all their gold answers; none where the text does not answer it (SQuAD 2.0)."""
    return published_set(TASK, names, count, seed, _query)


def load(asked: ModelAsked, pinned: Pinned) -> Answerer:
    """A model with a head for the start and the end of an answer."""
    loaded = load_text_model(asked, pinned, (Family.QUESTION_ANSWERING,))
    if not loaded.tokenizer.is_fast:
        raise UsageError(f"{asked.model}: its tokenizer cannot tell where tokens stand in a text")
    most = pinned.options.get("max_answer_tokens", str(MAX_ANSWER_TOKENS))
    if not most.isdecimal() or int(most) < 1:
        raise UsageError(f"--pin max_answer_tokens={most}: is no whole number above 0")
    return _Finder(loaded, pinned, int(most))


def score(query: Query, answer: Answer) -> float | None:
    """The F1 of SQuAD against the best gold answer; None where the gold answers are not known."""
    if query.reference is None or answer.failed or answer.output is None:
        return None
    return squad_f1([str(gold) for gold in query.reference], str(answer.output))


def _query(index: int, chosen: Chosen) -> Query | None:
    question, context = text_in(chosen, "question"), text_in(chosen, "context")
    if not question.strip() or not context.strip():
        return None
    golds = chosen.values.get("answers", chosen.values.get("answer"))
    if isinstance(golds, str):
        golds = [golds] if golds.strip() else []
    reference = None if golds is None else [str(gold) for gold in golds]
    return Query(
        index=index, inputs={"question": question, "context": context}, reference=reference, part=chosen.part
    )


@dataclass(frozen=True, slots=True)
class _Finder(LocalAnswerer[Loaded]):
    pinned: Pinned
    most: int
    """Tokens of an answer."""

    def prepare(self, batch: Sequence[Query]) -> Prepared:
        pairs = [(query.inputs["question"], query.inputs["context"]) for query in batch]
        return prepared_texts(
            self.held, pairs, limit_of(self.held, self.pinned.max_input_tokens), side="right"
        )

    def answered(self, batch: Sequence[Query], prepared: Prepared, output_tokens: int | None) -> list[Answer]:
        with torch_module().inference_mode():
            said = self.held.model(**prepared.tensors)
        starts, ends = said.start_logits.float().tolist(), said.end_logits.float().tolist()
        synchronise(self.held.device)
        return [
            Answer(
                output=best_span(
                    query.inputs["context"], prepared.offsets[row], starts[row], ends[row], self.most
                ),
                input_tokens=prepared.input_tokens[row],
                truncated_tokens=prepared.truncated[row],
            )
            for row, query in enumerate(batch)
        ]


def best_span(
    context: str,
    offsets: Sequence[tuple[int, int] | None],
    starts: Sequence[float],
    ends: Sequence[float],
    most: int = MAX_ANSWER_TOKENS,
) -> str:
    """The part of the context with the highest sum of both scores, of so many tokens at most.

    Empty where the first token beats all parts: it stands for "there is no answer" (SQuAD 2.0). Raises
    ValueError where a score is no number.
    """
    places = [place for place, offset in enumerate(offsets) if offset is not None]
    if not all(math.isfinite(starts[p]) and math.isfinite(ends[p]) for p in places):
        raise ValueError("scores are not finite: the model overflows in this precision")
    best, text = starts[0] + ends[0], ""
    for start in places:
        for end in range(start, min(start + most, places[-1] + 1)):
            if starts[start] + ends[end] > best:
                best = starts[start] + ends[end]
                text = context[_of(offsets, start)[0] : _of(offsets, end)[1]]
    return text


def _of(offsets: Sequence[Any], place: int) -> tuple[int, int]:
    found: tuple[int, int] = offsets[place]
    return found
