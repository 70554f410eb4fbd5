"""What is to be benchmarked, and how somebody watches and ends it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wattmark.bench.asking import Answer, Answerer, Query, QuerySet
from wattmark.core.bench.evidence import PhaseName
from wattmark.core.bench.pinned import Pinned
from wattmark.core.bench.profile import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One task on one model, not loaded yet: loading is a phase of the benchmark."""

    profile: Profile
    queries: Callable[[], QuerySet]
    pinned: Callable[[QuerySet], Pinned]
    load: Callable[[Pinned, QuerySet], Answerer]
    """The model. Where it has a ``pinned`` of its own (a server that cannot be held to all), that counts."""
    score: Callable[[Query, Answer], Any]
    steady: bool = True
    """False for training and data pipelines: there is no steady power to wait for."""
    labels: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """How far a benchmark is."""

    phase: PhaseName
    repeat: int | None = None
    repeats: int | None = None
    """How many there are to be, as far as is known."""
    share: float | None = None
    """Of the phase that is done, 0 to 1, where its length is known."""
    left_seconds: float | None = None
    """Until the benchmark ends, as far as can be told."""


def unwatched(_stage: Stage) -> None:
    """Shows nothing."""


def never() -> bool:
    """Nobody ends it."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Who looks on."""

    progress: Callable[[Stage], None] = unwatched
    stopped: Callable[[], bool] = never
    """True once it shall end in order: the current phase is closed as failed, and what is there is kept."""
