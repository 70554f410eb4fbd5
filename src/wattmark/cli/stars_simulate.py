"""``wattmark stars simulate FILE... --noise 0.05``."""

from __future__ import annotations

import random
from pathlib import Path

import click

from wattmark.cli.options import json_option
from wattmark.core.errors import UsageError


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--noise",
    "noises",
    multiple=True,
    type=click.FloatRange(0.0, 1.0, min_open=True),
    help="Relative standard deviation of a measurement; several are tried one by one [0.02 0.05 0.10].",
)
@click.option("--draws", type=click.IntRange(100, 100_000), default=2000, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same figures.")
@click.option(
    "--thresholds",
    type=click.Path(path_type=Path),
    help="Frozen references; else the median of each group stands in for one.",
)
@json_option
def command(
    files: tuple[Path, ...],
    noises: tuple[float, ...],
    draws: int,
    seed: int,
    thresholds: Path | None,
    as_json: bool,
) -> None:
    """Say how often stars would be others if everything were measured again.

    Both modes side by side, and what taking the worst model away does to the stars of the rest.
    """
    from wattmark.bench.results import read_loaded
    from wattmark.bench.thresholds_file import read_thresholds
    from wattmark.core.stars.stability import NOISES, simulate
    from wattmark.reports.as_json import document
    from wattmark.reports.stars_stability import stability_body, stability_text

    results = [each.result for each in read_loaded(files)]
    frozen = None if thresholds is None else read_thresholds(thresholds)
    tried = tuple(dict.fromkeys(noises)) or NOISES
    draw = random.Random(seed)
    groups = simulate(results, lambda: draw.gauss(0.0, 1.0), noises=tried, draws=draws, thresholds=frozen)
    if not groups:
        raise UsageError("none of these results has an energy")
    if as_json:
        click.echo(document("stars_stability", 1, stability_body(results, groups, tried, draws, seed)))
    else:
        click.echo(stability_text(results, groups, tried, draws))
