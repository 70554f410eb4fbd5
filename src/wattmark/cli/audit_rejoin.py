"""``wattmark audit rejoin``: what another branch logged, after both went on from the same entry."""

from __future__ import annotations

import click

from wattmark.cli.audit_options import log_meant, log_option
from wattmark.cli.options import json_option


@click.command()
@log_option
@click.option(
    "--from",
    "other",
    required=True,
    metavar="PLACE",
    help="The other log: git:BRANCH (git:MERGE_HEAD within a merge), a folder, an address.",
)
@json_option
def command(log: str | None, other: str, as_json: bool) -> None:
    """Append to this log what only the other one has, each entry with its original.

    For two branches of a repository that both logged: keep the entries of one, then bring in the others.
    Within a merge first `git restore --source=HEAD --staged --worktree audit/entries`.
    """
    from wattmark.reports.as_json import document
    from wattmark.reports.audit import entries_body, entries_text
    from wattmark.wiring.rejoining import other_log, rejoin

    place = log_meant(log)
    made = rejoin(place, other_log(other, place))
    if as_json:
        click.echo(document("audit-entries", 1, entries_body(made)))
    else:
        click.echo(entries_text(made) if made else "nothing is missing here")
