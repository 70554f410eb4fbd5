"""From what was asked to what the harness is to do: queries, a model that is loaded late, and its score."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from wattmark.bench.asking import Answer, Answerer, Attempt, ModelAsked, Query, QuerySet
from wattmark.bench.attempting import CallableAttempt, own_data, own_pinned
from wattmark.bench.attempts import Attempts, one_query, reached
from wattmark.bench.callable import CallableAnswerer, Function, function_named
from wattmark.bench.catalog import attempt_part_of, judge_of, part_of, task_asked
from wattmark.bench.goal import Goal
from wattmark.bench.job import Job
from wattmark.bench.models.shipped import refuse_absent
from wattmark.bench.simulated import Remembering
from wattmark.bench.world import World
from wattmark.core.bench.pinned import ModelFacts, Pinned
from wattmark.core.bench.profile import Profile
from wattmark.core.bench.task import Task
from wattmark.core.errors import UsageError
from wattmark.wiring.bench_asked import (
    BenchAsked,
    is_synthetic,
    pinned_asked,
    profile_asked,
    require_fit,
    require_one_model,
)

LOADING_SECONDS = 0.5
"""What loading takes in simulated time."""


def job_of(asked: BenchAsked, world: World, folder: Path) -> Job:
    """What is to be done, nothing of it loaded. ``folder``: where modules of callables are looked for too.

    Raises UsageError for what does not fit together.
    """
    task, profile = task_asked(asked.task), profile_asked(asked)
    require_one_model(asked)
    require_fit(asked, task)
    refuse_absent(asked.model or "")
    count = profile.queries

    def queries() -> QuerySet:
        part = part_of(task)
        _pass(world, LOADING_SECONDS)
        if is_synthetic(asked, profile):
            return part.synthetic(count, asked.seed)
        return part.published(_datasets(asked), count, asked.seed)

    if not task.inference:
        return _attempt_job(asked, world, task, profile, queries, folder)

    judged: list[Callable[[Query, Answer], Any]] = []

    def load(pinned: Pinned, found: QuerySet) -> Answerer:
        _pass(world, LOADING_SECONDS)
        judged.append(judge_of(task, _model(asked)))
        if asked.endpoint is not None:
            return asked.endpoint(task, pinned)
        if asked.callable is not None:
            answerer = _callable(asked, folder)
        else:
            answerer = part_of(task).load(_model(asked), pinned)
        return Remembering(answerer) if world.simulated else answerer

    def score(query: Query, answer: Answer) -> Any:
        return judged[-1](query, answer)

    return Job(
        profile=profile,
        queries=queries,
        pinned=lambda found: pinned_asked(asked, part_of(task).pinned(found, asked.seed)),
        load=load,
        score=score,
        labels=asked.labels,
        notes=asked.notes,
    )


def _attempt_job(
    asked: BenchAsked,
    world: World,
    task: Task,
    profile: Profile,
    queries: Callable[[], QuerySet],
    folder: Path,
) -> Job:
    data: list[QuerySet] = []

    def loaded() -> QuerySet:
        data.append(queries() if asked.callable is None else own_data(asked.options.get("data", "")))
        return one_query(data[0])

    def attempt(pinned: Pinned) -> Attempt:
        if asked.callable is not None:
            function, facts = _function(asked, folder)
            return CallableAttempt(function, Goal.pinned(pinned.options), facts)
        return attempt_part_of(task).start(_model(asked), pinned, data[0])

    def load(pinned: Pinned, found: QuerySet) -> Answerer:
        _pass(world, LOADING_SECONDS)
        attempts = Attempts(attempt(pinned), asked.seed)
        return Remembering(attempts) if world.simulated else attempts

    def pinned(found: QuerySet) -> Pinned:
        if asked.callable is not None:
            return pinned_asked(asked, own_pinned(task.id, data[0], asked.seed, asked.options))
        return pinned_asked(asked, attempt_part_of(task).pinned(data[0], asked.seed))

    return Job(
        profile=replace(profile, warmup_queries=min(1, profile.warmup_queries)),
        queries=loaded,
        pinned=pinned,
        load=load,
        score=reached,
        steady=False,
        labels=asked.labels,
        notes=asked.notes,
    )


def _pass(world: World, seconds: float) -> None:
    """Let loading take its time in a simulated world."""
    if world.simulated:
        world.sleep(seconds)


def _datasets(asked: BenchAsked) -> tuple[str, ...]:
    from wattmark.bench.published_table import located

    return located(asked.datasets, asked.dataset_dir)


def _model(asked: BenchAsked) -> ModelAsked:
    return ModelAsked(
        model=asked.model or "", revision=asked.revision, device=asked.device, settings=asked.options
    )


def _callable(asked: BenchAsked, folder: Path) -> Answerer:
    return CallableAnswerer(*_function(asked, folder))


def _function(asked: BenchAsked, folder: Path) -> tuple[Function, ModelFacts]:
    """Somebody's function, and what is said of it."""
    given = asked.callable
    function = function_named(given, folder) if isinstance(given, str) else given
    if function is None:
        raise UsageError("no function was given")
    own = given if isinstance(given, str) else str(getattr(given, "__qualname__", "callable"))
    name = asked.name or own
    facts = ModelFacts(id=name, served_by="callable", device="" if asked.device == "auto" else asked.device)
    return function, facts
