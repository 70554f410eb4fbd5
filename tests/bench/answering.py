"""A model that needs no library: it counts letters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from wattmark.bench.asking import Answer, Query, QuerySet
from wattmark.bench.job import Job
from wattmark.bench.query_hash import query_set_sha256
from wattmark.core.bench.pinned import DatasetPin, ModelFacts, Pinned
from wattmark.core.bench.profile import PROFILES, Profile


def a_set(count: int = 4) -> QuerySet:
    """Queries that ask how long a text is: ``a``, ``aa``, ``aaa`` ..."""
    queries = tuple(Query(index=n, inputs={"text": "a" * (n + 1)}, reference=n + 1) for n in range(count))
    pin = DatasetPin(
        name="synthetic/lengths",
        revision="1",
        sha256=query_set_sha256(queries),
        rows=count,
        synthetic=True,
    )
    return QuerySet(pin=pin, queries=queries)


def score(query: Query, answer: Answer) -> Any:
    """1 for a right length."""
    return 1.0 if answer.output == query.reference else 0.0


@dataclass
class Counting:
    """Answers with the length of the text; ``before`` is called before each batch and may raise."""

    before: Callable[[Sequence[Query]], None] = lambda batch: None
    failed: dict[int, str] = field(default_factory=dict)
    """Index of a query -> why it fails."""
    batches: list[int] = field(default_factory=list)
    asked_tokens: list[int | None] = field(default_factory=list)
    closed: bool = False
    sha256: str = "0" * 64

    @property
    def facts(self) -> ModelFacts:
        return ModelFacts(id="letters", sha256=self.sha256, served_by="tests")

    def prepare(self, batch: Sequence[Query]) -> Any:
        return [str(query.inputs["text"]) for query in batch]

    def answer(
        self, batch: Sequence[Query], prepared: Any, *, output_tokens: int | None = None
    ) -> Sequence[Answer]:
        self.before(batch)
        self.batches.append(len(batch))
        self.asked_tokens.append(output_tokens)
        return [self._one(query, text) for query, text in zip(batch, prepared, strict=True)]

    def close(self) -> None:
        self.closed = True

    def _one(self, query: Query, text: str) -> Answer:
        if query.index in self.failed:
            return Answer(output=None, failed=self.failed[query.index])
        return Answer(output=len(text), input_tokens=len(text), output_tokens=10, first_output_seconds=0.001)


def a_job(model: Any, profile: str | Profile = "standard", count: int = 4, **pins: Any) -> Job:
    """A benchmark of that model."""

    def pinned(queries: QuerySet) -> Pinned:
        fields: dict[str, Any] = {
            "task": "text_generation",
            "dataset": queries.pin,
            "queries": len(queries.queries),
            "seed": 0,
            "output_tokens": 10,
        }
        return Pinned(**{**fields, **pins})

    return Job(
        profile=PROFILES[profile] if isinstance(profile, str) else profile,
        queries=lambda: a_set(count),
        pinned=pinned,
        load=lambda pinned, queries: model,
        score=score,
    )
