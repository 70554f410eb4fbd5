"""A scrape endpoint: Prometheus asks the measured program itself, for as long as it runs."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

from wattmark.core.errors import UsageError
from wattmark.core.run import Run

if TYPE_CHECKING:
    import threading
    from wsgiref.simple_server import WSGIServer

DEFAULT_HOST = "127.0.0.1"


class ScrapeEndpoint:
    """Answers ``GET /metrics`` at ``host:port``, on loopback unless a host is named."""

    def __init__(self, target: str, period_seconds: float) -> None:
        from wattmark.exporters.collector import registry_of

        self._registry_of = registry_of
        host, _, port = target.rpartition(":")
        self._host = host or DEFAULT_HOST
        if not (port.isascii() and port.isdigit()) or not 0 <= int(port[:6]) < 65536:
            raise UsageError(f"prometheus:{target} names no port: write prometheus:9464")
        self.port = int(port)
        """Where it listens; for port 0, what the system gave once it has started."""
        self._server: WSGIServer | None = None
        self._thread: threading.Thread | None = None
        self._problem: str | None = None

    def start(self, look: Callable[[], Run]) -> None:
        """Begin to answer."""
        from prometheus_client import start_http_server

        try:
            self._server, self._thread = start_http_server(
                self.port, self._host, registry=self._registry_of(look)
            )
        except (OSError, RuntimeError, UnicodeError) as error:  # the last one: no name of a host
            self._problem = f"cannot listen at {self._host}:{self.port}: {error}"
            return
        self._server.handle_error = _say_nothing  # type: ignore[method-assign,assignment]
        self.port = self._server.server_port
        _open.add(self)

    def stop(self) -> str | None:
        """Stop answering: the series end, they do not go stale."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join(5.0)
            self._server = None
        return None if self._problem is None else f"prometheus: {self._problem}"

    def leave(self) -> None:
        """In a forked child: give up its copy of the socket, or the port stays taken while it lives."""
        if self._server is not None:
            self._server.socket.close()
            self._server = None


_open: weakref.WeakSet[ScrapeEndpoint] = weakref.WeakSet()


def _say_nothing(*_: object) -> None:
    """Somebody who asked has hung up: that is no line of the measured program's output."""


def _after_fork_in_child() -> None:
    for endpoint in list(_open):
        endpoint.leave()
    _open.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def open_export(target: str, period_seconds: float) -> ScrapeEndpoint:
    """``prometheus:PORT`` or ``prometheus:HOST:PORT``."""
    return ScrapeEndpoint(target, period_seconds)
