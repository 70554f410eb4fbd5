"""``wattmark waiver request RULE``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wattmark.cli.completing import one_of
from wattmark.cli.waiver_options import (
    day,
    now_option,
    office_for,
    policy_option,
    rules,
    say_who,
    voice_of,
    voice_options,
)
from wattmark.core.errors import UsageError
from wattmark.core.governance.scope import Scope

TAGS = ("model", "model_version", "team", "stage", "environment")


def scope_options(function: Any) -> Any:
    """Add an option for each tag that scopes usually name."""
    for tag in reversed(TAGS):
        name = f"--{tag.replace('_', '-')}"
        text = f"Only runs of this {tag.replace('_', ' ')} (a pattern)."
        function = click.option(name, tag, multiple=True, metavar="PATTERN", help=text)(function)
    return function


@click.command()
@click.argument("rule", shell_complete=one_of(rules))
@scope_options
@click.option("--where", multiple=True, metavar="TAG=PATTERN", help="The same for any tag, label.KEY too.")
@click.option("--cap", type=float, help="Worst value it lets through, in the rule's own terms.")
@click.option("--evidence", is_flag=True, help="Let missing evidence through as well.")
@click.option("--reason", required=True, help="Why.")
@click.option("--owner", required=True, help="Who answers for it.")
@click.option("--ticket", required=True, help="Where it is followed up.")
@click.option("--expires", metavar="DAY", help="Last day it holds, to its end in UTC.")
@click.option("--from", "granted", metavar="DAY", help="First day [the day of the last approval].")
@click.option("--id", "waiver_id", help="Its name [W- and eight random digits].")
@voice_options
@policy_option
@now_option
def command(
    rule: str,
    where: tuple[str, ...],
    cap: float | None,
    policy: Path | None,
    now: str | None,
    **options: Any,
) -> None:
    """Ask to let RULE be broken, so far (--cap) and so long (--expires). It waives nothing until approved.

    The request goes below what the waiver file holds, signed where there is a --key, and into the audit log.
    """
    from wattmark.core.governance.identity import Identity
    from wattmark.core.governance.waiver import Waiver
    from wattmark.core.governance.waivers import digest
    from wattmark.wiring.waiver_deeds import needed, request
    from wattmark.wiring.waiver_foresight import foreseen

    office = office_for(policy, now)
    draft = Waiver(
        id=options["waiver_id"] or "",
        rule=rule,
        scope=_scope({tag: options[tag] for tag in TAGS}, where),
        cap=cap,
        reason=options["reason"],
        owner=options["owner"],
        ticket=options["ticket"],
        requested_by=Identity(name=""),
        granted=day("--from", options["granted"]),
        expires=day("--expires", options["expires"]),
        evidence=options["evidence"],
    )
    waiver, who = request(office, draft, voice_of(office.policy.identity, options))
    click.echo(f"asked for waiver {waiver.id} of rule {waiver.rule} in {office.file}")
    say_who(who)
    click.echo(f"needs {needed(office, waiver)}: `wattmark waiver approve {waiver.id} --key KEY`")
    click.echo(f"digest {digest(waiver)}")
    for why in foreseen(office, waiver):
        click.echo(f"it would not hold: {why}", err=True)


def _scope(named: dict[str, tuple[str, ...]], where: tuple[str, ...]) -> Scope:
    """Patterns on tags. Raises UsageError for a tag that does not exist."""
    from wattmark.fields import Fields
    from wattmark.ledger.keys import read_scope

    found: dict[str, list[str]] = {tag: list(patterns) for tag, patterns in named.items() if patterns}
    for text in where:
        tag, equals, patterns = text.partition("=")
        if not equals or not patterns:
            raise UsageError(f"--where {text!r} is not TAG=PATTERN, e.g. team=vision-*")
        found.setdefault(tag, []).extend(patterns.split(","))
    return read_scope(Fields("--where", "", {"scope": found}), "scope")
