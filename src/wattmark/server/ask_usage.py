"""Asks streams of completions for their usage where the client did not, and keeps what comes of it to itself.

An OpenAI stream tells its tokens in one more event before ``[DONE]``, with usage and no choices, and only
when the request has ``"stream_options": {"include_usage": true}``
(https://platform.openai.com/docs/api-reference/chat/create#chat_create-stream_options). Requests that stream
and do not state it are given it; that event is taken out of their answers again. All else passes as it came.
Put it around the energy middleware, which then sees the usage and the client does not.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

ENDS = ("/completions",)
"""Ends of the paths that have the field, of chat and of text. Other APIs tell unasked."""
MOST_BODY = 8 << 20
"""A request with more bytes passes as it is."""
MOST_EVENT = 1 << 20
"""An event with more bytes passes as it is."""

_EVENT_END = re.compile(rb"(?:\r\n|\n|\r(?=[^\n])){2}")
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encode = msgspec.json.Encoder().encode


class _Chunk(msgspec.Struct):
    choices: list[msgspec.Raw] | None = None
    usage: dict[str, msgspec.Raw] | None = None
    error: msgspec.Raw | None = None


_chunk = msgspec.json.Decoder(_Chunk)


class AskUsage:
    """Wraps an application."""

    def __init__(self, app: App, ends: tuple[str, ...] = ENDS) -> None:
        self.app = app
        self._ends = ends

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].endswith(self._ends):
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"0")
        if b"content-encoding" in headers or not length.isdigit() or int(length) > MOST_BODY:
            await self.app(scope, receive, send)
            return
        came = await _all(receive)
        body = b"".join(message.get("body", b"") for message in came)
        whole = came[-1]["type"] == "http.request" and not came[-1].get("more_body")
        asking = asked(body) if whole and len(body) <= MOST_BODY else None
        if asking is None:
            await self.app(scope, _again(came, receive), send)
            return
        message = {"type": "http.request", "body": asking, "more_body": False}
        passing = _Passing(send)
        await self.app(_with_length(scope, len(asking)), _again([message], receive), passing.send)
        await passing.over()


async def _all(receive: Receive) -> list[Message]:
    """The pieces of a body, up to its end or to where it is too long."""
    came: list[Message] = []
    size = 0
    while True:
        message = await receive()
        came.append(message)
        size += len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body") or size > MOST_BODY:
            return came


def _again(came: list[Message], receive: Receive) -> Receive:
    """Gives what came, and then what comes."""
    waiting = list(reversed(came))

    async def give() -> Message:
        return waiting.pop() if waiting else await receive()

    return give


def _with_length(scope: Scope, length: int) -> Scope:
    """The request's head for another body. Its answer must not be packed: events are looked for in it."""
    gone = (b"content-length", b"transfer-encoding", b"accept-encoding")
    kept = [(name, value) for name, value in scope["headers"] if name.lower() not in gone]
    more = [(b"content-length", str(length).encode()), (b"accept-encoding", b"identity")]
    return {**scope, "headers": [*kept, *more]}


def asked(body: bytes) -> bytes | None:
    """The body with usage asked for; None where it does not stream, states it itself, or is no JSON object.

    Every other field keeps its bytes.
    """
    try:
        fields = _fields.decode(body)
        if bytes(fields.get("stream", b"")) != b"true":
            return None
        stated = bytes(fields.get("stream_options", b"null"))
        options = {} if stated == b"null" else _fields.decode(stated)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if "include_usage" in options:
        return None
    options["include_usage"] = msgspec.Raw(b"true")
    fields["stream_options"] = msgspec.Raw(_encode(options))
    return _encode(fields)


class _Passing:
    """Hands an answer on, but for the event that nobody asked for."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._filters = False
        self._held = b""

    async def send(self, message: Message) -> None:
        """The next message of the application."""
        if message["type"] == "http.response.start":
            message = self._started(message)
        elif message["type"] == "http.response.body" and self._filters:
            more = message.get("more_body", False)
            body = self._passed(bytes(message.get("body", b"")), last=not more)
            if more and not body:
                return
            message = {**message, "body": body}
        await self._send(message)

    async def over(self) -> None:
        """Nothing comes any more. Where the answer broke off, what it began with passes."""
        if self._held:
            held, self._held = self._held, b""
            await self._send({"type": "http.response.body", "body": held, "more_body": True})

    def _started(self, message: Message) -> Message:
        headers = [(name.lower(), value) for name, value in message.get("headers", ())]
        told = dict(headers)
        self._filters = b"event-stream" in told.get(b"content-type", b"") and told.get(
            b"content-encoding", b"identity"
        ) in (b"identity", b"")
        if not self._filters:
            return message
        kept = [(n, v) for n, v in message["headers"] if n.lower() != b"content-length"]
        return {**message, "headers": kept}

    def _passed(self, piece: bytes, *, last: bool) -> bytes:
        """What may go on now: whole events. The beginning of one waits for its end."""
        data = self._held + piece
        kept: list[bytes] = []
        begin = 0
        for found in _EVENT_END.finditer(data):
            event = data[begin : found.end()]
            begin = found.end()
            if not tells_usage_only(event):
                kept.append(event)
        self._held = data[begin:]
        if (last and not tells_usage_only(self._held)) or len(self._held) > MOST_EVENT:
            kept.append(self._held)
            self._held = b""
        elif last:
            self._held = b""
        return b"".join(kept)


def tells_usage_only(event: bytes) -> bool:
    """Whether an event is the one that ``include_usage`` adds: usage, and no choices."""
    if b'"usage"' not in event:
        return False
    lines = re.split(rb"\r\n|\n|\r", event)
    data = b"\n".join(line[5:] for line in lines if line.startswith(b"data:"))
    try:
        told = _chunk.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return False
    return told.choices == [] and told.usage is not None and told.error is None
