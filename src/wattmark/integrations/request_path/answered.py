"""What an answer tells while it passes: when its first token came, how many there were, whether it failed.

Nothing is changed, held back or kept but the last few kilobytes. Usage stands at the end of an answer, so
that is where it is looked for: the bytes from a field's name to the end, with a brace in front, are a whole
JSON object exactly when the field belongs to the outermost one. Text that was generated cannot pass for it,
because quotes inside a JSON text are escaped.

The shapes: OpenAI (platform.openai.com/docs/api-reference), which vLLM, SGLang, TGI, llama.cpp and others
answer in; Anthropic's messages (docs.claude.com/en/api/messages); Ollama (docs.ollama.com/api); llama.cpp's
``timings`` (github.com/ggml-org/llama.cpp, tools/server/README.md).
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import Any

import msgspec

SMALL = 4096
"""Answers up to so many bytes are read whole."""
KEPT = 16384
"""Of longer ones so many bytes at the end are kept."""
LONGEST_LINE = 1 << 18
"""A first event that is longer counts as content."""
LARGEST = 10**12


class _Details(msgspec.Struct):
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


class _Counts(msgspec.Struct):
    """``usage`` in the words of OpenAI (chat; responses) and Anthropic."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: _Details | None = None
    output_tokens_details: _Details | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None


class _Timings(msgspec.Struct):
    """What llama.cpp adds, also where nobody asked for usage."""

    prompt_n: int | None = None
    cache_n: int = 0
    predicted_n: int | None = None


class _Inner(msgspec.Struct):
    model: str | None = None
    usage: _Counts | None = None


class _Answer(msgspec.Struct):
    """The outermost object of an answer, or of one event of a stream."""

    model: str | None = None
    usage: _Counts | None = None
    timings: _Timings | None = None
    error: Any = None
    type: str | None = None
    response: _Inner | str | None = None
    message: Any = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None


@dataclass(slots=True)
class Usage:
    """What an answer told. None: it did not."""

    model: str = ""
    input_tokens: int | None = None
    cached_input_tokens: int = 0
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    """Of the output tokens."""
    failed: bool = False
    """The answer holds an error, though its status was good."""


_answer = msgspec.json.Decoder(_Answer)
_loose = msgspec.json.Decoder()
_LINE_END = re.compile(rb"\r\n|\n|\r")
_FIELDS = (b'"usage"', b'"timings"', b'"prompt_eval_count"', b'"eval_count"')
_DOCUMENT = (b"{",)
_EVENT = (b"{", b'{"response":{')
"""What may stand open where a field begins: the last event of the responses API has its usage one deeper."""


class AnswerReader:
    """Reads one answer as its pieces pass."""

    __slots__ = ("_begun", "_inputs", "_lines", "_part", "_size", "_streams", "_tail", "_unpack")

    def __init__(self, content_type: bytes, encoding: bytes = b"") -> None:
        self._streams = b"event-stream" in content_type or b"ndjson" in content_type
        self._unpack: Any = None
        if encoding in (b"gzip", b"deflate"):
            self._unpack = zlib.decompressobj(wbits=47)
        self._tail = bytearray()
        self._size = 0
        self._begun = not self._streams
        self._part = b""
        self._inputs: _Counts | None = None

    @property
    def streams(self) -> bool:
        """Whether events are told one after the other."""
        return self._streams

    def feed(self, piece: bytes) -> bool:
        """Take the next bytes; True when the first token is among them. One answer has one such moment."""
        if type(piece) is not bytes:
            piece = bytes(piece)  # some hosts give views of their buffers
        if self._unpack is not None:
            piece = self._unpacked(piece)
        tail = self._tail
        tail += piece
        self._size += len(piece)
        if len(tail) > 2 * KEPT:
            del tail[:-KEPT]
        if self._begun:
            return False
        self._begun = self._content_in(piece)
        return self._begun

    def usage(self) -> Usage:
        """What the answer told, once it is over."""
        tail = bytes(self._tail)
        if self._streams:
            return _of_stream(tail, self._inputs)
        if self._size <= SMALL:
            try:
                return _usage_of(_answer.decode(tail))
            except (msgspec.DecodeError, RecursionError):
                return Usage()
        return _of_tail(tail, _DOCUMENT)

    def _unpacked(self, piece: bytes) -> bytes:
        """A copy of the piece, unpacked; what cannot be, or grows a thousandfold, is not read any more."""
        try:
            return bytes(self._unpack.decompress(piece, 1 << 20))
        except zlib.error:
            self._unpack = _Nothing
            return b""

    def _content_in(self, piece: bytes) -> bool:
        """Whether a whole line that carries content has come."""
        *lines, self._part = _LINE_END.split(self._part + piece)
        if len(self._part) > LONGEST_LINE:
            return True
        return any(self._carries(line) for line in lines)

    def _carries(self, line: bytes) -> bool:
        """Whether a line of an event stream, or of JSON lines, holds anything that was generated."""
        if line.startswith(b"data:"):
            line = line[5:]
        elif not line.startswith(b"{"):
            return False
        try:
            event = _loose.decode(line)
        except (msgspec.DecodeError, RecursionError):
            return False
        if not isinstance(event, dict):
            return False
        if event.get("type") == "message_start":
            self._inputs = _counts_in_start(line)
        return _has_content(event)


