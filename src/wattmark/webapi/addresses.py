"""Addresses of HTTP, as they may be meant."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from wattmark.core.errors import UsageError, without_secrets


def checked_address(url: str, shown: str = "") -> str:
    """An address of HTTP without an account. Raises UsageError for any other."""
    name = shown or without_secrets(url)
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise UsageError(f"{name!r:.200} is no address") from None
    odd = any(c.isspace() or not c.isprintable() or not c.isascii() for c in url)
    if parts.scheme not in ("http", "https") or not parts.hostname or odd:
        raise UsageError(f"{name!r:.200}: give an address that begins with https:// or http://")
    if parts.username is not None:
        raise UsageError(f"{name}: put no account into the address: give a token")
    return url


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
