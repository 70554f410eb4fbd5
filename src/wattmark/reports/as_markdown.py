"""A report as compact Markdown, for a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from wattmark.core.figure import Figure
from wattmark.core.score import Score
from wattmark.reports import sections
from wattmark.reports.as_text import carbon_answer, carbon_terms
from wattmark.reports.expenses import expense_lines
from wattmark.reports.quantities import duration, number, percent, quantity
from wattmark.reports.view import ReportData

_SPECIAL = {
    "\\": "\\\\",
    "|": "\\|",
    "<": "&lt;",
    ">": "&gt;",
    "&": "&amp;",
    "*": "\\*",
    "_": "\\_",
    "[": "\\[",
    "]": "\\]",
    "~": "\\~",
    "#": "\\#",
    "@": "&#64;",
    "\n": " ",
    "\r": " ",
}
"""Characters that would format, link, notify somebody or break a table."""


def markdown_report(data: ReportData) -> str:
    """The report as Markdown: verdict and score, key figures, where the energy went, what was not seen."""
    parts = [
        f"### {_headline(data)}",
        "\n".join(f"> {inert(remark)}" for remark in data.remarks),
        _score_line(data),
        _findings(data),
        _figures(data),
        _where(data),
        _expenses(data),
        _missing(data),
        _unseen(data),
        _foot(data),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def escaped(text: object) -> str:
    """Text as plain Markdown: nothing in it formats; `code` stays code. Addresses may become links."""
    return _outside_code(text, _plain)


def inert(text: object) -> str:
    """As ``escaped``, and nothing in it links or notifies, where names of other people go to a forge.

    Forges look for mentions in the finished page, where a character that was escaped is itself again, and so
    does the extension that makes links of addresses (GitHub Flavored Markdown Spec 0.29, 2019, section 6.9,
    https://github.github.com/gfm/#autolinks-extension-). A space without width between parts them.
    """
    return _outside_code(text, lambda piece: _LINKING.sub(lambda found: _INERT[found[0]], _plain(piece)))


_INERT = {"&#64;": "&#64;&#8203;", "\\#": "\\#&#8203;", ":": "&#58;", ".": "&#46;"}
_LINKING = re.compile(r"&#64;|\\#|:(?=//)|(?<=www)\.", re.IGNORECASE)


def _outside_code(text: object, plain: Callable[[str], str]) -> str:
    pieces = str(text).split("`")
    if len(pieces) % 2 == 0:
        return "&#96;".join(plain(p) for p in pieces)
    return "".join(f"`{p.replace('|', chr(92) + '|')}`" if i % 2 else plain(p) for i, p in enumerate(pieces))


def _plain(text: str) -> str:
    return "".join(_SPECIAL.get(c, c) for c in text)


def _headline(data: ReportData) -> str:
    words = [f"wattmark: {inert(data.title)}"]
    if data.verdict is not None:
        words.append(sections.RULING_WORDS[data.verdict.ruling])
    return " – ".join(words)


def _score_line(data: ReportData) -> str:
    if data.score is None:
        return ""
    value = data.score.value
    if not isinstance(value, Figure):
        reasons = "; ".join(f"{line.kpi}: {line.reason}" for line in data.score.lines if line.used is None)
        return f"**No score:** {inert(reasons)}"
    low, high = value.interval
    unclipped = data.score.unclipped if data.score.saturated else None
    name = data.baseline.name if data.baseline else "baseline"
    before = f", {unclipped.value:.0f} before clipping" if isinstance(unclipped, Figure) else ""
    points = f"**Score {value.value:.0f}** ({low:.0f} to {high:.0f}{before})"
    return f"{points}, where 100 is {inert(name)}. {_rubric(data.score)}"


def _rubric(score: Score) -> str:
    return f"Rubric {inert(score.rubric.label)}, {score.rubric.aggregation} mean."


def _findings(data: ReportData) -> str:
    if data.verdict is None:
        return ""
    rows = [
        (sections.rule_text(f.limit), sections.RULING_WORDS[f.ruling], sections.finding_text(f))
        for f in data.verdict.findings
    ]
    return markdown_table(("Limit", "Ruling", "Why"), rows)


def _figures(data: ReportData) -> str:
    """Energy, carbon and every KPI with a figure; with a baseline, its value and the ratio beside it."""
    beside = {c.row.id: c for c in sections.comparisons(data)}
    rows: list[tuple[object, ...]] = []
    if isinstance(data.facts.energy, Figure):
        rows.append(("Energy", *_cells(data.facts.energy), *_beside(None, bool(beside))))
    if isinstance(carbon := carbon_answer(data.facts), Figure):
        named = f"Operational carbon ({carbon_terms(carbon)})"
        rows.append((named, *_cells(carbon), *_beside(None, bool(beside))))
    for row in sections.known(sections.kpi_rows(data.answers)):
        if isinstance(row.answer, Figure):
            rows.append((row.title, *_cells(row.answer), *_beside(beside.get(row.id), bool(beside))))
    if not rows:
        return f"**No figure is known:** {inert(data.facts.energy)}"
    headers = [
        "KPI",
        "Value",
        "95 % interval",
        "Grade",
        "Observed",
        *(("Baseline", "Ratio") if beside else ()),
    ]
    return markdown_table(headers, rows)


def _cells(figure: Figure) -> tuple[str, str, str, str]:
    grade = figure.grade.value if figure.grade else "–"
    seen = percent(figure.coverage) if figure.grade else "–"
    return (
        sections.value_text(figure),
        sections.interval_words(figure, unit=False) or "none stated",
        grade,
        seen,
    )


def _beside(c: sections.Comparison | None, wanted: bool) -> tuple[str, ...]:
    if not wanted:
        return ()
    if c is None:
        return ("–", "–")
    if not isinstance(c.line.ratio, Figure):
        return (sections.value_text(c.baseline), c.line.reason)
    interval = sections.interval_words(c.line.ratio)
    told = [
        number(c.line.ratio.value),
        f"({interval})" if interval else "",
        "saturated" if c.line.saturated else "",
    ]
    return (sections.value_text(c.baseline), " ".join(filter(None, told)))


def _where(data: ReportData) -> str:
    tables = [
        _parts(head, parts)
        for head, parts in (
            ("Component", data.facts.energy_by_component),
            ("Stage", data.facts.energy_by_stage),
        )
        if parts and set(parts) != {"unstaged"}
    ]
    return folded("Where the energy went", "\n\n".join(tables)) if tables else ""


def _parts(head: str, parts: Mapping[str, Figure]) -> str:
    whole = sum(f.value for f in parts.values())
    rows = [
        (
            name.replace("_", " "),
            sections.value_text(f),
            percent(f.value / whole) if whole > 0 else "–",
            sections.relative_text(f) or "none stated",
            f.grade.value if f.grade else "–",
        )
        for name, f in sorted(parts.items(), key=lambda item: -item[1].value)
    ]
    return markdown_table((head, "Energy", "Share", "95 %", "Grade"), rows)


def _missing(data: ReportData) -> str:
    rows = [(r.title, *sections.why_not(r.answer)) for r in sections.unknown(sections.kpi_rows(data.answers))]
    if not rows:
        return ""
    return folded(
        f"{len(rows)} KPIs without a figure", markdown_table(("KPI", "Why not", "What to do"), rows)
    )


def _expenses(data: ReportData) -> str:
    """Cost and water, beside the energy; nothing where nobody stated a rate or a bill."""
    rows = [(name or "note", text) for name, text in expense_lines(data.expenses)]
    return "**Beside the energy**\n\n" + markdown_table(("What", "How much"), rows) if rows else ""


def _unseen(data: ReportData) -> str:
    items = [f"- {inert(what)}: {inert(why)}" for what, why in sections.not_seen(data.all_runs)]
    return "\n".join(("**Not seen**", "", *items)) if items else ""


def _foot(data: ReportData) -> str:
    count = len(data.all_runs)
    told = [f"{count} run" if count == 1 else f"{count} runs", duration(data.facts.duration_seconds)]
    told += [f"`{run.record_id[:8]}`" for run in data.all_runs[:5]]
    if isinstance(data.facts.energy, Figure) and data.facts.duration_seconds > 0:
        told.insert(2, f"mean power {quantity(data.facts.energy.value / data.facts.duration_seconds, 'W')}")
    terms = [
        f"{name} {inert(value)}"
        for name, value in sections.terms_of(data)
        if name in ("boundary", "accounting")
    ]
    terms += [inert(note) for note in sections.grid_notes(data)]
    made = f"wattmark {data.wattmark_version}".strip()
    return f"<sub>{' · '.join((made, *told, *terms))}</sub>"


def folded(title: str, body: str) -> str:
    """A part that opens with a click. The title is Markdown already."""
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def markdown_table(
    headers: Sequence[str], rows: Iterable[Sequence[object]], cell: Callable[[object], str] = inert
) -> str:
    """Rows under headers that are Markdown already; ``cell`` makes it of what stands in them."""
    lines = [f"| {' | '.join(headers)} |", f"|{' --- |' * len(headers)}"]
    lines += [f"| {' | '.join(map(cell, row))} |" for row in rows]
    return "\n".join(lines)
