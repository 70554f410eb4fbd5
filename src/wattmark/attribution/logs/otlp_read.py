"""GenAI spans as requests: one request for each span that stands for a call of a model.

Attributes, in the order in which they are looked for: OpenTelemetry's conventions for generative AI
(https://github.com/open-telemetry/semantic-conventions-genai), their older names
(https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/), vLLM's own latencies
(vllm/tracing: gen_ai.latency.*, seconds), OpenLLMetry's llm.* and OpenInference's llm.token_count.*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any

from wattmark.attribution.columns import RequestColumns
from wattmark.attribution.logs.catalog import Asked
from wattmark.attribution.logs.files import blocks_of, lines_of, opened
from wattmark.attribution.logs.layout import NAMES, Layout, layout_for
from wattmark.attribution.logs.otlp_spans import (
    MOST_MESSAGE,
    SERVER,
    Scalar,
    Span,
    spans_of_json,
    spans_of_protobuf,
)
from wattmark.attribution.logs.parsed import Services, requests_of
from wattmark.attribution.logs.rows import Row, parsed_rows
from wattmark.attribution.logs.tally import Tally
from wattmark.core.errors import UsageError
from wattmark.protobuf_wire import Malformed

ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "model": ("gen_ai.response.model", "gen_ai.request.model", "llm.model_name", "llm.request.model"),
    "input_tokens": (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "llm.usage.prompt_tokens",
        "llm.token_count.prompt",
    ),
    "cached_input_tokens": (
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "llm.token_count.prompt_details.cache_read",
    ),
    "output_tokens": (
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "llm.usage.completion_tokens",
        "llm.token_count.completion",
    ),
    "to_first_token": (
        "gen_ai.latency.time_to_first_token",
        "gen_ai.server.time_to_first_token",
        "gen_ai.response.time_to_first_chunk",
    ),
    "queue": ("gen_ai.latency.time_in_queue",),
}
OPERATION = "gen_ai.operation.name"
INFERENCE = ("chat", "text_completion", "generate_content", "embeddings", "completion")
SIGNS = (*ATTRIBUTES["input_tokens"], *ATTRIBUTES["output_tokens"], "gen_ai.latency.e2e")
"""A span without an operation is a call of a model when it has one of these."""
FIRST_EVENTS = ("First Token Stream Event", "llm.content.completion.chunk", "gen_ai.first_token")
"""Events at the first token (OpenInference), or at each chunk (OpenLLMetry)."""
WANTED = frozenset((*chain.from_iterable(ATTRIBUTES.values()), OPERATION, "gen_ai.latency.e2e", "error.type"))
ROWS = 100_000
FIRST_SPANS = 10_000
MOST_PARENTS = 1 << 20
AT_THE_CLIENT = (
    "times are a client's: the network and waiting inside the engine count as work; the engine's own spans "
    "(vLLM: --otlp-traces-endpoint) know better"
)
NESTED = "spans that hold another call of a model are wrappers of it, and are left out"
LAYOUT = {name: [(name, "")] for name in (*ATTRIBUTES, "request_id", "failed", *NAMES)} | {
    "start": [("start", "ns")],
    "end": [("end", "ns")],
    "first_token": [("first_token", "ns")],
    "to_first_token": [("to_first_token", "s")],
    "queue": [("queue", "s")],
}


def read(asked: Asked) -> Iterator[RequestColumns]:
    """The requests of a file of spans. Raises UsageError before the first of them."""
    wish = asked.options.get("spans")
    if wish not in (None, "server", "client"):
        raise UsageError("-o spans: say server or client")
    options = {key: value for key, value in asked.options.items() if key != "spans"}
    row = {name: 1 if name in ("start", "end") else None for name in LAYOUT}
    row |= dict.fromkeys(("start", "end", "first_token"), 1_700_000_000_000_000_000)
    layout = layout_for(LAYOUT, [row], options, asked.tally.name)
    return _requests(asked, layout, wish)


def _requests(asked: Asked, layout: Layout, wish: str | None) -> Iterator[RequestColumns]:
    services = Services()
    rows = _rows(_spans(asked.path, asked.tally), wish, asked.tally)
    while some := list(islice(rows, ROWS)):
        parsed = parsed_rows(some, layout, services, asked.tally, with_ids=asked.with_ids)
        yield requests_of(parsed, services, asked.tally, layout.tolerance_us)


def _rows(spans: Iterator[tuple[int, Span]], wish: str | None, tally: Tally) -> Iterator[Row]:
    """Spans that are requests, of one side: the engine's where a file holds both."""
    first = list(islice(spans, FIRST_SPANS))
    served = any(span.kind_number == SERVER and _is_call(_told(span)) for _, span in first)
    server = wish == "server" or (wish is None and served)
    if not server:
        tally.note(AT_THE_CLIENT)
    parents = _Parents()
    for number, span in chain(first, spans):
        told = _told(span)
        ours = (span.kind_number == SERVER) is server
        if not ours and not server and wish is None and _is_call(told):
            raise UsageError(
                f"{tally.name}:{number}: holds spans of servers and of clients: say -o spans=server"
            )
        if not ours or not _is_call(told):
            tally.ignored += 1
            continue
        if span.span_id and span.span_id in parents:
            tally.ignored += 1
            tally.note(NESTED)
            continue
        parents.add(span.parent_span_id)
        yield number, _row(span, told)


