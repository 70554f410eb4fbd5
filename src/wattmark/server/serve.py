"""Runs the listener's application in uvicorn, and ends it in order."""

from __future__ import annotations

import contextlib
import gc
import ipaddress
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from wattmark.core.errors import MissingExtra, UsageError

try:
    import uvicorn
except ImportError:
    raise MissingExtra("ledger listen", "listen") from None

KEEP_ALIVE_SECONDS = 75
"""Longer than the 60 s between two exports of an SDK, so that its connection stays."""
DRAIN_SECONDS = 20
"""How long requests under way may take once the listener is told to end."""
QUEUED = 2048
GC_THRESHOLDS = (200_000, 20, 100)


class _Server(uvicorn.Server):
    """Ends on SIGINT and SIGTERM as a program that was asked to: in order, and with exit code 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {s: signal.signal(s, self.handle_exit) for s in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def is_loopback(host: str) -> bool:
    """True when nobody but this machine reaches the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises UsageError that names the address and what to do."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        made = socket.create_server((host, port), family=family, backlog=QUEUED)
    except OSError as error:
        raise UsageError(
            f"{host}:{port}: cannot listen there: {error.strerror or error}; choose another address or port"
        ) from None
    # asyncio does this only for sockets that were made with a protocol; without it an answer in two parts
    # waits for the client's delayed acknowledgement, 40 ms.
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def serve(
    app: Callable[..., Any],
    listening: socket.socket,
    *,
    certificate: Path | None,
    key: Path | None,
    dated: bool = True,
) -> None:
    """Serve until SIGINT or SIGTERM. The application's own end comes after the last answer.

    ``dated``: give answers a Date; a proxy hands on that of its upstream.
    """
    config = uvicorn.Config(
        app,
        lifespan="on",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=dated,
        proxy_headers=False,  # who is asking is who holds the connection, whatever a header says
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    # Points come and go by the hundred thousand and hold no cycles: looking for some would take a third of
    # the time. What is here now stays; what comes is looked at seldom.
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    _Server(config).run(sockets=[listening])
