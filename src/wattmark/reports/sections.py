"""The contents of a report, section by section: pure functions that every form of it shares."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wattmark.core.compare import over_both
from wattmark.core.facts import Answer, Facts
from wattmark.core.figure import Figure, Missing, NotReached, Undefined
from wattmark.core.governance.rated import RATINGS
from wattmark.core.governance.wording import at_most
from wattmark.core.known import Scope
from wattmark.core.kpis import CATALOG, Kpi
from wattmark.core.policy import Aggregation, Limit
from wattmark.core.rubric import Factors
from wattmark.core.run import EnergyRow, Run, Status
from wattmark.core.score import ScoreLine, held_at, score_line
from wattmark.core.units import digits_apart
from wattmark.core.verdict import Finding, Ruling
from wattmark.reports.assembling import answer_over
from wattmark.reports.quantities import duration, number, percent, quantity, scale_of
from wattmark.reports.timeline import gaps_of
from wattmark.reports.view import Baseline, ReportData

RULING_WORDS: Mapping[Ruling, str] = {
    Ruling.PASS: "pass",
    Ruling.VIOLATION: "violation",
    Ruling.UNDECIDED: "not enough evidence",
    Ruling.NOT_APPLICABLE: "not applicable",
}
ROUNDING = 1e-9
"""A relative half width below this is what floating point leaves of errors that cancel."""


@dataclass(frozen=True, slots=True)
class KpiRow:
    """One KPI as a report lists it."""

    id: str
    title: str
    formula: str
    better: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Comparison:
    """One KPI beside its baseline."""

    row: KpiRow
    value: Figure
    baseline: Figure
    line: ScoreLine
    """Its ratio, where above 1 is better than the baseline; weight 0 when it is not in the score."""


@dataclass(frozen=True, slots=True)
class DeviceTotal:
    """What was observed of one device by one source over all runs."""

    row: EnergyRow
    """One of its rows, for everything but the amounts."""
    energy_joules: float
    coverage: float


@dataclass(frozen=True, slots=True)
class ErrorShare:
    """What one named source brings to the uncertainty of a figure."""

    source: str
    half_width: float
    share: float
    """Its share of the variance, 0 to 1."""


def answers_of(facts: Facts, catalog: Mapping[str, Kpi] = CATALOG) -> dict[str, Answer]:
    """Every KPI of the catalog computed from the facts; a refusal is an answer and says why."""
    return {kpi.id: kpi.answer(facts) for kpi in catalog.values()}


def kpi_rows(answers: Mapping[str, Answer]) -> list[KpiRow]:
    """One row per answer, with what the catalog knows of the KPI."""
    rows = []
    for key, answer in answers.items():
        kpi = CATALOG.get(key)
        if kpi is None:
            rows.append(KpiRow(key, key.replace("_", " "), "", "", answer))
        else:
            title = kpi.title + _device_only(answer)
            rows.append(KpiRow(key, title, kpi.formula, kpi.better.value, answer))
    return rows


def _device_only(answer: Answer) -> str:
    """What a figure without the rest of the node carries in its name (kpis.md, Boundary)."""
    alone = isinstance(answer, Figure) and answer.terms.get("boundary") == "device"
    return " (devices only)" if alone else ""


def known(rows: Sequence[KpiRow]) -> list[KpiRow]:
    """The rows that have a figure."""
    return [row for row in rows if isinstance(row.answer, Figure)]


def unknown(rows: Sequence[KpiRow]) -> list[KpiRow]:
    """The rows that have none."""
    return [row for row in rows if not isinstance(row.answer, Figure)]


def why_not(answer: Answer) -> tuple[str, str]:
    """(what is the matter, what to do about it) for an answer without a figure."""
    match answer:
        case Missing(field, hint):
            return f"missing: {field}", hint or f"give {field}"
        case Undefined(reason):
            return f"undefined: {reason}", ""
        case NotReached(target, spent):
            told = f"; spent without reaching it: {value_text(spent)}" if isinstance(spent, Figure) else ""
            return f"not reached: {target}{told}", "go on until the outcome holds, or declare another one"
        case Figure():
            return "", ""


def value_text(figure: Figure) -> str:
    """Value and unit."""
    return quantity(figure.value, figure.unit)


def interval_words(figure: Figure, *, unit: bool = True) -> str:
    """The interval, e.g. ``1.17 to 1.29 kJ``, in the prefix of the value; empty where none is stated."""
    if figure.half_width <= ROUNDING * abs(figure.value):
        return ""
    low, high = figure.interval
    divisor, named = scale_of(figure.value, figure.unit)
    shown = named if unit and named != "1" else ""
    return f"{quantity(low / divisor, '1')} to {quantity(high / divisor, '1')} {shown}".rstrip()


def relative_text(figure: Figure) -> str:
    """The uncertainty as plus or minus so many per cent; empty for an exact figure."""
    if figure.half_width == 0 or not math.isfinite(figure.relative):
        return ""
    return f"± {percent(figure.relative)}"


def comparisons(data: ReportData) -> list[Comparison]:
    """Every KPI that both sides know, with the ratio or the reason why there is none.

    Unless the score says otherwise, grid, PUE and embodied factors are held at the baseline's, so that
    a dirtier hour never looks like a worse model (kpis.md, Score).
    """
    if data.baseline is None:
        return []
    actual = data.score is not None and data.score.factors is Factors.ACTUAL
    before = data.baseline.repeats or (data.baseline.facts,)
    ours = data.repeats or (data.facts,)
    if not actual:
        first = before[0]
        ours, before = (tuple(held_at(first, facts) for facts in side) for side in (ours, before))
    scored = {line.kpi: line for line in data.score.lines} if data.score else {}
    found = []
    for kpi in CATALOG.values():
        line = scored.get(kpi.id) or score_line(kpi, 0.0, *_both(kpi, data.baseline, before, ours))
        if isinstance(line.candidate, Figure) and isinstance(line.baseline, Figure):
            row = kpi_rows({kpi.id: line.candidate})[0]
            found.append(Comparison(row, line.candidate, line.baseline, line))
    return found


def _both(
    kpi: Kpi, baseline: Baseline, before: Sequence[Facts], ours: Sequence[Facts]
) -> tuple[Answer, Answer]:
    """One KPI of both sides, with the noise that their ratio has."""
    if baseline.repeats:
        return over_both([kpi.answer(f) for f in before], [kpi.answer(f) for f in ours])
    return baseline.answers.get(kpi.id) or Missing(kpi.id), answer_over(kpi, ours, "candidate")


def error_shares(figure: Figure) -> list[ErrorShare]:
    """What each named source contributes to the variance of a figure, the largest first."""
    whole = math.fsum(e * e for e in figure.errors.values())
    parts = [ErrorShare(n, abs(e), e * e / whole if whole > 0 else 0.0) for n, e in figure.errors.items()]
    floor = ROUNDING * abs(figure.value)
    return sorted((p for p in parts if p.half_width > floor), key=lambda p: -p.half_width)


def terms_of(data: ReportData) -> list[tuple[str, str]]:
    """The terms on which the figures were made; where figures differ, all values with their KPIs' number."""
    found: dict[str, dict[str, int]] = {}
    figures = [a for a in data.answers.values() if isinstance(a, Figure)]
    if isinstance(data.facts.energy, Figure):
        figures.append(data.facts.energy)
    for figure in figures:
        for name, value in figure.terms.items():
            counted = found.setdefault(name, {})
            counted[value] = counted.get(value, 0) + 1
    return [(name.replace("_", " "), ", ".join(values)) for name, values in sorted(found.items())]


