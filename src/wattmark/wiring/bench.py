"""From what was asked on the command line or in Python to a benchmark that runs, in the real world or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from wattmark.bench.aies_pins import aies_pinned
from wattmark.bench.asking import Answer, Answerer, Attempt, ModelAsked, Query, QuerySet
from wattmark.bench.attempting import CallableAttempt, own_data, own_pinned
from wattmark.bench.attempts import Attempts, one_query, reached
from wattmark.bench.bundle.layout import SUFFIX, Bundle
from wattmark.bench.bundle.store import EvidenceStore
from wattmark.bench.bundle.write import write_bundle
from wattmark.bench.callable import CallableAnswerer, Function, function_named
from wattmark.bench.catalog import attempt_part_of, judge_of, part_of, task_asked
from wattmark.bench.goal import Goal
from wattmark.bench.harness import run_benchmark
from wattmark.bench.job import Job, Watch
from wattmark.bench.models.shipped import refuse_absent
from wattmark.bench.simulated import Remembering, simulated_world
from wattmark.bench.world import World
from wattmark.config import Config
from wattmark.core.bench.evidence import Evidence
from wattmark.core.bench.key import UNKNOWN
from wattmark.core.bench.pinned import ModelFacts, Pinned
from wattmark.core.bench.profile import PROFILES, Profile
from wattmark.core.bench.task import Task
from wattmark.core.errors import UsageError
from wattmark.wiring.bench_world import versions, world_here

SYNTHETIC = "synthetic"
LOADING_SECONDS = 0.5
"""What loading takes in simulated time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchAsked:
    """A benchmark as somebody asks for it; None leaves a number to the task and the profile."""

    task: str
    model: str | None = None
    endpoint: Callable[[Task, Pinned], Answerer] | None = None
    """Opens a model behind a server."""
    callable: str | Function | None = None
    """``module:function``, or the function itself."""
    profile: str = "standard"
    datasets: tuple[str, ...] = ()
    dataset_dir: Path | None = None
    queries: int | None = None
    seed: int = 0
    batch_size: int | None = None
    concurrency: int | None = None
    rate: float | None = None
    dtype: str | None = None
    device: str = "auto"
    revision: str = ""
    output_tokens: int | None = None
    max_input_tokens: int | None = None
    repeats: int | None = None
    warm_up: int | None = None
    cool_down: float | None = None
    idle: float | None = None
    name: str | None = None
    """What a callable calls itself in results."""
    options: Mapping[str, str] = field(default_factory=dict)
    """What else is pinned, by the task's own names, e.g. steps of a diffusion model."""
    simulated: int | None = None
    """Seed of a simulated world."""
    labels: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a benchmark ended."""

    folder: Path
    bundle: Bundle | None
    """None where it was stopped: then it can be resumed."""


class Around(Protocol):
    """What a server changes about a benchmark (:class:`wattmark.wiring.bench_endpoint.Server`)."""

    def world(self, world: World) -> World:
        """The meters that see it."""
        ...

    def finish(self, evidence: Evidence) -> Evidence:
        """With what is told of its power afterwards, before the evidence is sealed."""
        ...


def run_asked(
    asked: BenchAsked,
    folder: Path,
    config: Config,
    watch: Watch | None = None,
    *,
    resume: bool = False,
    server: Around | None = None,
) -> Done:
    """Run a benchmark into a bundle in ``folder``, of this machine or of a server.

    Raises UsageError and MissingExtra for what is asked wrongly, EvidenceError for what cannot be kept or
    answered.
    """
    watch = watch or Watch()
    world = world_of(asked, config)
    if server is not None:
        world = server.world(world)
    try:
        job = job_of(asked, world, Path.cwd())
        with EvidenceStore.resume(folder) if resume else EvidenceStore.open(folder) as store:
            earlier = store.so_far() if resume else None
            evidence = run_benchmark(job, world, store, watch, earlier=earlier)
            if watch.stopped():
                return Done(folder=folder, bundle=None)
        if server is not None:
            evidence = server.finish(evidence)
        return Done(folder=folder, bundle=write_bundle(evidence, folder))
    except BaseException:
        _remove_if_empty(folder)
        raise
    finally:
        world.meters.close()


def _remove_if_empty(folder: Path) -> None:
    """Leave nothing of a benchmark that never began."""
    from wattmark.bench.bundle.journal import JOURNAL
    from wattmark.bench.bundle.layout import OPEN
    from wattmark.frames import LOCK

    journal = folder / OPEN / JOURNAL
    if journal.is_file() and journal.stat().st_size == 0:
        with suppress(OSError):  # what cannot be removed is in nobody's way
            journal.unlink()
            (folder / OPEN / LOCK).unlink(missing_ok=True)
            (folder / OPEN).rmdir()
            folder.rmdir()


def profile_asked(asked: BenchAsked) -> Profile:
    """The profile with what was asked otherwise. Raises UsageError for one that there is not."""
    if asked.profile not in PROFILES:
        raise UsageError(f"--profile {asked.profile!r}: it is one of {', '.join(PROFILES)}")
    profile = PROFILES[asked.profile]
    changes: dict[str, Any] = {
        "min_repeats": asked.repeats,
        "max_repeats": asked.repeats,
        "warmup_queries": asked.warm_up,
        "cooldown_seconds": asked.cool_down,
        "idle_seconds": asked.idle,
        "queries": asked.queries,
    }
    return replace(profile, **{name: value for name, value in changes.items() if value is not None})


def job_of(asked: BenchAsked, world: World, folder: Path) -> Job:
    """What is to be done, nothing of it loaded. ``folder``: where modules of callables are looked for too.

    Raises UsageError for what does not fit together.
    """
    task, profile = task_asked(asked.task), profile_asked(asked)
    _require_one_model(asked)
    _require_fit(asked, task)
    refuse_absent(asked.model or "")
    count = profile.queries

    def queries() -> QuerySet:
        part = part_of(task)
        _pass(world, LOADING_SECONDS)
        if _is_synthetic(asked, profile):
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


def pinned_asked(asked: BenchAsked, pinned: Pinned) -> Pinned:
    """The task's own pins with what was asked otherwise. Raises UsageError for what the task has not."""
    if asked.profile == "aies":
        pinned = aies_pinned(pinned)
    changes: dict[str, Any] = {
        "batch_size": asked.batch_size,
        "concurrency": asked.concurrency,
        "rate_per_second": asked.rate,
        "dtype": asked.dtype,
        "max_input_tokens": asked.max_input_tokens,
    }
    if asked.callable is not None and asked.dtype is None and task_asked(pinned.task).inference:
        changes["dtype"] = UNKNOWN  # a function does not show in which precision it computes
    if asked.output_tokens is not None:
        if pinned.output_tokens is None and pinned.max_output_tokens is None:
            raise UsageError(f"--output-tokens: {pinned.task} puts out no tokens that could be limited")
        name = "max_output_tokens" if pinned.output_tokens is None else "output_tokens"
        changes[name] = asked.output_tokens
    unknown = sorted(asked.options.keys() - pinned.options.keys())
    if unknown:
        known = ", ".join(pinned.options) or "none"
        raise UsageError(f"--pin {unknown[0]}: {pinned.task} has no such pin; it has {known}")
    if asked.options:
        changes["options"] = {
            **pinned.options,
            **{name: without_folders(value) for name, value in asked.options.items()},
        }
    return replace(pinned, **{name: value for name, value in changes.items() if value is not None})


