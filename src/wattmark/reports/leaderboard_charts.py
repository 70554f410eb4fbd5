"""Drawings of a leaderboard: stars with their interval, energy intervals, energy against quality."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from wattmark.core.bench.board import Group
from wattmark.reports.leaderboard_rows import Span, quality, wh
from wattmark.reports.quantities import number

STARS = 5
_POINTS = 10
_W, _H = 960, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 18, 52
_NAMED = 12
"""Above so many points names would lie upon each other; the table has them."""
_LONGEST = 34


@dataclass(frozen=True, slots=True)
class Point:
    """One model in a plot of energy against quality."""

    model: str
    energy: Span
    quality: Span
    ranked: bool


def star_path(x: float, y: float, radius: float) -> str:
    """A five-pointed star: ten corners on two circles; the inner one is 0.45 of the outer."""
    corners = []
    for i in range(_POINTS):
        r = radius if i % 2 == 0 else radius * 0.45
        angle = math.pi * (i / 5 - 0.5)
        corners.append(f"{x + r * math.cos(angle):.2f} {y + r * math.sin(angle):.2f}")
    return f"M{'L'.join(corners)}Z"


def star_symbols(pairs: Iterable[tuple[int, int]]) -> Markup:
    """A symbol for each pair of worst and best stars that occurs, for ``use``."""
    made = []
    for worst, best in sorted(set(pairs)):
        stars = "".join(
            f'<path class="{_star_class(i, worst, best)}" d="{star_path(10 + 20 * i, 10.5, 8.6)}"/>'
            for i in range(STARS)
        )
        made.append(f'<symbol id="st{worst}{best}" viewBox="0 0 100 20">{stars}</symbol>')
    return Markup("".join(made))


def _star_class(i: int, worst: int, best: int) -> str:
    return "sure" if i < worst else "perhaps" if i < best else "not"


def scale_of_group(group: Group) -> tuple[float, float] | None:
    """Ends of a logarithmic scale that holds every interval of a group; None where nothing is positive."""
    spans = [s for s in (wh(row) for row in group.rows) if s is not None]
    ends = [e for s in spans for e in (s.low, s.value, s.high) if e > 0 and math.isfinite(e)]
    if not ends:
        return None
    low, high = min(ends), max(ends)
    return (low / 1.1, high * 1.1) if high < 1.2 * low else (low, high)


def interval_mark(span: Span, scale: tuple[float, float] | None) -> Markup:
    """An interval on the scale of its group: a whisker and a dot. The numbers stand beside it."""
    if scale is None or not span.value > 0:
        return Markup("")

    def at(x: float) -> str:
        place = math.log(min(max(x, scale[0]), scale[1]) / scale[0]) / math.log(scale[1] / scale[0])
        return f"{4 + 92 * place:.1f}%"

    line = f'<line x1="{at(span.low)}" x2="{at(span.high)}" y1="5" y2="5"/>' if span.high > span.low else ""
    return Markup(
        f'<svg class="iv" aria-hidden="true">{line}<circle cx="{at(span.value)}" cy="5" r="3"/></svg>'
    )


def points_of(group: Group) -> list[Point]:
    """The rows of a group of which both energy and quality are known, with one quality for all."""
    names = {row.result.quality.name for row in group.rows if row.result.quality is not None}
    if len(names) != 1:
        return []
    found = []
    for row in group.rows:
        energy, score = wh(row), quality(row.result)
        if energy is not None and score is not None and energy.value > 0 and math.isfinite(energy.value):
            found.append(Point(row.result.model.id, energy, score, row.rank is not None))
    return found


def scatter(points: Sequence[Point], x_name: str, y_name: str, label: str) -> Markup:
    """Energy (logarithmic) against quality, each point with its two intervals."""
    plot = _Scatter(points)
    return Markup(
        f'<svg class="scatter" viewBox="0 0 {_W} {_H}" role="img" aria-label="{escape(label)}">'
        + "".join((*plot.grid(x_name, y_name), *plot.points()))
        + "</svg>"
    )


class _Scatter:
    """The scales of one plot."""

    def __init__(self, points: Sequence[Point]) -> None:
        self._points = points
        ends = [e for p in points for e in (p.energy.low, p.energy.high, p.energy.value)]
        ends = [e for e in ends if e > 0 and math.isfinite(e)]
        self._x = min(ends) / 1.15, max(ends) * 1.25
        tops = [e for p in points for e in (p.quality.low, p.quality.high)]
        room = max((max(tops) - min(tops)) * 0.1, abs(max(tops)) * 0.02, 1e-9)
        self._y = min(tops) - room, max(tops) + room

    def x(self, value: float) -> float:
        low, high = self._x
        share = math.log(min(max(value, low), high) / low) / math.log(high / low)
        return _LEFT + share * (_W - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        low, high = self._y
        share = (min(max(value, low), high) - low) / (high - low)
        return _H - _BOTTOM - share * (_H - _TOP - _BOTTOM)

    def grid(self, x_name: str, y_name: str) -> list[str]:
        made = []
        for value in _log_ticks(*self._x):
            x = self.x(value)
            made.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_H - _BOTTOM}"/>')
            made.append(
                f'<text class="tick" x="{x:.1f}" y="{_H - _BOTTOM + 18}" text-anchor="middle">'
                f"{number(value)}</text>"
            )
        for i in range(5):
            value = self._y[0] + (self._y[1] - self._y[0]) * i / 4
            y = self.y(value)
            made.append(f'<line class="grid" x1="{_LEFT}" x2="{_W - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            made.append(
                f'<text class="tick" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{number(value)}</text>'
            )
        middle = (_TOP + _H - _BOTTOM) / 2
        made.append(
            f'<text class="name" x="{(_LEFT + _W - _RIGHT) / 2}" y="{_H - 10}" text-anchor="middle">'
            f"{escape(x_name)}</text>"
        )
        made.append(
            f'<text class="name" x="14" y="{middle}" text-anchor="middle" '
            f'transform="rotate(-90 14 {middle})">{escape(y_name)}</text>'
        )
        return made

    def points(self) -> list[str]:
        named = len(self._points) <= _NAMED
        return [self._point(p, named) for p in self._points]

    def _point(self, p: Point, named: bool) -> str:
        x, y = self.x(p.energy.value), self.y(p.quality.value)
        made = [f"<g><title>{escape(_said(p))}</title>"]
        if p.energy.high > p.energy.low:
            ends = self.x(p.energy.low), self.x(p.energy.high)
            made.append(
                f'<line class="whisker" x1="{ends[0]:.1f}" x2="{ends[1]:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
            )
        if p.quality.high > p.quality.low:
            tops = self.y(p.quality.low), self.y(p.quality.high)
            made.append(
                f'<line class="whisker" x1="{x:.1f}" x2="{x:.1f}" y1="{tops[0]:.1f}" y2="{tops[1]:.1f}"/>'
            )
        css = "dot" if p.ranked else "dot open"
        made.append(f'<circle class="{css}" cx="{x:.1f}" cy="{y:.1f}" r="5"/>')
        if named:
            right = x > _W * 0.7
            made.append(
                f'<text class="tick" x="{x + (-9 if right else 9):.1f}" y="{y - 8:.1f}" '
                f'text-anchor="{"end" if right else "start"}">{escape(_short(p.model))}</text>'
            )
        return "".join((*made, "</g>"))


def _said(p: Point) -> str:
    energy = f"{p.energy.text} Wh per 1,000 queries" + (
        f" ({p.energy.interval})" if p.energy.interval else ""
    )
    score = p.quality.text + (f" ({p.quality.interval})" if p.quality.interval else "")
    return f"{p.model}: {energy}, quality {score}" + ("" if p.ranked else ", not ranked")


def _short(model: str) -> str:
    last = model.rstrip("/").rpartition("/")[2]
    return last if len(last) <= _LONGEST else f"{last[: _LONGEST - 1]}…"


def _log_ticks(low: float, high: float) -> list[float]:
    """1, 2, 5 times powers of ten within the ends; two of them at least."""
    first = math.floor(math.log10(low))
    last = math.ceil(math.log10(high))
    steps = (1.0, 2.0, 5.0) if last - first <= 3 else (1.0,)
    found = [m * 10.0**e for e in range(first, last + 1) for m in steps if low <= m * 10.0**e <= high]
    return found if len(found) > 1 else [low * 1.02, math.sqrt(low * high), high / 1.02]
