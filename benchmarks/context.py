"""What a row's `measure` is given: the installed tools, how hard to try, and where to note things."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from benchmarks.environments import Environment
from benchmarks.results import Observation
from benchmarks.tools import Tool, Variant

Subject = TypeVar("Subject")
Sample = TypeVar("Sample")


@dataclass(frozen=True, slots=True)
class Settings:
    """How often and how long. The defaults give figures worth publishing."""

    repeats: int = 10
    warm_windows: int = 20
    sleep_s: float = 20.0
    settle_s: float = 2.0
    sleep_repeats: int = 5
    network_repeats: int = 3


QUICK = Settings(repeats=3, warm_windows=5, sleep_s=3.0, settle_s=1.0, sleep_repeats=2, network_repeats=1)
"""Enough to see that the benchmark still works; no figure of it is worth keeping."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A tool and the environment that holds it."""

    tool: Tool
    environment: Environment

    @property
    def python(self) -> Path:
        return self.environment.python


@dataclass(frozen=True, slots=True)
class Driven:
    """A tool driven in one of its ways."""

    installed: Installed
    variant: Variant

    @property
    def name(self) -> str:
        return f"{self.installed.tool.name} {self.variant.name}"


@dataclass(slots=True)
class Context:
    """The tools under test and the notebook of one run."""

    installed: tuple[Installed, ...]
    settings: Settings
    observations: list[Observation] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    say: Callable[[str], None] = print

    def driven(self) -> tuple[Driven, ...]:
        """Every tool in each of its ways."""
        return tuple(Driven(one, variant) for one in self.installed for variant in one.tool.variants)

    def observe(self, driven: Driven, situation: str, **facts: object) -> None:
        """Keep what was seen; facts that say nothing are left out."""
        told = {key: value for key, value in facts.items() if value not in ("", [], (), None)}
        self.observations.append(
            Observation(driven.installed.tool.name, driven.variant.name, situation, told)
        )

    def skip(self, rows: Iterable[str], why: str) -> None:
        """Say, now and in the report, why rows are not measured."""
        for row in rows:
            self.skipped[row] = why
            self.say(f"  skipped {row}: {why}")


def in_turns(
    subjects: Sequence[Subject], times: int, sample: Callable[[Subject], Sample]
) -> list[tuple[Subject, list[Sample]]]:
    """Samples of every subject, taken in rounds, so that a slow minute falls on all of them."""
    taken: list[tuple[Subject, list[Sample]]] = [(subject, []) for subject in subjects]
    for _ in range(times):
        for subject, samples in taken:
            samples.append(sample(subject))
    return taken
