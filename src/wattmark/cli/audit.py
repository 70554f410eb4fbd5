"""``wattmark audit``: the log of what gates and people decided."""

from __future__ import annotations

from typing import Any

import click

from wattmark.cli.lazy import LazyGroup

VERBS: dict[str, tuple[str, str]] = {
    "verify": ("wattmark.cli.audit_verify:command", "Find edits, moves, removals, and a cut tail."),
    "show": ("wattmark.cli.audit_show:show", "List what was done, by whom."),
    "head": ("wattmark.cli.audit_show:head", "Print the newest entry's number and hash."),
    "anchor": ("wattmark.cli.audit_anchor:command", "Keep the head where the log cannot be changed."),
    "replay": ("wattmark.cli.audit_replay:command", "Decide every kept gate again, and compare."),
    "rejoin": ("wattmark.cli.audit_rejoin:command", "Bring in what another branch logged."),
    "export": ("wattmark.cli.audit_show:export", "Write the log as CSV or JSON."),
}


@click.group(cls=LazyGroup, verbs=VERBS)
def group(**_options: Any) -> None:
    """Check, read and replay the log of decisions."""
