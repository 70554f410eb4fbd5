"""``wattmark grid where RUN``: the same run in other places and at other hours."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from wattmark.cli.options import config_here, json_option, load
from wattmark.cli.output import only_ascii
from wattmark.core.errors import UsageError

SCHEMA = "grid-where", 1


def _regions(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    from wattmark.grid.places import cloud_places

    return [place.region for place in cloud_places() if place.region.startswith(begun)]


@click.command()
@click.argument("run_file", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--region",
    "regions",
    multiple=True,
    required=True,
    shell_complete=_regions,
    help="Cloud region, country (ISO 3166) or zone; may be given several times.",
)
@click.option("--at", "ats", multiple=True, metavar="TIME", help="When it begins, UTC [when it did].")
@click.option("--provider", help="Ask this live provider for hours [live under [place]].")
@click.option("--base-url", "base", metavar="URL", help="Ask another address, such as a proxy.")
@click.option("--basis", type=click.Choice(["lifecycle", "direct"]), help="Of the figures [lifecycle].")
@click.option("--pue", type=float, help="The same PUE everywhere [that of each cloud region].")
@click.option("--share", is_flag=True, help="Count the measured processes' share only.")
@click.option("--offline", is_flag=True, help="Ask nobody: what is cached, then yearly figures.")
@click.option("--yearly", is_flag=True, help="Leave hours aside.")
@json_option
def command(
    run_file: Path, regions: tuple[str, ...], ats: tuple[str, ...], as_json: bool, **options: Any
) -> None:
    """The carbon of the same energy in other places and at other hours, location- and market-based.

    By the hour where a live provider is named, else by the year, where the hour cannot matter.
    """
    from wattmark.core.hourly import began_us
    from wattmark.reports.as_json import document
    from wattmark.reports.elsewhere import elsewhere_body, elsewhere_text
    from wattmark.wiring.elsewhere import Terms, elsewhere, energy_of, spot_of
    from wattmark.wiring.live import Live
    from wattmark.wiring.places import tables_folder

    _, runs = load((run_file,))
    if len(runs) != 1:
        raise UsageError(f"{run_file}: this takes one run, and here are {len(runs)}")
    run, config, mine = runs[0], config_here(), tables_folder()
    if options["provider"] is not None:
        said = {"live": options["provider"], "live_zone": None, "live_signal": None, "live_api": None}
        config = replace(config, place=config.place._replace(live_url=options["base"], **said))
    energy = energy_of(run, share=options["share"])
    spots = [spot_of(text, mine) for text in dict.fromkeys(regions)]
    starts = [_moment(text) for text in dict.fromkeys(ats)] or [began_us(run)]
    terms = Terms(
        config=config,
        live=Live(offline=options["offline"], yearly=options["yearly"]),
        basis=options["basis"],
        pue=options["pue"],
        mine=mine,
    )
    rows, refused = elsewhere(run, energy, spots, starts, terms)
    if as_json:
        click.echo(document(*SCHEMA, elsewhere_body(energy, rows, refused)))
    else:
        click.echo(elsewhere_text(energy, rows, refused, ascii_only=only_ascii()))


def _moment(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--at {text!r} is no moment: write 2026-05-01T18:00 (UTC)") from None
    return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()) * 1_000_000
