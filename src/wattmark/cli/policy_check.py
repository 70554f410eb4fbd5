"""``wattmark policy check|show|digest|schema``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from wattmark.cli.completing import one_of, rules
from wattmark.cli.options import json_option
from wattmark.cli.policy import policy_named, policy_option


@click.command(epilog="Exit code: 0 valid, 1 valid with remarks (with --strict), 2 wrong.")
@policy_option
@click.option("--strict", is_flag=True, help="Exit with 1 when there is something to remark.")
@click.option("--now", metavar="TIME", help="Check as of this time, ISO 8601.")
@json_option
def check(policy: Path | None, strict: bool, now: str | None, as_json: bool) -> int:
    """Validate a policy, and say what is allowed and makes little sense."""
    from wattmark.core.governance.sense import remarks_on
    from wattmark.reports.policies import check_json, check_text
    from wattmark.wiring.governing import moment

    rules = policy_named(policy)
    remarks = remarks_on(rules, moment(now).date())
    click.echo(check_json(rules, remarks) if as_json else check_text(rules, remarks))
    return 1 if strict and remarks else 0


@click.command()
@policy_option
@json_option
def show(policy: Path | None, as_json: bool) -> None:
    """Show the rules that are in force, each with the defaults that hold for it."""
    from wattmark.reports.policies import policy_json, policy_words

    rules = policy_named(policy)
    click.echo(policy_json(rules) if as_json else policy_words(rules))


@click.command()
@policy_option
@click.argument("rule", required=False, shell_complete=one_of(rules))
@json_option
def digest(policy: Path | None, rule: str | None, as_json: bool) -> None:
    """Print the SHA-256 of what a policy says, or of one of its rules: what waivers are for."""
    from wattmark.core.errors import UsageError
    from wattmark.reports.as_json import document

    read = policy_named(policy)
    every = {limit.id: limit.digest for limit in read.limits}
    every |= {budget.id: budget.digest for budget in read.budgets}
    if rule is not None and rule not in every:
        raise UsageError(f"the policy has no rule {rule!r}; it has: {', '.join(every) or 'none'}")
    if as_json:
        told = every if rule is None else {rule: every[rule]}
        click.echo(document("policy-digest", 1, {"policy": read.digest, "rules": told}))
    else:
        click.echo(read.digest if rule is None else every[rule])


@click.command()
def schema() -> None:
    """Print the JSON Schema of policy files, for editors and checks."""
    from wattmark.ledger.policyschema import policy_schema

    click.echo(json.dumps(policy_schema(), indent=1))
