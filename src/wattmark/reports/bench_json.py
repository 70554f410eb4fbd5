"""Benchmarks as JSON documents."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from wattmark.core.bench.pinned import Pinned
from wattmark.core.bench.result import Result, wh_per_1000
from wattmark.core.bench.task import Task
from wattmark.core.figure import NotReached
from wattmark.core.plain import plain
from wattmark.reports.as_json import answer_json, document, figure_json
from wattmark.reports.bench_advice import advice_for

OF_THE_QUERIES = ("task", "dataset", "queries", "seed")


def tasks_json(tasks: Iterable[tuple[Task, Pinned]]) -> str:
    """Schema ``wattmark.bench-tasks``: every task as everybody must understand it, and what it pins."""
    return document("bench-tasks", 1, {"tasks": [{**asdict(t), "pins": _pins(p)} for t, p in tasks]})


def _pins(pinned: Pinned) -> dict[str, object]:
    """What does not depend on the queries and their seed."""
    found = {**asdict(pinned), "options": dict(pinned.options)}
    return {name: value for name, value in found.items() if name not in OF_THE_QUERIES}


def bench_json(result: Result, bundle: str, manifest_sha256: str) -> str:
    """Schema ``wattmark.bench``: the result, its main figures with intervals, and where the bundle is."""
    return document(
        "bench",
        1,
        {
            "task": result.task,
            "model": result.model.id,
            "profile": result.profile,
            "validity": result.validity.status.value,
            "reasons": [
                {"code": r.code, "status": r.status.value, "text": r.text, "advice": advice_for(r.code)}
                for r in result.validity.reasons
            ],
            "wh_per_1000_queries": None if result.energy is None else figure_json(wh_per_1000(result.energy)),
            "joules_per_query": None if result.energy is None else figure_json(result.energy),
            "joules_per_output": None if result.per_output is None else figure_json(result.per_output),
            "output_unit": result.output_unit,
            "not_reached": None
            if result.spent is None
            else answer_json(NotReached(result.target, result.spent)),
            "quality": None if result.quality is None else asdict(result.quality),
            "latency_seconds": None if result.latency is None else asdict(result.latency),
            "bundle": bundle,
            "manifest_sha256": manifest_sha256,
            "result": plain(result),
        },
    )
