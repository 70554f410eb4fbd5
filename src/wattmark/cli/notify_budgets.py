"""``wattmark notify budgets``: tell how budgets stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wattmark.cli.budget import MOMENT, courses_here, now_option, place_here, policy_option
from wattmark.cli.budget import runs_option as folder_option
from wattmark.cli.ledger_options import ledger_option
from wattmark.cli.notify import link_of, tell_all, telling_options


@click.command()
@policy_option
@folder_option
@now_option
@place_here
@ledger_option
@click.option("--together", is_flag=True, help="All budgets in one message, with a table.")
@telling_options
def command(
    policy: Path | None,
    folder: Path | None,
    now: str | None,
    ledger: str | None,
    together: bool,
    to: tuple[str, ...],
    link: str | None,
    dry_run: bool,
    as_json: bool,
    **place: Any,
) -> int:
    """Tell how the budgets of the policy stand: one message each, for those of its team.

    A budget within its limit resolves what was told of it before, and says nothing new. Exit code 4:
    somebody was not told; what failed waits, and is tried again the next time.
    """
    from wattmark.core.errors import UsageError
    from wattmark.reports.messages_budget import budget_message, budgets_message
    from wattmark.wiring.decisions import policy_for
    from wattmark.wiring.governing import moment

    shown, at = link_of(link), moment(now)
    rules = policy_for(policy, Path.cwd())
    if not rules.budgets:
        raise UsageError(f"{rules.name} has no [[budget]]")
    standings = [course.standing for course in courses_here(rules, at, ledger, folder, **place)]
    when = f"{at:{MOMENT}}"
    if together:
        messages = [budgets_message(standings, when, Path(rules.name).name, shown)]
    else:
        messages = [budget_message(standing, when, shown) for standing in standings]
    return tell_all(messages, to, dry_run, as_json)