class _Nothing:
    """Stands for what cannot be unpacked."""

    @staticmethod
    def decompress(_piece: bytes, _most: int) -> bytes:
        return b""


def _has_content(event: dict[str, Any]) -> bool:
    """Whether an event brings a token; one that only opens the answer, or tells usage, does not."""
    choices = event.get("choices")
    if isinstance(choices, list):
        return any(_generated(choice) for choice in choices)
    kind = event.get("type")
    if isinstance(kind, str):  # the responses API and messages name their events
        return kind.endswith((".delta", "content_block_delta"))
    message = event.get("message")
    if isinstance(message, dict):  # Ollama's chat
        return any(message.get(name) for name in ("content", "thinking", "tool_calls"))
    return any(event.get(name) for name in ("response", "content", "token", "embedding", "thinking"))


def _generated(choice: Any) -> bool:
    if not isinstance(choice, dict):
        return False
    if choice.get("text"):
        return True
    delta = choice.get("delta")
    return isinstance(delta, dict) and any(value for name, value in delta.items() if name != "role")


def usage_in(answer: object) -> Usage:
    """What an answer told that a client has parsed already, by its attributes."""
    said = _said(answer, _Answer.__struct_fields__)
    for name, kind in (("response", _Inner), ("usage", _Counts)):
        if name in said and not isinstance(said[name], (str, dict)):
            said[name] = _said(said[name], kind.__struct_fields__)
    inner = said.get("response")
    if isinstance(inner, dict) and inner.get("usage") is not None:
        inner["usage"] = _said(inner["usage"], _Counts.__struct_fields__)
    try:
        return _usage_of(msgspec.convert(said, _Answer, from_attributes=True))
    except (msgspec.ValidationError, RecursionError):
        return Usage()


def _said(answer: object, names: tuple[str, ...]) -> dict[str, Any]:
    """Those of an object's attributes that are there; asking it for one that is not takes it long."""
    if isinstance(answer, dict):
        return answer
    has = getattr(answer, "__dict__", {})
    more = getattr(answer, "__pydantic_extra__", None) or {}  # what no field of its class is for
    return {n: v for n in names if (v := has[n] if n in has else more.get(n)) is not None}


def _counts_in_start(line: bytes) -> _Counts | None:
    class _Start(msgspec.Struct):
        message: _Inner

    try:
        return msgspec.json.decode(line, type=_Start).message.usage
    except msgspec.DecodeError:
        return None


