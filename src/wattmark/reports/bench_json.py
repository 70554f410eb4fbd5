"""Benchmarks as JSON documents."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from wattmark.core.bench.task import Task
from wattmark.reports.as_json import document


def tasks_json(tasks: Iterable[Task]) -> str:
    """Schema ``wattmark.bench-tasks``: every task as everybody must understand it."""
    return document("bench-tasks", 1, {"tasks": [asdict(task) for task in tasks]})
