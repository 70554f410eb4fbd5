"""What is asked, what answers, and what a task brings: small protocols between harness, tasks and models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from wattmark.core.bench.pinned import DatasetPin, ModelFacts, Pinned


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One thing to ask, and what a good answer is."""

    index: int
    """Place in the dataset, from 0."""
    inputs: Mapping[str, Any]
    """By the task: ``text``; ``question`` and ``context``; ``first`` and ``second``; ``image`` (a PIL image);
    ``audio`` (float32 samples) with ``sampling_rate``; ``prompt``."""
    reference: Any = None
    """What the task's ``score`` holds the answer against; None where nothing is known."""
    part: str = ""
    """Which of several datasets it is from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuerySet:
    """All queries of a benchmark, in their order, and the pin that tells them from any other."""

    pin: DatasetPin
    queries: tuple[Query, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back for one query. The output itself is scored and hashed, never kept."""

    output: Any
    """Text, a label, a number, boxes, an image: as the task's ``score`` expects it."""
    input_tokens: int | None = None
    cached_input_tokens: int | None = None
    """How many of the input tokens a server had in its cache from before."""
    truncated_tokens: int | None = None
    """Of the input, cut off before it was asked; 0 where nothing was. Not in ``input_tokens``."""
    output_tokens: int | None = None
    audio_seconds: float | None = None
    images: int | None = None
    first_output_seconds: float | None = None
    """From the start of answering to the first token."""
    failed: str = ""
    """Why there is no answer. An answerer tells of a failed query; it does not raise for one."""


class Answerer(Protocol):
    """A model that answers queries of one task: local, behind an endpoint, or somebody's callable."""

    @property
    def facts(self) -> ModelFacts:
        """What it is, as far as it can tell."""
        ...

    def prepare(self, batch: Sequence[Query]) -> Any:
        """The inputs of a batch as the model takes them (tokens, pixels). Part of what is rated."""
        ...

    def answer(
        self, batch: Sequence[Query], prepared: Any, *, output_tokens: int | None = None
    ) -> Sequence[Answer]:
        """An answer for each query, in order. ``output_tokens`` overrides the pinned number (1: prefill).

        Waits until the device has done the work (``torch.cuda.synchronize``).
        """
        ...

    def close(self) -> None:
        """Give back memory and connections."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAsked:
    """Which local model, and how it is to be run."""

    model: str
    """Folder, id on the Hugging Face hub, ``tiny`` (made on the spot, random weights), or ``random:ID`` (the
    architecture of a known configuration with random weights)."""
    revision: str = ""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1, mps."""
    settings: Mapping[str, str] = field(default_factory=dict)


class TaskPart(Protocol):
    """What one file in ``bench/tasks`` brings; a module with these names is one."""

    TASK: str
    """Id of the task in :data:`wattmark.core.bench.task.TASKS`."""

    def pinned(self, queries: QuerySet, seed: int) -> Pinned:
        """The task's own defaults: token numbers, truncation, dtype, options."""
        ...

    def synthetic(self, count: int, seed: int) -> QuerySet:
        """The stand-in: made on the spot, the same everywhere for the same count and seed."""
        ...

    def published(self, names: Sequence[str], count: int, seed: int) -> QuerySet:
        """Queries of published datasets, by their real loaders. Raises UsageError naming what is missing."""
        ...

    def load(self, asked: ModelAsked, pinned: Pinned) -> Answerer:
        """A local model, ready to answer. Raises MissingExtra, or UsageError that names what is wrong."""
        ...

    def score(self, query: Query, answer: Answer) -> Any:
        """What the task's Scoring needs of one answer (plain JSON), or None where nothing can be told."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """How one attempt at a target quality ended."""

    quality: float | None
    """What was reached at the end; None where it was never looked at."""
    reached: bool
    """Whether the target was; where it was not, the energy is kept and the attempt counts as failed."""
    why_not: str = ""
    """e.g. ``accuracy 0.71 of 0.9 after 20 epochs``."""


class Attempt(Protocol):
    """Work that goes on until a target quality is reached (training, data pipelines).

    It is done once as a warm-up and once per repeat (again where the window is not full yet); one attempt is
    one query. Each begins from nothing with a seed of its own: energy to a target depends on luck.
    """

    @property
    def facts(self) -> ModelFacts:
        """What is trained, or which pipeline it is."""
        ...

    def run(self, seed: int, tell: Callable[[float], None]) -> Attempted:
        """One attempt, whole; it ends as soon as the target is reached or it gives up.

        ``tell`` takes the quality each time it is looked at (looking is part of what is rated).
        """
        ...

    def close(self) -> None:
        """Give back memory and files."""
        ...


class AttemptPart(Protocol):
    """What the file of a task without ``inference`` brings (training, data_pipeline)."""

    TASK: str

    def pinned(self, queries: QuerySet, seed: int) -> Pinned:
        """``queries`` is 1 (one attempt); ``options`` hold ``quality``, ``target`` and what ends one."""
        ...

    def synthetic(self, count: int, seed: int) -> QuerySet:
        """The data that is worked on; ``count`` rows."""
        ...

    def published(self, names: Sequence[str], count: int, seed: int) -> QuerySet:
        """As for other tasks."""
        ...

    def start(self, asked: ModelAsked, pinned: Pinned, queries: QuerySet) -> Attempt:
        """Everything that is there before the first attempt."""
        ...
