"""A benchmark as somebody asks for it, and the profile and pins that follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from wattmark.bench.aies_pins import aies_pinned
from wattmark.bench.asking import Answerer
from wattmark.bench.callable import Function
from wattmark.bench.catalog import task_asked
from wattmark.core.bench.key import UNKNOWN
from wattmark.core.bench.pinned import Pinned
from wattmark.core.bench.profile import PROFILES, Profile
from wattmark.core.bench.task import Task
from wattmark.core.errors import UsageError

SYNTHETIC = "synthetic"


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


def without_folders(value: str) -> str:
    """The value of a pin; of a folder or file on this machine its name alone: others see bundles."""
    path = Path(value).expanduser()
    return path.name if path.is_absolute() or path.exists() else value


def is_synthetic(asked: BenchAsked, profile: Profile) -> bool:
    """Whether the stand-in is asked: in words, or by profile ``quick`` and no dataset."""
    if SYNTHETIC in asked.datasets:
        if len(asked.datasets) > 1:
            raise UsageError("--dataset synthetic stands alone: a stand-in is never mixed with a dataset")
        return True
    return not asked.datasets and asked.dataset_dir is None and profile.id == "quick"


def require_one_model(asked: BenchAsked) -> None:
    """Raise UsageError where no model is asked for, or more than one."""
    given = [n for n in ("model", "endpoint", "callable") if getattr(asked, n) is not None]
    if len(given) != 1:
        wrong = " and ".join(f"--{n}" for n in given) or "no model"
        raise UsageError(f"{wrong}: give one of --model, --endpoint and --callable")


def require_fit(asked: BenchAsked, task: Task) -> None:
    """Raise UsageError for what does not go with the task or the model."""
    many = (asked.concurrency or 1) > 1 or asked.rate is not None
    if many and asked.endpoint is None:
        raise UsageError("--concurrency and --rate are for --endpoint; a model here takes --batch-size")
    if asked.simulated is not None and asked.endpoint is not None:
        raise UsageError("--simulated: a server does not answer in simulated time")
    if not task.inference and asked.endpoint is not None:
        raise UsageError(f"{task.id} takes --model or --callable: servers neither train nor prepare")
