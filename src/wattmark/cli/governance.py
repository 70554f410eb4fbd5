"""``wattmark governance``: the agenda of the board."""

from __future__ import annotations

import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import click

from wattmark.cli.budget import html_option, md_option, now_option, policy_option, runs_option
from wattmark.cli.ledger_options import ledger_option, note, told_wait
from wattmark.cli.options import config_here, json_option
from wattmark.cli.output import only_ascii, write_paper
from wattmark.core.errors import UsageError
from wattmark.version import __version__

BACK = 30
"""Days that are looked back on unless it is said."""


@click.command()
@policy_option
@click.option(
    "--since", metavar="DAY", help="Day of the last meeting: what came since is reported [30 days]."
)
@now_option
@click.option("--log", help="Audit log [that of the policy].")
@click.option(
    "--anchor",
    "anchors",
    multiple=True,
    metavar="ANCHOR",
    help="Where a head of the log was kept, as for `wattmark audit verify`; repeatable.",
)
@click.option(
    "--charter",
    "charters",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A charter whose review is looked at, beside those in the policy's folder; repeatable.",
)
@click.option("--functional-unit", help="What per-unit KPIs count, e.g. inferences.")
@runs_option
@html_option
@md_option
@click.option("--check", is_flag=True, help="Exit code 1 when there is something to act on.")
@ledger_option
@json_option
def command(
    policy: Path | None,
    since: str | None,
    now: str | None,
    html: str | None,
    md: str | None,
    as_json: bool,
    check: bool,
    functional_unit: str | None,
    **places: Any,
) -> int:
    """Print the board's agenda: breaches, budgets, decisions, waivers, reviews, changes, KPI trends, audit.

    What is not there (no ledger, no audit log, no waivers) is said where it would stand.
    """
    from wattmark.reports.agenda import agenda_body, agenda_paper
    from wattmark.reports.as_json import document
    from wattmark.wiring import Stated
    from wattmark.wiring.agenda import Sitting, agenda_of
    from wattmark.wiring.governing import moment, policy_here

    at = moment(now)
    sitting = Sitting(
        rules=policy_here(policy, Path.cwd()),
        config=config_here(),
        now=at,
        since=_day(since) if since else at.date() - timedelta(days=BACK),
        here=Path.cwd(),
        environ=os.environ,
        stated=Stated(functional_unit=functional_unit),
        say=note,
        **places,
    )
    with told_wait("putting the agenda together"):
        agenda = agenda_of(sitting)
    paper = agenda_paper(agenda, __version__, ascii_only=only_ascii())
    write_paper(paper, html, md, document("governance", 1, agenda_body(agenda)) if as_json else None)
    return 1 if check and agenda.breaches else 0


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        raise UsageError(f"--since {text!r} is no day: write 2026-10-20") from None
