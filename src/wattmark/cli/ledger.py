"""``wattmark ledger``: every run, import and agent in one place, counted once."""

from __future__ import annotations

import click

from wattmark.cli.lazy import LazyGroup

COMMANDS: dict[str, tuple[str, str]] = {
    # command -> (module:command, what it does in one line); modules load only when the command is used
    "init": ("wattmark.cli.ledger_init:command", "Begin a ledger: write its commented ledger.toml."),
    "add": ("wattmark.cli.ledger_keep:add", "Bring run files into the ledger."),
    "fold": ("wattmark.cli.ledger_keep:fold", "Move what has landed into the ledger's tables."),
    "history": ("wattmark.cli.ledger_keep:history", "List the ledger's versions."),
}


@click.group(cls=LazyGroup, verbs=COMMANDS)
def group() -> None:
    """Keep every run in one place, counted once, and ask it for totals.

    Which ledger: --ledger, else WATTMARK_LEDGER, else `url` under [ledger] in wattmark.toml.
    """
