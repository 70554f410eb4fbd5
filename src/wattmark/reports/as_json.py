"""Results as JSON-ready dictionaries: every document carries a schema id and a version."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from wattmark.core.facts import Answer
from wattmark.core.figure import Figure, Missing, NotReached, Undefined


def document(schema: str, version: int, body: Mapping[str, Any]) -> str:
    """A JSON document with its schema id (``wattmark.<name>``) and version in front."""
    return json.dumps(
        {"schema": f"wattmark.{schema}", "schema_version": version, **body}, indent=2, allow_nan=False
    )


def figure_json(figure: Figure) -> dict[str, Any]:
    """A figure with everything that says how it is known. What is infinite has no number: null."""
    low, high = figure.interval
    return {
        "status": "known",
        "value": figure.value,
        "unit": figure.unit,
        "interval_95": [finite(low), finite(high)],
        "relative_error_95": finite(figure.relative),
        "grade": figure.grade,
        "coverage": figure.coverage,
        "terms": dict(figure.terms),
        "sources": list(figure.sources),
        "notes": list(figure.notes),
    }


def answer_json(answer: Answer) -> dict[str, Any]:
    """The answer of a KPI: known, missing, undefined or not reached."""
    match answer:
        case Figure():
            return figure_json(answer)
        case Missing(field, hint):
            return {"status": "missing", "field": field, "hint": hint}
        case Undefined(reason):
            return {"status": "undefined", "reason": reason}
        case NotReached(target, spent):
            return {"status": "not_reached", "target": target, "spent": answer_json(spent)}


def finite(value: float) -> float | None:
    """The number, or None for infinity and for what is no number: JSON has neither."""
    return value if math.isfinite(value) else None
