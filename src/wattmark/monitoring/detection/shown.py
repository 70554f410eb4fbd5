"""Findings as people read them, as JSON, and as alerts that are sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from wattmark.monitoring.detection.finding import Cause, Finding, Kind
from wattmark.monitoring.detection.replay import Course

ALERT = "WattmarkRegressionFound"
STUCK_ALERT = "WattmarkReadingStuck"
NAMES: Mapping[str, str] = {
    "joules_per_output_token": "J per output token",
    "joules_per_request": "J per request",
    "release": "release",
    "hardware": "devices",
    "batch": "requests in a batch",
    "failed_share": "share of failed requests",
    "requests_per_second": "requests per second",
    "input_tokens_per_request": "input tokens per request",
    "output_tokens_per_request": "output tokens per request",
    "company": "other models' tokens per second on its devices",
}


def when(seconds: float) -> str:
    """A moment as people read it, UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def sentence(found: Finding) -> str:
    """The finding in one line."""
    if found.ratio is None or found.kind is Kind.OVER:
        return f"{when(found.since)} {found.kind.value.replace('_', ' ')}: {found.text}"
    by = f"{abs(found.ratio - 1.0):.1%} {'more' if found.ratio > 1.0 else 'less'}"
    between = f" ({found.interval[0] - 1.0:+.1%} to {found.interval[1] - 1.0:+.1%})" if found.interval else ""
    return (
        f"{when(found.since)} {found.kind.value}: {by}{between} {NAMES[found.metric]} than under the same "
        f"load before, noticed at {when(found.at)}"
    )


def changes(found: Finding) -> list[str]:
    """What changed with it, a line each; what the load does not explain comes last."""
    lines = [_change(cause) for cause in found.causes]
    if found.before is not None and found.after is not None:
        lines.insert(
            0, f"{NAMES[found.metric]}: {_number(found.before)} before, {_number(found.after)} after"
        )
    if found.rest is not None:
        others = [NAMES[c.what] for c in found.causes if c.joules is None]
        lines.append(
            f"not explained by the load: {found.rest:+.3g} J, "
            + (f"together with {', '.join(others)}" if others else "and nothing else that is known changed")
        )
    return lines


def _change(cause: Cause) -> str:
    change = f"{NAMES[cause.what]}: {_number(cause.before)} before, {_number(cause.after)} after"
    if isinstance(cause.before, float) and isinstance(cause.after, float) and cause.before > 0.0:
        change += f" ({cause.after / cause.before - 1.0:+.0%})"
    return change + ("" if cause.joules is None else f", which explains {cause.joules:+.3g} J")


def _number(value: float | str) -> str:
    return f"{value:.3g}" if isinstance(value, float) else value or "(none)"


def body(courses: list[Course]) -> dict[str, Any]:
    """Everything, ready for JSON."""
    return {
        "figures": [
            {
                **asdict(course.state.key),
                "metric": course.state.metric,
                "status": course.state.status,
                "reason": course.state.reason,
                "model_version": course.state.version,
                "ratio": course.state.ratio,
                "lost_minutes": dict(course.state.lost),
                "active": course.active.as_dict() if course.active else None,
                "findings": [found.as_dict() for found in course.findings],
                "levels": [asdict(level) for level in course.levels],
                "course": [asdict(point) for point in course.points],
            }
            for course in courses
        ]
    }
