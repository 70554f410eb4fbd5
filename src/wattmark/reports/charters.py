"""Charters as text, Markdown and JSON: what a project stated, and the actual beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wattmark.core.figure import Figure, Missing
from wattmark.core.governance.budget import BudgetStanding
from wattmark.core.governance.charter import (
    Actual,
    Charter,
    Estimated,
    Finding,
    Held,
    Weight,
    exit_code,
    stated,
)
from wattmark.core.units import JOULES_PER_KWH
from wattmark.reports.as_json import answer_json
from wattmark.reports.as_text import answer_text
from wattmark.reports.budgets import HEAD as BUDGET_HEAD
from wattmark.reports.budgets import row_of, standing_json
from wattmark.reports.paper import Marked, Paper, Section
from wattmark.reports.quantities import percent

MARKS = {Held.WITHIN: "yes", Held.BEYOND: "bad", Held.NOT_REACHED: "bad", Held.NOT_ENOUGH: "warn"}
WEIGHTS = {Weight.FAILS: "bad", Weight.UNKNOWN: "warn", Weight.WARNS: "warn"}
WORDS = {0: "in order", 1: "fails", 3: "not enough evidence"}


def in_kwh(figure: Figure | Missing) -> str:
    """Energy as people read it."""
    return answer_text(figure.scaled(1 / JOULES_PER_KWH, "kWh") if isinstance(figure, Figure) else figure)


def charter_section(charter: Charter) -> Section:
    """What the project states; what it leaves out is not listed."""
    values = {name: value for name, value in stated(charter).items() if not name.startswith("estimate.")}
    rows = [(name, _words(name, value)) for name, value in values.items() if value not in (None, "", ())]
    rows += _estimate_rows(charter.estimate)
    return Section(title="Charter", head=("field", "stated"), rows=tuple(rows), fold={1: 78})


def _words(name: str, value: object) -> str:
    text = (
        "; ".join(value) if isinstance(value, tuple) else f"{value:g}" if isinstance(value, float) else value
    )
    return f"{text} (as typed: unverified)" if name == "approved_by" else str(text)


def _estimate_rows(estimate: Estimated) -> list[tuple[str, str]]:
    figure = estimate.figure
    if isinstance(figure, Missing):
        return [("estimate", str(figure))]
    known = f"{estimate.basis}, grade {figure.grade}, {estimate.boundary} boundary"
    found = [("estimate", f"{in_kwh(figure).split(', grade')[0]} ({known})")]
    if isinstance(estimate.carbon_figure, Figure):
        carbon = answer_text(estimate.carbon_figure).split(", grade")[0]
        found.append(("estimated carbon", f"{carbon} ({estimate.accounting}-based)"))
    assumed = [f"PUE {estimate.pue:g}"] if estimate.pue is not None else []
    assumed += [f"grid {estimate.grid}"] if estimate.grid else []
    found += [("assumed", ", ".join(assumed))] if assumed else []
    found += [("source", estimate.source)] if estimate.source else []
    return found


def check_paper(
    charter: Charter, findings: Sequence[Finding], standing: BudgetStanding | None, version: str
) -> Paper:
    """The charter, and what is not as it should be."""
    code = exit_code(findings)
    sections = [charter_section(charter)]
    if standing is not None:
        untouched = isinstance(standing.used, Missing) and standing.more is not None
        said = ("nothing of it was counted yet: all of it is left",) if untouched else ()
        sections.append(Section(title="Its budget", head=BUDGET_HEAD, rows=(row_of(standing),), items=said))
    rows = tuple((f.field, f.problem, Marked(text=f.weight.value, css=WEIGHTS[f.weight])) for f in findings)
    sections.append(
        Section(
            title="Findings",
            head=("field", "problem", "weight") if rows else (),
            rows=rows,
            items=() if rows else ("everything that is required is there, and the estimate fits",),
            fold={1: 76},
        )
    )
    return Paper(
        kind="wattmark charter",
        title=f"Charter of {charter.project}",
        standing=Marked(text=WORDS[code], css={0: "yes", 1: "bad"}.get(code, "warn")),
        sections=tuple(sections),
        foot=f"Made by wattmark {version}.",
        version=version,
    )


def actual_paper(told: Actual, version: str) -> Paper:
    """Estimate and actual side by side."""
    rows: list[tuple[str | Marked, ...]] = [
        ("estimated", in_kwh(told.estimated).replace(", 0 % observed", "")),
        ("actual", in_kwh(told.actual)),
    ]
    if told.ratio is not None:
        rows.append(("ratio", f"{percent(told.ratio.value)} of the estimate {_interval(told.ratio)}".strip()))
        rows.append(("interval of the estimate", "holds it" if told.inside else "does not hold it"))
    if told.carbon is not None:
        rows.append(("carbon", answer_text(told.carbon)))
    rows.append(("attempts", f"{told.attempts}, all counted"))
    rows.append(("outcome", _outcome(told)))
    rows.append(("allowed", f"the estimate and {percent(told.tolerance)}"))
    items = tuple(filter(None, (told.reason, *told.notes)))
    return Paper(
        kind="wattmark charter",
        title=f"{told.charter.project}: the actual beside the estimate",
        standing=Marked(text=told.verdict.value, css=MARKS[told.verdict]),
        sections=(
            Section(title="Energy-to-Solution", head=("what", "figure"), rows=tuple(rows), items=items),
        ),
        foot=f"Made by wattmark {version}.",
        version=version,
    )


def _interval(figure: Figure) -> str:
    low, high = figure.interval
    return f"[{percent(low)} .. {percent(high)}]"


def _outcome(told: Actual) -> str:
    goal = told.charter.outcome or "as the runs declare it"
    said = {True: "reached", False: "not reached", None: "not known"}[told.reached]
    return f"{goal}: {said}"


def check_body(
    charter: Charter, findings: Sequence[Finding], standing: BudgetStanding | None
) -> dict[str, Any]:
    """What was found."""
    return {
        "charter": charter_json(charter),
        "budget": None if standing is None else standing_json(standing),
        "findings": [{"field": f.field, "problem": f.problem, "weight": f.weight.value} for f in findings],
        "exit_code": exit_code(findings),
    }


def charter_json(charter: Charter) -> dict[str, Any]:
    """Every field, with the estimate as figures."""
    found = {n: v for n, v in stated(charter).items() if not n.startswith("estimate.")}
    found["alternatives"], found["approved_by"] = list(charter.alternatives), list(charter.approved_by)
    found["review_by"] = None if charter.review_by is None else charter.review_by.isoformat()
    estimate = charter.estimate
    return {
        **found,
        "estimate": {
            "energy": answer_json(estimate.figure),
            "carbon": answer_json(estimate.carbon_figure),
            "basis": estimate.basis,
            "source": estimate.source,
            "pue": estimate.pue,
            "grid": estimate.grid,
        },
    }


def actual_body(told: Actual) -> dict[str, Any]:
    """The actual beside the estimate."""
    return {
        "charter": charter_json(told.charter),
        "verdict": told.verdict.value,
        "estimated": answer_json(told.estimated),
        "actual": answer_json(told.actual),
        "ratio": None if told.ratio is None else answer_json(told.ratio),
        "inside_interval": told.inside,
        "carbon": None if told.carbon is None else answer_json(told.carbon),
        "attempts": told.attempts,
        "outcome_reached": told.reached,
        "tolerance": told.tolerance,
        "reason": told.reason,
        "exit_code": told.exit_code,
    }
