"""``wattmark audit verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from wattmark.cli.audit_options import log_meant, log_option, repository_of
from wattmark.cli.options import json_option, say_first

if TYPE_CHECKING:
    from wattmark.core.governance.chain import Findings

TAMPERED, NOT_ENOUGH = 1, 3


@click.command(
    epilog="Exit code: 0 proven, 1 tampered with, 2 usage or a log that cannot be read, 3 tail not provable."
)
@log_option
@click.option(
    "--anchor",
    "anchors",
    multiple=True,
    metavar="WHERE",
    help="A head that was kept elsewhere: git:TAG (or pattern), a decision file, the log of a CI job, a "
    "file, SEQ:HASH, mlflow:MODEL/VERSION. Several are all held against.",
)
@click.option("--allow-unproven-tail", is_flag=True, help="Exit with 0 where only the tail is not provable.")
@click.option("--chain-only", is_flag=True, help="Leave aside what entries refer to: policies, runs, ...")
@json_option
def command(
    log: str | None, anchors: tuple[str, ...], allow_unproven_tail: bool, chain_only: bool, as_json: bool
) -> int:
    """Check the log: every entry's hash, order and gaps, what it refers to, and its end against anchors.

    Git tags that the log itself names are looked up without being asked for. Without any anchor the tail is
    not provable: a chain cannot show that its end was cut off.
    """
    from wattmark.reports.as_json import document
    from wattmark.reports.audit import verified_body, verified_text
    from wattmark.wiring.audit_check import checked

    place = log_meant(log)
    notes: list[str] = []
    found = checked(place, anchors, repository_of(place), objects=not chain_only, say=notes.append)
    if as_json:
        click.echo(document("audit-verify", 1, verified_body(found, notes)))
    else:
        click.echo(verified_text(found, notes))
    return _exit_code(found, allow_unproven_tail)


def _exit_code(found: Findings, allow_unproven_tail: bool) -> int:
    from wattmark.core.governance.chain import State

    if found.state is State.TAMPERED:
        return TAMPERED
    if found.state is State.PROVEN:
        return 0
    if allow_unproven_tail:
        say_first(["the tail is not provable, which --allow-unproven-tail lets through"])
        return 0
    return NOT_ENOUGH
