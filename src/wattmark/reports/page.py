"""What the HTML page shows, worked out and formatted: pure functions from report data to rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from wattmark.core.facts import Answer
from wattmark.core.figure import Figure
from wattmark.core.kpis import CATALOG
from wattmark.core.rubric import Factors
from wattmark.core.run import Run
from wattmark.core.score import Score, ScoreLine
from wattmark.core.units import JOULES_PER_WH
from wattmark.core.verdict import Ruling
from wattmark.reports import charts, sections
from wattmark.reports.as_text import carbon_answer, carbon_terms
from wattmark.reports.crossing import joules_by_stage_and_component
from wattmark.reports.expenses import expense_lines
from wattmark.reports.quantities import duration, number, percent, quantity
from wattmark.reports.timeline import SeenGap, Timeline, gaps_of, timeline
from wattmark.reports.view import GRADE_MEANING, ReportData

MOST_CHARTS = 6
LIMITS = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
RULING_CSS = {
    Ruling.PASS: "yes",
    Ruling.VIOLATION: "bad",
    Ruling.UNDECIDED: "warn",
    Ruling.NOT_APPLICABLE: "no",
}


@dataclass(frozen=True, slots=True)
class Tile:
    """One of the large numbers at the top."""

    name: str
    value: str = ""
    unit: str = ""
    remark: str = ""
    problem: str = ""
    """Why there is no value."""
    figure: Figure | None = None


@dataclass(frozen=True, slots=True)
class ScoreTile:
    """The score as it is shown."""

    value: str
    interval: str
    words: str
    scale: Markup


@dataclass(frozen=True, slots=True)
class Chart:
    """Power over time of one run: the still drawing, the data for the script, and the same as a table."""

    title: str
    label: str
    svg: Markup
    json: Markup
    keys: tuple[tuple[str, str], ...]
    gaps: str
    table: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One row of a split of the energy."""

    name: str
    css: str
    value: str
    share: str
    error: str
    figure: Figure


@dataclass(frozen=True, slots=True)
class Split:
    """The energy cut into its parts."""

    title: str
    head: str
    bars: tuple[tuple[str, Markup], ...]
    """(name, drawing) from top to bottom; the name is empty for a single bar of everything."""
    parts: tuple[Part, ...]


def page_of(data: ReportData) -> dict[str, object]:
    """Everything the templates show, worked out and formatted."""
    rows = sections.kpi_rows(data.answers)
    limit = _limit(list(data.answers.values()))
    drawn = [c for c in (_chart(run) for run in data.runs) if c is not None]
    score = data.score.value if data.score else None
    return {
        "subtitle": _subtitle(data),
        "baseline_name": data.baseline.name if data.baseline else "the baseline",
        "verdict": _ruling(data.verdict.ruling) if data.verdict else ("", ""),
        "findings": [
            (sections.rule_text(f.limit), *_ruling(f.ruling), sections.finding_text(f))
            for f in (data.verdict.findings if data.verdict else ())
        ],
        "score": _score_tile(data.score, score) if data.score and isinstance(score, Figure) else None,
        "score_lacks": _score_lacks(data),
        "score_lines": _score_lines(data),
        "tiles": _tiles(data),
        "charts": drawn[:MOST_CHARTS],
        "charts_left_out": _left_out(len(drawn)),
        "splits": _splits(data),
        "limit": percent(limit),
        "known": [_known_row(row, row.answer, limit) for row in rows if isinstance(row.answer, Figure)],
        "unknown": [_unknown_row(row) for row in sections.unknown(rows)],
        "comparisons": _comparisons(data),
        "weighted": data.score is not None,
        "held": data.score is None or data.score.factors is Factors.BASELINE,
        "expenses": list(expense_lines(data.expenses)),
        "not_seen": sections.not_seen(data.all_runs),
        "notes": list(dict.fromkeys(note for run in data.runs for note in run.notes)),
        "meters": list(dict.fromkeys(m for run in data.runs for m in run.meters)),
        "devices": [_device(d) for d in sections.devices(data.runs)],
        "overhead": sections.overhead_text(data.runs),
        "terms": sections.terms_of(data),
        "sources": [*sections.sources_of(data), *sections.grid_notes(data)],
        "errors": _errors(data),
        "runs": [_run_row(run) for run in data.all_runs],
        "environment": sorted({item for run in data.runs for item in run.environment.items()}),
        "meaning": GRADE_MEANING,
    }


