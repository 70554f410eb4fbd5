"""What to tell whoever asked a ledger for totals and found nothing: what it holds instead."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence

from wattmark.ledger.columns import TAGS
from wattmark.ledger.engine import Engine
from wattmark.ledger.question import LABEL, PLACE_KEYS, Question

MOST_NAMED = 5
EMPTY = (
    "nothing is counted in this ledger yet: `wattmark measure`, `wattmark ledger add` and `wattmark import` "
    "bring something in"
)


def why_nothing(engine: Engine, question: Question) -> tuple[str, ...]:
    """Sentences for a question that this engine has just answered with no total at all."""
    ((first, last),) = engine.rows(f"SELECT MIN(day), MAX(day) FROM {question.table}")
    if first is None:
        return (EMPTY,)
    told = list(_other_values(engine, question))
    if question.start is not None or question.end is not None:
        told.append(f"the ledger holds energy from {first} to {last} (UTC days)")
    return tuple(told)


def _other_values(engine: Engine, question: Question) -> Iterator[str]:
    for key, values in question.where.items():
        there = _values(engine, key)
        for value in values:
            if value and there and value not in there:
                yield f"nothing says {key}={value}: {_meant(value, there)}"


def _values(engine: Engine, key: str) -> list[str]:
    """The values of a tag, a label or a place; empty for keys of another kind."""
    if key in TAGS:
        rows = engine.rows(f"SELECT DISTINCT {key} FROM subjects")
        return sorted(str(value) for (value,) in rows if value)
    if key.startswith(LABEL):
        labels = [json.loads(text) for (text,) in engine.rows("SELECT DISTINCT labels FROM subjects") if text]
        name = key.removeprefix(LABEL)
        return sorted({str(told[name]) for told in labels if name in told})
    if key in PLACE_KEYS:
        return sorted(str(value) for (value,) in engine.rows(f"SELECT DISTINCT {key} FROM places") if value)
    return []


def _meant(value: str, there: Sequence[str]) -> str:
    close = difflib.get_close_matches(value, there, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    more = f" and {len(there) - MOST_NAMED} more" if len(there) > MOST_NAMED else ""
    return f"there are {', '.join(there[:MOST_NAMED])}{more}"
