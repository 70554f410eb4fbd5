"""A report as one self-contained HTML page: it loads nothing, sends nothing and works from a file.

The page shows still drawings that need no script. One script, pinned by its hash in the page's
content security policy, adds a pointer and zoom to the power charts.
"""

from __future__ import annotations

from wattmark.reports.page import page_of
from wattmark.reports.selfcontained import scripts, styles, template
from wattmark.reports.view import ReportData


def html_report(data: ReportData) -> str:
    """The report as an HTML page."""
    return template("report.html.j2").render(
        data=data,
        page=page_of(data),
        styles=styles("vendor/uplot.min.css", "templates/report.css"),
        **scripts("vendor/uplot.min.js", "templates/report.js"),
    )
