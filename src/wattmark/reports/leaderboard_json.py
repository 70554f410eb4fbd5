"""A leaderboard for machines: schema ``wattmark.leaderboard``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wattmark.core.bench.board import Board, Group, Row
from wattmark.core.bench.result import Result, wh_per_1000
from wattmark.core.figure import Figure
from wattmark.core.known import SIMULATED
from wattmark.core.plain import plain
from wattmark.core.stars.rating import Rating
from wattmark.reports.as_json import finite
from wattmark.reports.leaderboard_rows import grade_of, task_title

SCHEMA = "leaderboard"
SCHEMA_VERSION = 1


def leaderboard_body(board: Board, *, title: str, mode: str) -> dict[str, Any]:
    """Everything that the page shows, by task and group."""
    return {
        "title": title,
        "mode": mode,
        "results": sum(task.rows for task in board.tasks),
        "doubles_left_out": board.doubles,
        "tasks": [
            {
                "task": task.task,
                "title": task_title(task.task),
                "results": task.rows,
                "groups": [_group(group) for group in task.groups],
            }
            for task in board.tasks
        ],
    }


def key_json(result: Result) -> dict[str, str]:
    """The comparability key, every field of it."""
    key = result.key
    return {name: getattr(key, name) for name in key.__dataclass_fields__}


def stars_json(rating: Rating | None) -> dict[str, Any]:
    """Stars with their interval, or the reason why there are none."""
    if rating is None:
        return {"stars": None, "stars_interval": None, "stars_reason": "not rated"}
    return {
        "stars": rating.stars,
        "stars_interval": None if rating.interval is None else list(rating.interval),
        "stars_reason": rating.reason or None,
        "stars_mode": rating.mode,
        "stars_evidence": rating.evidence or None,
        "index": rating.index,
        "thresholds": rating.thresholds or None,
    }


def amount(figure: Figure | None) -> dict[str, Any] | None:
    """Value, unit and 95 % interval; None where it is not known. No uncertainty: no interval.

    What nobody measured says so: ``"evidence": "simulated"``.
    """
    if figure is None:
        return None
    low, high = figure.interval
    known = figure.half_width > 0
    return {
        "value": figure.value,
        "unit": figure.unit,
        "interval_95": [finite(low), finite(high)] if known else None,
        **({"evidence": SIMULATED} if figure.terms.get("evidence") == SIMULATED else {}),
    }


def validity_json(result: Result) -> dict[str, Any]:
    """The status, and every reason against it."""
    return {
        "status": result.validity.status.value,
        "reasons": [
            {"code": r.code, "status": r.status.value, "text": r.text} for r in result.validity.reasons
        ],
    }


def _group(group: Group) -> dict[str, Any]:
    return {
        "key_id": group.key.id,
        "key": key_json(group.rows[0].result),
        "ranked": group.ranked,
        "differs_from_the_group_before": [
            {"field": name, "there": there, "here": here} for name, there, here in group.differs
        ],
        "rows": [row_json(row) for row in group.rows],
    }


def row_json(row: Row) -> dict[str, Any]:
    """One row; what is not known is null, never 0."""
    result = row.result
    return {
        "rank": None if row.rank is None else {"first": row.rank.first, "last": row.rank.last},
        "unranked": row.unranked or None,
        "model": result.model.id,
        "model_version": result.model.version or None,
        "model_class": result.model.model_class,
        "random_weights": result.model.random_weights,
        "parameters": result.model.parameters,
        "cohort": result.cohort or None,
        **stars_json(row.rating),
        "wh_per_1000_queries": None if row.energy is None else amount(wh_per_1000(row.energy)),
        "joules_per_query": amount(row.energy),
        "joules_per_output": amount(result.per_output),
        "output_unit": result.output_unit,
        "quality": _quality(result),
        "latency_seconds": None
        if result.latency is None
        else {"p50": result.latency.p50, "p95": result.latency.p95},
        "grade": grade_of(row) or None,
        "hardware": result.hardware or result.key.device_class,
        "repeats": len(result.repeats) or None,
        "repeat_cv": result.repeat_cv,
        "validity": validity_json(result),
        "origin": {**_origin(result), "bundle_sha256": result.bundle_sha256},
        "date": result.date or None,
        "result_id": result.id,
        "notes": list(result.notes),
    }


def _quality(result: Result) -> Mapping[str, Any] | None:
    score = result.quality
    if score is None:
        return None
    known = score.low is not None and score.high is not None
    return {
        "name": score.name,
        "value": score.value,
        "interval_95": [score.low, score.high] if known else None,
        "higher_is_better": score.higher_is_better,
        "queries": score.queries,
    }


def _origin(result: Result) -> Mapping[str, Any]:
    made: Mapping[str, Any] = plain(result.origin)
    return {"tool": result.origin.tool, "published": result.origin.published, **made}
