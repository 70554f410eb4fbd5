"""``wattmark charter``: what a project states before it begins, and the actual beside it afterwards."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.budget import md_option, now_option, policy_option, runs_option
from wattmark.cli.ledger_options import ledger_option, note, told_wait
from wattmark.cli.options import config_here, json_option, place_options, stated_from
from wattmark.cli.output import write_paper
from wattmark.core.errors import LedgerError, UsageError
from wattmark.frames import replace_durably
from wattmark.version import __version__

if TYPE_CHECKING:
    from datetime import datetime

    from wattmark.core.governance.charter import Charter
    from wattmark.wiring.governing import PolicyHere

charter_option = click.option(
    "--charter", "path", type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Charter file [wattmark-charter.toml beside the policy, or the nearest].",
)  # fmt: skip
actor_option = click.option("--actor", help="Who does this, for the audit log [the CI's, or git's, user].")


@click.group()
def group() -> None:
    """Keep the charter of a project: its estimate, and whether it held."""


@group.command(short_help="Write wattmark-charter.toml to fill in.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def init(folder: Path, force: bool) -> None:
    """Write wattmark-charter.toml into FOLDER: every field, switched off until it is filled in."""
    from wattmark.ledger.charterfile import CHARTER_NAME

    path = folder / CHARTER_NAME
    if path.exists() and not force:
        raise UsageError(f"{path} is already there: nothing was written; --force replaces it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace_durably(path, (resources.files("wattmark") / "data" / "charter_default.toml").read_bytes())
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written: {error.strerror}") from None
    click.echo(f"wrote {path}\nnext: fill it in, then wattmark charter check")


@group.command(short_help="Hold the charter against the policy and its budget.")
@charter_option
@policy_option
@runs_option
@now_option
@actor_option
@ledger_option
@md_option
@json_option
def check(
    path: Path | None,
    policy: Path | None,
    folder: Path | None,
    now: str | None,
    actor: str | None,
    ledger: str | None,
    md: str | None,
    as_json: bool,
) -> int:
    """Check that the charter states what the policy requires, and that its estimate fits its budget.

    Exit code: 0 in order, 1 a required field is missing or the estimate lies beyond what is left of the
    budget with its whole interval, 3 it cannot be told.
    """
    from wattmark.core.governance.charter import exit_code
    from wattmark.reports.as_json import document
    from wattmark.reports.charters import WORDS, check_body, check_paper
    from wattmark.wiring.charters import charter_at, check_charter
    from wattmark.wiring.governing import moment, policy_here

    rules, at = policy_here(policy, Path.cwd()), moment(now)
    file = charter_at(path, rules.policy, rules.folder)
    with told_wait("adding up"):
        found = check_charter(
            file, rules.policy, config_here(), at, here=Path.cwd(), ledger=ledger, folder=folder, say=note
        )
    code = exit_code(found.findings)
    body = check_body(found.charter, found.findings, found.standing)
    paper = check_paper(found.charter, found.findings, found.standing, __version__)
    write_paper(paper, None, md, document("charter-check", 1, body) if as_json else None)
    _log(rules, file, found.charter, WORDS[code], actor, at, once=True)
    return code


@group.command(short_help="Set what it took beside the estimate.")
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path))
@charter_option
@policy_option
@now_option
@actor_option
@place_options
@md_option
@json_option
def actual(
    runs: tuple[Path, ...],
    path: Path | None,
    policy: Path | None,
    now: str | None,
    actor: str | None,
    md: str | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Set the actual Energy-to-Solution of RUNS, all attempts, beside the estimate.

    RUNS are files, folders, bundles, or ledger:KEY=VALUE; without any, the runs of the project in the ledger.
    Exit code: 0 within the tolerance, 1 beyond it or the outcome was not reached, 3 not enough evidence.
    """
    from wattmark.ledger.charterfile import read_charter
    from wattmark.ledger.policyfile import find_policy
    from wattmark.reports.as_json import document
    from wattmark.reports.charters import actual_body, actual_paper
    from wattmark.wiring.charters import actual_of, charter_at
    from wattmark.wiring.governing import moment, policy_here

    named = policy or find_policy(Path.cwd())
    rules = policy_here(named, Path.cwd()) if named is not None else None
    at = moment(now)
    file = charter_at(path, rules.policy if rules else None, rules.folder if rules else Path.cwd())
    charter = read_charter(file)
    told = actual_of(
        charter, runs, config_here(), stated_from(options), rules.policy.charter if rules else None
    )
    body = document("charter-actual", 1, actual_body(told)) if as_json else None
    write_paper(actual_paper(told, __version__), None, md, body)
    if rules is not None:
        _log(rules, file, charter, told.verdict.value, actor, at)
    return told.exit_code


@group.command(short_help="Print the JSON Schema of charter files.")
def schema() -> None:
    """Print the JSON Schema of charter files, for editors and forms."""
    import json

    from wattmark.ledger.charterfile import charter_schema

    click.echo(json.dumps(charter_schema(), indent=1))


def _log(
    rules: PolicyHere,
    file: Path,
    charter: Charter,
    outcome: str,
    actor: str | None,
    at: datetime,
    *,
    once: bool = False,
) -> None:
    """Into the audit log, where the policy has one; it says so where that fails."""
    from wattmark.wiring.actors import actor_here
    from wattmark.wiring.charters import record_check

    who = actor_here(actor, os.environ, rules.folder)
    try:
        seq = record_check(rules.policy, rules.folder, file, charter, outcome, who, at, once=once)
    except LedgerError as error:
        if rules.policy.audit.required:
            raise
        note(f"not in the audit log: {error}")
        return
    if seq is not None:
        note(f"entry {seq} of the audit log")
