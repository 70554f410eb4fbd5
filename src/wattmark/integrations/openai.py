"""Energy and carbon of the requests of an OpenAI-compatible client (package ``openai``), sync or async.

    client = metered(OpenAI(base_url="http://127.0.0.1:8000/v1"))
    answer = client.chat.completions.create(model="chat", messages=[...])
    energy_of(answer).spent.joules

The client is copied, with its connections; the one that was given stays as it is. Answers, streams, errors
and retries come as before: what is known of an answer's energy is kept beside it and found by ``energy_of``.
A stream of chat or text completions is asked for its usage where the caller did not, and the piece that tells
it is kept back then. Use this where nobody nearer to the model tells of its requests: each counts once.
"""

from __future__ import annotations

import copy
import weakref
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import Any, TypeVar

from wattmark.core.serving.estimated import Spent
from wattmark.integrations.request_path.answered import Usage, usage_in
from wattmark.integrations.request_path.exchange import Exchange, RequestPath, header_in
from wattmark.integrations.request_path.settings import Settings, settings_from

Client = TypeVar("Client")

ASKED_FOR_USAGE = ("/chat/completions", "/completions")
PATHS = (*ASKED_FOR_USAGE, "/embeddings", "/responses")
RAW = "X-Stainless-Raw-Response"
"""Header by which the client marks requests whose caller wants the raw answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is known of one request, once its answer is there or its stream has ended."""

    request_id: str
    model: str
    input_tokens: int | None
    cached_input_tokens: int
    output_tokens: int | None
    reasoning_tokens: int | None
    """Of the output tokens."""
    failed: bool
    spent: Spent
    """Its energy and carbon, estimated, or why they are missing."""


_kept: dict[int, tuple[weakref.ref[Any], Exchange]] = {}
"""Beside which answer which exchange is kept."""


def energy_of(answer: object) -> Told | None:
    """What is known of an answer or a stream of a metered client; None before a stream has ended."""
    kept = _kept.get(id(answer))
    if kept is None or kept[0]() is not answer or (exchange := kept[1]).spent is None:
        return None
    return Told(
        request_id=exchange.request_id,
        model=exchange.model or exchange.response_model or exchange.requested_model,
        input_tokens=exchange.input_tokens,
        cached_input_tokens=exchange.cached_input_tokens,
        output_tokens=exchange.output_tokens,
        reasoning_tokens=exchange.reasoning_tokens,
        failed=exchange.failed,
        spent=exchange.spent,
    )


def metered(
    client: Client,
    settings: Settings | None = None,
    *,
    path: RequestPath | None = None,
    ask_usage: bool = True,
) -> Client:
    """A copy of the client whose requests are told of. Without settings those of the environment hold.

    ``ask_usage``: ask streams for usage where the caller did not; some old servers refuse ``stream_options``.
    """
    path = RequestPath(settings or settings_from()) if path is None else path
    given: Any = client
    wrapped: Client = _wrapped(given.copy(), _Watch(path, ask_usage))
    return wrapped


def _wrapped(client: Any, watch: _Watch) -> Any:
    """The client with the three of its methods in place that every request and every copy goes through."""
    request, copied = client.request, client.copy
    if iscoroutinefunction(request):

        async def asking(cast_to: Any, options: Any, **how: Any) -> Any:
            return await watch.asynchronously(request, cast_to, options, how)

        client.request = asking
    else:

        def asked(cast_to: Any, options: Any, **how: Any) -> Any:
            return watch.synchronously(request, cast_to, options, how)

        client.request = asked

    def copy_too(*args: Any, **kwargs: Any) -> Any:
        return _wrapped(copied(*args, **kwargs), watch)

    client.copy = client.with_options = copy_too
    return client