def _subtitle(data: ReportData) -> str:
    subject = data.runs[0].subject if data.runs else None
    stated = (subject.task, subject.team, subject.organisation) if subject else ()
    count = f"{len(data.all_runs)} run" + ("s" if len(data.all_runs) != 1 else "")
    started = [_moment(data.runs[0].started_at)] if data.runs else []
    return " · ".join([*filter(None, stated), count, *started, duration(data.facts.duration_seconds)])


def _ruling(ruling: Ruling) -> tuple[str, str]:
    """(word, CSS class) of a ruling."""
    return sections.RULING_WORDS[ruling], RULING_CSS[ruling]


def _score_tile(score: Score, figure: Figure) -> ScoreTile:
    low, high = figure.interval
    if low > charts.SCORE_TOP / 2:
        words = "Better than the baseline."
    elif high < charts.SCORE_TOP / 2:
        words = "Worse than the baseline."
    else:
        words = "Not to be told apart from the baseline."
    interval = f"{low:.0f} to {high:.0f}" if high > low else ""
    if score.saturated and isinstance(score.unclipped, Figure):
        words = f"{words} {score.unclipped.value:.0f} before ratios were clipped at 2."
    return ScoreTile(f"{figure.value:.0f}", interval, words, charts.score_scale(figure.value, low, high))


def _score_lacks(data: ReportData) -> list[tuple[str, str]]:
    """(KPI, reason) of every line that keeps the score from being made."""
    lines = data.score.lines if data.score else ()
    return [(CATALOG[line.kpi].title, line.reason) for line in lines if line.used is None]


def _score_lines(data: ReportData) -> list[tuple[str, str, str]]:
    """(KPI, weight, ratio) of what makes up the score."""
    lines = data.score.lines if data.score else ()
    return [
        (CATALOG[line.kpi].title, percent(line.weight), _counted(line))
        for line in lines
        if line.used is not None
    ]


def _counted(line: ScoreLine) -> str:
    """The ratio that counts, and what it was before clipping."""
    used = f"× {number(line.used or 0.0)}"
    if line.saturated:
        return f"{used} (of {number(line.ratio.value)})" if isinstance(line.ratio, Figure) else used
    return used


def _tiles(data: ReportData) -> list[Tile]:
    facts = data.facts
    in_wh = ""
    if isinstance(facts.energy, Figure):
        in_wh = quantity(facts.energy.value / JOULES_PER_WH, "Wh")
    found = [_tile("Energy", facts.energy, ", ".join(filter(None, (in_wh, _boundary(facts.energy)))))]
    for key in ("carbon_to_solution", "carbon_per_inference_operational"):
        if isinstance(data.answers.get(key), Figure):
            found.append(_tile(CATALOG[key].title, data.answers[key], ""))
            break
    else:
        if isinstance(carbon := carbon_answer(facts), Figure):
            found.append(_tile("Operational carbon", carbon, carbon_terms(carbon)))
    if isinstance(facts.energy, Figure):
        mean = quantity(facts.energy.value / facts.duration_seconds, "W") if facts.duration_seconds else ""
        found.append(
            Tile("Time", duration(facts.duration_seconds), remark=f"mean power {mean}" if mean else "")
        )
        if isinstance(facts.quality, Figure):
            found.append(Tile("Quality", number(facts.quality.value), remark=facts.quality_name or ""))
        else:
            found.append(Tile("Observed", percent(facts.energy.coverage), remark="of the time"))
    return found


def _tile(name: str, answer: Answer, remark: str) -> Tile:
    if isinstance(answer, Figure):
        seen = f"{percent(answer.coverage)} observed" if answer.coverage < 1 else ""
        said = ", ".join(filter(None, (sections.interval_words(answer), remark, seen)))
        value, _, unit = sections.value_text(answer).partition(" ")
        return Tile(name, value, unit, said, figure=answer)
    problem, fix = sections.why_not(answer)
    return Tile(name, problem=problem, remark=fix)