def sources_of(data: ReportData) -> list[str]:
    """Names and versions of everything the figures were made from, each once."""
    figures = [a for a in (data.facts.energy, *data.answers.values()) if isinstance(a, Figure)]
    return list(dict.fromkeys(s for f in figures for s in f.sources))


def grid_notes(data: ReportData) -> list[str]:
    """What to know of the grid intensity: by the hour or why not, estimated share, grade; often nothing."""
    intensity = data.facts.intensity
    if not isinstance(intensity, Figure) or not intensity.notes:
        return []
    return [f"grid: {', '.join(intensity.sources)}", *(f"grid: {note}" for note in intensity.notes)]


def not_seen(runs: Sequence[Run]) -> list[tuple[str, str]]:
    """(what, why) of everything that used energy, or may have, and was not observed; each once."""
    found: list[tuple[str, str]] = []
    for run in runs:
        found += [(item.what, item.reason) for item in run.not_seen]
        for gap in gaps_of(run):
            stretch = f"{duration(gap.duration_seconds)} from {duration(gap.t0_seconds)}"
            found.append((f"{gap.component}, {stretch}", f"{gap.reason}; filled with an estimate of grade D"))
        if run.status is Status.INTERRUPTED:
            found.append((f"run {run.record_id[:8]} after its last checkpoint", "the process was cut off"))
        if run.status is Status.OPEN:
            found.append((f"run {run.record_id[:8]} from now on", "it has not ended"))
    return list(dict.fromkeys(found))


def stage_bands(run: Run) -> list[tuple[str, float, float]]:
    """(name, from, to) of the outermost windows that have a stage, else of those inside the whole run."""
    by_id = {w.id: w for w in run.windows}

    def staged_above(parent: int | None) -> bool:
        while parent is not None and parent in by_id:
            if by_id[parent].stage:
                return True
            parent = by_id[parent].parent
        return False

    staged = [w for w in run.windows if w.stage and not staged_above(w.parent)]
    chosen = staged or [w for w in run.windows if w.parent is not None and by_id[w.parent].parent is None]
    bands = [(w.stage or w.name, w.t0_seconds, w.t0_seconds + w.duration_seconds) for w in chosen]
    return sorted(bands, key=lambda b: b[1])


