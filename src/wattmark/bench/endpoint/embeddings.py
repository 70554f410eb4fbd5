"""Sentence similarity by embeddings: both sentences in one request, and the cosine of what comes back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from wattmark.bench.asking import Answer, Query
from wattmark.bench.endpoint.answering import counted
from wattmark.bench.endpoint.dialects import Dialect
from wattmark.bench.endpoint.http import Client, Failed
from wattmark.bench.endpoint.text import text_in
from wattmark.core.bench.pinned import Pinned


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingWay:
    """How a model that embeds sentences is asked."""

    model: str
    dialect: Dialect
    pins: Pinned

    def pinned(self, pinned: Pinned) -> Pinned:
        """Servers cut sentences off only where they are known to."""
        cuts = pinned.max_input_tokens is None or self.dialect.truncates is not None
        return replace(
            pinned,
            options={**pinned.options, "api": "embeddings"},
            max_input_tokens=pinned.max_input_tokens if cuts else None,
        )

    def prepare(self, query: Query) -> dict[str, Any]:
        """Both sentences."""
        pair = [text_in(query.inputs, "first"), text_in(query.inputs, "second")]
        cut = self.dialect.cut(self.pins.max_input_tokens)
        return {"model": self.model, "input": pair, "encoding_format": "float", **cut}

    def ask(self, client: Client, prepared: Any, output_tokens: int | None) -> Answer:
        """The cosine of the two embeddings."""
        said = client.post("/embeddings", prepared)
        first, second = _vectors(said, 2)
        return replace(counted(Answer(output=cosine(first, second)), said), output_tokens=None)


def cosine(a: Sequence[float], b: Sequence[float]) -> float:
    """The cosine of the angle between two vectors. Raises Failed where one has no length."""
    first, second = math.hypot(*a), math.hypot(*b)
    if not first or not second or not math.isfinite(first + second):
        raise Failed("an embedding has no length")
    # Of unit length before they are multiplied: products of tiny numbers have no digits left.
    return max(-1.0, min(1.0, math.fsum((x / first) * (y / second) for x, y in zip(a, b, strict=True))))


def _vectors(said: Any, wanted: int) -> list[list[float]]:
    """As many embeddings of equal length as were asked for, in the order of their index."""
    data = said.get("data") if isinstance(said, dict) else None
    rows = [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []
    if len(rows) != wanted:
        raise Failed(f"answered with {len(rows)} embeddings where {wanted} were asked for")
    by_index = {row.get("index", place): row.get("embedding") for place, row in enumerate(rows)}
    vectors = [by_index.get(place) for place in range(wanted)]
    if not all(_numbers(vector) for vector in vectors):
        raise Failed("answered with an embedding that is no list of numbers")
    found = [[float(x) for x in vector] for vector in vectors if isinstance(vector, list)]
    if len({len(vector) for vector in found}) != 1:
        raise Failed("answered with embeddings of unlike length")
    return found


def _numbers(vector: object) -> bool:
    return (
        isinstance(vector, list)
        and bool(vector)
        and all(isinstance(x, int | float) and not isinstance(x, bool) for x in vector)
    )
