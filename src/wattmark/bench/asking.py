"""What is asked, what answers, and what a task brings: small protocols between harness, tasks and models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
