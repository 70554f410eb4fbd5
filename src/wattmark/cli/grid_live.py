"""``wattmark grid now``, ``history`` and ``forecast``: what providers say, hour by hour."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import click

from wattmark.cli.completing import one_of, providers
from wattmark.cli.ledger_asked import microseconds, span_of, span_options
from wattmark.cli.ledger_options import csv_option
from wattmark.cli.options import json_option
from wattmark.cli.output import only_ascii
from wattmark.core.carbon import INVENTORIES, Intensity
from wattmark.core.errors import GridError, UsageError
from wattmark.core.grid_series import FORECAST, GridSeries
from wattmark.core.hourly import began_us
from wattmark.core.run import Run
from wattmark.grid.catalog import PROVIDERS, Asked, signal_of, terms_of
from wattmark.grid.hourly import Found
from wattmark.grid.provider import DAY_US, HOUR_US
from wattmark.reports.as_json import document
from wattmark.reports.grid_series import SeriesView, series_body, series_csv, series_text
from wattmark.wiring.grid import ahead, carbon_of_run, now_us, past, stand_in

NOT_ALL = 1
"""Exit code: a provider failed, and what is shown is what was known without it."""
SCHEMA = "grid-series", 1


class _Named(click.Option):
    """An option that says what to choose from where it is missing."""

    def get_error_hint(self, ctx: click.Context | None) -> str:
        return f"{super().get_error_hint(ctx)} ({(self.help or '').rstrip('.')})"


def provider_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say who is asked; they arrive as ``provider``, ``signal``, ``api``, ``base``."""
    for option in reversed(
        (
            click.option(
                "--provider",
                required=True,
                cls=_Named,
                envvar="WATTMARK_GRID_PROVIDER",
                metavar="NAME",
                shell_complete=one_of(providers),
                help=f"{', '.join(PROVIDERS)}, or a declaration NAME.toml [WATTMARK_GRID_PROVIDER].",
            ),
            click.option("--signal", help="lifecycle or direct; of WattTime co2_moer or co2_aoer."),
            click.option("--api", metavar="VERSION", help="Of Electricity Maps: v3 or v4 [v3]."),
            click.option("--base-url", "base", metavar="URL", help="Ask another address, such as a proxy."),
            click.option(
                "--plant-factors",
                "own",
                type=click.Path(path_type=Path),
                help="Of ENTSO-E and EIA: CSV with kind, basis, grams_per_kwh, source.",
            ),
        )
    ):
        function = option(function)
    return function


offline_option = click.option("--offline", is_flag=True, help="Ask nobody: only what was fetched before.")
yearly_option = click.option(
    "--yearly", "year_zone", metavar="ZONE", help="Let this zone's yearly figure stand in for missing hours."
)


@click.command()
@click.argument("zone")
@provider_options
@offline_option
@yearly_option
@csv_option
@json_option
def now(zone: str, offline: bool, year_zone: str | None, **options: Any) -> None:
    """The newest intensity of ZONE, with the last 24 hours as a plot."""
    end = now_us()
    start = end - DAY_US + HOUR_US
    _show(_looked_up(_asked(options), zone, (start, end), offline, year_zone), options)


@click.command()
@click.argument("zone")
@provider_options
@span_options
@click.option(
    "--for", "run_file", type=click.Path(path_type=Path), help="Of this run, and its carbon with it."
)
@click.option("--into", "ledger", metavar="LEDGER", help="Keep it in a ledger, whose totals then use it.")
@click.option("--as", "known_as", metavar="ZONE", help="The zone's name in the ledger, e.g. FRA [ZONE].")
@click.option("--inventory", type=click.Choice(INVENTORIES), help="Where its carbon may enter [scope 2].")
@offline_option
@yearly_option
@csv_option
@json_option
def history(
    zone: str,
    begin: str | None,
    end: str | None,
    inside: str | None,
    run_file: Path | None,
    ledger: str | None,
    known_as: str | None,
    inventory: str | None,
    offline: bool,
    year_zone: str | None,
    **options: Any,
) -> None:
    """The intensity of ZONE over a stretch of time (UTC); the last 24 hours when nothing is said."""
    run = _the_run(run_file)
    if run is not None and (begin or end or inside):
        raise UsageError("--for takes the time of the run: leave --from, --to and --in out")
    span = _span(begin, end, inside, run)
    view = _looked_up(_asked(options), zone, span, offline, year_zone)
    if run is not None:
        view = replace(view, run=carbon_of_run(run, view.series, view.yearly))
    if ledger is not None:
        _keep(view.series, ledger, known_as or zone, inventory)
    _show(view, options)


