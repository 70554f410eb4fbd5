"""Options that several verbs share, and how runs and settings are loaded for them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from wattmark import wiring
from wattmark.cli.completing import one_of, regions
from wattmark.config import Config
from wattmark.core.run import Run
from wattmark.ledger.runfile import LoadedRun
from wattmark.wiring.runs import read_runs

SPLIT = "split"
"""Basis of KPIs is direct then, and what is upstream stands beside."""
run_arguments = click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")

as_one_option = click.option(
    "--as-one", is_flag=True, help="All these runs are one solution, e.g. its training and its inference."
)
factors_option = click.option(
    "--factors",
    type=click.Choice(["baseline", "actual"]),
    help="Whose grid, PUE and embodied factors the candidate is counted with [baseline].",
)


def baseline_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name a baseline; they arrive as ``baseline`` and ``name``."""
    function = click.option("--name", help="Which baseline of a baseline file [default].")(function)
    return click.option(
        "--baseline",
        multiple=True,
        type=click.Path(path_type=Path),
        help="Run file, folder or baseline file to hold against; several run files are repeats.",
    )(function)


def place_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say where it ran and what counts; they arrive as ``stated`` keywords."""
    for option in reversed(
        (
            click.option("--pue", type=float, help="Power usage effectiveness of the site, 1.0 or more."),
            click.option("--country", help="Country of the grid, ISO 3166 alpha-3, e.g. FRA."),
            click.option(
                "--region",
                shell_complete=one_of(regions),
                help="Cloud region, e.g. eu-west-1: country, grid and the provider's PUE.",
            ),
            click.option("--intensity", type=float, help="Grid intensity in gCO2e per kWh."),
            click.option(
                "--basis",
                type=click.Choice(["lifecycle", "direct", SPLIT]),
                help="Of the grid's figures; Scope 2 wants direct ones; `split`: direct, and `show` tells "
                "what is upstream as well [lifecycle].",
            ),
            click.option("--world-average", is_flag=True, help="Use the world's mean intensity, flagged."),
            click.option(
                "--offline", is_flag=True, help="Ask no live provider: what is cached, then yearly figures."
            ),
            click.option("--yearly", is_flag=True, help="Leave hours aside: the yearly intensity."),
            click.option("--functional-unit", help="What per-unit KPIs count, e.g. inferences."),
            click.option("--quality", help="Which logged quality is Q."),
            click.option("--quality-map", help="Map a quality to [0, 1], as WORST:BEST, e.g. 60:5 for WER."),
            click.option("--lifetime-inferences", type=float, help="Inferences the model will serve."),
            click.option("--share", is_flag=True, help="Count the measured processes' share only."),
        )
    ):
        function = option(function)
    return function


def stated_from(options: dict[str, Any]) -> wiring.Stated:
    """Collect the place options out of a command's keyword arguments."""
    names = (
        "pue",
        "country",
        "region",
        "basis",
        "intensity",
        "world_average",
        "functional_unit",
        "quality",
        "lifetime_inferences",
        "share",
    )
    from wattmark.wiring.live import Live

    if options["basis"] == SPLIT:
        options = {**options, "basis": "direct"}
    return wiring.Stated(
        live=Live(offline=options["offline"], yearly=options["yearly"]),
        quality_map=_quality_map(options.get("quality_map")),
        **{n: options[n] for n in names},
    )


def config_here() -> Config:
    """The configuration in force in the working directory."""
    return wiring.load_config(Path.cwd(), os.environ)


def say_first(remarks: Iterable[str]) -> None:
    """Say on stderr, once each, what must be known of runs before their figures are read."""
    for remark in dict.fromkeys(filter(None, remarks)):
        click.echo(f"wattmark: note: {remark}", err=True)


def load(paths: tuple[Path, ...]) -> tuple[list[LoadedRun], list[Run]]:
    """Read run files, bundles and folders of them; what must be known of them first is said."""
    loaded = read_runs(paths)
    say_first(item.remark for item in loaded)
    return loaded, [item.run for item in loaded]


def _quality_map(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    worst, _, best = text.partition(":")
    try:
        pair = float(worst), float(best)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is not WORST:BEST, e.g. 60:5", param_hint="--quality-map"
        ) from None
    if pair[0] == pair[1]:
        raise click.BadParameter("worst and best must differ", param_hint="--quality-map")
    return pair
