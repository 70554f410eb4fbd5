"""A sweep as the body of a JSON document (``wattmark.sweep``)."""

from __future__ import annotations

from typing import Any

from wattmark.core.bench.operating import Group, Sweep, Tried
from wattmark.core.bench.pareto import Measure
from wattmark.reports.as_json import figure_json, finite

SCHEMA = "sweep"
VERSION = 1


def sweep_body(sweep: Sweep) -> dict[str, Any]:
    """All points, how they stand, and what to use."""
    return {
        "task": sweep.task,
        "model": sweep.model,
        "per": sweep.per,
        "quality_name": sweep.quality_name,
        "max_latency_seconds": sweep.max_latency,
        "min_quality": sweep.min_quality,
        "points": [_point(sweep, tried) for tried in sweep.tried],
        "groups": [_group(group) for group in sweep.groups],
    }


def _point(sweep: Sweep, tried: Tried) -> dict[str, Any]:
    result = tried.result
    energy = tried.energy(sweep.per)
    return {
        "name": tried.point.name,
        "settings": dict(tried.point.settings),
        "failed": tried.failed or None,
        "bundle": tried.bundle or None,
        "key": None if result is None else result.key.id,
        "energy": None if energy is None else figure_json(energy),
        "latency_p95_seconds": _measure(tried.latency),
        "quality": _measure(tried.quality),
        "throughput": None if result is None else result.throughput,
        "status": None if result is None else result.validity.status,
        "reasons": [] if result is None else [reason.code for reason in result.validity.reasons],
    }


def _measure(measure: Measure | None) -> dict[str, Any] | None:
    if measure is None:
        return None
    ends = [None if end is None else finite(end) for end in (measure.low, measure.high)]
    return {
        "value": finite(measure.value),
        "interval_95": ends,
        "higher_is_better": measure.higher_is_better,
    }


def _group(group: Group) -> dict[str, Any]:
    return {
        "points": list(group.names),
        "apart": [{"field": name, "first": first, "here": here} for name, first, here in group.apart],
        "unknown": list(group.unknown),
        "planes": [
            {
                "beside": plane.beside,
                "standings": [
                    {"name": s.name, "place": s.place, "dominated_by": list(s.by)} for s in plane.standings
                ],
            }
            for plane in group.planes
        ],
        "suggestion": None
        if group.suggestion is None
        else {
            "name": group.suggestion.name,
            "sure": group.suggestion.sure,
            "ties": list(group.suggestion.ties),
        },
    }
