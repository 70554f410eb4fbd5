"""``wattmark ledger``: every run, import and agent in one place, counted once."""

from __future__ import annotations

import click

from wattmark.cli.lazy import LazyGroup

COMMANDS: dict[str, tuple[str, str]] = {
    # command -> (module:command, what it does in one line); modules load only when the command is used
    "init": ("wattmark.cli.ledger_init:command", "Begin a ledger: write its commented ledger.toml."),
    "add": ("wattmark.cli.ledger_keep:add", "Bring run files into the ledger."),
    "fold": ("wattmark.cli.ledger_keep:fold", "Move what has landed into the ledger's tables."),
    "runs": ("wattmark.cli.ledger_runs:runs", "List runs, and what of each was counted."),
    "totals": ("wattmark.cli.ledger_totals:command", "Energy, carbon and KPIs by tags and time."),
    "statements": ("wattmark.cli.ledger_statements:command", "What providers state; in no total."),
    "show": ("wattmark.cli.ledger_show:command", "Show one run, and where the ledger counted it."),
    "tags": ("wattmark.cli.ledger_tags:command", "List what is untagged or unknown, by energy."),
    "lost": ("wattmark.cli.ledger_runs:lost", "List who also watched and was not counted."),
    "query": ("wattmark.cli.ledger_query:command", "Ask in SQL, over documented views."),
    "export": ("wattmark.cli.ledger_export:command", "Write the views as Parquet or CSV."),
    "overhead": ("wattmark.cli.ledger_overhead:command", "How little work it is to know all this."),
    "utilisation": ("wattmark.cli.ledger_utilisation:command", "How busy devices were, sustained."),
    "listen": ("wattmark.cli.ledger_listen:command", "Take OpenTelemetry metrics over HTTP."),
    "history": ("wattmark.cli.ledger_keep:history", "List the ledger's versions."),
    "verify": ("wattmark.cli.ledger_care:verify", "Hold the evidence against its hashes."),
    "simulate": ("wattmark.cli.ledger_simulate:command", "Fill a new ledger with a simulated fleet."),
    "compact": ("wattmark.cli.ledger_care:compact", "Put many small files together."),
    "purge": ("wattmark.cli.ledger_care:purge", "Remove runs for good; a tombstone stays."),
}


@click.group(cls=LazyGroup, verbs=COMMANDS)
def group() -> None:
    """Keep every run in one place, counted once, and ask it for totals.

    Which ledger: --ledger, else WATTMARK_LEDGER, else `url` under [ledger] in wattmark.toml.
    """
