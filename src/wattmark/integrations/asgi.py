"""Energy and carbon of each request of an ASGI application: a middleware without a framework.

    app.add_middleware(EnergyMiddleware, settings=Settings(tenant_header="x-tenant"))   # Starlette, FastAPI
    vllm serve MODEL --middleware wattmark.integrations.asgi.EnergyMiddleware           # from the environment

Put it inside whatever compresses answers. Requests to other paths, websockets and the lifespan pass
untouched; bodies are never changed (unless a comment is asked for), and whatever the host raises goes on.
The protocol: asgi.readthedocs.io/en/latest/specs/www.html.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from wattmark.integrations.request_path.exchange import Exchange, RequestPath, header_of
from wattmark.integrations.request_path.settings import Settings, settings_from

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

STATE = "wattmark"
"""Under this name the request's Exchange stands in the scope, for a host that states tokens itself."""


class EnergyMiddleware:
    """Wraps an application. Without settings those of the environment hold."""

    def __init__(
        self, app: App, settings: Settings | None = None, *, path: RequestPath | None = None
    ) -> None:
        self.app = app
        self.path = RequestPath(settings or settings_from()) if path is None else path
        self._ends = self.path.settings.paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if not self._counts(scope):
            await self.app(scope, receive, send)
            return
        exchange = self.path.begin(header_of(scope["headers"]))
        scope[STATE] = exchange
        passing = _Passing(self.path.settings, exchange, scope, receive, send)
        try:
            await self.app(scope, passing.receive, passing.send)
        except BaseException:  # cancellation is one, too; it goes on as it came
            passing.over(failed=True)
            raise
        passing.over(failed=not passing.complete)

    def _counts(self, scope: Scope) -> bool:
        """Whether this runs a model, and nobody further out has told of it."""
        if scope["type"] != "http" or scope["method"] != "POST":
            return False
        return bool(scope["path"].endswith(self._ends)) and STATE not in scope


class _Passing:
    """Stands between one request and its server."""

    __slots__ = (
        "_exchange", "_flows", "_head", "_length", "_receive", "_send", "_settings", "_streams", "_trails",
        "complete",
    )  # fmt: skip

    def __init__(
        self, settings: Settings, exchange: Exchange, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self.complete = False
        self._settings = settings
        self._exchange = exchange
        self._receive = receive
        self._send = send
        self._head: Message | None = None
        self._length = -1
        self._streams = False
        self._flows = False
        """The head is out: pieces of the body pass as they are."""
        extensions = scope.get("extensions") or {}
        self._trails = settings.trailers and "http.response.trailers" in extensions

    async def receive(self) -> Message:
        """What the client sends, as it is."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._exchange.asked(message.get("body", b""), message.get("more_body", False))
        elif message["type"] == "http.disconnect" and not self.complete:
            self._exchange.failed = True
        return message

    def send(self, message: Message) -> Awaitable[None]:
        """What the application answers, as it is, with our headers."""
        if self._flows and message["type"] == "http.response.body" and message.get("more_body"):
            self._exchange.answered(message.get("body", b""))
            return self._send(message)  # most messages of a stream: nothing is put in between
        return self._other(message)

    async def _other(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            await self._start(message)
        elif kind == "http.response.body":
            await self._body(message)
        else:
            await self._released()
            await self._send(message)
            if kind in ("http.response.pathsend", "http.response.zerocopysend"):
                self.complete = not message.get("more_body", False)

    def over(self, *, failed: bool) -> None:
        """Nothing comes any more."""
        self._exchange.ends(failed=failed)

    async def _start(self, message: Message) -> None:
        header = header_of(message.get("headers", ()))
        self._streams = self._exchange.answers(message["status"], header)
        length = header("content-length")
        self._length = int(length) if length.isdecimal() else -1
        # An answer that is there as a whole waits for its body, which follows at once: then it is known.
        if self._settings.headers and not self._streams and self._length >= 0:
            self._head = message
        else:
            self._flows = True
            await self._send(self._with_headers(message, known=False))

    async def _body(self, message: Message) -> None:
        body, more = message.get("body", b""), message.get("more_body", False)
        self._exchange.answered(body)
        if self._head is not None:
            whole = not more or len(body) == self._length
            if whole:
                self._exchange.ends()
            head, self._head = self._head, None
            await self._send(self._with_headers(head, known=whole))
        if more:
            await self._send(message)
            return
        await self._last(message, body)

    async def _last(self, message: Message, body: bytes) -> None:
        exchange = self._exchange
        told = self._streams and (self._settings.comment or self._trails)
        if told:
            exchange.ends()
        if told and self._settings.comment and self._length < 0:
            message = {**message, "body": bytes(body) + exchange.comment()}
        await self._send(message)
        self.complete = True
        exchange.ends()
        if self._trails:
            await self._send(
                {
                    "type": "http.response.trailers",
                    "headers": _pairs(exchange, known=True),
                    "more_trailers": False,
                }
            )

    async def _released(self) -> None:
        """Send a head that waits, before anything else goes."""
        if self._head is not None:
            head, self._head = self._head, None
            await self._send(self._with_headers(head, known=False))

    def _with_headers(self, message: Message, *, known: bool) -> Message:
        more: list[tuple[bytes, bytes]] = (
            _pairs(self._exchange, known=known) if self._settings.headers else []
        )
        if self._trails and self._streams:
            more.append((b"trailer", b"wattmark-energy, wattmark-carbon, wattmark-request"))
        else:
            self._trails = False
        if not more:
            return message
        told = {**message, "headers": [*message.get("headers", ()), *more]}
        return told | {"trailers": True} if self._trails else told


def _pairs(exchange: Exchange, *, known: bool) -> list[tuple[bytes, bytes]]:
    told = exchange.headers(exchange.spent if known else None)
    return [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in told]
