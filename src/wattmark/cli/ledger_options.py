"""Options that the commands of ``wattmark ledger`` share, and how a ledger is opened for them."""

from __future__ import annotations

import os
from pathlib import Path

import click

from wattmark.cli.options import config_here
from wattmark.wiring.ledger import OpenLedger, ledger_url, open_ledger

ledger_option = click.option(
    "--ledger", help="The ledger: a folder, or s3://, gs://, az:// [WATTMARK_LEDGER, or wattmark.toml]."
)


def chosen_ledger(asked: str | None, *, begin: bool = False) -> OpenLedger:
    """The ledger that is meant, opened. Raises UsageError when none is named, or none is there."""
    url = ledger_url(asked, config_here(), os.environ, Path.cwd())
    return open_ledger(url, begin=begin)
