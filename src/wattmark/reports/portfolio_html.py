"""A report of a portfolio as one self-contained HTML page without any script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from wattmark.core.figure import Figure, Missing
from wattmark.core.portfolio import Line
from wattmark.core.targets import Progress
from wattmark.reports import portfolio_charts
from wattmark.reports.portfolio_text import drift_words
from wattmark.reports.portfolio_view import (
    MARKS,
    NEVER_ADDED,
    SPLIT_LINES,
    SPLITS,
    PortfolioView,
    held_words,
    interval_words,
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
from wattmark.reports.selfcontained import styles, template

TILES = ("energy", "scope2_location", "scope2_market", "scope31")


@dataclass(frozen=True, slots=True)
class Months:
    """One line by month: the drawing, and the same as a table."""

    title: str
    svg: Markup
    rows: tuple[tuple[str, str, str], ...]


def portfolio_html(view: PortfolioView) -> str:
    """The report as an HTML page that loads nothing and runs nothing."""
    return template("portfolio.html.j2").render(
        view=view, page=_page(view), styles=styles("templates/report.css", "templates/portfolio.css")
    )


def _page(view: PortfolioView) -> dict[str, object]:
    asked = view.inventory.asked
    where = "; ".join(f"{k} = {', '.join(v)}" for k, v in asked.where.items()) or "everything in the ledger"
    return {
        "never_added": NEVER_ADDED,
        "tiles": [_tile(view, view.inventory.line(name)) for name in TILES],
        "lines": [_row(view, line) for line in view.inventory.lines],
        "against": view.baseline.name if view.baseline else "",
        "months": [m for m in (_months(view, name) for name in SPLIT_LINES) if m is not None],
        "splits": [_split(key, rows) for key, rows in view.splits.items() if rows],
        "split_heads": [title_of(name) for name in SPLIT_LINES],
        "targets": [_target(row) for row in view.targets],
        "missing": missing_lines(view),
        "notes": notes_of(view),
        "drifts": [drift_words(d) for d in view.drifts if d.significant],
        "factors": [
            (
                f.kind,
                f.zone,
                f"{f.value:.5g}" + (" gCO2e/kWh" if f.kind == "intensity" else ""),
                " ".join(filter(None, (f.accounting, f.basis, f.inventory))),
                f"{f.source}{f', {f.year}' if f.year and str(f.year) not in f.source else ''}",
                quantity(f.kwh, "kWh"),
            )
            for f in view.inventory.factors
        ],
        "terms": [
            ("counted", where),
            ("boundary", asked.boundary),
            ("factors", "Scope 2: direct; Scope 3.1: lifecycle"),
            ("Scope 3.1 stands as", f"from {asked.primary}"),
            ("calendar", asked.time_zone),
            ("ledger version", str(view.version)),
            ("methodology", view.inventory.terms.fingerprint),
        ],
    }


def _tile(view: PortfolioView, line: Line) -> dict[str, object]:
    if isinstance(line.figure, Missing):
        return {"name": line.title, "value": "", "unit": "", "sub": line.figure.hint,
                "problem": value_words(line), "grade": ""}  # fmt: skip
    value, _, unit = value_words(line).partition(" ")
    held = held_words(view, line)
    told = (
        interval_words(line.figure),
        f"{held} against {view.baseline.name}" if held and view.baseline else "",
    )
    return {
        "name": line.title,
        "value": value,
        "unit": unit,
        "sub": "; ".join(filter(None, told)),
        "problem": "",
        "grade": line.figure.grade.value if line.figure.grade else "",
    }


def _row(view: PortfolioView, line: Line) -> dict[str, object]:
    value, interval, grade, coverage, estimated = line_cells(line)
    return {
        "title": line.title,
        "small": "" if line.primary else "another estimate of the same: never added",
        "value": value,
        "known": isinstance(line.figure, Figure),
        "interval": interval or ("none stated" if isinstance(line.figure, Figure) else ""),
        "grade": grade,
        "coverage": coverage,
        "estimated": estimated,
        "held": held_words(view, line),
    }


def _months(view: PortfolioView, name: str) -> Months | None:
    found: list[tuple[str, Figure | None]] = []
    for month, lines in view.months:
        line = next(one for one in lines if one.id == name)
        found.append((month, line.figure if isinstance(line.figure, Figure) else None))
    if len(found) < 2 or all(figure is None for _, figure in found):
        return None
    rows = tuple(
        (month, "no figure", "") if f is None else (month, _amount(f), interval_words(f))
        for month, f in found
    )
    return Months(title_of(name), portfolio_charts.months_chart(title_of(name), found), rows)


def _amount(figure: Figure) -> str:
    line = Line(id="energy", figure=figure)
    return value_words(line)


def _split(key: str, rows: Sequence[tuple[str, Sequence[Line]]]) -> dict[str, object]:
    return {
        "title": SPLITS[key],
        "head": key,
        "rows": [
            (
                name or "(nobody said)",
                ["" if isinstance(line.figure, Missing) else value_words(line) for line in lines],
            )
            for name, lines in rows
        ],
    }


def _target(row: Progress) -> dict[str, object]:
    projected = projected_words(row)
    label = f"{row.target.name} {row.calendar.name}: {so_far_words(row)} of {limit_words(row)}" + (
        f", projected {projected}" if projected else ""
    )
    return {
        "name": row.target.name,
        "decides": row.decides,
        "period": row.calendar.name,
        "limit": limit_words(row),
        "so_far": so_far_words(row) if row.calendar.passed else "",
        "elapsed": percent(row.elapsed),
        "coverage": percent(row.coverage) if row.calendar.passed else "",
        "projected": projected,
        "standing": row.standing.value,
        "css": MARKS[row.standing],
        "why": row.why,
        "method": row.projected.words if row.projected else "",
        "bar": portfolio_charts.target_bar(row, label),
    }
