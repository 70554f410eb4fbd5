"""Energy and carbon of each request of a WSGI application: the twin of the ASGI middleware.

    application = EnergyMiddleware(application, Settings(tenant_header="x-tenant"))

Requests to other paths pass untouched; bodies are never changed (unless a comment is asked for), iterables
are read as lazily as before and closed, and whatever the host raises goes on. The protocol: PEP 3333.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from wattmark.integrations.request_path.exchange import Exchange, RequestPath, header_in
from wattmark.integrations.request_path.settings import Settings, settings_from

Environ = dict[str, Any]
StartResponse = Callable[..., Callable[[bytes], object]]
App = Callable[[Environ, StartResponse], Iterable[bytes]]

STATE = "wattmark.exchange"
"""Under this name the request's Exchange stands in the environ."""
_APART = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


class EnergyMiddleware:
    """Wraps an application. Without settings those of the environment hold."""

    def __init__(
        self, app: App, settings: Settings | None = None, *, path: RequestPath | None = None
    ) -> None:
        self.app = app
        self.path = RequestPath(settings or settings_from()) if path is None else path
        self._ends = self.path.settings.paths

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """One request."""
        counts = environ["REQUEST_METHOD"] == "POST" and STATE not in environ
        if not counts or not environ.get("PATH_INFO", "").endswith(self._ends):
            return self.app(environ, start_response)

        def header(name: str) -> str:
            return str(environ.get(_APART.get(name) or "HTTP_" + name.upper().replace("-", "_"), ""))

        exchange = self.path.begin(header)
        environ[STATE] = exchange
        environ["wsgi.input"] = _Input(environ["wsgi.input"], exchange, environ.get("CONTENT_LENGTH", ""))
        passing = _Passing(self.path.settings, exchange, start_response)
        try:
            return passing.over(self.app(environ, passing.start_response))
        except BaseException:
            exchange.ends(failed=True)
            raise


class _Input:
    """The body of a request as the application reads it, noted as it passes."""

    def __init__(self, stream: Any, exchange: Exchange, length: str) -> None:
        self._stream = stream
        self._exchange = exchange
        self._left = int(length) if length.isdecimal() else -1
        if not self._left:
            exchange.asked(b"", False)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __iter__(self) -> Iterator[bytes]:
        for line in self._stream:
            self._note(line, asked=True)
            yield line
        self._note(b"", asked=True)

    def read(self, *size: int) -> bytes:
        """So many bytes, or all."""
        return self._note(self._stream.read(*size), asked=not size or size[0] != 0)

    def readline(self, *size: int) -> bytes:
        """One line."""
        return self._note(self._stream.readline(*size), asked=not size or size[0] != 0)

    def readlines(self, *hint: int) -> list[bytes]:
        """All lines."""
        lines: list[bytes] = self._stream.readlines(*hint)
        self._note(b"".join(lines), asked=True)
        return lines

    def _note(self, piece: bytes, *, asked: bool) -> bytes:
        """The body is over when all that was announced has come, or nothing comes any more."""
        if self._left >= 0:
            self._left = max(0, self._left - len(piece))
        over = self._left == 0 or (asked and not piece)
        self._exchange.asked(piece, not over)
        return piece


class _Passing:
    """Stands between one answer and its server."""

    def __init__(self, settings: Settings, exchange: Exchange, start_response: StartResponse) -> None:
        self._settings = settings
        self._exchange = exchange
        self._start = start_response
        self._head: tuple[Any, ...] | None = None
        self._length = -1
        self._came = 0
        self._streams = False
        self._written = False
        self._single = False

    def start_response(
        self, status: str, headers: list[tuple[str, str]], *exc_info: Any
    ) -> Callable[[bytes], object]:
        """Keep the head until the first piece of the body, which may tell what the answer cost."""
        if exc_info and self._head is None and self._written:
            # The application found an error when the head was out: the server knows what to do.
            return self._start(status, headers, *exc_info)
        found = {name.lower(): value for name, value in headers}
        self._streams = self._exchange.answers(int(status[:3]), header_in(found))
        length = found.get("content-length", "")
        self._length = int(length) if length.isdecimal() else -1
        self._head = (status, headers, *exc_info)
        return self._write

    def over(self, answer: Iterable[bytes]) -> Iterable[bytes]:
        """The answer, piece by piece."""
        self._single = isinstance(answer, (list, tuple)) and len(answer) == 1
        return _Closing(self._pieces(answer), answer, self._exchange)

    def _write(self, piece: bytes) -> object:
        """What an old application calls instead of giving pieces."""
        self._note(piece)
        write = self._go(known=False)
        return write(piece) if write is not None else self._writer(piece)

    def _pieces(self, answer: Iterable[bytes]) -> Iterator[bytes]:
        for piece in answer:
            self._note(piece)
            if piece and self._head is not None:
                self._go(known=self._single or self._came == self._length)
            yield piece
        self._go(known=not self._streams)
        self._exchange.ends(failed=0 <= self._came < self._length)
        if self._streams and self._settings.comment and self._length < 0:
            yield self._exchange.comment()

    def _note(self, piece: bytes) -> None:
        self._came += len(piece)
        self._exchange.answered(piece)

    def _go(self, *, known: bool) -> Callable[[bytes], object] | None:
        """Let the head go, with our headers; None when it is gone."""
        if self._head is None:
            return None
        status, headers, *exc_info = self._head
        self._head = None
        self._written = True
        if self._settings.headers:
            spent = self._exchange.ends() if known else None
            headers = [*headers, *self._exchange.headers(spent)]
        self._writer = self._start(status, headers, *exc_info)
        return self._writer


class _Closing:
    """An answer that closes what it came from, and tells when it was not read to its end."""

    def __init__(self, pieces: Iterator[bytes], answer: Iterable[bytes], exchange: Exchange) -> None:
        self._pieces = pieces
        self._answer = answer
        self._exchange = exchange

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._pieces)
        except StopIteration:
            raise
        except BaseException:
            self._exchange.ends(failed=True)
            raise

    def close(self) -> None:
        """The server is done with it; before the end that means that the client is gone."""
        try:
            close = getattr(self._answer, "close", None)
            if close is not None:
                close()
        finally:
            self._exchange.ends(failed=True)
