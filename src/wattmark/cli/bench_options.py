"""Options of benchmarks that ``run`` and ``sweep`` share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.completing import one_of
from wattmark.cli.tags import pairs
from wattmark.core.bench.profile import PROFILES
from wattmark.core.bench.task import TASKS, task_named
from wattmark.core.errors import UsageError

if TYPE_CHECKING:
    from wattmark.wiring.bench_asked import BenchAsked

DTYPES = ("float32", "float16", "bfloat16", "float64")
Decorated = Callable[..., Any]


def _adding(*options: Callable[[Decorated], Decorated]) -> Callable[[Decorated], Decorated]:
    def add(function: Decorated) -> Decorated:
        for option in reversed(options):
            function = option(function)
        return function

    return add


def dataset_names() -> list[str]:
    """What ``--dataset`` takes by name."""
    from wattmark.bench.published_table import published_table
    from wattmark.wiring.bench_asked import SYNTHETIC

    return [SYNTHETIC, *(row.id for row in published_table())]


model_options = _adding(
    click.option("--model", help="Folder or id of a local model; `tiny`: a small one with random weights."),
    click.option("--revision", default="", help="Commit of the model."),
    click.option("--device", default="auto", help="cpu, cuda, cuda:1, mps [auto]."),
    click.option(
        "--endpoint", metavar="URL", help="A server with OpenAI's API instead, e.g. http://host:8000/v1."
    ),
    click.option("--callable", "function", metavar="MODULE:FUNCTION", help="A function of yours instead."),
    click.option("--name", help="What a callable is called in results."),
)
profile_options = _adding(
    click.option(
        "--profile",
        type=click.Choice(list(PROFILES)),
        default="standard",
        show_default=True,
        help="How strictly it is run.",
    ),
    click.option("--repeats", type=click.IntRange(1), help="So many, whatever their interval."),
    click.option(
        "--warm-up", type=click.IntRange(0), metavar="QUERIES", help="Queries before the first repeat."
    ),
    click.option("--cool-down", type=click.FloatRange(0), metavar="SECONDS", help="Rest between repeats."),
    click.option(
        "--idle", type=click.FloatRange(0), metavar="SECONDS", help="How long idle power is measured."
    ),
    click.option(
        "--simulated",
        type=int,
        metavar="SEED",
        help="Simulated clock and meters: everything in seconds, the same each time; never rated.",
    ),
    click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="To find the run by."),
)
pin_options = _adding(
    click.option("--queries", type=click.IntRange(1), help="Different queries [the profile's]."),
    click.option(
        "--dataset",
        "datasets",
        multiple=True,
        shell_complete=one_of(dataset_names),
        help="NAME[@REVISION][=FOLDER], a file of yours (.jsonl, .csv), or `synthetic` "
        "[the published ones; quick: synthetic].",
    ),
    click.option(
        "--dataset-dir",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder with local copies of published datasets.",
    ),
    click.option("--seed", type=int, default=0, show_default=True, help="Of whatever is drawn."),
    click.option("--batch-size", type=click.IntRange(1), help="Queries at a time [1]."),
    click.option("--concurrency", type=click.IntRange(1), help="Requests of --endpoint in flight [1]."),
    click.option(
        "--rate",
        type=click.FloatRange(0, min_open=True),
        help="Requests begun per second, of --endpoint.",
    ),
    click.option("--dtype", type=click.Choice(DTYPES), help="Of the weights [the task's]."),
    click.option("--output-tokens", type=click.IntRange(1), help="Of an answer [the task's]."),
    click.option(
        "--max-input-tokens", type=click.IntRange(1), help="Longer inputs are cut off [the task's]."
    ),
    click.option("--pin", "pins", multiple=True, metavar="NAME=VALUE", help="A pin that only this task has."),
    click.option(
        "--target", metavar="NAME>=NUMBER", help="When training or a pipeline is done, e.g. 'accuracy>=0.95'."
    ),
)


def asked_from(task: str, options: dict[str, Any]) -> BenchAsked:
    """What these options ask for. Raises UsageError."""
    from wattmark.wiring.bench_asked import BenchAsked

    return BenchAsked(
        task=task,
        model=options["model"],
        callable=options["function"],
        profile=options["profile"],
        datasets=tuple(part for name in options["datasets"] for part in name.split(",") if part),
        dataset_dir=options["dataset_dir"],
        queries=options["queries"],
        seed=options["seed"],
        batch_size=options["batch_size"],
        concurrency=options["concurrency"],
        rate=options["rate"],
        dtype=options["dtype"],
        device=options["device"],
        revision=options["revision"],
        output_tokens=options["output_tokens"],
        max_input_tokens=options["max_input_tokens"],
        repeats=options["repeats"],
        warm_up=options["warm_up"],
        cool_down=options["cool_down"],
        idle=options["idle"],
        name=options["name"],
        options={**pairs(options["pins"], "--pin"), **_goal(task, options["target"])},
        simulated=options["simulated"],
        labels=pairs(options["labels"], "--label"),
    )


def _goal(task: str, target: str | None) -> dict[str, str]:
    """``--target`` as the two pins that it stands for. Raises UsageError for a task that has none."""
    from wattmark.bench.goal import Goal

    if target is None:
        return {}
    found = task_named(task)
    if found is not None and found.inference:
        goals = ", ".join(each.id for each in TASKS.values() if not each.inference)
        raise UsageError(f"--target: {found.id} has no target to reach; {goals} have one")
    goal = Goal.of(target)
    return {"quality": goal.quality, "target": str(goal)}
