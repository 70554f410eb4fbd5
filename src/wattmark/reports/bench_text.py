"""Benchmarks as plain text for the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from wattmark.core.bench.task import Task
from wattmark.reports.as_text import table


def tasks_text(tasks: Iterable[Task]) -> str:
    """One line for each task."""
    rows = [
        (
            task.id,
            task.what,
            "query" if task.output_unit is None else f"query, {task.output_unit}",
            task.quality + ("" if task.higher_is_better else " (lower is better)"),
        )
        for task in tasks
    ]
    return table(("task", "a query asks to", "energy per", "quality"), rows)
