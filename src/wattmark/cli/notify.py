"""``wattmark notify``: tell people of decisions and budgets where they already work."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.completing import one_of
from wattmark.cli.lazy import LazyGroup
from wattmark.cli.options import config_here, json_option

if TYPE_CHECKING:
    from wattmark.core.governance.message import Message

DECISION = "decision"
VERBS: dict[str, tuple[str, str]] = {
    DECISION: (
        "wattmark.cli.notify_decision:command",
        "Tell what a gate said (the word `decision` may be left out).",
    ),
    "budgets": ("wattmark.cli.notify_budgets:command", "Tell how the budgets of the policy stand."),
    "test": ("wattmark.cli.notify_care:test", "Send a message that says that messages arrive."),
    "list": ("wattmark.cli.notify_care:list_", "List routes, sinks, and what waits."),
    "retry": ("wattmark.cli.notify_care:retry", "Send what waits once more."),
    "drop": ("wattmark.cli.notify_care:drop", "Throw away what waits."),
}


class NotifyGroup(LazyGroup):
    """Subcommands; anything else in their place is a decision to tell of."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in VERBS:
            return DECISION, self.get_command(ctx, DECISION), args
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Options before the file belong to ``decision``: `wattmark notify --to slack:NAME FILE`."""
        if args and args[0].startswith("-") and args[0] not in ("-h", "--help"):
            args = [DECISION, *args]
        return super().parse_args(ctx, args)


@click.group(cls=NotifyGroup, verbs=VERBS)
def group() -> None:
    """Tell people of a decision: `wattmark notify DECISION.json`, along the [[notify]] of wattmark.toml."""


def targets() -> Iterable[str]:
    """What ``--to`` takes: routes by name, and sinks with their colon."""
    from wattmark.core.errors import WattmarkError
    from wattmark.exporters.sinks.catalog import names
    from wattmark.wiring.notifying import routes_of

    try:
        routes = [route.name for route in routes_of(config_here())]
    except WattmarkError:  # a shell that completes must not show errors
        routes = []
    return [*routes, *(f"{name}:" for name in names())]


to_option = click.option(
    "--to", multiple=True, metavar="NAME|SINK:TARGET", shell_complete=one_of(targets),
    help="A route of wattmark.toml by its name, or a sink and its target; several times [all routes].",
)  # fmt: skip
dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Show exactly what would be sent, and send nothing."
)
link_option = click.option(
    "--link", metavar="URL", help="Where everything can be seen [the job, in a CI system]."
)


def telling_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``to``, ``link``, ``dry_run`` and ``as_json``."""
    for option in reversed((to_option, link_option, dry_run_option, json_option)):
        function = option(function)
    return function


def tell_all(messages: Sequence[Message], to: Sequence[str], dry_run: bool, as_json: bool) -> int:
    """Tell them along the routes that are meant, say what became of each, and give the exit code."""
    from wattmark.core.errors import UsageError
    from wattmark.reports.as_json import document
    from wattmark.reports.notified import SCHEMA, VERSION, told_json, told_text
    from wattmark.wiring.notifying import NOT_TOLD, chosen, failed, routes_of, spool_of, tell, world_of

    config = config_here()
    routes = chosen(routes_of(config), to)
    if not routes:
        raise UsageError("nobody is named: write [[notify]] in wattmark.toml, or give --to SINK:TARGET")
    told = tell(messages, routes, world_of(), spool_of(config), dry_run=dry_run)
    click.echo(document(SCHEMA, VERSION, told_json(told)) if as_json else told_text(told))
    return NOT_TOLD if failed(told) else 0


def link_of(asked: str | None, environ: Mapping[str, str] = os.environ) -> str:
    """The address to show: what was given, else that of the job that runs us. Raises UsageError."""
    from wattmark.core.errors import UsageError

    if asked is not None:
        if not asked.startswith(("https://", "http://")) or not asked.isprintable() or " " in asked:
            raise UsageError(f"--link {asked!r:.80}: give an address that begins with https://")
        return asked
    parts = [environ.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
    if all(parts):
        return f"{parts[0]}/{parts[1]}/actions/runs/{parts[2]}"
    found = environ.get("CI_JOB_URL") or environ.get("BUILD_URL") or ""
    return found if found.startswith(("https://", "http://")) else ""


def now_text() -> str:
    """This moment, UTC, as messages have it."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
