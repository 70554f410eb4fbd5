"""Totals of a ledger as text, CSV and JSON: every row says how it is known, and what is not in it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wattmark.core.facts import Answer
from wattmark.core.figure import Figure, Missing, NotReached
from wattmark.core.kpis import CATALOG
from wattmark.core.listed import Apart
from wattmark.core.rollup import Total
from wattmark.reports.as_csv import csv_text
from wattmark.reports.as_json import answer_json
from wattmark.reports.as_text import answer_text, bar, figure_text, interval_text, table
from wattmark.reports.quantities import number, percent, quantity

UJ_PER_J = 1e6
UNITS: Mapping[str, float] = {
    "J": 1.0,
    "Wh": 3.6e3,
    "kWh": 3.6e6,
    "MWh": 3.6e9,
    "GWh": 3.6e12,
    "MJ": 1e6,
    "GJ": 1e9,
}
"""What energy can be shown in, and its joules."""
NOT_STATED = "(not stated)"
BAR_WIDTH = 24
MOST_LISTED = 4
HOURS_FROM = 1e6
"""From a total of so many joules on, energy is shown in watt-hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalsView:
    """An answer of the ledger, ready to be shown."""

    ledger: str
    version: int
    engine: str
    time_zone: str
    span: str
    """``from .. to``, as it was asked; empty: everything."""
    by: tuple[str, ...]
    period: str | None
    where: Mapping[str, tuple[str, ...]]
    boundary: str
    totals: Sequence[Total]
    whole: Total
    """All of them in one, so that shared errors add up as they should."""
    apart: Sequence[Apart] = ()
    findings: Sequence[str] = ()
    remarks: Sequence[str] = ()
    """What is worth knowing of single runs; a person sees the first few."""
    runs_told: bool = True
    """Whether runs are told apart by what was asked for."""
    unit: str | None = None
    """One of UNITS; None: whichever fits."""
    kpis: tuple[str, ...] = ()
    answers: Sequence[Mapping[str, Answer]] = ()
    """The KPIs of each total, in their order."""
    whole_answers: Mapping[str, Answer] = field(default_factory=dict)


def totals_text(view: TotalsView, *, plot: bool = False, ascii_only: bool = False) -> str:
    """A table, the most energy of a period first, the whole below it, and what is not in it or unclear."""
    order = sorted(range(len(view.totals)), key=lambda i: (view.totals[i].period, -_joules(view.totals[i])))
    whole = _joules(view.whole)
    most = max((_joules(t) for t in view.totals), default=0.0)
    rows = []
    for i in order:
        total = view.totals[i]
        drawn = bar(_joules(total) / most if most > 0 else 0.0, BAR_WIDTH, ascii_only=ascii_only)
        cells = [*_labels(view, total), *_figures(view, total), _share(total, whole)]
        rows.append([*cells, *([drawn] if plot else []), *(_brief(view.answers[i][k]) for k in view.kpis)])
    if view.by or view.period or not rows:
        labels = ["total", *[""] * (len(_label_heads(view)) - 1)]
        cells = [*labels, *_figures(view, view.whole), _share(view.whole, whole), *([""] if plot else [])]
        rows.append([*cells, *(_brief(view.whole_answers[k]) for k in view.kpis)])
    heads = [
        *_label_heads(view),
        "energy",
        "95 %",
        "grade",
        "observed",
        "boundary",
        "carbon",
        "runs",
        "share",
    ]
    heads += [*([""] if plot else []), *view.kpis]
    return "\n".join([_headline(view), "", table(heads, rows), "", *_below(view)])


def _headline(view: TotalsView) -> str:
    said = [f"{view.ledger}, version {view.version}"]
    said.append(view.span or "all time")
    said.append(f"{view.time_zone}, boundary {view.boundary} or below")
    said += [f"{key} = {' or '.join(v or NOT_STATED for v in values)}" for key, values in view.where.items()]
    return "; ".join(said)


def _label_heads(view: TotalsView) -> list[str]:
    return [*(["period"] if view.period else []), *view.by] or [""]


def _labels(view: TotalsView, total: Total) -> list[str]:
    labels = [total.group.get(key) or NOT_STATED for key in view.by]
    return [*([total.period] if view.period else []), *labels] or ["total"]


def _figures(view: TotalsView, total: Total) -> list[str]:
    carbon = total.carbon
    if isinstance(carbon, Figure):
        grams = quantity(carbon.value, carbon.unit)
    elif total.carbon_known is not None:
        grams = f"> {quantity(total.carbon_known.value, total.carbon_known.unit)}"
    else:
        grams = "unknown"
    energy = total.energy
    if isinstance(energy, Missing):
        return ["unknown", "", "", "", "", grams, _runs(view, total)]
    return [
        *_energy(energy, view),
        str(energy.grade or ""),
        percent(energy.coverage),
        energy.terms.get("boundary", ""),
        grams,
        _runs(view, total),
    ]


def _runs(view: TotalsView, total: Total) -> str:
    return str(total.runs.runs) if view.runs_told else ""


