"""Small pieces of PromQL."""

from __future__ import annotations

import json

from wattmark.monitoring.rule import duration


def quoted(text: str) -> str:
    """A text as PromQL and Go templates read it."""
    return json.dumps(text, ensure_ascii=False)


def rate(metric: str, window: float, where: str = "") -> str:
    """Mean increase per second over a window; counters that began anew are told by Prometheus."""
    return f"rate({metric}{'{' + where + '}' if where else ''}[{duration(window)}])"


def by(labels: str, expr: str) -> str:
    """The sum over everything but these labels."""
    return f"sum by ({labels}) ({expr})"


def positive(expr: str) -> str:
    """Nothing where there is nothing to divide by: no 0, no infinity."""
    return f"({expr} > 0)"


def trailing(series: str, window: float, offset: float) -> str:
    """A range that ends some time ago."""
    return f"{series}[{duration(window)}] offset {duration(offset)}"
