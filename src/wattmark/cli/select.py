"""``wattmark select --task T --min-quality X RESULTS...``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.completing import one_of
from wattmark.cli.options import json_option
from wattmark.core.errors import UsageError

if TYPE_CHECKING:
    from wattmark.core.bench.result import Result
    from wattmark.wiring.mlflow_results import Registered

NOTHING = 3


def _tasks() -> Iterable[str]:
    from wattmark.core.bench.task import TASKS

    return TASKS


@click.command()
@click.argument("results", nargs=-1, type=click.Path(path_type=Path))
@click.option("--mlflow", metavar="URI", help="MLflow whose registry holds --models [MLFLOW_TRACKING_URI].")
@click.option("--models", multiple=True, metavar="NAME", help="Model of the registry; may be given again.")
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
    mlflow: str | None,
    models: tuple[str, ...],
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
    found, registry = _candidates(results, mlflow, models)
    selection = select(found, wanted)
    if as_json:
        body = select_body(selection, queries_per_year)
        click.echo(document("select", 1, {**body, **({} if registry is None else _registry(registry))}))
        return 0 if selection.choices else NOTHING
    click.echo(select_text(selection, queries_per_year))
    if registry is not None:
        for choice in selection.choices:
            _tell(registry, choice.chosen.result)
        for version, why in registry.left_out:
            click.echo(f"- {version}: {why}")
    return 0 if selection.choices else NOTHING


def _candidates(
    results: tuple[Path, ...], mlflow: str | None, models: tuple[str, ...]
) -> tuple[list[Result], Registered | None]:
    """Results of files, and of the registry's versions where models are named. Raises UsageError."""
    from wattmark.bench.results import read_results

    if not models:
        if not results or mlflow is not None:
            raise UsageError("give RESULTS, or --mlflow URI with --models NAME")
        return read_results(results), None
    from wattmark.cli.mlflow import server_at
    from wattmark.wiring.mlflow_results import results_of

    registry = results_of(server_at(mlflow), models)
    return [*(read_results(results) if results else ()), *registry.results], registry


def _tell(registry: Registered, chosen: Result) -> None:
    version = registry.versions.get(chosen.id)
    if version is not None:
        gate = registry.gate(chosen.id) or "it met no gate"
        click.echo(f"in the registry: {chosen.model.id} is {version} (gate: {gate})")


def _registry(registry: Registered) -> dict[str, Any]:
    """Which version each result comes from, and the versions that bring none."""
    rows = [
        {"result": result, "version": str(version), "gate": registry.gate(result) or None}
        for result, version in registry.versions.items()
    ]
    without = [{"version": version, "reason": why} for version, why in registry.left_out]
    return {"registry": {"versions": rows, "without_results": without}}
