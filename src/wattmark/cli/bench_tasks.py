"""``wattmark bench tasks``: what can be benchmarked."""

from __future__ import annotations

import click

from wattmark.cli.options import json_option


@click.command()
@json_option
def command(as_json: bool) -> None:
    """List the tasks: what a query asks, what is counted of an answer, and how good it is."""
    from wattmark.bench.catalog import default_pins
    from wattmark.core.bench.task import TASKS

    tasks = [(task, default_pins(task)) for task in TASKS.values()]
    if as_json:
        from wattmark.reports.bench_json import tasks_json

        click.echo(tasks_json(tasks))
    else:
        from wattmark.reports.bench_text import tasks_text

        click.echo(tasks_text(tasks))
