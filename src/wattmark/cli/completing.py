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
    from wattmark.ledger.stated import KEYS

    return KEYS


def kpis() -> Iterable[str]:
    """Ids of all KPIs."""
    from wattmark.core.kpis import CATALOG

    return CATALOG


def sources() -> Iterable[str]:
    """What can be imported."""
    from wattmark.sources.catalog import rows

    return rows()


def regions() -> Iterable[str]:
    """Cloud regions of the table."""
    from wattmark.grid.places import cloud_places

    return [place.region for place in cloud_places()]


def providers() -> Iterable[str]:
    """Live providers of grid intensity."""
    from wattmark.grid.catalog import PROVIDERS

    return PROVIDERS


def views() -> Iterable[str]:
    """What SQL can ask."""
    from wattmark.ledger.views import VIEWS

    return VIEWS


def rules() -> Iterable[str]:
    """Ids of the rules of the nearest policy; none where it cannot be read."""
    from pathlib import Path

    from wattmark.core.errors import WattmarkError
    from wattmark.wiring.decisions import policy_for

    try:
        found = policy_for(None, Path.cwd())
    except (WattmarkError, OSError):  # a shell that completes must not show errors
        return []
    ids = [*(limit.id for limit in found.limits), *(budget.id for budget in found.budgets)]
    return [one for one in ids if one]


def sites() -> Iterable[str]:
    """Sites that wattmark.toml, or the ledger that it names, states; none where neither can be read."""
    import os
    from pathlib import Path

    from wattmark.cli.options import config_here
    from wattmark.core.errors import WattmarkError
    from wattmark.wiring.ledger import ledger_url, open_ledger
    from wattmark.wiring.sites import stated_sites

    found: dict[str, None] = {}
    try:
        config = config_here()
        found |= dict.fromkeys(site.name for site in stated_sites(config))
        settings = open_ledger(ledger_url(None, config, os.environ, Path.cwd())).settings
        found |= dict.fromkeys(site.name for site in settings.places)
    except (WattmarkError, OSError):  # a shell that completes must not show errors
        pass
    return found
