"""``wattmark select --task T --min-quality X RESULTS...``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from wattmark.cli.completing import one_of
from wattmark.cli.options import json_option
from wattmark.core.errors import UsageError

NOTHING = 3


def _tasks() -> Iterable[str]:
    from wattmark.core.bench.task import TASKS

    return TASKS


@click.command()
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--task", required=True, shell_complete=one_of(_tasks), help="Which task, e.g. summarization.")
@click.option(
    "--min-quality", type=float, help="Least quality (the most, where less is better, as word errors)."
)
@click.option("--hardware", default="", help="Part of the name of the hardware, e.g. H100.")
@click.option(
    "--max-latency",
    type=click.FloatRange(min=0.0, min_open=True),
    help="Seconds that 95 of 100 queries must stay within.",
)
@click.option(
    "--queries-per-year",
    type=click.FloatRange(min=0.0, min_open=True),
    help="To tell energies per year, too.",
)
@click.option("--include-unrated", is_flag=True, help="Also what earns no stars; it is marked.")
@json_option
def command(
    results: tuple[Path, ...],
    task: str,
    min_quality: float | None,
    hardware: str,
    max_latency: float | None,
    queries_per_year: float | None,
    include_unrated: bool,
    as_json: bool,
) -> int:
    """Pick the most efficient model that is good enough, and say what it costs to be wrong.

    One choice for each comparability key: unequal keys are never ranked together. Exit codes: 0; 2 for files
    that cannot be read; 3 where no model is good enough.
    """
    from wattmark.bench.results import read_results
    from wattmark.core.bench.task import TASKS, task_named
    from wattmark.core.stars.select import Wanted, select
    from wattmark.reports.as_json import document
    from wattmark.reports.select import select_body, select_text

    known = task_named(task)
    if known is None:
        raise UsageError(f"--task {task!r}: there is {', '.join(TASKS)}")
    wanted = Wanted(
        task=known.id,
        min_quality=min_quality,
        hardware=hardware,
        max_latency=max_latency,
        include_unrated=include_unrated,
    )
    selection = select(read_results(results), wanted)
    if as_json:
        click.echo(document("select", 1, select_body(selection, queries_per_year)))
    else:
        click.echo(select_text(selection, queries_per_year))
    return 0 if selection.choices else NOTHING
