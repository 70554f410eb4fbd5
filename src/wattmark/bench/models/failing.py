"""A query that fails is told of; the benchmark goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wattmark.bench.asking import Answer, Query
from wattmark.core.errors import without_paths


def failures_told(batch: Sequence[Query], answered: Callable[[], list[Answer]]) -> list[Answer]:
    """The answers, or for each query why there is none: out of memory, an input that does not fit."""
    try:
        return answered()
    except (RuntimeError, ValueError, IndexError, NotImplementedError) as error:
        why = f"{type(error).__name__}: {without_paths(error).strip().partition(chr(10))[0][:200]}"
        return [Answer(output=None, failed=why) for _ in batch]
