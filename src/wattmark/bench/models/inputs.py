"""Texts as a model takes them: cut off where they are too long, counted, padded, brought to the device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from wattmark.bench.models.loading import Loaded


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A batch on the device."""

    tensors: Any
    """By name, as the model's forward takes them."""
    input_tokens: tuple[int, ...]
    """Of each query, as asked: without padding, without what was cut off."""
    truncated: tuple[int, ...]
    """Tokens of each query that were cut off."""
    offsets: Any = None
    """Where tokens stand in the text (question answering)."""


def limit_of(loaded: Loaded, asked: int | None, new_tokens: int = 0) -> int | None:
    """Tokens of input: what is pinned, or less where the model cannot look at so many.

    ``new_tokens`` are those that have to fit into the same window. None where there is no limit.
    """
    own = loaded.facts.max_input_tokens
    limits = [limit for limit in (asked, None if own is None else own - new_tokens) if limit is not None]
    return max(1, min(limits)) if limits else None


def prepared_texts(
    loaded: Loaded, texts: Sequence[Any], limit: int | None, *, side: str, framed: bool = True
) -> Prepared:
    """Texts, or pairs of texts of which the second is cut.

    ``side`` is where padding goes: left or right; ``framed``: the tokenizer puts its special tokens around.
    """
    pairs = bool(texts) and isinstance(texts[0], tuple)
    first = [text[0] for text in texts] if pairs else list(texts)
    second = [text[1] for text in texts] if pairs else None

    def tokens(**more: Any) -> Any:
        return loaded.tokenizer(
            first, second, add_special_tokens=framed, return_offsets_mapping=pairs, verbose=False, **more
        )

    batch = tokens()
    lengths = [len(ids) for ids in batch["input_ids"]]
    if limit is not None and max(lengths) > limit:
        batch = tokens(truncation="only_second" if pairs else True, max_length=limit)
    counts = tuple(len(ids) for ids in batch["input_ids"])
    offsets = _second_only(batch, len(texts)) if pairs else None
    padded = loaded.tokenizer.pad(
        {name: rows for name, rows in batch.items() if name != "offset_mapping"},
        padding=len(texts) > 1,
        padding_side=side,
        return_tensors="pt",
    )
    return Prepared(
        tensors={name: tensor.to(loaded.device) for name, tensor in padded.items()},
        input_tokens=counts,
        truncated=tuple(length - count for length, count in zip(lengths, counts, strict=True)),
        offsets=offsets,
    )


def fitted(
    loaded: Loaded, text: str, frame: Callable[[str], str], limit: int | None, *, framed: bool
) -> tuple[str, int]:
    """The framed text, of which the end was cut off until it fits, and how many tokens were."""

    def length(said: str) -> int:
        return len(loaded.tokenizer(said, add_special_tokens=framed, verbose=False)["input_ids"])

    whole = frame(text)
    before = count = length(whole)
    while limit is not None and count > limit and text:
        places = loaded.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)[
            "offset_mapping"
        ]
        kept = len(places) - (count - limit)
        text = text[: places[kept][0]].rstrip() if kept > 0 else ""
        whole = frame(text)
        count = length(whole)
    return whole, before - count


def _second_only(batch: Any, rows: int) -> list[list[tuple[int, int] | None]]:
    """Where each token stands in the second text; None for all others."""
    return [
        [
            (place[0], place[1]) if part == 1 else None
            for place, part in zip(batch["offset_mapping"][row], batch.sequence_ids(row), strict=True)
        ]
        for row in range(rows)
    ]
