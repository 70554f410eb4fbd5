"""``wattmark data``: the tables that figures come from, shipped and your own."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.options import json_option
from wattmark.core.errors import UsageError
from wattmark.wiring.places import tables_folder

if TYPE_CHECKING:
    from wattmark.wiring.own_tables import Told


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
@click.option("--source", help="Who publishes the figures, and where.")
@click.option("--licence", help="Under which terms.")
@click.option(
    "--from",
    "form",
    type=click.Choice(["gsf"]),
    help="Of cloud_regions: gsf, the region metadata of the Green Software Foundation.",
)
@click.option("--dry-run", is_flag=True, help="Check it and say what would change; keep nothing.")
def update_command(
    name: str,
    origin: str,
    version: str,
    source: str | None,
    licence: str | None,
    form: str | None,
    dry_run: bool,
) -> None:
    """Take in a table of your own: it goes before the one that is shipped, and figures name it.

    Its columns are those of the shipped table, or with --from those of its publisher. Nothing is fetched but
    what you name here.
    """
    from wattmark.grid.gsf_regions import LICENCE, SOURCE
    from wattmark.wiring.own_tables import Description, content_of, table_named, take_in, take_in_gsf

    mine = tables_folder()
    wanted = table_named(name)
    if form is not None:
        if wanted != "cloud_regions":
            raise UsageError(f"--from {form} tells of cloud_regions, not of {wanted}")
        said = Description(version=version, source=source or SOURCE, licence=licence or LICENCE)
        told, left = take_in_gsf(content_of(origin), said, mine, keep=not dry_run)
        for one in told:
            _say(one, mine, dry_run)
        for region in left:
            click.echo(f"left out: {region}, no country can be told")
        click.echo(f"licence: {said.licence}")
        return
    if source is None or licence is None:
        raise UsageError("a table of your own needs --source and --licence: every figure names them")
    described = Description(version=version, source=source, licence=licence)
    _say(take_in(wanted, content_of(origin), described, mine, keep=not dry_run), mine, dry_run)


def _say(told: Told, mine: Path, dry_run: bool) -> None:
    from wattmark.wiring.own_tables import every_table

    shipped = next(t for t in every_table(mine) if t.name == told.name and not t.own)
    done = "would take" if dry_run else "took"
    click.echo(f"{done} in {told.name}, version {told.version}: {told.rows} rows")
    click.echo(f"sha256 {told.sha256}")
    click.echo(f"goes before the shipped one, version {shipped.version}: {shipped.rows} rows")
    if not dry_run:
        click.echo(f"kept as {mine / told.name}.csv; remove it and its .meta.toml to go back")
