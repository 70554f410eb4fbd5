"""Rows of published datasets, and of files of one's own, as texts."""

from __future__ import annotations

from wattmark.bench.asking import Query
from wattmark.bench.published_table import Chosen
from wattmark.core.errors import UsageError


def text_in(chosen: Chosen, column: str) -> str:
    """A text that must be there. Raises UsageError naming the dataset and the column."""
    value = chosen.values.get(column)
    if not isinstance(value, str):
        raise UsageError(f"--dataset {chosen.part}: a row has no text in the column {column!r}")
    return value


def text_or_none(chosen: Chosen, column: str) -> str | None:
    """A text that may be absent; blank is absent."""
    value = chosen.values.get(column)
    return value if isinstance(value, str) and value.strip() else None


def text_query(index: int, chosen: Chosen) -> Query | None:
    """A text, with the column ``reference`` where there is one; None for a blank text."""
    text = text_in(chosen, "text")
    if not text.strip():
        return None
    return Query(
        index=index, inputs={"text": text}, reference=text_or_none(chosen, "reference"), part=chosen.part
    )
