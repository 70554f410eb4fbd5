"""``wattmark demo --bench``: every task of the benchmark on tiny models, checked, and on one board."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click

from wattmark.cli.options import config_here

if TYPE_CHECKING:
    from wattmark.core.bench.findings import Checked
    from wattmark.core.bench.result import Result
    from wattmark.demo.rating import Made

SITE = "leaderboard"
QUERIES, FEW_QUERIES = 8, 3


def show_benchmark(folder: Path, quick: bool, as_json: bool) -> None:
    """Run all tasks, check every bundle, edit one and find it, and write the leaderboard."""
    from wattmark.bench.bundle.verify import verify
    from wattmark.cli.bench_progress import watching
    from wattmark.demo.rating import benchmark_all, check_edited

    with watching() as watch:
        queries = FEW_QUERIES if quick else QUERIES
        made = list(benchmark_all(folder, config_here(), queries, watch, _say))
        if watch.stopped():
            raise click.Abort
    checks = [verify(one.folder).checked for one in made]
    edited = check_edited(made[0], folder)
    _write_board(folder)
    click.echo(_json(made, checks, edited, folder) if as_json else _text(made, checks, edited, folder))


def _say(text: str) -> None:
    click.echo(text, err=True)


def _write_board(folder: Path) -> None:
    from wattmark.cli.leaderboard import command as leaderboard
    from wattmark.demo.rating import BUNDLES

    with redirect_stdout(sys.stderr):  # what it says is not what was asked for here
        click.get_current_context().invoke(
            leaderboard,
            results=(folder / BUNDLES,),
            out=folder / SITE,
            title="All tasks, tiny models",
            bundles=f"../{BUNDLES}",
        )


def _text(made: Sequence[Made], checks: Sequence[Checked], edited: Checked, folder: Path) -> str:
    from wattmark.reports.as_text import table

    rows = [(*_row(one.bundle.result), check.verdict.value) for one, check in zip(made, checks, strict=True)]
    first = made[0].folder
    found = edited.found[0]
    return "\n".join(
        (
            "",
            table(("task", "energy per query", "95 %", "grade", "quality", "rating", "bundle"), rows),
            "",
            "No stars: the profile is for tries, and the weights are random.",
            f"A digit was added to a copy of {first.name}: it {edited.verdict.value} "
            f"({found.file} {found.text}).",
            "",
            f"leaderboard      {folder / SITE / 'index.html'}",
            f"next             wattmark bench show {quote(str(first))}",
            f"                 wattmark bench verify {quote(str(first))}",
            "                 wattmark bench text-generation --model YOUR_MODEL --dataset synthetic",
        )
    )


def _row(result: Result) -> tuple[str, ...]:
    from wattmark.core.bench.task import TASKS
    from wattmark.reports.as_text import interval_text
    from wattmark.reports.quantities import number, quantity

    energy, quality = result.energy, result.quality
    return (
        TASKS[result.task].title,
        "not known" if energy is None else quantity(energy.value, energy.unit),
        "" if energy is None else interval_text(energy),
        "" if energy is None else str(energy.grade or ""),
        "not scored" if quality is None else f"{quality.name} {number(quality.value)}",
        result.validity.status.value,
    )


def _json(made: Sequence[Made], checks: Sequence[Checked], edited: Checked, folder: Path) -> str:
    from wattmark.reports.as_json import document, figure_json

    results = [
        {
            "task": one.bundle.result.task,
            "joules_per_query": figure_json(one.bundle.result.energy) if one.bundle.result.energy else None,
            "quality": one.bundle.result.quality.value if one.bundle.result.quality else None,
            "validity": one.bundle.result.validity.status.value,
            "bundle": str(one.folder),
            "verified": check.verdict.value,
        }
        for one, check in zip(made, checks, strict=True)
    ]
    body = {"results": results, "edited_bundle": edited.verdict.value, "leaderboard": str(folder / SITE)}
    return document("demo-bench", 1, body)
