"""``wattmark budget``: how the budgets of a policy stand."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.completing import one_of
from wattmark.cli.ledger_options import ledger_option, note, told_wait
from wattmark.cli.options import config_here, json_option
from wattmark.cli.output import STDOUT, write_paper
from wattmark.core.errors import UsageError
from wattmark.version import __version__

if TYPE_CHECKING:
    from wattmark.core.governance.budgets import Course
    from wattmark.core.policy import Policy

MOMENT = "%Y-%m-%dT%H:%M:%SZ"
policy_option = click.option(
    "--policy", type=click.Path(path_type=Path), help="Policy file [nearest wattmark-policy.toml]."
)
now_option = click.option(
    "--now", metavar="TIME", help="As at this moment, e.g. 2026-11-20 or 2026-11-20T09:30:00Z [now]."
)
html_option = click.option("--html", metavar="FILE", help="Write one self-contained HTML page; - is stdout.")
md_option = click.option(
    "--md", is_flag=False, flag_value=STDOUT, metavar="[FILE]", help="Write Markdown; alone: standard output."
)
runs_option = click.option(
    "--runs", "folder", type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of run files to count instead of a ledger [that of the configuration].",
)  # fmt: skip


def names() -> Iterable[str]:
    """Ids of the budgets of the nearest policy; none where it cannot be read."""
    from wattmark.core.errors import WattmarkError
    from wattmark.wiring.decisions import policy_for

    try:
        return [budget.id for budget in policy_for(None, Path.cwd()).budgets if budget.id]
    except (WattmarkError, OSError):  # a shell that completes must not show errors
        return []


def place_here(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say where runs of a folder were; the factors of a ledger are its own."""
    for option in reversed(
        (
            click.option("--pue", type=float, help="Power usage effectiveness, for runs of a folder."),
            click.option("--country", help="Country of the grid, ISO 3166 alpha-3, for runs of a folder."),
            click.option("--region", help="Cloud region, for runs of a folder."),
            click.option("--intensity", type=float, help="Grid intensity in gCO2e per kWh, likewise."),
        )
    ):
        function = option(function)
    return function


def asked_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add what ``list`` and ``check`` have in common."""
    for option in reversed(
        (
            click.argument("ids", nargs=-1, shell_complete=one_of(names)),
            policy_option,
            runs_option,
            now_option,
            place_here,
            html_option,
            md_option,
            ledger_option,
            json_option,
        )
    ):
        function = option(function)
    return function


class BudgetGroup(click.Group):
    """Subcommands; options in their place are those of ``list``: `wattmark budget --json`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0].startswith("-") and args[0] not in ("-h", "--help"):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(cls=BudgetGroup, invoke_without_command=True)
@click.pass_context
def group(context: click.Context) -> None:
    """Say how the budgets of the policy stand; alone, the same as `list`."""
    if context.invoked_subcommand is None:
        context.invoke(list_)


@group.command("list", short_help="Show each budget: used, share, burn rate, projection, state.")
@asked_options
def list_(**options: Any) -> None:
    """Show each budget of the policy: used of the limit, burn rate, projection, state.

    What was used comes from the ledger where one is configured, else from a folder of run files. Waived runs
    consume too. Energy that does not state its tags is shown, and may leave a budget undecided.
    """
    _show(**options)


@group.command("check", short_help="Fail when a budget is spent, or cannot be judged.")
@asked_options
def check(**options: Any) -> int:
    """The same as `list`, with an exit code: 0 within, 1 spent, 3 not enough evidence.

    A budget of level warn never fails; `if_missing` says what one means that cannot be judged.
    """
    return _show(**options)


def _show(
    ids: tuple[str, ...] = (),
    policy: Path | None = None,
    folder: Path | None = None,
    now: str | None = None,
    html: str | None = None,
    md: str | None = None,
    ledger: str | None = None,
    as_json: bool = False,
    **place: Any,
) -> int:
    from wattmark.core.governance.budgets import exit_code_of
    from wattmark.reports.as_json import document
    from wattmark.reports.budgets import SCHEMA, budgets_body, budgets_paper
    from wattmark.wiring.governing import moment, policy_here

    found = policy_here(policy, Path.cwd())
    rules, at = _chosen(found.policy, ids), moment(now)
    courses = courses_here(rules, at, ledger, folder, beside=found.folder, **place)
    code = exit_code_of(course.standing for course in courses)
    file, told = Path(rules.name).name, f"{at:{MOMENT}}"
    body = budgets_body(courses, policy=file, digest=rules.digest, at=told, exit_code=code)
    paper = budgets_paper(courses, policy=file, at=told, source=_source(ledger, folder), version=__version__)
    write_paper(paper, html, md, document(SCHEMA, 1, body) if as_json else None)
    return code


def courses_here(
    rules: Policy,
    at: datetime,
    ledger: str | None,
    folder: Path | None,
    *,
    beside: Path | None = None,
    pue: float | None = None,
    country: str | None = None,
    region: str | None = None,
    intensity: float | None = None,
) -> tuple[Course, ...]:
    """How all budgets of a policy stand, in the working directory.

    ``beside`` is the policy's own folder, where it names the audit log from.
    """
    from wattmark.wiring import Stated
    from wattmark.wiring.budget_waived import waived_records
    from wattmark.wiring.budgets import courses_of

    stated = Stated(pue=pue, country=country, region=region, intensity=intensity)
    with told_wait("adding up"):
        waived = waived_records(rules, beside or Path(rules.name).parent)
        return courses_of(
            rules, config_here(), stated, (), at, ledger=ledger, folder=folder, waived=waived, say=note
        )


def _chosen(policy: Policy, ids: tuple[str, ...]) -> Policy:
    """The policy with the budgets that are meant alone. Raises UsageError for one that is not there."""
    known = {budget.id: budget for budget in policy.budgets}
    for name in ids:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            meant = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known) or 'none'}"
            raise UsageError(f"no budget {name!r} in {policy.name}: {meant}")
    return replace(policy, budgets=tuple(known[name] for name in ids)) if ids else policy


def _source(ledger: str | None, folder: Path | None) -> str:
    """Where what was used comes from, in words; no path of this machine."""
    from wattmark.wiring.configuration import ledger_named

    if folder is not None:
        return "from the run files of a folder"
    url = ledger_named(ledger, config_here(), os.environ, Path.cwd())
    return "from the ledger" if url is not None else "from run files"
