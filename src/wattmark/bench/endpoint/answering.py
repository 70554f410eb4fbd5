"""An answerer whose model is behind a server; threads may ask it at the same time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

from wattmark.bench.asking import Answer, Query
from wattmark.bench.endpoint.http import Client, Failed
from wattmark.bench.endpoint.served import Served
from wattmark.core.bench.pinned import ModelFacts, Pinned

MOST = 1 << 53
"""Tokens of one answer: more is a server's mistake, and no bundle would hold it."""


class Way(Protocol):
    """How queries of one task are asked of a server."""

    def pinned(self, pinned: Pinned) -> Pinned:
        """What is pinned, as far as the server can be held to it; the rest is said as it is."""
        ...

    def prepare(self, query: Query) -> Any:
        """What is sent for a query, as far as it is known before. Raises Failed."""
        ...

    def ask(self, client: Client, prepared: Any, output_tokens: int | None) -> Answer:
        """One answer. Raises Failed."""
        ...


class EndpointAnswerer:
    """Asks one model of one server. A failure is an answer that says why; nothing is asked again."""

    def __init__(self, client: Client, served: Served, way: Way, pinned: Pinned) -> None:
        self._client = client
        self._served = served
        self._way = way
        self.pinned = way.pinned(replace(pinned, batch_size=1))
        """What is pinned, as the server can be held to it."""

    @property
    def facts(self) -> ModelFacts:
        """What it is, as far as a server tells."""
        return ModelFacts(
            id=self._served.shown,
            parameters=self._served.parameters,
            device="an endpoint",
            served_by=self._served.engine,
        )

    def prepare(self, batch: Sequence[Query]) -> list[Any]:
        """The body of each request, or why there is none."""
        return [self._prepared(query) for query in batch]

    def answer(
        self, batch: Sequence[Query], prepared: Any, *, output_tokens: int | None = None
    ) -> list[Answer]:
        """One request after the other: a server makes its own batches of those that come side by side."""
        return [self._asked(body, output_tokens) for body in prepared]

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def _prepared(self, query: Query) -> Any:
        try:
            return self._way.prepare(query)
        except Failed as error:
            return error

    def _asked(self, body: Any, output_tokens: int | None) -> Answer:
        if isinstance(body, Failed):
            return Answer(output=None, failed=str(body))
        try:
            return self._way.ask(self._client, body, output_tokens)
        except Failed as error:
            return Answer(output=None, failed=str(error))


def counted(answer: Answer, said: Any) -> Answer:
    """The answer with its tokens as the server counted them; what it did not tell stays None."""
    usage = said.get("usage") if isinstance(said, dict) else None
    if not isinstance(usage, dict):
        return answer
    details = usage.get("prompt_tokens_details")
    return replace(
        answer,
        input_tokens=_count(usage.get("prompt_tokens", usage.get("input_tokens"))),
        cached_input_tokens=_count(details.get("cached_tokens")) if isinstance(details, dict) else None,
        output_tokens=_count(usage.get("completion_tokens", usage.get("output_tokens"))),
    )


def _count(value: object) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value <= MOST else None
