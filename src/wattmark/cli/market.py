"""``wattmark market show``: which contracts and certificates met which load, by the year and by the hour."""

from __future__ import annotations

import click

from wattmark.cli.ledger_options import read, reading_options, told_wait
from wattmark.cli.options import json_option
from wattmark.cli.output import only_ascii
from wattmark.core.carbon import BASES


@click.group()
def group() -> None:
    """Certificates, contracts and residual mixes, matched with the load of a ledger."""


@group.command()
@click.option(
    "--basis", type=click.Choice(BASES), help="Of grams [that of what is stated, lifecycle where two are]."
)
@click.option("--plot", is_flag=True, help="Draw load and generation by the hour of the day.")
@click.option("--engine", type=click.Choice(["duckdb", "spark"]), default="duckdb", help="[duckdb]")
@click.option("--spark-master", default="local[*]", help="Where Spark runs [local[*]].")
@reading_options
@json_option
def show(
    basis: str | None,
    plot: bool,
    engine: str,
    spark_master: str,
    ledger: str | None,
    no_fold: bool,
    as_of: int | None,
    as_json: bool,
) -> None:
    """How much of each instrument is used and left over, and what that makes of each market's carbon.

    Annual and hourly matching stand side by side, with the location-based figure that they never change.
    """
    from wattmark.reports.as_json import document
    from wattmark.reports.market import market_body, market_text
    from wattmark.wiring.ledger import engine_named
    from wattmark.wiring.market_view import market_view

    reading = read(ledger, no_fold, as_of)
    settings = reading.ledger.settings
    name = settings.name or reading.ledger.url
    with told_wait("matching"), engine_named(engine, spark_master) as started:
        view = market_view(settings, reading.snapshot, started, name, basis)
    if as_json:
        click.echo(document("market-show", 1, market_body(view, settings.zone)))
    else:
        click.echo(market_text(view, settings.zone, plot=plot, ascii_only=only_ascii()))