@click.command()
@click.argument("zone")
@provider_options
@click.option("--hours", type=click.IntRange(1, 72), default=24, help="How far ahead [24].")
@click.option("--offline", is_flag=True, help="Ask nobody: the newest forecast that was fetched before.")
@csv_option
@json_option
def forecast(zone: str, hours: int, offline: bool, **options: Any) -> None:
    """What is expected of ZONE, and when that was; for planning: forecasts never go into a ledger."""
    asked = _asked(options)
    found = ahead(asked, zone, hours, os.environ, offline=offline)
    name, signal = signal_of(asked)
    failure = None if found.failure is None else str(found.failure)
    _show(SeriesView(provider=name, signal=signal, series=found.series, grade="C", failure=failure), options)


def _asked(options: dict[str, Any]) -> Asked:
    return Asked(
        name=options["provider"],
        signal=options["signal"],
        version=options["api"],
        base=options["base"],
        factors=options["own"],
    )


def _looked_up(
    asked: Asked, zone: str, span: tuple[int, int], offline: bool, year_zone: str | None
) -> SeriesView:
    name, signal = signal_of(asked)
    start, end = span
    try:
        found = past(asked, zone, start, end, offline=offline)
    except GridError as error:
        if year_zone is None or terms_of(name, signal)[0] != "location":
            raise
        basis = terms_of(name, signal)[1]
        found = Found(GridSeries(zone=zone, points=(), basis=basis, source=name), 0, error, ((start, end),))
    year: Intensity | None = stand_in(year_zone, found.series, found.series.basis, start)
    return SeriesView(
        provider=name,
        signal=signal,
        series=found.series,
        grade=found.grade if found.series.points else "D",
        holes=found.holes,
        failure=None if found.failure is None else str(found.failure),
        yearly=year,
    )


def _the_run(path: Path | None) -> Run | None:
    from wattmark.wiring.runs import read_runs

    if path is None:
        return None
    runs = read_runs((path,))
    if len(runs) != 1:
        raise UsageError(f"{path}: --for takes one run file, and here are {len(runs)}")
    return runs[0].run


def _span(begin: str | None, end: str | None, inside: str | None, run: Run | None) -> tuple[int, int]:
    if run is not None:
        start = began_us(run)
        return start, start + max(1, round(run.duration_seconds * 1e6))
    now_at = now_us()
    first, last = (microseconds(m) for m in span_of(begin, end, inside, UTC))
    until = now_at if last is None else min(last, now_at)
    since = until - DAY_US + HOUR_US if first is None else first
    if since >= until:
        raise UsageError("this stretch lies ahead: `wattmark grid forecast` tells what is expected")
    return since, until


def _keep(series: GridSeries, ledger: str, zone: str, inventory: str | None) -> None:
    from wattmark.cli.ledger_options import chosen_ledger, note
    from wattmark.ledger.gridfile import add_series

    opened = chosen_ledger(ledger)
    name, count = add_series(opened.store, series, zone, inventory)
    left = sum(p.kind == FORECAST for p in series.points)
    note(f"{opened.url}/{name} holds {count} points{f'; {left} forecasts were left out' if left else ''}")


def _show(view: SeriesView, options: dict[str, Any]) -> None:
    if options["as_json"]:
        click.echo(document(*SCHEMA, series_body(view)))
    elif options["as_csv"]:
        click.echo(series_csv(view), nl=False)
    else:
        click.echo(series_text(view, ascii_only=only_ascii()))
    if view.failure is not None:
        click.echo(f"wattmark: {view.failure}", err=True)
        if view.yearly is None:
            click.get_current_context().exit(NOT_ALL)
