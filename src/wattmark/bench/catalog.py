"""Which file brings which task; a file is imported when its task is asked for."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable
from typing import Any, cast

from wattmark.bench.asking import Answer, AttemptPart, ModelAsked, Query, QuerySet, TaskPart
from wattmark.core.bench.pinned import DatasetPin, Pinned
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


def judge_of(task: Task, asked: ModelAsked) -> Callable[[Query, Answer], Any]:
    """How answers are scored: the task's ``score``, or the ``scorer`` that it makes of what was asked.

    A scorer may need a model of its own; it is made before anything is rated.
    """
    part = part_of(task)
    scorer = getattr(part, "scorer", None)
    return part.score if scorer is None else cast(Callable[[Query, Answer], Any], scorer(asked))


def attempt_part_of(task: Task) -> AttemptPart:
    """What a task brings whose energy is that of reaching a target (training, data_pipeline)."""
    return cast(AttemptPart, importlib.import_module(f"{FOLDER}.{task.id}"))


def default_pins(task: Task) -> Pinned:
    """What the task pins where nobody says otherwise; of an empty set of queries."""
    nothing = DatasetPin(name="", revision="", sha256="", rows=0, synthetic=True)
    part = part_of(task) if task.inference else attempt_part_of(task)
    return part.pinned(QuerySet(pin=nothing, queries=()), 0)
