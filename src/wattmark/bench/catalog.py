"""Which file brings which task; a file is imported when its task is asked for."""

from __future__ import annotations

import difflib
import importlib
from typing import cast

from wattmark.bench.asking import AttemptPart, TaskPart
from wattmark.core.bench.task import TASKS, Task, task_named
from wattmark.core.errors import UsageError

FOLDER = "wattmark.bench.tasks"


def task_asked(name: str) -> Task:
    """The task of an id or a title. Raises UsageError with what is close."""
    task = task_named(name)
    if task is None:
        close = difflib.get_close_matches(name, TASKS, n=1)
        meant = f"did you mean {close[0]!r}?" if close else "`wattmark bench tasks` lists them"
        raise UsageError(f"there is no task {name!r}: {meant}")
    return task


def part_of(task: Task) -> TaskPart:
    """What a task with inference brings."""
    return cast(TaskPart, importlib.import_module(f"{FOLDER}.{task.id}"))


def attempt_part_of(task: Task) -> AttemptPart:
    """What a task brings whose energy is that of reaching a target (training, data_pipeline)."""
    return cast(AttemptPart, importlib.import_module(f"{FOLDER}.{task.id}"))
