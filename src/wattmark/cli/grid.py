"""``wattmark grid``: carbon intensity of electricity by zone, yearly and live."""

from __future__ import annotations

import click

from wattmark.cli.lazy import LazyGroup

COMMANDS: dict[str, tuple[str, str]] = {
    # command -> (module:command, what it does in one line); modules load only when the command is used
    "zones": ("wattmark.cli.grid_zones:zones", "List zones and cloud regions with their yearly figures."),
    "sources": ("wattmark.cli.grid_zones:sources", "List where figures come from, and on which terms."),
    "now": ("wattmark.cli.grid_live:now", "The newest intensity that a provider tells, with a plot."),
    "history": ("wattmark.cli.grid_live:history", "Intensity hour by hour; of a run, or into a ledger."),
    "where": ("wattmark.cli.grid_where:command", "The same run in other places and at other hours."),
    "forecast": ("wattmark.cli.grid_live:forecast", "What a provider expects, up to three days ahead."),
}


@click.group(cls=LazyGroup, verbs=COMMANDS)
def group() -> None:
    """Look up the carbon intensity of electricity: accounting, basis, year and source with every figure."""