def world_of(asked: BenchAsked, config: Config) -> World:
    """The real world, or a simulated one where it was asked for."""
    if asked.simulated is not None:
        return simulated_world(asked.simulated, versions)
    return world_here(
        config, local=asked.callable is None and asked.endpoint is None, served=asked.endpoint is not None
    )


def without_folders(value: str) -> str:
    """The value of a pin; of a folder or file on this machine its name alone: others see bundles."""
    path = Path(value).expanduser()
    return path.name if path.is_absolute() or path.exists() else value


def bundle_name(asked: BenchAsked, now: datetime) -> str:
    """Name of the folder of a bundle: when, which task, which model."""
    if isinstance(asked.callable, str):
        model = asked.callable.rpartition(":")[2]
    else:
        model = Path(asked.name or asked.model or "model").name
    plain = "".join(c if c.isalnum() or c in "-_." else "-" for c in model)[:60].strip(".-")
    task = task_asked(asked.task).id.replace("_", "-")
    return f"{now:%Y%m%dT%H%M%SZ}-{task}-{plain or 'model'}{SUFFIX}"


def free_folder(folder: Path) -> Path:
    """The folder, or one with a number behind its name where something is there already."""
    found, number = folder, 1
    while found.exists():
        number += 1
        found = folder.with_name(f"{folder.name.removesuffix(SUFFIX)}-{number}{SUFFIX}")
    return found


def _pass(world: World, seconds: float) -> None:
    """Let loading take its time in a simulated world."""
    if world.simulated:
        world.sleep(seconds)


def _is_synthetic(asked: BenchAsked, profile: Profile) -> bool:
    if SYNTHETIC in asked.datasets:
        if len(asked.datasets) > 1:
            raise UsageError("--dataset synthetic stands alone: a stand-in is never mixed with a dataset")
        return True
    return not asked.datasets and asked.dataset_dir is None and profile.id == "quick"


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


def _require_one_model(asked: BenchAsked) -> None:
    given = [n for n in ("model", "endpoint", "callable") if getattr(asked, n) is not None]
    if len(given) != 1:
        wrong = " and ".join(f"--{n}" for n in given) or "no model"
        raise UsageError(f"{wrong}: give one of --model, --endpoint and --callable")


def _require_fit(asked: BenchAsked, task: Task) -> None:
    many = (asked.concurrency or 1) > 1 or asked.rate is not None
    if many and asked.endpoint is None:
        raise UsageError("--concurrency and --rate are for --endpoint; a model here takes --batch-size")
    if asked.simulated is not None and asked.endpoint is not None:
        raise UsageError("--simulated: a server does not answer in simulated time")
    if not task.inference and asked.endpoint is not None:
        raise UsageError(f"{task.id} takes --model or --callable: servers neither train nor prepare")
