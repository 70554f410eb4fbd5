"""Addresses that are secrets themselves: who knows one may post there."""

from __future__ import annotations

from urllib.parse import urlsplit

from wattmark.exporters.sinks.sink import World, never_in_clear, secret_of
from wattmark.fields import Fields
from wattmark.webapi.api import Api


def secret_api(table: Fields, world: World, usual: str, example: str) -> Api:
    """The API at the address that ``url_env`` names, of which only the host is ever shown."""
    never_in_clear(table)
    url = secret_of(table, "url_env", world, usual, example)
    return world.api(url, secrets=path_of(url), shown=host_of(url))


def host_of(url: str) -> str:
    """An address of which only the host may be seen."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "***"
    return f"{parts.scheme}://{parts.hostname}/***" if parts.hostname else "***"


def path_of(url: str) -> tuple[str, ...]:
    """What of an address is secret: the whole of it, and all that follows the host."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return (url,)
    return tuple(text for text in (url, parts.path.strip("/"), parts.query) if len(text) > 3)