class _Watch:
    """Follows the requests of one client and its copies."""

    def __init__(self, path: RequestPath, ask_usage: bool) -> None:
        self._path = path
        self._ask_usage = ask_usage

    def synchronously(self, request: Any, cast_to: Any, options: Any, how: dict[str, Any]) -> Any:
        begun = self._begin(options, how)
        if begun is None:
            return request(cast_to, options, **how)
        exchange, options, hidden = begun
        try:
            answer = request(cast_to, options, **how)
        except BaseException as error:
            exchange.refuse(getattr(error, "status_code", None))
            exchange.ends(failed=True)
            raise
        return self._answered(exchange, answer, how, hidden)

    async def asynchronously(self, request: Any, cast_to: Any, options: Any, how: dict[str, Any]) -> Any:
        begun = self._begin(options, how)
        if begun is None:
            return await request(cast_to, options, **how)
        exchange, options, hidden = begun
        try:
            answer = await request(cast_to, options, **how)
        except BaseException as error:
            exchange.refuse(getattr(error, "status_code", None))
            exchange.ends(failed=True)
            raise
        return self._answered(exchange, answer, how, hidden)

    def _begin(self, options: Any, how: dict[str, Any]) -> tuple[Exchange, Any, bool] | None:
        """The exchange, the options to ask with, and whether the piece with usage is ours to keep back."""
        url, asked = str(options.url), options.json_data
        if options.method.lower() != "post" or not url.endswith(PATHS) or not isinstance(asked, dict):
            return None
        headers = options.headers if isinstance(options.headers, dict) else {}
        if headers.get(RAW) == "stream":
            return None  # its caller reads the bytes when it likes: nobody knows when it ends
        exchange = self._path.begin(header_in({str(k).lower(): str(v) for k, v in headers.items()}))
        model = asked.get("model")
        exchange.requested_model = self._path.names.of(model) if isinstance(model, str) else ""
        hidden = bool(
            self._ask_usage
            and how.get("stream")
            and url.endswith(ASKED_FOR_USAGE)
            and not asked.get("stream_options")
        )
        if hidden:
            options = copy.copy(options)
            options.json_data = {**asked, "stream_options": {"include_usage": True}}
        exchange.starts()
        return exchange, options, hidden

    def _answered(self, exchange: Exchange, answer: Any, how: dict[str, Any], hidden: bool) -> Any:
        raw = getattr(answer, "http_response", None)
        if raw is not None and not how.get("stream"):
            exchange.answers(raw.status_code, lambda name: str(raw.headers.get(name, "")))
            exchange.answered(raw.content)
            exchange.ends()
            _keep(answer, exchange)
            return answer
        stream = answer
        if raw is not None:
            stream = answer.parse()  # kept by the answer: its caller is given the same one
        if not how.get("stream"):
            exchange.take(usage_in(answer))
            exchange.ends()
            _keep(answer, exchange)
            return answer
        _follow(stream, _Following(exchange, stream, hidden))
        return answer


class _Following:
    """What a stream has told so far."""

    def __init__(self, exchange: Exchange, stream: Any, hidden: bool) -> None:
        self._exchange = exchange
        self._stream = weakref.ref(stream)
        self._hidden = hidden
        self._usage = Usage()

    def keeps_back(self, piece: Any) -> bool:
        """Note a piece; True when it is only there because we asked for it."""
        usage = usage_in(piece)
        if usage.input_tokens is not None or usage.output_tokens is not None:
            self._usage = usage
        elif usage.model and not self._usage.model:
            self._usage.model = usage.model
        self._usage.failed = self._usage.failed or usage.failed
        if _brings_a_token(piece):
            self._exchange.first_token()
        return self._hidden and getattr(piece, "choices", None) == [] and piece.usage is not None

    def over(self, *, failed: bool) -> None:
        if self._exchange.spent is None:
            self._exchange.take(self._usage)
            self._exchange.ends(failed=failed)
            if (stream := self._stream()) is not None:
                _keep(stream, self._exchange)


def _follow(stream: Any, following: _Following) -> None:
    """Put ourselves between a stream and its reader. Its class and its methods stay."""
    before, close = stream._iterator, stream.close
    if hasattr(before, "__anext__"):
        stream._iterator = _each_async(before, following)

        async def closing() -> None:
            try:
                await close()
            finally:
                following.over(failed=True)

        stream.close = closing
        return
    stream._iterator = _each(before, following)

    def closed() -> None:
        try:
            close()
        finally:
            following.over(failed=True)

    stream.close = closed


def _each(pieces: Iterator[Any], following: _Following) -> Iterator[Any]:
    try:
        for piece in pieces:
            if not following.keeps_back(piece):
                yield piece
    except BaseException:
        following.over(failed=True)
        raise
    following.over(failed=False)


async def _each_async(pieces: AsyncIterator[Any], following: _Following) -> AsyncIterator[Any]:
    try:
        async for piece in pieces:
            if not following.keeps_back(piece):
                yield piece
    except BaseException:
        following.over(failed=True)
        raise
    following.over(failed=False)


def _brings_a_token(piece: Any) -> bool:
    choices = getattr(piece, "choices", None)
    if choices is None:
        return str(getattr(piece, "type", "")).endswith(".delta")
    for choice in choices:
        if getattr(choice, "text", None):
            return True
        delta = getattr(choice, "delta", None)
        said = {**vars(delta), **(getattr(delta, "model_extra", None) or {})} if delta is not None else {}
        if any(value for name, value in said.items() if name != "role" and not name.startswith("_")):
            return True
    return False


def _keep(answer: Any, exchange: Exchange) -> None:
    """Keep what is known beside an answer, for as long as the answer lives."""
    key = id(answer)
    try:
        _kept[key] = (weakref.ref(answer, lambda _: _kept.pop(key, None)), exchange)
    except TypeError:  # a text or a list, as some formats of answers are, cannot be kept track of
        return
