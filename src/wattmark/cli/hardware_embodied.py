"""``wattmark hardware embodied`` and ``wattmark hardware inventory``: what making hardware emitted."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from wattmark.cli.options import json_option
from wattmark.core.embodied import find_footprint
from wattmark.core.errors import UsageError
from wattmark.core.inventory import purchases
from wattmark.reports import embodied as render
from wattmark.reports.as_json import document
from wattmark.wiring.hardware import embodied_label, load_footprints, load_inventory

KINDS = ("server", "board", "gpu", "tpu", "cpu", "memory", "storage")
MICRO = 1_000_000


def _ids(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(r.id, help=r.name) for r in load_footprints() if r.id.startswith(incomplete)]


@click.command("embodied")
@click.argument("ids", nargs=-1, shell_complete=_ids)
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), help="Only this kind; repeatable.")
@json_option
def embodied_command(ids: tuple[str, ...], kinds: tuple[str, ...], as_json: bool) -> None:
    """List what making servers, accelerators and their parts emitted, or show where figures are from.

    Each figure has its publisher, life-cycle stages and uncertainty; emissions in use are in none of them.
    """
    table = load_footprints()
    rows = [find_footprint(table, name) for name in ids] or table
    rows = [r for r in rows if not kinds or r.kind in kinds]
    if as_json:
        body = {"table": embodied_label(), "figures": [render.footprint_json(r) for r in rows]}
        click.echo(document("hardware-embodied", 1, body))
    elif ids:
        click.echo("\n\n".join(render.footprint_text(r) for r in rows))
    else:
        click.echo(render.footprints_text(rows, embodied_label()))


@click.command("inventory")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--year", type=click.IntRange(1970, 2200), help="Also what was bought in this year, by site.")
@click.option("--site", "sites", multiple=True, help="Only devices of this site; repeatable.")
@click.option("--at", type=click.DateTime(["%Y-%m-%d"]), help="Look at the inventory as of this day [today].")
@json_option
def inventory_command(
    file: Path, year: int | None, sites: tuple[str, ...], at: datetime | None, as_json: bool
) -> None:
    """Check an inventory: what each device carries per hour, when it is used up, what was bought in a year.

    The columns of the file stand in docs/methodology/embodied.md; days are UTC here.
    """
    assets = load_inventory(file)
    known = sorted({a.site for a in assets})
    unknown = [site for site in sites if site not in known]
    if unknown:
        raise UsageError(
            f"no device is at {', '.join(unknown)}: sites are {', '.join(filter(None, known)) or 'none'}"
        )
    assets = tuple(a for a in assets if not sites or a.site in sites)
    moment = datetime.now(UTC) if at is None else at.replace(tzinfo=UTC)
    at_us = int(moment.timestamp()) * MICRO
    bought = purchases(assets, _new_year(year), _new_year(year + 1)) if year is not None else {}
    if as_json:
        click.echo(document("hardware-inventory", 1, render.inventory_json(assets, at_us, bought, year)))
    else:
        click.echo(render.inventory_text(assets, at_us, bought, year))


def _new_year(year: int) -> int:
    return int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * MICRO
