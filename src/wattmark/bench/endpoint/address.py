"""Where a server is, and whether it is this machine."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from wattmark.core.errors import UsageError

Resolve = Callable[..., Any]
"""As ``socket.getaddrinfo``."""


@dataclass(frozen=True, slots=True)
class Address:
    """A server and the path under which its API lies."""

    scheme: str
    host: str
    port: int
    path: str
    """``/v1`` where nothing else was said; without a slash at its end."""

    @property
    def root(self) -> str:
        """The server, without the path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def url(self) -> str:
        """As it is shown; it never holds an account."""
        return f"{self.root}{self.path}"


def address_of(text: str) -> Address:
    """The address of ``http://HOST:PORT``, with or without ``/v1``. Raises UsageError."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.username or parts.password:
        raise UsageError("--endpoint holds an account: keys come from the environment (--api-key-env NAME)")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise UsageError(f"--endpoint {text!r:.80} is no address of a server: write http://HOST:8000/v1")
    path = parts.path.rstrip("/") or "/v1"
    return Address(parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80), path)


def is_here(address: Address, resolve: Resolve = socket.getaddrinfo) -> bool:
    """Whether every address that the host's name stands for belongs to this machine.

    One belongs to it when a socket can be bound to it. Raises UsageError for a name that nobody knows.
    """
    try:
        found = {(row[0], row[4][0]) for row in resolve(address.host, address.port, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        raise UsageError(f"--endpoint: the host {address.host!r} is not known") from None
    return bool(found) and all(_own(family, numeric) for family, numeric in found)


def _own(family: int, numeric: str) -> bool:
    if ip_address(numeric.partition("%")[0]).is_loopback:
        return True
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((numeric, 0))
    except OSError:
        return False
    return True
