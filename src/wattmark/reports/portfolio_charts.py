"""Drawings of a portfolio as inline SVG: progress towards a limit, and months side by side.

Every drawing has its numbers in a table beside it; those that carry them alone are hidden from readers of
screens, the others have a text of their own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup, escape

from wattmark.core.figure import Figure, Missing
from wattmark.core.targets import Progress
from wattmark.reports.charts import nice_top
from wattmark.reports.portfolio_view import MARKS, amount_words, shown
from wattmark.reports.quantities import scale_of

W, H = 960, 240
LEFT, RIGHT, TOP, BOTTOM = 78, 8, 14, 28


def target_bar(row: Progress, label: str) -> Markup:
    """So far as a bar, the projection as a lighter one with its interval, the limit as a line."""
    if isinstance(row.limit, Missing) or isinstance(row.so_far, Missing):
        return Markup("")
    told = row.projected
    high = told.high if told and math.isfinite(told.high) else row.so_far.value
    top = max(row.limit, row.so_far.value, high) * 1.06 or 1.0

    def at(x: float) -> str:
        return f"{min(1.0, max(0.0, x / top)) * 100:.2f}%"

    parts = [f'<svg class="targetbar" role="img" aria-label="{escape(label)}">']
    if told is not None:
        parts.append(f'<rect class="ahead" x="0" y="30%" width="{at(told.value)}" height="40%" rx="2"/>')
    css = MARKS[row.standing]
    parts.append(
        f'<rect class="sofar {css}" x="0" y="20%" width="{at(row.so_far.value)}" height="60%" rx="2"/>'
    )
    if told is not None and math.isfinite(told.high):
        for x1, x2, y1, y2 in (
            (told.low, told.high, "50%", "50%"),
            (told.low, told.low, "34%", "66%"),
            (told.high, told.high, "34%", "66%"),
        ):
            parts.append(f'<line class="whisker" x1="{at(x1)}" x2="{at(x2)}" y1="{y1}" y2="{y2}"/>')
    parts.append(f'<line class="limit" x1="{at(row.limit)}" x2="{at(row.limit)}" y1="0" y2="100%"/></svg>')
    return Markup("".join(parts))


def months_chart(name: str, values: Sequence[tuple[str, Figure | None]]) -> Markup:
    """A column for each month with its interval; a month without a figure is hatched, never empty."""
    figures = [shown(f) for _, f in values if f is not None]
    if not figures:
        return Markup("")
    top = nice_top(max(max(f.value, f.interval[1]) for f in figures))
    label = f"{name} by month, from {values[0][0]} to {values[-1][0]}; a table follows"
    body = [f'<svg class="power months" viewBox="0 0 {W} {H}" role="img" aria-label="{escape(label)}">']
    body += _scale(top, figures[0].unit)
    width = (W - LEFT - RIGHT) / len(values)
    for at, (month, figure) in enumerate(values):
        x = LEFT + at * width
        body.append(_column(x, width, top, None if figure is None else shown(figure)))
        if len(values) <= 14:
            body.append(
                f'<text class="tick" x="{x + width / 2:.1f}" y="{H - 8}" text-anchor="middle">'
                f"{escape(month[-2:] if len(values) > 6 else month)}</text>"
            )
    return Markup("".join((*body, "</svg>")))


def _y(value: float, top: float) -> float:
    return H - BOTTOM - value / top * (H - TOP - BOTTOM)


def _scale(top: float, unit: str) -> list[str]:
    drawn = []
    divisor, named = scale_of(top, unit)
    for i in range(5):
        value = top * i / 4
        y = _y(value, top)
        drawn.append(f'<line class="grid" x1="{LEFT}" x2="{W - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        text = f"{value / divisor:.4g} {escape(named)}"
        drawn.append(f'<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
    return drawn


def _column(x: float, width: float, top: float, figure: Figure | None) -> str:
    left, wide, middle = x + width * 0.14, width * 0.72, x + width / 2
    if figure is None:
        height = H - TOP - BOTTOM
        return (
            f'<rect fill="url(#hatch)" x="{left:.1f}" y="{TOP}" width="{wide:.1f}" height="{height}">'
            "<title>no figure</title></rect>"
        )
    y, (low, high) = _y(figure.value, top), figure.interval
    return (
        f'<rect class="column" x="{left:.1f}" y="{y:.1f}" width="{wide:.1f}" '
        f'height="{max(0.5, H - BOTTOM - y):.1f}"><title>{escape(amount_words(figure.value, figure.unit))}'
        "</title></rect>"
        f'<line class="whisker" x1="{middle:.1f}" x2="{middle:.1f}" y1="{_y(low, top):.1f}" '
        f'y2="{_y(high, top):.1f}"/>'
    )