class _Parents:
    """The spans that hold a call of a model, the last million or two of them: children are told first."""

    def __init__(self) -> None:
        self._new: set[str] = set()
        self._old: set[str] = set()

    def add(self, span_id: str) -> None:
        if span_id:
            self._new.add(span_id)
        if len(self._new) > MOST_PARENTS:
            self._new, self._old = set(), self._new

    def __contains__(self, span_id: str) -> bool:
        return span_id in self._new or span_id in self._old


def _told(span: Span) -> dict[str, Scalar]:
    return {a.key: a.value.scalar for a in span.attributes or () if a.key in WANTED and a.value is not None}


def _is_call(told: Mapping[str, Scalar]) -> bool:
    operation = told.get(OPERATION)
    return operation in INFERENCE if operation is not None else any(sign in told for sign in SIGNS)


def _row(span: Span, told: Mapping[str, Scalar]) -> dict[str, Any]:
    row: dict[str, Any] = {
        name: next((told[key] for key in keys if key in told), None) for name, keys in ATTRIBUTES.items()
    }
    row["start"], row["end"] = span.start_time_unix_nano, span.end_time_unix_nano
    row["request_id"] = f"{span.trace_id}:{span.span_id}" if span.span_id else None
    row["failed"] = span.failed or "error.type" in told
    if row["to_first_token"] is None:
        row["first_token"] = next(
            (e.time_unix_nano for e in span.events or () if e.name in FIRST_EVENTS), None
        )
    return row


def _spans(path: Path, tally: Tally) -> Iterator[tuple[int, Span]]:
    """The spans of a file with the number of their line, or of their message."""
    with opened(path) as file:
        first = file.read(1)
    if first in (b"{", b"\xef", b" ", b"\n") and not _is_message(path):
        messages: Iterable[tuple[int, bytes]] = chain.from_iterable(map(lines_of, blocks_of(path, tally)))
        spans_in: Callable[[bytes], Iterator[Span]] = spans_of_json
    else:
        messages, spans_in = _messages(path, tally), spans_of_protobuf
    for number, message in messages:
        try:
            found = list(spans_in(message))
        except Malformed as error:
            tally.refuse(number, str(error))
            continue
        for span in found:
            yield number, span


def _is_message(path: Path) -> bool:
    """Whether a file that begins with a line end is a protobuf message: its first tag is that byte."""
    with opened(path) as file:
        head = file.read(64).lstrip(b"\xef\xbb\xbf \r\n")
    return not head.startswith(b"{")


def _messages(path: Path, tally: Tally) -> Iterator[tuple[int, bytes]]:
    """The protobuf messages of a file: each with its length before it, or one that is the file."""
    with opened(path) as file:
        head = file.read(4)
        if head[:1] == b"\n":
            yield 1, head + file.read(MOST_MESSAGE)
            return
        number = 1
        while len(head) == 4:
            length = int.from_bytes(head, "big")
            data = file.read(length) if length <= MOST_MESSAGE else b""
            if len(data) != length:
                tally.refuse(number, "is no OTLP protobuf, or breaks off")
                return
            yield number, data
            head = file.read(4)
            number += 1
