"""Sentence similarity: say how much two sentences mean the same, by the cosine of their embeddings."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
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
from wattmark.bench.synthetic.texts import synthetic_set, to_compare
from wattmark.bench.text_rows import text_in
from wattmark.core.bench.pinned import Pinned
from wattmark.core.errors import UsageError

TASK = "sentence_similarity"

MAX_INPUT_TOKENS = 128
"""Of each sentence: the default of sentence-transformers' models."""

MEAN, FIRST, LAST = "mean", "first token", "last token"
"""How the embeddings of tokens become one: what ``1_Pooling/config.json`` says, else their mean."""


def pinned(queries: QuerySet, seed: int) -> Pinned:
    """At most 128 tokens a sentence; both sentences in one pass."""
    return Pinned(
        task=TASK,
        dataset=queries.pin,
        queries=len(queries.queries),
        seed=seed,
        max_input_tokens=MAX_INPUT_TOKENS,
        sampling="cosine",
        options=TEXT_OPTIONS,
    )


def synthetic(count: int, seed: int) -> QuerySet:
    """Pairs of sentences of which 0 to 5 words mean the same."""
    return synthetic_set(TASK, to_compare, count, seed)


def published(names: Sequence[str], count: int, seed: int) -> QuerySet:
    """Pairs, with how much they mean the same from 0 to 1 where somebody has said so."""
    return published_set(TASK, names, count, seed, _query)


def load(asked: ModelAsked, pinned: Pinned) -> Answerer:
    """A model that embeds tokens."""
    loaded = load_text_model(asked, pinned, (Family.ENCODER,))
    return _Embedder(loaded, pinned, _pooling(loaded.folder))


def score(query: Query, answer: Answer) -> list[float] | None:
    """[cosine, gold]; the rank correlation of all of them is the quality."""
    if query.reference is None or answer.failed or answer.output is None:
        return None
    return [float(answer.output), float(query.reference)]


def _query(index: int, chosen: Chosen) -> Query | None:
    first, second = text_in(chosen, "first"), text_in(chosen, "second")
    if not first.strip() or not second.strip():
        return None
    said, gold = chosen.values.get("score"), None
    if said is not None and said != "":
        try:
            gold = float(said) / (chosen.row.scale if chosen.row is not None else 1.0)
        except (TypeError, ValueError):
            raise UsageError(f"--dataset {chosen.part}: a score is no number") from None
        if not math.isfinite(gold):
            raise UsageError(f"--dataset {chosen.part}: a score is not finite")
    return Query(index=index, inputs={"first": first, "second": second}, reference=gold, part=chosen.part)


def _pooling(folder: Path | None) -> str:
    file = folder / "1_Pooling" / "config.json" if folder is not None else None
    if file is None or not file.is_file():
        return MEAN
    said = json.loads(file.read_text(encoding="utf-8"))
    if said.get("pooling_mode_cls_token"):
        return FIRST
    if said.get("pooling_mode_lasttoken"):
        return LAST
    if not said.get("pooling_mode_mean_tokens", True):
        raise UsageError(f"the model pools in a way that is not known here: {file.name} of 1_Pooling")
    return MEAN


@dataclass(frozen=True, slots=True)
class _Embedder(LocalAnswerer[Loaded]):
    pinned: Pinned
    pooling: str

    def prepare(self, batch: Sequence[Query]) -> Prepared:
        texts = [text for query in batch for text in (query.inputs["first"], query.inputs["second"])]
        return prepared_texts(
            self.held, texts, limit_of(self.held, self.pinned.max_input_tokens), side="right"
        )

    def answered(self, batch: Sequence[Query], prepared: Prepared, output_tokens: int | None) -> list[Answer]:
        torch = torch_module()
        with torch.inference_mode():
            states = self.held.model(**prepared.tensors).last_hidden_state.float()
            pooled = _pooled(states, prepared.tensors["attention_mask"], self.pooling)
            cosines = torch.nn.functional.cosine_similarity(pooled[0::2], pooled[1::2]).tolist()
        synchronise(self.held.device)
        return [
            Answer(
                output=cosine if math.isfinite(cosine) else None,
                failed="" if math.isfinite(cosine) else "the cosine is no number: the model overflows",
                input_tokens=sum(prepared.input_tokens[2 * row : 2 * row + 2]),
                truncated_tokens=sum(prepared.truncated[2 * row : 2 * row + 2]),
            )
            for row, cosine in enumerate(cosines)
        ]


def _pooled(states: Any, mask: Any, pooling: str) -> Any:
    """One embedding a text; padding (on the right) counts for nothing."""
    if pooling == FIRST:
        return states[:, 0]
    if pooling == LAST:
        rows = mask.shape[0]
        return states[list(range(rows)), (mask.sum(dim=-1) - 1).tolist()]
    weights = mask.unsqueeze(-1).float()
    return (states * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)
