"""A sweep as one self-contained HTML page without any script."""

from __future__ import annotations

from wattmark.core.bench.operating import Group, Sweep
from wattmark.reports.selfcontained import styles, template
from wattmark.reports.sweep_charts import plane_chart
from wattmark.reports.sweep_view import (
    MEANING,
    apart_words,
    beside_words,
    per_words,
    rows_of,
    suggestion_words,
    unknown_words,
)
from wattmark.version import __version__


def sweep_html(sweep: Sweep) -> str:
    """The page; it loads nothing and runs nothing."""
    rows = rows_of(sweep)
    return template("sweep.html.j2").render(
        sweep=sweep,
        rows=rows,
        per=per_words(sweep),
        groups=[_group(sweep, group, {row.name: row.number for row in rows}) for group in sweep.groups],
        meaning=MEANING,
        version=__version__,
        styles=styles("templates/report.css", "templates/sweep.css"),
    )


def _group(sweep: Sweep, group: Group, numbers: dict[str, int]) -> dict[str, object]:
    charts = []
    for plane in group.planes:
        if len(plane.options) < 2:
            continue
        title = f"{per_words(sweep)} against {beside_words(sweep, plane)}"
        titles = (beside_words(sweep, plane), per_words(sweep))
        label = f"{title}: {len(plane.options)} points, numbered as in the table"
        charts.append((title, plane_chart(plane, numbers, titles, label)))
    said = suggestion_words(sweep, group)
    return {
        "apart": apart_words(group),
        "unknown": unknown_words(group),
        "charts": charts,
        "use": said[0],
        "remarks": said[1:],
    }
