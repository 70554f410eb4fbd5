"""Arrays of tables that a project states, ready to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wattmark.config import Config
    from wattmark.fields import Fields


def stated_tables(config: Config, name: str) -> list[Fields]:
    """The ``[[name]]`` tables of wattmark.toml, each with its number as its place; none is common."""
    if not config.tables.get(name):
        return []
    from wattmark.fields import Fields

    file = config.path or "wattmark.toml"
    return [Fields(file, f"[[{name}]] {n}", table) for n, table in enumerate(config.tables[name], start=1)]
