"""A report of a portfolio as Markdown."""

from __future__ import annotations

from wattmark.core.figure import Missing
from wattmark.reports.as_markdown import escaped, folded, markdown_table
from wattmark.reports.portfolio_text import drift_words
from wattmark.reports.portfolio_view import (
    NEVER_ADDED,
    SPLIT_LINES,
    SPLITS,
    PortfolioView,
    held_words,
    limit_words,
    line_cells,
    missing_lines,
    notes_of,
    projected_words,
    so_far_words,
    title_of,
    value_words,
)
from wattmark.reports.quantities import percent, quantity


def portfolio_markdown(view: PortfolioView) -> str:
    """The report as Markdown: inventory, targets, splits, what is not covered, factors."""
    parts = [
        f"### {escaped(view.title)}",
        escaped(view.span),
        _inventory(view),
        escaped(NEVER_ADDED),
        *(f"> {escaped(problem)}" for problem in view.problems),
        *(f"> Baseline: {escaped(drift_words(d))}" for d in view.drifts if d.significant),
        _targets(view),
        *(_split(view, key) for key in view.splits),
        _uncovered(view),
        _factors(view),
        f"<sub>wattmark {escaped(view.wattmark_version)} · ledger version {view.version} · "
        f"{escaped(view.generated_at)}</sub>",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _inventory(view: PortfolioView) -> str:
    against = [f"Against {escaped(view.baseline.name)}"] if view.baseline else []
    rows = [
        (line.title, *line_cells(line), *([held_words(view, line)] if against else []))
        for line in view.inventory.lines
    ]
    return markdown_table(
        ("Line", "Figure", "95 %", "Grade", "Coverage", "Estimated", *against), rows, escaped
    )


def _targets(view: PortfolioView) -> str:
    if not view.targets:
        return ""
    rows = [
        (
            f"{row.target.name} {row.calendar.name}",
            limit_words(row),
            so_far_words(row) if row.calendar.passed else "",
            projected_words(row),
            percent(row.elapsed),
            percent(row.coverage) if row.calendar.passed else "",
            row.standing.value,
        )
        for row in view.targets
    ]
    head = ("Target", "Limit", "So far", "Projected", "Elapsed", "Coverage", "Standing")
    said = "\n".join(
        f"- {escaped(row.target.name)} {escaped(row.calendar.name)}: {escaped(row.why)}"
        for row in view.targets
        if row.decides
    )
    return f"{markdown_table(head, rows, escaped)}\n\n{said}"


def _split(view: PortfolioView, key: str) -> str:
    rows = [
        (
            name or "(nobody said)",
            *("" if isinstance(line.figure, Missing) else value_words(line) for line in lines),
        )
        for name, lines in view.splits[key]
    ]
    return (
        markdown_table((SPLITS[key], *(title_of(name) for name in SPLIT_LINES)), rows, escaped)
        if rows
        else ""
    )


def _uncovered(view: PortfolioView) -> str:
    items = [f"{title}: missing {what}. {hint}" for title, what, hint in missing_lines(view)]
    items += [f"{what}: {fix}" for what, fix in view.coverage]
    items += view.inventory.findings
    items += [f"{title}: {note}" for title, note in notes_of(view)]
    return (
        "\n".join(("**Not covered, and to be said**", "", *(f"- {escaped(i)}" for i in items)))
        if items
        else ""
    )


def _factors(view: PortfolioView) -> str:
    rows = [
        (
            f.kind,
            f.zone,
            f"{f.value:.5g}",
            " ".join(filter(None, (f.accounting, f.basis, f.inventory))),
            f.source,
            f.year or "",
            quantity(f.kwh, "kWh"),
        )
        for f in view.inventory.factors
    ]
    body = markdown_table(("Factor", "Zone", "Value", "Of", "Source", "Year", "Energy"), rows, escaped)
    return folded("Factors", body) if rows else ""
