"""A sweep as one self-contained HTML page without any script."""

from __future__ import annotations

from pathlib import Path

import jinja2
from markupsafe import Markup

from wattmark.core.bench.operating import Group, Sweep
from wattmark.reports.as_html import ticks
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

HERE = Path(__file__).parent


def sweep_html(sweep: Sweep) -> str:
    """The page; it loads nothing and runs nothing."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["ticks"] = ticks
    environment.filters["sentence"] = lambda text: f"{text[:1].upper()}{text[1:]}"
    styles = "\n".join(
        (HERE / "templates" / name).read_text(encoding="utf-8") for name in ("report.css", "sweep.css")
    )
    rows = rows_of(sweep)
    return environment.get_template("sweep.html.j2").render(
        sweep=sweep,
        rows=rows,
        per=per_words(sweep),
        groups=[_group(sweep, group, {row.name: row.number for row in rows}) for group in sweep.groups],
        meaning=MEANING,
        version=__version__,
        styles=Markup(styles),
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
