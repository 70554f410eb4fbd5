"""Which series and labels an expression names, by a real parser of PromQL."""

from __future__ import annotations

from typing import Any

import promql_parser as promql


def metrics_used(expr: str) -> set[str]:
    """Names of all series."""
    return {s.name for s in _selectors(promql.parse(expr)) if s.name}


def labels_used(expr: str) -> set[str]:
    """Labels in matchers and groupings."""
    found: set[str] = set()
    for node in _walk(promql.parse(expr)):
        if isinstance(node, promql.VectorSelector):
            found |= {m.name for m in node.matchers.matchers}
        modifier = getattr(node, "modifier", None)
        if isinstance(node, promql.AggregateExpr) and modifier is not None:
            found |= set(modifier.labels)
        if isinstance(node, promql.BinaryExpr) and modifier is not None:
            found |= set(modifier.group_labels or ())
            found |= set(modifier.matching.labels) if modifier.matching else set()
    return found


def _selectors(expr: Any) -> list[Any]:
    return [node for node in _walk(expr) if isinstance(node, promql.VectorSelector)]


def _walk(expr: Any) -> list[Any]:
    found = [expr]
    for name in ("expr", "lhs", "rhs", "param", "vector_selector", "vs"):
        inner = getattr(expr, name, None)
        if isinstance(inner, promql.Expr):
            found += _walk(inner)
    for inner in getattr(expr, "args", None) or []:
        found += _walk(inner)
    return found
