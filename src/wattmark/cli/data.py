"""``wattmark data``: the tables that figures come from, shipped and your own."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from wattmark.cli.options import json_option
from wattmark.wiring.places import tables_folder


@click.group()
def group() -> None:
    """List, verify and update the tables that figures come from."""


@group.command("list")
@json_option
def list_command(as_json: bool) -> None:
    """List every table: version, year, rows, licence, source."""
    from wattmark.reports.as_json import document
    from wattmark.reports.as_text import table
    from wattmark.wiring.own_tables import every_table

    found = every_table(tables_folder())
    if as_json:
        click.echo(document("data", 1, {"tables": [asdict(told) for told in found]}))
        return
    rows = [(t.name, "own" if t.own else "shipped", t.version, t.year or "", t.rows) for t in found]
    click.echo(table(("table", "whose", "version", "year", "rows"), rows))
    click.echo("\nSources and licences")
    for told in found:
        click.echo(f"  {told.name}{' (own)' if told.own else ''}: {told.source} ({told.licence})")


@group.command("verify")
@json_option
def verify_command(as_json: bool) -> int:
    """Hold every table against its SHA-256 and read it whole.

    Exit code: 0 all are as described, 1 one is not.
    """
    from wattmark.reports.as_json import document
    from wattmark.wiring.own_tables import every_table

    found = every_table(tables_folder())
    wrong = [told for told in found if told.problem]
    if as_json:
        body: dict[str, Any] = {
            "tables": [
                {"table": t.name, "own": t.own, "sha256": t.sha256, "problem": t.problem or None}
                for t in found
            ]
        }
        click.echo(document("data-verify", 1, body))
    else:
        for told in wrong:
            click.echo(f"{'your own' if told.own else 'shipped'} {told.name}: {told.problem}")
        click.echo(f"{len(found) - len(wrong)} of {len(found)} tables are as described")
    return 1 if wrong else 0


@group.command("update")
@click.argument("name", metavar="TABLE")
@click.argument("origin", metavar="FILE_OR_URL")
@click.option("--version", "version", required=True, help="Version of the table, as figures will name it.")
@click.option("--source", required=True, help="Who publishes the figures, and where.")
@click.option("--licence", required=True, help="Under which terms.")
@click.option("--dry-run", is_flag=True, help="Check it and say what would change; keep nothing.")
def update_command(name: str, origin: str, version: str, source: str, licence: str, dry_run: bool) -> None:
    """Take in a table of your own: it goes before the one that is shipped, and figures name it.

    Its columns are those of the shipped table. Nothing is fetched but what you name here.
    """
    from wattmark.wiring.own_tables import Description, content_of, every_table, table_named, take_in

    mine = tables_folder()
    wanted = table_named(name)
    told = take_in(
        wanted,
        content_of(origin),
        Description(version=version, source=source, licence=licence),
        mine,
        keep=not dry_run,
    )
    shipped = next(t for t in every_table(mine) if t.name == wanted and not t.own)
    click.echo(f"{'would take' if dry_run else 'took'} in {wanted}, version {told.version}: {told.rows} rows")
    click.echo(f"sha256 {told.sha256}")
    click.echo(f"goes before the shipped one, version {shipped.version}: {shipped.rows} rows")
    if not dry_run:
        click.echo(f"kept as {mine / wanted}.csv; remove it and its .meta.toml to go back")
