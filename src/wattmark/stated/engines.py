"""``[[engine]]``: the serving engines of a node, where they are asked, and on which devices they run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wattmark.core.errors import UsageError
from wattmark.fields import Fields

KEYS = ("name", "kind", "url", "model", "devices", "reserved", "requests", "told")


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedEngine:
    """One engine."""

    name: str
    """What it is called as a target."""
    kind: str = ""
    """As the table of engines names it; empty: found out by its metrics."""
    url: str = ""
    """Where its metrics are asked for; empty: nowhere, its requests are told otherwise."""
    model: str = ""
    devices: tuple[str, ...] = ()
    """Device ids, components or patterns; empty: all of the node."""
    reserved: float | None = None
    requests: str = ""
    """A request log of its own that is followed."""
    told: bool | None = None
    """Whether its requests are told; None: found out. Where not, its counters stand for them."""


def engines(tables: Sequence[Fields], folder: Path) -> tuple[StatedEngine, ...]:
    """The engines that tables state, in their order; paths are relative to ``folder``.

    Raises ConfigError, naming the file and the table, for what cannot be and for names that come twice.
    """
    found: list[StatedEngine] = []
    for table in tables:
        one = _engine(table, folder)
        if one.name in {engine.name for engine in found}:
            raise table.wrong("name", f"{one.name!r} is another engine's already")
        found.append(one)
    return tuple(found)


def engine_named(text: str) -> StatedEngine:
    """An engine as ``KIND=URL`` or ``URL`` on the command line. Raises UsageError."""
    kind, equals, url = text.partition("=")
    if not equals or "://" in kind:
        kind, url = "", text
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"--engine {text}: give KIND=URL, such as vllm=http://127.0.0.1:8000")
    return StatedEngine(name=url.rstrip("/").partition("://")[2], kind=kind, url=url)


def _engine(table: Fields, folder: Path) -> StatedEngine:
    table.only(*KEYS)
    url = table.text("url", "").strip()
    name = table.text("name", "").strip() or url.rstrip("/").partition("://")[2]
    if not name:
        raise table.wrong("name", "is missing: give a name, or a url")
    told = table.values.get("told")
    if told is not None and not isinstance(told, bool):
        raise table.wrong("told", f"must be true or false, not {told!r:.40}")
    log = table.text("requests", "").strip()
    return StatedEngine(
        name=name,
        kind=table.text("kind", "").strip(),
        url=url,
        model=table.text("model", "").strip(),
        devices=table.texts("devices"),
        reserved=table.amount("reserved", 0.0, 1.0) if "reserved" in table.values else None,
        requests=str(folder / Path(log).expanduser()) if log else "",
        told=True if log and told is None else told,
    )
