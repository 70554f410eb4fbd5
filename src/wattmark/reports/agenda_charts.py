"""A KPI over time as a small inline SVG: each figure with its interval."""

from __future__ import annotations

from markupsafe import Markup, escape

from wattmark.core.governance.agenda import Trend
from wattmark.reports.charts import nice_top
from wattmark.reports.quantities import quantity, scale_of

W, H = 960, 162
LEFT, RIGHT, TOP, BOTTOM = 60, 14, 22, 24


def trend_chart(trend: Trend, title: str) -> Markup:
    """Points in the order of time at even distances, with their intervals as whiskers; from zero up."""
    shown = [point.shown for point in trend.points]
    ends = [s.high if s.high is not None else s.value for s in shown]
    top = nice_top(max([*ends, *(s.value for s in shown)]))
    unit = shown[0].unit
    first, last = trend.points[0].at[:10], trend.points[-1].at[:10]
    label = f"{title} of {trend.model} from {first} to {last}; a table follows"
    step = (W - LEFT - RIGHT) / max(1, len(shown))
    body = [
        f'<svg class="power trend" viewBox="0 0 {W} {H}" role="img" aria-label="{escape(label)}">',
        *_grid(top, unit),
    ]
    for at, one in enumerate(shown):
        x = LEFT + step * (at + 0.5)
        if one.low is not None and one.high is not None:
            body.append(
                f'<line class="whisker" x1="{x:.1f}" x2="{x:.1f}" y1="{_y(one.low, top):.1f}" '
                f'y2="{_y(one.high, top):.1f}"/>'
            )
        body.append(
            f'<circle class="dot" cx="{x:.1f}" cy="{_y(one.value, top):.1f}" r="3.5">'
            f"<title>{escape(trend.points[at].at[:16])}: {escape(quantity(one.value, unit))}</title></circle>"
        )
    for text, x, anchor in ((first, LEFT, "start"), (last, W - RIGHT, "end")):
        body.append(f'<text class="tick" x="{x}" y="{H - 6}" text-anchor="{anchor}">{escape(text)}</text>')
    return Markup("".join((*body, "</svg>")))


def _y(value: float, top: float) -> float:
    return H - BOTTOM - min(1.0, max(0.0, value / top)) * (H - TOP - BOTTOM)


def _grid(top: float, unit: str) -> list[str]:
    """Three lines with their numbers; the unit stands once above them, because it may be long."""
    divisor, named = scale_of(top, unit)
    drawn = [f'<text class="tick" x="{LEFT}" y="{TOP - 5}">{escape(named)}</text>']
    for i in range(3):
        value, y = top * i / 2, _y(top * i / 2, top)
        drawn.append(f'<line class="grid" x1="{LEFT}" x2="{W - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        text = f"{value / divisor:.4g}"
        drawn.append(f'<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
    return drawn