def _of_stream(tail: bytes, inputs: _Counts | None) -> Usage:
    """The last word of a stream: usage may stand in the last event or a few before it."""
    found = Usage()
    seen = False
    for line in reversed(_LINE_END.split(tail)):
        data = line[5:] if line.startswith(b"data:") else line
        if seen and found.model:
            break
        if not data.lstrip().startswith(b"{"):
            usage = _of_tail(data, _EVENT) if len(data) >= SMALL else None  # its beginning was not kept
        else:
            try:
                usage = _usage_of(_answer.decode(data), inputs)
            except (msgspec.DecodeError, RecursionError):
                usage = None
        if usage is None:
            continue
        failed = found.failed or usage.failed
        model = found.model or usage.model
        if not seen and (usage.output_tokens is not None or usage.input_tokens is not None):
            found, seen = usage, True
        found.failed, found.model = failed, model
    return found


def _of_tail(tail: bytes, openings: tuple[bytes, ...]) -> Usage:
    """Usage, and the model, among the last fields of a long answer."""
    found = Usage()
    for name in _FIELDS:
        answer = _from(tail, name, openings)
        if answer is not None:
            found = _usage_of(answer)
            break
    if not found.model and (answer := _from(tail, b'"model"', openings)) is not None:
        found.model = answer.model or ""
    return found


def _from(tail: bytes, name: bytes, openings: tuple[bytes, ...]) -> _Answer | None:
    """The outermost object from this field on; None where the field is no part of it."""
    at = len(tail)
    for _ in range(4):
        at = tail.rfind(name, 0, at)
        if at < 0:
            return None
        rest = tail[at:].rstrip()
        for opening in openings:
            try:
                return _answer.decode(opening + rest)
            except (msgspec.DecodeError, RecursionError):
                continue
    return None


def _usage_of(answer: _Answer, inputs: _Counts | None = None) -> Usage:
    inner = answer.response if isinstance(answer.response, _Inner) else None
    usage = Usage(
        model=answer.model or (inner.model if inner else None) or "",
        failed=bool(answer.error) or answer.type in ("error", "response.failed"),
    )
    counts = answer.usage or (inner.usage if inner else None)
    if counts is not None:
        _take_counts(usage, counts, inputs)
    elif answer.timings is not None and answer.timings.prompt_n is not None:
        usage.cached_input_tokens = answer.timings.cache_n
        usage.input_tokens = answer.timings.prompt_n + answer.timings.cache_n
        usage.output_tokens = answer.timings.predicted_n
    else:
        usage.input_tokens, usage.output_tokens = answer.prompt_eval_count, answer.eval_count
    if not _possible(usage):
        usage.input_tokens = usage.output_tokens = usage.reasoning_tokens = None
        usage.cached_input_tokens = 0
    return usage


def _take_counts(usage: Usage, counts: _Counts, inputs: _Counts | None) -> None:
    given = counts.prompt_tokens if counts.prompt_tokens is not None else counts.input_tokens
    cached = _detail(counts.prompt_tokens_details or counts.input_tokens_details, "cached_tokens")
    anthropic = counts if counts.input_tokens is not None else inputs
    if anthropic is not None and anthropic.cache_read_input_tokens is not None:
        # Anthropic counts what a cache held apart from input_tokens; the others count it among them.
        cached = anthropic.cache_read_input_tokens
        given = (anthropic.input_tokens or 0) + cached + (anthropic.cache_creation_input_tokens or 0)
    elif given is None and inputs is not None:
        given = inputs.input_tokens
    usage.input_tokens = given
    usage.cached_input_tokens = cached or 0
    out = counts.completion_tokens if counts.completion_tokens is not None else counts.output_tokens
    if out is None and given is not None and counts.total_tokens == given:
        out = 0  # embeddings and rerankings write none
    usage.output_tokens = out
    details = counts.completion_tokens_details or counts.output_tokens_details
    usage.reasoning_tokens = _detail(details, "reasoning_tokens")


def _detail(details: _Details | None, name: str) -> int | None:
    return None if details is None else getattr(details, name)


def _possible(usage: Usage) -> bool:
    """Whether the counts can be: what cannot is not known."""
    for amount in (
        usage.input_tokens,
        usage.cached_input_tokens,
        usage.output_tokens,
        usage.reasoning_tokens,
    ):
        if amount is not None and not 0 <= amount <= LARGEST:
            return False
    return usage.input_tokens is None or usage.cached_input_tokens <= usage.input_tokens
