"""``wattmark waiver``: named, dated, capped exceptions from one rule."""

from __future__ import annotations

from typing import Any

import click

from wattmark.cli.lazy import LazyGroup

VERBS: dict[str, tuple[str, str]] = {
    "request": ("wattmark.cli.waiver_request:command", "Ask to let a rule be broken, so far and so long."),
    "approve": ("wattmark.cli.waiver_approve:approve", "Approve a waiver's content as it is."),
    "revoke": ("wattmark.cli.waiver_approve:revoke", "End a waiver before its time."),
    "list": ("wattmark.cli.waiver_list:list_", "List waivers with their states and who is behind them."),
    "show": ("wattmark.cli.waiver_list:show", "Show all that one waiver says, and who signed it."),
    "check": ("wattmark.cli.waiver_list:check", "Fail when a waiver expired, waits, or is stale."),
}


@click.group(cls=LazyGroup, verbs=VERBS)
def group(**_options: Any) -> None:
    """Ask for, approve and list named, dated, capped exceptions from a policy's rules."""