def _boundary(answer: Answer) -> str:
    stated = answer.terms.get("boundary", "") if isinstance(answer, Figure) else ""
    return f"{stated} boundary" if stated else ""


def _chart(run: Run) -> Chart | None:
    line = timeline(run)
    if line is None:
        return None
    gaps, bands = gaps_of(run), sections.stage_bands(run)
    names = list(line.power)
    label = f"Power over {duration(run.duration_seconds)}, stacked by {', '.join(names)}; a table follows"
    return Chart(
        title=" ".join(filter(None, (run.subject.stage, run.record_id[:8]))),
        label=label,
        svg=charts.power_chart(line, gaps, bands, label),
        json=Markup(htmlsafe_json_dumps(charts.chart_data(line, gaps, bands))),
        keys=tuple((name.replace("_", " "), charts.colour_of(name, names)) for name in names),
        gaps=_gap_words(gaps),
        table=_stretches(line, bands),
    )


def _gap_words(gaps: Sequence[SeenGap]) -> str:
    return "; ".join(f"{g.component} for {duration(g.duration_seconds)} ({g.reason})" for g in gaps)


def _stretches(
    line: Timeline, bands: Sequence[tuple[str, float, float]]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Mean observed power of each component in each stage, or in sixths of the run."""
    start, end = line.edges[0], line.edges[-1]
    sixth = (end - start) / 6
    equal = [("", start + i * sixth, start + (i + 1) * sixth) for i in range(6)]
    rows = []
    for name, t0, t1 in bands or equal:
        words = f"{name.replace('_', ' ')} {duration(t0)} to {duration(t1)}".strip()
        cells = []
        for values in line.power.values():
            mean = line.mean_of(values, t0, t1)
            cells.append("not seen" if mean is None else quantity(mean, "W"))
        rows.append((words, tuple(cells)))
    return tuple(rows)


def _left_out(drawn: int) -> str:
    more = drawn - MOST_CHARTS
    return f"{more} more runs are not drawn; their figures are in the tables." if more > 0 else ""


def _splits(data: ReportData) -> list[Split]:
    components = data.facts.energy_by_component
    found = [_split("By component", "Component", components, component=True)]
    if set(data.facts.energy_by_stage) != {"unstaged"}:
        split = _split("By stage", "Stage", data.facts.energy_by_stage, component=False)
        crossed = _crossed(joules_by_stage_and_component(data), list(components))
        found.append(replace(split, title="By stage and component", bars=crossed) if crossed else split)
    return [s for s in found if s.parts]


def _crossed(
    joules: Mapping[str, Mapping[str, float]], components: Sequence[str]
) -> tuple[tuple[str, Markup], ...]:
    """One bar per stage on a common scale, cut into components."""
    top = max((sum(parts.values()) for parts in joules.values()), default=0.0)
    if top <= 0:
        return ()
    bars = []
    for stage, parts in joules.items():
        cut = [
            (name, parts[name] / top, charts.colour_of(name, components))
            for name in components
            if name in parts
        ]
        bars.append((stage.replace("_", " "), charts.share_bar(cut)))
    return tuple(bars)


def _split(title: str, head: str, parts: Mapping[str, Figure], *, component: bool) -> Split:
    whole = sum(f.value for f in parts.values())
    names = list(parts)
    ordered = sorted(parts.items(), key=lambda item: -item[1].value) if component else list(parts.items())
    made = []
    for i, (name, figure) in enumerate(ordered):
        css = charts.colour_of(name, names) if component else f"s{i % 6}"
        share = figure.value / whole if whole > 0 else 0.0
        words = (sections.value_text(figure), percent(share), sections.relative_text(figure))
        made.append((share, Part(name.replace("_", " "), css, *words, figure)))
    bar = charts.share_bar((part.name, share, part.css) for share, part in made)
    return Split(title, head, (("", bar),), tuple(part for _, part in made))


def _limit(answers: Sequence[Answer]) -> float:
    """The smallest round scale that holds the widest interval of a table, at most 100 %."""
    widest = 0.0
    for a in answers:
        if isinstance(a, Figure) and a.value:
            low, high = a.interval
            widest = max(widest, abs(low / a.value - 1), abs(high / a.value - 1))
    return next((limit for limit in LIMITS if widest <= limit), LIMITS[-1])


def _known_row(row: sections.KpiRow, figure: Figure, limit: float) -> dict[str, object]:
    low, high = figure.interval
    return {
        "title": row.title,
        "formula": row.formula,
        "figure": figure,
        "value": sections.value_text(figure),
        "interval": sections.interval_words(figure, unit=False) or "none stated",
        "bar": charts.error_bar(low, figure.value, high, limit) if figure.half_width else Markup(""),
        "coverage": percent(figure.coverage) if figure.grade else "",
    }


def _unknown_row(row: sections.KpiRow) -> dict[str, str]:
    problem, fix = sections.why_not(row.answer)
    return {"title": row.title, "problem": problem, "fix": fix}


def _comparisons(data: ReportData) -> list[dict[str, object]]:
    return [_comparison(c) for c in sections.comparisons(data)]


def _comparison(c: sections.Comparison) -> dict[str, object]:
    now, then, ratio = c.value, c.baseline, c.line.ratio
    top = max(now.interval[1], then.interval[1]) * 1.04
    same_unit = now.unit == then.unit
    return {
        "title": c.row.title,
        "better": c.row.better,
        "now": sections.value_text(now),
        "then": sections.value_text(then),
        "now_bar": charts.value_bar(now.value, *now.interval, top, "now") if same_unit else Markup(""),
        "then_bar": charts.value_bar(then.value, *then.interval, top, "then") if same_unit else Markup(""),
        "ratio": number(ratio.value) if isinstance(ratio, Figure) else "",
        "interval": sections.interval_words(ratio) if isinstance(ratio, Figure) else "",
        "saturated": c.line.saturated,
        "reason": c.line.reason,
        "weight": percent(c.line.weight) if c.line.weight else "–",
    }


def _device(d: sections.DeviceTotal) -> dict[str, str]:
    row = d.row
    return {
        "id": row.device_id,
        "note": "; ".join(filter(None, (f"part of {row.part_of}" if row.part_of else "", row.note))),
        "component": row.component.replace("_", " "),
        "method": f"{row.method.replace('_', ' ')} (grade {row.grade})",
        "boundary": row.boundary,
        "scope": f"{row.scope} ({row.party})" if row.party else row.scope,
        "energy": quantity(d.energy_joules, "J"),
        "coverage": percent(d.coverage),
        "source": f"{row.source.name} {row.source.version}".strip(),
    }


def _errors(data: ReportData) -> list[dict[str, object]]:
    """Uncertainty of the energy and, where there is one, of the score, by named source."""
    subjects: list[tuple[str, Answer]] = [("Energy", data.facts.energy)]
    if data.score is not None:
        subjects.append(("Score", data.score.value))
    return [_error_block(t, f) for t, f in subjects if isinstance(f, Figure) and f.half_width > 0]


def _error_block(title: str, figure: Figure) -> dict[str, object]:
    shares = sections.error_shares(figure)
    return {
        "title": title,
        "value": sections.value_text(figure),
        "relative": sections.relative_text(figure),
        "rows": [
            {
                "source": e.source,
                "half": quantity(e.half_width, figure.unit),
                "share": percent(e.share),
                "bar": charts.share_bar([(e.source, e.share, "now")]),
            }
            for e in shares
        ],
    }


def _run_row(run: Run) -> dict[str, str]:
    failed = ", ended with an error" if run.failed else ""
    return {
        "id": run.record_id,
        "started": _moment(run.started_at),
        "duration": duration(run.duration_seconds),
        "status": f"{run.status}{failed}",
        "stage": run.subject.stage or ", ".join(dict.fromkeys(b[0] for b in sections.stage_bands(run))),
        "energy": sections.observed_energy(run),
    }


def _moment(iso: str) -> str:
    """``2026-11-01T12:00:00.000000Z`` as ``2026-11-01 12:00 UTC``; what is no time stays as it is."""
    try:
        return f"{datetime.fromisoformat(iso):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return iso
