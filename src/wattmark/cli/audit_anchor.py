"""``wattmark audit anchor``: keep the head where whoever writes the log cannot change it."""

from __future__ import annotations

import os
from pathlib import Path

import click

from wattmark.cli.audit_options import log_meant, log_option, repository_of
from wattmark.cli.options import json_option
from wattmark.core.errors import UsageError


@click.command()
@log_option
@click.option("--git-tag", metavar="NAME", help="Make an annotated tag that holds the head; push it then.")
@click.option("--sign", is_flag=True, help="Sign that tag, as git is configured to.")
@click.option("--file", type=click.Path(path_type=Path), help="Append the head to a text file.")
@click.option("--print", "to_print", is_flag=True, help="Print the head, for the log of a CI job.")
@click.option("--actor", metavar="NAME", help="Who does it [CI, or user.email of git].")
@json_option
def command(
    log: str | None,
    git_tag: str | None,
    sign: bool,
    file: Path | None,
    to_print: bool,
    actor: str | None,
    as_json: bool,
) -> None:
    """Anchor the log: put its head into a git tag, a file, or the output of a CI job.

    A tag is logged first, so that the log itself says which tags must be there. What is anchored holds
    against whoever can change the log but not the place of the anchor: push tags to where they are protected.
    """
    from wattmark.ledger.anchorfile import head_line
    from wattmark.reports.as_json import document
    from wattmark.wiring.actors import actor_here
    from wattmark.wiring.anchoring import anchor_in_tag

    if not (git_tag or file or to_print):
        raise UsageError("say where: --git-tag NAME, --file FILE or --print")
    if sign and not git_tag:
        raise UsageError("--sign is for --git-tag")
    place = log_meant(log)
    newest = place.head()
    if newest is None:
        raise UsageError(f"{place.url} holds no entry yet: there is nothing to anchor")
    if git_tag:
        who = actor_here(actor, os.environ, Path.cwd())
        newest = anchor_in_tag(place, git_tag, repository_of(place), actor=who, sign=sign)
    line = head_line(newest.seq, newest.hash)
    if file is not None:
        _append(file, line)
    if as_json:
        body = {"audit_seq": newest.seq, "audit_head": newest.hash, "git_tag": git_tag}
        click.echo(document("audit-anchor", 1, body))
        return
    if to_print:
        click.echo(line)
    if git_tag:
        click.echo(
            f"git tag {git_tag} holds entry {newest.seq}: push it with `git push origin {git_tag}`", err=True
        )


def _append(file: Path, line: str) -> None:
    try:
        with open(file, "a", encoding="utf-8", newline="") as opened:
            opened.write(f"{line}\n")
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}") from None
