"""A page that shows each figure over time, with the band that it was expected in and what was found."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

from wattmark.monitoring.detection.finding import Finding, Kind
from wattmark.monitoring.detection.replay import Course, Point
from wattmark.monitoring.detection.shown import NAMES, changes, sentence, when

Scale = Callable[[float], float]
"""From a moment or a value to a place in the drawing."""
WIDTH, HEIGHT, LEFT, BOTTOM = 960, 260, 64, 28
STYLE = """
:root { color-scheme: light dark; --line: #1f6f54; --band: #1f6f5433; --bad: #b3261e; --good: #2b6cb0; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1000px; margin: 2rem auto; padding: 0 1rem; }
svg { width: 100%; height: auto; } text { fill: currentColor; font-size: 11px; }
.line { fill: none; stroke: var(--line); stroke-width: 1.2; } .band { fill: var(--band); }
.axis { stroke: currentColor; opacity: .3; }
.regression { stroke: var(--bad); } .improvement { stroke: var(--good); }
.mark { stroke-width: 1.5; stroke-dasharray: 4 3; opacity: .8; }
"""


def page(courses: Sequence[Course]) -> str:
    """A document of its own, without scripts and without anything from elsewhere."""
    parts = "".join(_section(course) for course in courses)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Regressions</title>'
        f"<style>{STYLE}</style></head><body>"
        f"<h1>Energy of models against their own past</h1>{parts}</body></html>\n"
    )


def _section(course: Course) -> str:
    state = course.state
    told = "".join(_item(found) for found in course.findings)
    status = f"{state.status}{': ' + state.reason if state.reason else ''}"
    return (
        f"<h2>{escape(str(state.key))}</h2><p>{escape(NAMES[state.metric])}: {escape(status)}</p>"
        f"{_chart(course.points, course.findings)}<ul>{told}</ul>"
    )


def _item(found: Finding) -> str:
    changed = "".join(f"<li>{escape(line)}</li>" for line in changes(found))
    return f"<li>{escape(sentence(found))}<ul>{changed}</ul></li>"


def _chart(points: Sequence[Point], findings: Sequence[Finding]) -> str:
    if len(points) < 2:
        return "<p>Too little is known to draw it.</p>"
    first, last = points[0].end, points[-1].end
    values = [v for p in points for v in (p.value, p.low, p.high) if v is not None]
    low, high = math.log(min(values)), math.log(max(values) * 1.02)

    def x(at: float) -> float:
        return LEFT + (WIDTH - LEFT) * (at - first) / max(last - first, 1.0)

    def y(value: float) -> float:
        return (HEIGHT - BOTTOM) * (1.0 - (math.log(value) - low) / max(high - low, 1e-9))

    line = " ".join(f"{x(p.end):.1f},{y(p.value):.1f}" for p in points)
    drawn = [f for f in findings if f.kind in (Kind.REGRESSION, Kind.IMPROVEMENT) and f.since >= first]
    marks = "".join(_mark(found, x(found.since)) for found in drawn)
    scale = "".join(
        f'<text x="{LEFT - 6}" y="{y(v) + 4:.1f}" text-anchor="end">{v:.3g}</text>'
        for v in (math.exp(low), math.exp((low + high) / 2), math.exp(high))
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="course of the figure">'
        f"{_bands(points, x, y)}<polyline class='line' points='{line}'/>{marks}{scale}"
        f'<line class="axis" x1="{LEFT}" x2="{WIDTH}" y1="{HEIGHT - BOTTOM}" y2="{HEIGHT - BOTTOM}"/>'
        f'<text x="{LEFT}" y="{HEIGHT - 8}">{when(first)}</text>'
        f'<text x="{WIDTH}" y="{HEIGHT - 8}" text-anchor="end">{when(last)} UTC</text></svg>'
    )


def _mark(found: Finding, x: float) -> str:
    line = f'x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{HEIGHT - BOTTOM}"'
    return f'<line class="mark {found.kind.value}" {line}><title>{escape(sentence(found))}</title></line>'


def _bands(points: Sequence[Point], x: Scale, y: Scale) -> str:
    """The expected band; where nothing could be expected there is none."""
    pieces: list[list[tuple[float, float, float]]] = [[]]
    for point in points:
        if point.low is not None and point.high is not None:
            pieces[-1].append((x(point.end), y(point.low), y(point.high)))
        elif pieces[-1]:
            pieces.append([])
    found = ""
    for piece in pieces:
        if len(piece) > 1:
            upper = [f"{at:.1f},{high:.1f}" for at, _, high in piece]
            lower = [f"{at:.1f},{low:.1f}" for at, low, _ in reversed(piece)]
            found += f'<polygon class="band" points="{" ".join([*upper, *lower])}"/>'
    return found
