"""From repeats to a report: which of them is shown, and what is said over all of them."""

from __future__ import annotations

from collections.abc import Sequence

from wattmark.core.compare import over_repeats
from wattmark.core.errors import NotComparable
from wattmark.core.expenses import Expenses
from wattmark.core.facts import Answer, Facts
from wattmark.core.figure import Figure, Undefined
from wattmark.core.kpis import CATALOG
from wattmark.core.kpis.kpi import Kpi
from wattmark.core.repeats import Repeat
from wattmark.core.run import Run
from wattmark.core.score import Score
from wattmark.core.verdict import Verdict
from wattmark.reports.view import Baseline, ReportData, SourceFile, title_of


def report_of(
    repeats: Sequence[Repeat],
    runs: Sequence[Run],
    *,
    title: str | None = None,
    score: Score | None = None,
    verdict: Verdict | None = None,
    baseline: Baseline | None = None,
    files: Sequence[SourceFile] = (),
    remarks: Sequence[str] = (),
    generated_at: str = "",
    wattmark_version: str = "",
    expenses: Expenses | None = None,
) -> ReportData:
    """A report of repeats: KPIs over all of them, energy and charts of the one of middle energy."""
    shown = middle_of(repeats)
    ordered = tuple(sorted(runs, key=lambda run: (run.started_at, run.record_id)))
    facts = tuple(r.facts for r in repeats)
    return ReportData(
        title=title or title_of(ordered),
        runs=tuple(run for run in ordered if run.record_id in shown.record_ids),
        other_runs=tuple(run for run in ordered if run.record_id not in shown.record_ids),
        facts=shown.facts,
        repeats=facts,
        answers=answers_over(facts),
        score=score,
        verdict=verdict,
        baseline=baseline,
        files=tuple(files),
        remarks=(*_repeats_remark(len(repeats)), *remarks),
        generated_at=generated_at,
        wattmark_version=wattmark_version,
        expenses=expenses or Expenses(),
    )


def baseline_of(repeats: Sequence[Repeat], runs: Sequence[Run], name: str = "baseline") -> Baseline:
    """Repeats as the baseline of a report."""
    facts = tuple(r.facts for r in repeats)
    shown = middle_of(repeats).facts
    answers = answers_over(facts, "baseline")  # its noise is its own and never cancels in a ratio
    return Baseline(facts=shown, repeats=facts, answers=answers, runs=tuple(runs), name=name)


def middle_of(repeats: Sequence[Repeat]) -> Repeat:
    """The repeat of middle energy; one whose energy is not known counts as the lowest."""

    def joules(repeat: Repeat) -> float:
        energy = repeat.facts.energy
        return energy.value if isinstance(energy, Figure) else 0.0

    return sorted(repeats, key=joules)[len(repeats) // 2]


def answers_over(repeats: Sequence[Facts], side: str = "candidate") -> dict[str, Answer]:
    """Every KPI of the catalog over repeats: their geometric mean with its noise; one repeat as it is."""
    return {kpi.id: answer_over(kpi, repeats, side) for kpi in CATALOG.values()}


def answer_over(kpi: Kpi, repeats: Sequence[Facts], side: str) -> Answer:
    """One KPI over repeats; repeats that may not be averaged are Undefined, with the reason."""
    try:
        return over_repeats([kpi.answer(facts) for facts in repeats], side)
    except NotComparable as refusal:
        return Undefined(str(refusal))


def _repeats_remark(count: int) -> tuple[str, ...]:
    if count < 2:
        return ()
    return (
        f"{count} repeats: key figures are their geometric means, with the spread in the interval; "
        "energy, time and charts are those of the repeat of middle energy.",
    )
