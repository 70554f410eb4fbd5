"""A report as one self-contained HTML page: it loads nothing, sends nothing and works from a file.

The page shows still drawings that need no script. One script, pinned by its hash in the page's
content security policy, adds a pointer and zoom to the power charts.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from wattmark.reports.page import page_of
from wattmark.reports.view import ReportData

HERE = Path(__file__).parent


def html_report(data: ReportData) -> str:
    """The report as an HTML page."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["ticks"] = ticks
    script = _shipped("vendor/uplot.min.js") + "\n" + _shipped("templates/report.js")
    styles = _shipped("vendor/uplot.min.css") + "\n" + _shipped("templates/report.css")
    return environment.get_template("report.html.j2").render(
        data=data,
        page=page_of(data),
        styles=Markup(styles),
        script=Markup(script),
        script_hash="sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def ticks(text: str) -> Markup:
    """Text with `what is between backticks` set as code; everything is escaped."""
    parts = [escape(part) for part in text.split("`")]
    if len(parts) % 2 == 0:  # a lonely backtick is a character like any other
        return escape(text)
    return Markup("").join(Markup("<code>{}</code>").format(p) if i % 2 else p for i, p in enumerate(parts))


def _shipped(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
