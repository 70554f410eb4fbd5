"""``wattmark notify test|list|retry|drop``: whether messages arrive, and what waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from wattmark.cli.completing import one_of
from wattmark.cli.notify import dry_run_option, now_text, targets
from wattmark.cli.options import config_here, json_option

if TYPE_CHECKING:
    from wattmark.exporters.sinks.routing import Route


@click.command()
@click.argument("to", nargs=-1, required=True, metavar="NAME|SINK:TARGET", shell_complete=one_of(targets))
@dry_run_option
@json_option
def test(to: tuple[str, ...], dry_run: bool, as_json: bool) -> int:
    """Send a message that says that messages arrive. Exit code 4: one did not."""
    from wattmark.reports.as_json import document
    from wattmark.reports.notified import SCHEMA, VERSION, told_json, told_text
    from wattmark.wiring.notifying import (
        NOT_TOLD,
        chosen,
        failed,
        routes_of,
        spool_of,
        tell,
        trial,
        world_of,
    )

    config = config_here()
    at, spool, world = now_text(), spool_of(config), world_of()
    told = [
        item
        for route in chosen(routes_of(config), to)
        for item in tell([trial(route, at)], [route], world, spool, dry_run=dry_run, keep=False)
    ]
    click.echo(document(SCHEMA, VERSION, told_json(told)) if as_json else told_text(told))
    return NOT_TOLD if failed(told) else 0


@click.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the routes of wattmark.toml, what could be one, and what waits to be told."""
    from wattmark.exporters.sinks.catalog import SINKS
    from wattmark.reports.as_json import document
    from wattmark.reports.as_text import table
    from wattmark.wiring.notifying import routes_of, spool_of

    config = config_here()
    routes, waiting = routes_of(config), list(spool_of(config).waiting())
    if as_json:
        body = {
            "routes": [
                {
                    "name": route.name,
                    "sink": route.to,
                    "on": [topic.value for topic in route.on],
                    "severity": route.severity.value,
                    "scope": {tag: list(patterns) for tag, patterns in route.scope.patterns.items()},
                }
                for route in routes
            ],
            "waiting": [
                {"route": w.route, "key": w.message.key, "title": w.message.title, "problem": w.problem}
                for w in waiting
            ],
            "sinks": {name: {"target": row.target, "what": row.what} for name, row in SINKS.items()},
        }
        click.echo(document("notify-routes", 1, body))
        return
    if routes:
        rows = [(r.name, r.to, ", ".join(r.on), r.severity, str(r.scope)) for r in routes]
        click.echo(table(("route", "sink", "on", "from", "of"), rows))
    else:
        click.echo("no route: write [[notify]] in wattmark.toml")
        places = [(f"{name}:{row.target}", row.what) for name, row in SINKS.items()]
        click.echo("\n" + table(("--to", "which is"), places))
    if waiting:
        kept = [(w.route, w.message.title, w.problem) for w in waiting]
        click.echo("\n" + table(("waits for", "what", "why"), kept))


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME...]", shell_complete=one_of(targets))
@json_option
def retry(names: tuple[str, ...], as_json: bool) -> int:
    """Send what waits once more, for these routes or all. Exit code 4: something still waits."""
    from wattmark.reports.as_json import document
    from wattmark.reports.notified import SCHEMA, VERSION, told_json, told_text
    from wattmark.wiring.notifying import NOT_TOLD, failed, spool_of, tell_waiting, world_of

    config = config_here()
    told = tell_waiting(_named(names), world_of(), spool_of(config))
    if as_json:
        click.echo(document(SCHEMA, VERSION, told_json(told)))
    else:
        click.echo(told_text(told) if told else "nothing waits")
    return NOT_TOLD if failed(told) else 0


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME...]", shell_complete=one_of(targets))
def drop(names: tuple[str, ...]) -> None:
    """Throw away what waits, for these routes or all: it is never told."""
    from wattmark.wiring.notifying import spool_of

    gone = 0
    for item in list(spool_of(config_here()).waiting()):
        if not names or item.route in names:
            click.echo(f"{item.route}: {item.message.title}: thrown away")
            item.path.unlink(missing_ok=True)
            gone += 1
    if not gone:
        click.echo("nothing waits")


def _named(names: tuple[str, ...]) -> tuple[Route, ...]:
    from wattmark.core.errors import UsageError
    from wattmark.wiring.notifying import routes_of

    routes = {route.name: route for route in routes_of(config_here())}
    for name in names:
        if name not in routes:
            raise UsageError(f"there is no route {name!r}: there are {', '.join(routes) or 'none'}")
    return tuple(route for name, route in routes.items() if not names or name in names)
