"""A portfolio, its baselines and its targets as JSON-ready dictionaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from wattmark.core.errors import NotComparable
from wattmark.core.figure import Missing
from wattmark.core.frozen import Difference, Drift, Frozen, held_against
from wattmark.core.portfolio import Asked, Line
from wattmark.core.targets import Progress
from wattmark.reports.as_json import answer_json, finite
from wattmark.reports.portfolio_view import SPLIT_LINES, PortfolioView


def portfolio_body(view: PortfolioView) -> dict[str, Any]:
    """Everything that the other forms show."""
    return {
        "ledger": view.ledger,
        "ledger_version": view.version,
        "period": view.period,
        "first": view.first.isoformat(),
        "after": view.after.isoformat(),
        "days_counted": view.days,
        "days_seen": view.inventory.days_seen,
        "asked": asked_json(view.inventory.asked),
        "lines": [{**line_json(line), "baseline": _held(view, line)} for line in view.inventory.lines],
        "baseline": None if view.baseline is None else _baseline_named(view.baseline),
        "by": {
            key: [{"value": name, "lines": lines_json(lines)} for name, lines in rows]
            for key, rows in view.splits.items()
        },
        "months": [{"month": name, "lines": lines_json(lines)} for name, lines in view.months],
        "targets": [progress_json(row) for row in view.targets],
        "factors": [asdict(f) for f in view.inventory.factors],
        "tables": dict(view.tables),
        "work": dict(view.inventory.work),
        "terms": dict(view.inventory.terms.terms),
        "fingerprint": view.inventory.terms.fingerprint,
        "not_measured": [{"what": what, "fix": fix} for what, fix in view.coverage],
        "reconciliation": [list(row) for row in view.reconciliation],
        "findings": [*view.inventory.findings, *view.problems],
        "drift": [drift_json(d) for d in view.drifts],
    }


def asked_json(asked: Asked) -> dict[str, Any]:
    """What an inventory is of."""
    return {
        "boundary": asked.boundary,
        "where": {key: list(values) for key, values in asked.where.items()},
        "scope31_primary": asked.primary,
        "time_zone": asked.time_zone,
    }


def line_json(line: Line) -> dict[str, Any]:
    """One line with everything that says how it is known."""
    return {
        "id": line.id,
        "title": line.title,
        "primary": line.primary,
        "share": line.share,
        "estimated_share": line.estimated,
        "figure": answer_json(line.figure),
    }


def lines_json(lines: Sequence[Line]) -> dict[str, Any]:
    """A few lines by their ids."""
    return {line.id: answer_json(line.figure) for line in lines if line.id in SPLIT_LINES}


def _baseline_named(frozen: Frozen) -> dict[str, Any]:
    return {"name": frozen.name, "revision": frozen.revision, "digest": frozen.digest}


def _held(view: PortfolioView, line: Line) -> dict[str, Any] | None:
    if view.baseline is None or isinstance(line.figure, Missing):
        return None
    try:
        held = held_against(line, view.inventory.asked, view.days, view.baseline)
    except NotComparable as refusal:
        differing = [{"field": n, "here": a, "there": b} for n, a, b in refusal.differing]
        return {"status": "refused", "differing": differing}
    if isinstance(held, Missing):
        return {"status": "missing", "field": held.field, "hint": held.hint}
    return {
        "status": "compared",
        "value": held.then,
        "change": held.change,
        "interval_95": [finite(held.low), finite(held.high)],
        "per_day": held.per_day,
    }


def progress_json(row: Progress) -> dict[str, Any]:
    """One target in one period."""
    told = row.projected
    return {
        "target": row.target.name,
        "what": row.target.what,
        "unit": row.target.unit,
        "period": row.calendar.name,
        "decides": row.decides,
        "where": {key: list(values) for key, values in row.target.where.items()},
        "baseline": row.target.baseline or None,
        "limit": row.limit if isinstance(row.limit, float) else None,
        "so_far": answer_json(row.so_far),
        "used_share": row.used,
        "elapsed_share": row.elapsed,
        "coverage": row.coverage,
        "projected": None
        if told is None
        else {
            "value": told.value,
            "interval_95": [finite(told.low), finite(told.high)],
            "method": told.method,
            "blocks": told.blocks,
        },
        "standing": row.standing.value,
        "why": row.why,
    }


def frozen_json(frozen: Frozen) -> Mapping[str, Any]:
    """A baseline as it is kept."""
    return {**asdict(frozen), "first": frozen.first.isoformat(), "after": frozen.after.isoformat()}


def difference_json(found: Difference) -> dict[str, str]:
    """Something that is not as it was frozen."""
    return {"what": found.what, "then": found.then, "now": found.now}


def drift_json(drift: Drift) -> dict[str, Any]:
    """How far one line has moved."""
    return {
        "line": drift.line,
        "unit": drift.unit,
        "then": drift.then,
        "now": drift.now,
        "change": finite(drift.change),
        "by_factors": finite(drift.by_factors),
        "by_evidence": finite(drift.by_evidence),
        "significant": drift.significant,
    }
