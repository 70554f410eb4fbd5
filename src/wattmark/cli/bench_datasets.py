"""``wattmark bench datasets``: what can be asked, and what of it is on this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wattmark.cli.completing import one_of
from wattmark.cli.options import json_option
from wattmark.core.bench.task import TASKS
from wattmark.core.errors import UsageError

if TYPE_CHECKING:
    from wattmark.bench.published_table import Published


def _ids() -> list[str]:
    from wattmark.bench.published_table import published_table

    return [row.id for row in published_table()]


@click.command()
@click.argument("task", required=False, shell_complete=one_of(lambda: TASKS))
@click.option(
    "--dataset-dir", type=click.Path(path_type=Path), help="Folder of local copies of published datasets."
)
@click.option(
    "--fetch",
    multiple=True,
    metavar="NAME",
    shell_complete=one_of(_ids),
    help="Bring a published dataset into the cache first; may be given again.",
)
@json_option
def command(task: str | None, dataset_dir: Path | None, fetch: tuple[str, ...], as_json: bool) -> None:
    """List the datasets of the tasks (or of TASK): synthetic stand-ins and published ones.

    Synthetic sets are made on the spot and need no network. Published ones come from the Hugging Face hub by
    the `datasets` library (extra `bench`), its cache, or a folder of local copies. A file of your own
    (.jsonl, .csv) can be asked as well: docs/bench/datasets.md has the columns.
    """
    from wattmark.bench.catalog import task_asked
    from wattmark.bench.listed_datasets import listed_datasets
    from wattmark.reports.bench_datasets import datasets_json, datasets_text

    if dataset_dir is not None and not dataset_dir.is_dir():
        raise UsageError(f"--dataset-dir {dataset_dir}: there is no such folder")
    asked = task_asked(task).id if task else None
    for name in fetch:
        _fetch(name)
    found = listed_datasets(asked, dataset_dir, os.environ, Path.home())
    click.echo(datasets_json(found) if as_json else datasets_text(found))


def _fetch(name: str) -> None:
    from wattmark.bench.published import fetch

    row = _row(name)
    revision = fetch(row)
    click.echo(f"{row.id}: {row.hub} is in the cache, revision {revision}", err=True)


def _row(name: str) -> Published:
    import difflib

    from wattmark.bench.published_table import published_table

    rows = {row.id: row for row in published_table()}
    if name not in rows:
        close = difflib.get_close_matches(name, rows, n=1)
        raise UsageError(f"--fetch {name}: there is no such dataset" + (f"; {close[0]}?" if close else ""))
    return rows[name]
