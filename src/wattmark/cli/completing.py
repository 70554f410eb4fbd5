"""What a shell completes after an option or a word; names are looked up when it asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click


def one_of(names: Callable[[], Iterable[str]]) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Any of the names, also after a comma."""

    def complete(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
        before, comma, last = begun.rpartition(",")
        return [f"{before}{comma}{name}" for name in names() if name.startswith(last)]

    return complete


def keys() -> Iterable[str]:
    """What totals are made by."""
    from wattmark.ledger.question import KEYS

    return KEYS


def statement_keys() -> Iterable[str]:
    """What statements are listed by."""
    from wattmark.ledger.statements import KEYS

    return KEYS


def kpis() -> Iterable[str]:
    """Ids of all KPIs."""
    from wattmark.core.kpis import CATALOG

    return CATALOG


def sources() -> Iterable[str]:
    """What can be imported."""
    from wattmark.sources.catalog import rows

    return rows()


def views() -> Iterable[str]:
    """What SQL can ask."""
    from wattmark.ledger.views import VIEWS

    return VIEWS