def devices(runs: Sequence[Run]) -> list[DeviceTotal]:
    """Every device that was read, the stretches of all runs added up per source and party."""
    groups: dict[tuple[object, ...], list[EnergyRow]] = {}
    for run in runs:
        for row in run.energies:
            key = (row.device_id, row.scope, row.party, row.source, row.method, row.grade)
            groups.setdefault(key, []).append(row)
    return [_device_total(rows) for rows in groups.values()]


def _device_total(rows: Sequence[EnergyRow]) -> DeviceTotal:
    lasted = math.fsum(r.duration_seconds for r in rows)
    seen = math.fsum(min(r.observed_seconds, r.duration_seconds) for r in rows)
    return DeviceTotal(
        rows[0], math.fsum(r.energy_joules for r in rows), seen / lasted if lasted > 0 else 1.0
    )


def observed_energy(run: Run) -> str:
    """Energy that was observed in one run: whole devices, parts of others left out, gaps not filled."""
    ids = {row.device_id for row in run.energies}
    rows = [r for r in run.energies if r.scope is Scope.WHOLE and r.part_of not in ids]
    return quantity(math.fsum(r.energy_joules for r in rows), "J") if rows else "none read"


def overhead_text(runs: Sequence[Run]) -> str:
    """What measuring cost, in one sentence; empty when no run says."""
    told = [run.overhead for run in runs if run.overhead is not None]
    if not told:
        return ""
    own = math.fsum(o.cpu_seconds for o in told)
    sentence = f"{duration(own)} of CPU time for {sum(o.reads for o in told)} looks at the meters"
    workload = [o.workload_cpu_seconds for o in told if o.workload_cpu_seconds is not None]
    if len(workload) == len(told) and math.fsum(workload) > 0:
        return f"{sentence}, {percent(own / math.fsum(workload))} of the CPU time of the work itself."
    return f"{sentence}."


def rule_text(limit: Limit) -> str:
    """A limit in words: ``Carbon per Inference, operational: at most 1.00 gCO2e/inference``."""
    kpi = CATALOG.get(limit.kpi) or RATINGS.get(limit.kpi)
    title, unit = (kpi.title, limit.unit or kpi.unit) if kpi else (limit.kpi, limit.unit)
    title += f" ({limit.statistic})" if limit.statistic else ""
    where = f" in stage {limit.stage}" if limit.stage else ""
    if limit.max_increase is not None:
        bound = f"{at_most(limit.max_increase)} more than the baseline"
    elif limit.max_decrease is not None:
        bound = f"{at_most(limit.max_decrease)} less than the baseline"
    else:
        # As it was stated, to six digits: 1234 J is not 1.23 kJ.
        digits = next((n for n in (3, 4, 5) if float(f"{limit.bound:.{n - 1}e}") == limit.bound), 6)
        bound = f"{'at most' if limit.max is not None else 'at least'} {quantity(limit.bound, unit, digits)}"
        bound += f" ({percent(limit.tolerance)} tolerance)" if limit.tolerance else ""
    many = f", {limit.aggregation} of the repeats" if limit.aggregation is not Aggregation.MEAN else ""
    return f"{title}{where}: {bound}{many}"


def finding_text(finding: Finding) -> str:
    """Why a limit was ruled as it was: value, interval, reason and what would decide it."""
    said = []
    if isinstance(finding.value, Figure):
        grade = f", grade {finding.value.grade}" if finding.value.grade is not None else ""
        said.append(f"{value_text(finding.value)}{grade}")
        if finding.interval is not None:
            said.append(_held_against(finding, finding.value.unit))
    said.append(finding.reason)
    if finding.runs_needed is not None:
        per_side = " per side" if finding.limit.relative else ""
        said.append(f"{finding.runs_needed} runs{per_side} would decide")
    if finding.tolerated:
        said.append("let through, as the policy says")
    if finding.ruling is Ruling.VIOLATION:
        said.append(finding.limit.reason)
    return "; ".join(filter(None, said))


def _change(share: float, bound: float) -> str:
    """A change in percent that never reads as a bound that it is not."""
    told = percent(share)
    if share != bound and told == percent(bound):
        told = f"{number(100 * share, digits_apart(bound, share))} %"
    return f"{'+' if share > 0 else ''}{told}"


def _held_against(finding: Finding, unit: str) -> str:
    low, high = finding.interval or (0.0, 0.0)
    if finding.limit.relative:
        bound = finding.limit.bound if finding.limit.above_is_bad else -finding.limit.bound
        return f"change between {_change(low, bound)} and {_change(high, bound)}"
    digits = digits_apart(finding.limit.allowed, low, high)
    return f"between {quantity(low, unit, digits)} and {quantity(high, unit, digits)}"
