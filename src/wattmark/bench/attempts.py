"""Work until a target quality is reached, as something that answers: one attempt is one query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wattmark.bench.asking import Answer, Attempt, Query, QuerySet
from wattmark.core.bench.pinned import ModelFacts

ATTEMPT = Query(index=0, inputs={})


class Attempts:
    """An Answerer whose every answer is another attempt, with another seed."""

    def __init__(self, attempt: Attempt, seed: int) -> None:
        self._attempt = attempt
        self._seed = seed

    @property
    def facts(self) -> ModelFacts:
        """What is trained, or which pipeline it is."""
        return self._attempt.facts

    def prepare(self, batch: Sequence[Query]) -> None:
        """An attempt prepares itself."""

    def answer(
        self, batch: Sequence[Query], prepared: Any, *, output_tokens: int | None = None
    ) -> list[Answer]:
        """One attempt for each query; one that did not reach the target is a failed query."""
        return [self._one() for _ in batch]

    def close(self) -> None:
        """Give back what the attempt holds."""
        self._attempt.close()

    def _one(self) -> Answer:
        seed, self._seed = self._seed, self._seed + 1
        done = self._attempt.run(seed, _unheard)
        if done.reached:
            return Answer(output=done.quality)
        return Answer(output=done.quality, failed=f"the target was not reached: {done.why_not or 'given up'}")


def one_query(data: QuerySet) -> QuerySet:
    """What is asked: one attempt. The pin stays that of the data that is worked on."""
    return QuerySet(pin=data.pin, queries=(ATTEMPT,))


def reached(query: Query, answer: Answer) -> Any:
    """The quality that an attempt came to."""
    return answer.output


def _unheard(quality: float) -> None:
    """Nobody listens to the progress yet: what is seen at the end counts."""
