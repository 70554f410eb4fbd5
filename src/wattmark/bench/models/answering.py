"""What all answerers with a model of their own share: failed queries are told, memory is given back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from wattmark.bench.asking import Answer, Query
from wattmark.core.bench.pinned import ModelFacts
from wattmark.core.errors import without_paths


class Held(Protocol):
    """A model that is ready to be asked, with what belongs to it."""

    facts: ModelFacts

    def release(self) -> None:
        """Give the model's memory back."""
        ...


Model = TypeVar("Model", bound=Held)


@dataclass(frozen=True, slots=True)
class LocalAnswerer(ABC, Generic[Model]):
    """An :class:`wattmark.bench.asking.Answerer`; a task adds how it prepares inputs and makes answers."""

    held: Model

    @property
    def facts(self) -> ModelFacts:
        """What the model says of itself."""
        return self.held.facts

    @abstractmethod
    def prepare(self, batch: Sequence[Query]) -> Any:
        """The inputs of a batch, on the device."""

    @abstractmethod
    def answered(self, batch: Sequence[Query], prepared: Any, output_tokens: int | None) -> list[Answer]:
        """An answer for each query, once the device is done. May raise: then every query has failed."""

    def answer(
        self, batch: Sequence[Query], prepared: Any, *, output_tokens: int | None = None
    ) -> Sequence[Answer]:
        """The answers, or why there is none."""
        return failures_told(batch, lambda: self.answered(batch, prepared, output_tokens))

    def close(self) -> None:
        """Give the model's memory back."""
        self.held.release()


def failures_told(batch: Sequence[Query], answered: Callable[[], list[Answer]]) -> list[Answer]:
    """The answers, or for each query why there is none: out of memory, an input that does not fit."""
    try:
        return answered()
    except (RuntimeError, ValueError, IndexError, NotImplementedError) as error:
        why = f"{type(error).__name__}: {without_paths(error).strip().partition(chr(10))[0][:200]}"
        return [Answer(output=None, failed=why) for _ in batch]
