"""A report as JSON, schema ``wattmark.report`` version 1."""

from __future__ import annotations

from typing import Any

from wattmark.core.figure import Figure
from wattmark.core.run import Run
from wattmark.core.score import Score, ScoreLine
from wattmark.core.verdict import Finding, Verdict
from wattmark.reports import sections
from wattmark.reports.as_json import answer_json, document, figure_json
from wattmark.reports.as_text import carbon_answer
from wattmark.reports.expenses import expenses_body
from wattmark.reports.timeline import gaps_of
from wattmark.reports.view import ReportData

VERSION = 1


def json_report(data: ReportData) -> str:
    """The report as a JSON document."""
    return document(
        "report",
        VERSION,
        {
            "title": data.title,
            "generated_at": data.generated_at or None,
            "wattmark_version": data.wattmark_version,
            "remarks": list(data.remarks),
            "runs": [_run(run, shown=True) for run in data.runs]
            + [_run(run, shown=False) for run in data.other_runs],
            "files": [{"name": f.name, "sha256": f.sha256, "record_id": f.record_id} for f in data.files],
            "duration_seconds": data.facts.duration_seconds,
            "energy": answer_json(data.facts.energy),
            "carbon": answer_json(carbon_answer(data.facts)),
            "energy_error_sources": _errors(data),
            "energy_by_component": {k: figure_json(f) for k, f in data.facts.energy_by_component.items()},
            "energy_by_stage": {k: figure_json(f) for k, f in data.facts.energy_by_stage.items()},
            "kpis": {key: answer_json(answer) for key, answer in data.answers.items()},
            "comparisons": [_comparison(c) for c in sections.comparisons(data)],
            "score": score_json(data.score) if data.score else None,
            "verdict": verdict_json(data.verdict) if data.verdict else None,
            "expenses": expenses_body(data.expenses),
            "not_seen": [{"what": what, "reason": why} for what, why in sections.not_seen(data.all_runs)],
            "terms": dict(sections.terms_of(data)),
            "sources": sections.sources_of(data),
        },
    )


def score_json(score: Score) -> dict[str, Any]:
    """A score with its lines."""
    return {
        "score": answer_json(score.value),
        "arithmetic": answer_json(score.arithmetic),
        "geometric": answer_json(score.geometric),
        "unclipped": answer_json(score.unclipped),
        "rubric": score.rubric.label,
        "aggregation": score.rubric.aggregation,
        "factors": score.factors,
        "aggregations_disagree": score.disputed,
        "lines": [_line(line) for line in score.lines],
    }


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """A verdict with its findings."""
    return {
        "ruling": verdict.ruling,
        "policy": verdict.policy,
        "findings": [_finding(finding) for finding in verdict.findings],
    }


def _line(line: ScoreLine) -> dict[str, Any]:
    return {
        "kpi": line.kpi,
        "weight": line.weight,
        "ratio": answer_json(line.ratio),
        "used": line.used,
        "saturated": line.saturated,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "kpi": finding.limit.kpi,
        "limit": sections.rule_text(finding.limit),
        "ruling": finding.ruling,
        "value": answer_json(finding.value) if finding.value is not None else None,
        "interval": list(finding.interval) if finding.interval else None,
        "reason": finding.reason,
        "runs_needed": finding.runs_needed,
        "tolerated": finding.tolerated,
    }


def _comparison(c: sections.Comparison) -> dict[str, Any]:
    return {
        "kpi": c.row.id,
        "better": c.row.better,
        "value": figure_json(c.value),
        "baseline": figure_json(c.baseline),
        "ratio": answer_json(c.line.ratio),
        "saturated": c.line.saturated,
    }


def _errors(data: ReportData) -> list[dict[str, Any]]:
    if not isinstance(data.facts.energy, Figure):
        return []
    return [
        {"source": e.source, "half_width_95_joules": e.half_width, "share_of_variance": e.share}
        for e in sections.error_shares(data.facts.energy)
    ]


def _run(run: Run, *, shown: bool) -> dict[str, Any]:
    return {
        "shown": shown,
        "record_id": run.record_id,
        "started_at": run.started_at,
        "duration_seconds": run.duration_seconds,
        "status": run.status,
        "failed": run.failed,
        "model": run.subject.model,
        "model_version": run.subject.model_version,
        "meters": [{"meter": m.meter, "chosen": m.chosen, "reason": m.reason} for m in run.meters],
        "gaps": [
            {
                "component": g.component,
                "t0_seconds": g.t0_seconds,
                "duration_seconds": g.duration_seconds,
                "reason": g.reason,
            }
            for g in gaps_of(run)
        ],
        "notes": list(run.notes),
        "environment": dict(run.environment),
    }