def _energy(energy: Figure, view: TotalsView) -> list[str]:
    """Amount and interval: in the unit that was asked for, else one family of units in the whole table."""
    if view.unit is None:
        hours = _joules(view.whole) >= HOURS_FROM
        shown = energy.scaled(1 / UNITS["kWh"], "kWh") if hours else energy
        return [quantity(shown.value, shown.unit), interval_text(shown)]
    low, high = (end / UNITS[view.unit] for end in energy.interval)
    interval = "" if energy.half_width == 0 else f"[{number(low)} .. {number(high)}]"
    return [f"{number(energy.value / UNITS[view.unit])} {view.unit}", interval]


def _below(view: TotalsView) -> list[str]:
    """What is not in the totals, what nobody claimed, and what is unclear: said each time."""
    whole = view.whole
    lines = []
    for part in view.apart:
        if part.energy_uj == 0:
            lines.append(f"{part.what:<16} nothing")
            continue
        amount = _amount(part.energy_uj, view)
        share = _of(part.energy_uj, whole) if part.within else "not in the totals"
        lines.append(f"{part.what:<16} {amount}, {share}" + (f"  ({part.hint})" if part.hint else ""))
    if whole.gap_uj:
        lines.append(f"{'gaps':<16} {_amount(whole.gap_uj, view)}, {_of(whole.gap_uj, whole)}, estimated")
    if whole.device_only_uj:
        lines.append(
            f"{'devices only':<16} {_amount(whole.device_only_uj, view)}, "
            f"{_of(whole.device_only_uj, whole)}: the rest of those machines is not in it"
        )
    if whole.without_factor_uj:
        lines.append(
            f"{'without a factor':<16} {_amount(whole.without_factor_uj, view)}, "
            f"{_of(whole.without_factor_uj, whole)}: no grid intensity is known for it"
        )
    if isinstance(whole.facility, Figure):
        lines.append(f"{'at the facility':<16} {figure_text(_kwh(whole.facility))}")
    if isinstance(whole.carbon, Figure):
        terms = ", ".join(
            filter(None, (whole.carbon.terms.get(t) for t in ("accounting", "basis", "inventory")))
        )
        lines.append(f"{'carbon':<16} {figure_text(whole.carbon)}; {terms}")
    told = dict.fromkeys([*view.findings, *_figure_notes(whole), *_reasons(view), *_first(view.remarks)])
    return lines + ([""] if told and lines else []) + [f"- {note}" for note in told]


def _first(remarks: Sequence[str]) -> list[str]:
    more = len(remarks) - MOST_LISTED
    told = f"and {more} more remarks on single runs: --json has all"
    return [*remarks[:MOST_LISTED], *([told] if more > 0 else [])]


def _figure_notes(total: Total) -> list[str]:
    return [
        note
        for figure in (total.energy, total.facility, total.carbon)
        if isinstance(figure, Figure)
        for note in figure.notes
    ]


def _brief(answer: Answer) -> str:
    """A figure, or one word; the reason stands below the table."""
    match answer:
        case Figure():
            return quantity(answer.value, answer.unit)
        case Missing():
            return "missing"
        case NotReached():
            return "not reached"
        case _:
            return "undefined"


def _reasons(view: TotalsView) -> list[str]:
    """Why a KPI has no figure: each reason once, with the groups that it holds for."""
    groups: dict[tuple[str, str], list[str]] = {}
    for total, answers in zip(view.totals, view.answers, strict=False):
        for kpi in view.kpis:
            if not isinstance(answers[kpi], Figure):
                label = " ".join(_labels(view, total))
                groups.setdefault((kpi, answer_text(answers[kpi])), []).append(label)
    for kpi in view.kpis:
        if not isinstance(view.whole_answers[kpi], Figure):
            groups.setdefault((kpi, answer_text(view.whole_answers[kpi])), []).append("total")
    return [f"{kpi}: {reason} - {_listed(labels)}" for (kpi, reason), labels in groups.items()]


def _listed(labels: Sequence[str]) -> str:
    labels = list(dict.fromkeys(labels))
    more = f" and {len(labels) - MOST_LISTED} more" if len(labels) > MOST_LISTED else ""
    return ", ".join(labels[:MOST_LISTED]) + more


def _share(total: Total, whole: float) -> str:
    return percent(_joules(total) / whole) if whole > 0 else ""


def _of(uj: int, whole: Total) -> str:
    joules = _joules(whole)
    return f"{percent(min(1.0, uj / UJ_PER_J / joules))} of the total" if joules > 0 else "of no total"


def _amount(uj: int, view: TotalsView) -> str:
    return _energy(Figure(value=uj / UJ_PER_J, unit="J"), view)[0]


def _kwh(energy: Figure) -> Figure:
    return energy.scaled(1 / UNITS["kWh"], "kWh")


def _joules(total: Total) -> float:
    return total.energy.value if isinstance(total.energy, Figure) else 0.0


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
        "energy_by_stage": {stage: answer_json(f) for stage, f in total.energy_by_stage.items()},
        "energy_by_component": {part: answer_json(f) for part, f in total.energy_by_component.items()},
        "facility": answer_json(total.facility),
        "carbon": answer_json(total.carbon),
        "carbon_known": answer_json(total.carbon_known) if total.carbon_known is not None else None,
        "without_factor_microjoules": total.without_factor_uj,
        "pue": answer_json(total.pue),
        "intensity": answer_json(total.intensity),
        "work": {unit: {"count": w.count, "failed": w.failed} for unit, w in total.work.items()},
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
    return csv_text(heads, (_csv_row(view, i, UNITS[unit]) for i in range(len(view.totals))))


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
