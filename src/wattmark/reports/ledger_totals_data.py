"""Totals of a ledger for machines: JSON and CSV."""

from __future__ import annotations

import math
from typing import Any

from wattmark.core.facts import Answer
from wattmark.core.figure import Figure, Missing
from wattmark.core.kpis import CATALOG
from wattmark.core.rollup import Total
from wattmark.reports import ledger_rates as rates
from wattmark.reports.as_csv import csv_text
from wattmark.reports.as_json import answer_json
from wattmark.reports.ledger_totals_view import UJ_PER_J, UNITS, TotalsView, by_grade


def totals_body(view: TotalsView) -> dict[str, Any]:
    """The answer as a JSON body; energies in joules, exact ones in microjoules as text of an integer."""
    return {
        "ledger": view.ledger,
        "version": view.version,
        "engine": view.engine,
        "question": {
            "by": list(view.by),
            "period": view.period,
            "span": view.span,
            "where": {key: list(values) for key, values in view.where.items()},
            "boundary": view.boundary,
            "time_zone": view.time_zone,
        },
        "totals": [
            {**total_body(total), "kpis": {k: answer_json(view.answers[i][k]) for k in view.kpis}}
            for i, total in enumerate(view.totals)
        ],
        "whole": {
            **total_body(view.whole),
            "kpis": {k: answer_json(view.whole_answers[k]) for k in view.kpis},
        },
        "apart": [
            {"what": a.what, "energy_microjoules": a.energy_uj, "in_totals": a.within, "hint": a.hint}
            for a in view.apart
        ],
        "without_factor": [
            {"zone": zone or None, "energy_microjoules": uj} for zone, uj in view.without_factor.items()
        ],
        "billed": rates.billed_body(view.billed),
        "findings": [*view.findings, *view.remarks],
    }


def total_body(total: Total) -> dict[str, Any]:
    """One total with everything that is known of it."""
    return {
        "group": dict(total.group),
        "period": total.period,
        "energy": answer_json(total.energy),
        "observed_microjoules": total.observed_uj,
        "gap_microjoules": total.gap_uj,
        "device_only_microjoules": total.device_only_uj,
        "energy_by_grade": by_grade(total),
        "energy_by_stage": {stage: answer_json(f) for stage, f in total.energy_by_stage.items()},
        "energy_by_component": {part: answer_json(f) for part, f in total.energy_by_component.items()},
        "facility": answer_json(total.facility),
        "carbon": answer_json(total.carbon),
        "carbon_by_terms": [
            {
                "accounting": terms.accounting,
                "basis": terms.basis,
                "inventory": terms.inventory,
                "carbon": answer_json(figure),
            }
            for terms, figure in total.carbon_by_terms.items()
        ],
        "carbon_known": answer_json(total.carbon_known) if total.carbon_known is not None else None,
        "without_factor_microjoules": total.without_factor_uj,
        **rates.rates_body(total),
        "pue": answer_json(total.pue),
        "intensity": answer_json(total.intensity),
        "work": {
            unit: {"count": w.count, "failed": w.failed, "declared": w.declared}
            for unit, w in total.work.items()
        },
        "quality": {name: q.value for name, q in total.quality.items()},
        "runs": {
            "runs": total.runs.runs,
            "attempts": total.runs.attempts,
            "failed": total.runs.failed,
            "open": total.runs.open,
            "interrupted": total.runs.interrupted,
            "duration_seconds": total.runs.duration_seconds,
            "machine_hours": total.runs.machine_hours,
            "rank_coverage": total.runs.rank_coverage,
        },
    }


def totals_csv(view: TotalsView) -> str:
    """One line per total. What is not known is an empty cell, never a zero."""
    unit = view.unit or "J"
    name = {"J": "joules"}.get(unit, unit.lower())
    heads = [*(["period"] if view.period else []), *view.by]
    heads += [f"energy_{name}", f"energy_low_{name}", f"energy_high_{name}", "grade", "coverage", "boundary"]
    heads += [f"observed_{name}", f"gap_{name}", f"facility_{name}"]
    heads += ["carbon_gco2e", "carbon_low_gco2e", "carbon_high_gco2e", "carbon_known_gco2e"]
    heads += [f"without_factor_{name}", "runs", "attempts", "failed", "ledger_version"]
    heads += [f"{kpi} ({CATALOG[kpi].unit})" for kpi in view.kpis]
    columns = rates.csv_heads(view.totals)
    heads += [f"{name}{end}" for *_, name in columns for end in ("", "_low", "_high")]
    heads.append("without_tariff_kwh")
    rows = (
        [*_csv_row(view, i, UNITS[unit]), *rates.csv_cells(total, columns)]
        for i, total in enumerate(view.totals)
    )
    return csv_text(heads, rows)


def _csv_row(view: TotalsView, i: int, joules: float) -> list[object]:
    total = view.totals[i]
    runs = total.runs
    counts = (runs.runs, runs.attempts, runs.failed) if view.runs_told else ("", "", "")
    return [
        *([total.period] if view.period else []),
        *(total.group.get(key, "") for key in view.by),
        *_ends(total.energy, joules),
        *_how(total.energy),
        *(uj / UJ_PER_J / joules for uj in (total.observed_uj, total.gap_uj)),
        _ends(total.facility, joules)[0],
        *_ends(total.carbon, 1.0),
        "" if total.carbon_known is None else total.carbon_known.value,
        total.without_factor_uj / UJ_PER_J / joules,
        *counts,
        view.version,
        *(_ends(view.answers[i][kpi], 1.0)[0] for kpi in view.kpis),
    ]


def _how(energy: Figure | Missing) -> list[object]:
    if isinstance(energy, Missing):
        return ["", "", ""]
    return [energy.grade, energy.coverage, energy.terms.get("boundary", "")]


def _ends(answer: Answer, divisor: float) -> list[object]:
    if not isinstance(answer, Figure):
        return ["", "", ""]
    low, high = answer.interval
    return [answer.value / divisor, *(e / divisor if math.isfinite(e) else "" for e in (low, high))]
