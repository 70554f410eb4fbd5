"""What tests of endpoints share: pins, queries, and an answerer that is closed again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from wattmark.bench.asking import Query
from wattmark.bench.endpoint.answering import EndpointAnswerer
from wattmark.bench.endpoint.opening import EndpointAsked, open_endpoint
from wattmark.core.bench.pinned import DatasetPin, Pinned


def pins(task: str, **more: Any) -> Pinned:
    pin = DatasetPin(name=f"synthetic/{task}", revision="1", sha256="0" * 64, rows=8, synthetic=True)
    return Pinned(task=task, dataset=pin, queries=8, seed=7, **more)


def a_query(index: int = 0, **inputs: Any) -> Query:
    return Query(index=index, inputs=inputs or {"text": "the prompt that nobody may see"})


@contextmanager
def opened(
    url: str, task: str = "text_generation", *, environ: Mapping[str, str] | None = None, **more: Any
) -> Iterator[EndpointAnswerer]:
    how = {
        k: more.pop(k) for k in ("api", "model", "timeout_seconds", "streamed", "key_variable") if k in more
    }
    asked = EndpointAsked(url=url, environ=environ or {}, **how)
    if task == "text_generation":
        more = {"output_tokens": 4, "max_input_tokens": 512, **more}
    answerer = open_endpoint(task, asked, pins(task, **more))
    try:
        yield answerer
    finally:
        answerer.close()
