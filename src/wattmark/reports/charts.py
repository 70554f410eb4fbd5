"""Small drawings as inline SVG: pure functions from numbers to markup.

Coordinates are percentages where a drawing may stretch, so that no text is ever distorted. Colours
are CSS classes; the page decides them for light, dark and print.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from markupsafe import Markup, escape

from wattmark.reports.quantities import duration, scale_of
from wattmark.reports.timeline import SeenGap, Timeline

COLOURS = ("cpu", "gpu", "dram", "rest_of_node", "node", "network", "storage", "module")
"""Components with a colour of their own; others share the remaining ones in order."""
SCORE_TOP = 200.0


def colour_of(name: str, names: Sequence[str]) -> str:
    """CSS class of a component: its own colour if it has one, else one by position."""
    plain = name.removeprefix("rest of ")
    if name.startswith("rest of "):
        return "c-rest_of_node"
    return f"c-{plain}" if plain in COLOURS else f"c-other{list(names).index(name) % 4}"


def share_bar(parts: Iterable[tuple[str, float, str]]) -> Markup:
    """One bar cut into parts: (name, share of 0..1, CSS class)."""
    x = 0.0
    rects = []
    for name, share, css in parts:
        rects.append(
            f'<rect class="{escape(css)}" x="{_pc(x)}" y="0" width="{_pc(share)}" height="100%">'
            f"<title>{escape(name)}: {share:.1%}</title></rect>"
        )
        x += share
    return Markup(f'<svg class="sharebar" aria-hidden="true">{"".join(rects)}</svg>')


def error_bar(low: float, value: float, high: float, limit: float) -> Markup:
    """An interval as deviation from its value, on a scale of -limit..+limit shared by a whole table."""
    if value == 0 or limit <= 0:
        return Markup("")

    def at(x: float) -> float:
        return min(1.0, max(0.0, 0.5 + (x / value - 1) / limit / 2))

    a, b = sorted((at(low), at(high)))
    return Markup(
        '<svg class="errorbar" aria-hidden="true">'
        '<line class="axis" x1="50%" x2="50%" y1="0" y2="100%"/>'
        f'<line class="whisker" x1="{_pc(a)}" x2="{_pc(b)}" y1="50%" y2="50%"/>'
        f'<line class="whisker" x1="{_pc(a)}" x2="{_pc(a)}" y1="25%" y2="75%"/>'
        f'<line class="whisker" x1="{_pc(b)}" x2="{_pc(b)}" y1="25%" y2="75%"/>'
        '<circle class="dot" cx="50%" cy="50%" r="3.5"/></svg>'
    )


def score_scale(value: float, low: float, high: float) -> Markup:
    """A score on its scale of 0 to 200 with the baseline at 100 and the interval as a band."""

    def at(x: float) -> float:
        return min(1.0, max(0.0, x / SCORE_TOP))

    width = max(0.004, at(high) - at(low))
    return Markup(
        '<svg class="scorescale" aria-hidden="true">'
        '<rect class="track" x="0" y="38%" width="100%" height="24%" rx="4"/>'
        f'<rect class="band" x="{_pc(at(low))}" y="24%" width="{_pc(width)}" height="52%" rx="3"/>'
        '<line class="base" x1="50%" x2="50%" y1="8%" y2="92%"/>'
        f'<circle class="dot" cx="{_pc(at(value))}" cy="50%" r="6"/></svg>'
    )


def value_bar(value: float, low: float, high: float, top: float, css: str) -> Markup:
    """A bar from zero with its interval, on a scale that ends at ``top``."""
    if top <= 0:
        return Markup("")

    def at(x: float) -> float:
        return min(1.0, max(0.0, x / top))

    return Markup(
        '<svg class="valuebar" aria-hidden="true">'
        f'<rect class="{escape(css)}" x="0" y="20%" width="{_pc(at(value))}" height="60%" rx="2"/>'
        f'<line class="whisker" x1="{_pc(at(low))}" x2="{_pc(at(high))}" y1="50%" y2="50%"/>'
        f'<line class="whisker" x1="{_pc(at(low))}" x2="{_pc(at(low))}" y1="28%" y2="72%"/>'
        f'<line class="whisker" x1="{_pc(at(high))}" x2="{_pc(at(high))}" y1="28%" y2="72%"/></svg>'
    )


def power_chart(
    line: Timeline, gaps: Sequence[SeenGap], bands: Sequence[tuple[str, float, float]], label: str
) -> Markup:
    """Stacked power over time: stage bands behind, what was not seen hatched in front.

    This drawing needs no script; the page swaps it for one with a pointer where scripts may run.
    """
    plot = _Plot(line)
    body = [
        f'<svg class="power" viewBox="0 0 {_W} {_H}" role="img" aria-label="{escape(label)}">',
        *plot.bands(bands),
        *plot.grid(),
        *plot.areas(),
        *plot.gaps(gaps),
        "</svg>",
    ]
    return Markup("".join(body))


_STEPS = (1, 1.2, 1.6, 2, 2.4, 2.8, 3.2, 3.6, 4, 4.8, 5.6, 6.4, 8, 10)
"""Tops of a scale whose quarters are round."""
_W, _H = 960, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 8, 22, 26


class _Plot:
    """The scales of one power chart."""

    def __init__(self, line: Timeline) -> None:
        self.line = line
        self.top = top_of(line)

    def x(self, t: float) -> float:
        start, end = self.line.edges[0], self.line.edges[-1]
        share = min(1.0, max(0.0, (t - start) / (end - start)))
        return _LEFT + share * (_W - _LEFT - _RIGHT)

    def y(self, watts: float) -> float:
        return _H - _BOTTOM - watts / self.top * (_H - _TOP - _BOTTOM)

    def bands(self, bands: Sequence[tuple[str, float, float]]) -> list[str]:
        drawn = []
        for i, (name, t0, t1) in enumerate(bands):
            x0, width = self.x(t0), self.x(t1) - self.x(t0)
            drawn.append(
                f'<rect class="band{i % 2}" x="{x0:.1f}" y="0" width="{width:.1f}" height="{_H - _BOTTOM}"/>'
            )
            if width > 7 * len(name):
                drawn.append(
                    f'<text class="stage" x="{x0 + 6:.1f}" y="14">{escape(name.replace("_", " "))}</text>'
                )
        return drawn

    def grid(self) -> list[str]:
        drawn = []
        for i in range(5):
            watts = self.top * i / 4
            y = self.y(watts)
            drawn.append(f'<line class="grid" x1="{_LEFT}" x2="{_W - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            divisor, unit = scale_of(watts, "W")
            text = f"{watts / divisor:.4g} {unit}"
            drawn.append(
                f'<text class="tick" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'
            )
        start, end = self.line.edges[0], self.line.edges[-1]
        for i in range(7):
            t = start + (end - start) * i / 6
            anchor = "start" if i == 0 else "end" if i == 6 else "middle"
            x, text = self.x(t), f"{t:.3g} s" if end < 120 else duration(t)
            drawn.append(f'<text class="tick" x="{x:.1f}" y="{_H - 8}" text-anchor="{anchor}">{text}</text>')
        return drawn

    def areas(self) -> list[str]:
        names = list(self.line.power)
        floor = [0.0] * (len(self.line.edges) - 1)
        drawn = []
        for name in names:
            values = self.line.power[name]
            boxes = []
            for i, (t0, t1) in enumerate(pairwise(self.line.edges)):
                watts = values[i]
                if watts is None:
                    continue
                x0, x1, low, high = self.x(t0), self.x(t1), self.y(floor[i]), self.y(floor[i] + watts)
                boxes.append(f"M{x0:.1f} {low:.1f}V{high:.1f}H{x1:.1f}V{low:.1f}Z")
                floor[i] += watts
            drawn.append(f'<path class="{colour_of(name, names)}" d="{"".join(boxes)}"/>')
        return drawn

    def gaps(self, gaps: Sequence[SeenGap]) -> list[str]:
        drawn = []
        for g in gaps:
            x0, x1 = self.x(g.t0_seconds), self.x(g.t0_seconds + g.duration_seconds)
            width, height = max(2.0, x1 - x0), _H - _TOP - _BOTTOM
            drawn.append(
                f'<rect fill="url(#hatch)" x="{x0:.1f}" y="{_TOP}" width="{width:.1f}" height="{height}">'
                f"<title>{escape(g.component)} not seen: {escape(g.reason)}</title></rect>"
            )
        return drawn


def top_of(line: Timeline) -> float:
    """Top of the power scale: a round number above the highest stack."""
    stacked = [sum(v or 0.0 for v in column) for column in zip(*line.power.values(), strict=True)]
    return nice_top(max(stacked, default=0.0))


def nice_top(value: float) -> float:
    """The next round number for the top of a scale whose quarter is round too; 1 for nothing."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next((step * power for step in _STEPS if value <= step * power), 10 * power)


def chart_data(
    line: Timeline, gaps: Sequence[SeenGap], bands: Sequence[tuple[str, float, float]]
) -> Mapping[str, object]:
    """The same chart as data for the script on the page; seconds and watts, None where not seen."""
    names = list(line.power)
    return {
        "top": top_of(line),
        "t": [round(t, 4) for t in line.edges],
        "series": [
            {
                "name": name.replace("_", " "),
                "colour": colour_of(name, names)[2:],
                "watts": [None if w is None else round(w, 4) for w in line.power[name]],
            }
            for name in names
        ],
        "gaps": [
            {
                "component": g.component.replace("_", " "),
                "t0": g.t0_seconds,
                "t1": g.t0_seconds + g.duration_seconds,
                "reason": g.reason,
            }
            for g in gaps
        ],
        "bands": [{"name": name.replace("_", " "), "t0": t0, "t1": t1} for name, t0, t1 in bands],
    }


def _pc(share: float) -> str:
    return f"{share * 100:.2f}%"
