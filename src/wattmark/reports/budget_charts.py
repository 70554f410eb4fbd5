"""What a budget used over its period as inline SVG, with the even line and the projection."""

from __future__ import annotations

import math
from datetime import datetime

from markupsafe import Markup, escape

from wattmark.core.figure import Figure
from wattmark.core.governance.budget import Budget, shown_in
from wattmark.core.governance.budgets import Course
from wattmark.reports.charts import nice_top
from wattmark.reports.quantities import quantity, scale_of

W, H = 960, 260
LEFT, RIGHT, TOP, BOTTOM = 84, 14, 18, 28
FAR = 3.0
"""An upper end beyond so many times everything else is cut off: it would flatten the rest."""


def shown_amount(amount: float, budget: Budget) -> str:
    """An amount of J or gCO2e as people read it beside that budget's limit."""
    unit, size = shown_in(budget)
    return quantity(amount / size, unit)


def course_chart(course: Course) -> Markup:
    """Used since the period began (steps), spent evenly (dots), the limit (dashes), and where it leads.

    The period must have a beginning and an end.
    """
    scale = _Scale(course)
    ahead = _ahead(course, scale)
    label = (
        f"{course.standing.budget.id}: used over {course.period.name}, of {course.limit:g}; a table follows"
    )
    body = [
        f'<svg class="power course" viewBox="0 0 {W} {H}" role="img" aria-label="{escape(label)}">',
        *scale.grid(),
        *ahead,
        *_used(course, scale),
        *_lines(course, scale),
        *_legend(projected=bool(ahead)),
        "</svg>",
    ]
    return Markup("".join(body))


class _Scale:
    """Time across, amounts up."""

    def __init__(self, course: Course) -> None:
        assert course.period.start is not None  # the caller's promise
        assert course.period.end is not None
        self.start, self.end = course.period.start, course.period.end
        self.unit, self.size = shown_in(course.standing.budget)
        ahead_to = course.standing.projected
        ahead, high = (ahead_to.value, ahead_to.interval[1]) if isinstance(ahead_to, Figure) else (0.0, 0.0)
        most = max(course.limit, course.steps[-1][1] if course.steps else 0.0, ahead)
        most = max(most, min(high, FAR * most) if math.isfinite(high) else most)
        divisor, _ = scale_of(most / self.size, self.unit)  # quarters of a scale are round in what is shown
        self.top = nice_top(most * 1.02 / self.size / divisor) * divisor * self.size
        moved = course.standing.elapsed or 0.0
        self.now = self.start + (self.end - self.start) * moved

    def x(self, at: datetime) -> float:
        share = min(1.0, max(0.0, (at - self.start) / (self.end - self.start)))
        return LEFT + share * (W - LEFT - RIGHT)

    def y(self, amount: float) -> float:
        return H - BOTTOM - min(1.0, max(0.0, amount / self.top)) * (H - TOP - BOTTOM)

    def grid(self) -> list[str]:
        """Four lines with their amounts, and the ends of the period."""
        divisor, unit = scale_of(self.top / self.size, self.unit)
        divisor *= self.size
        drawn = []
        for i in range(5):
            value = self.top * i / 4
            y = self.y(value)
            drawn.append(f'<line class="grid" x1="{LEFT}" x2="{W - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            text = f"{value / divisor:.4g} {escape(unit)}"
            drawn.append(f'<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
        for at, anchor in ((self.start, "start"), (self.end, "end")):
            text = f"{at:%Y-%m-%d}" if (self.end - self.start).days > 1 else f"{at:%m-%d %H:%M}"
            drawn.append(
                f'<text class="tick" x="{self.x(at):.1f}" y="{H - 8}" text-anchor="{anchor}">{text}</text>'
            )
        return drawn


def _used(course: Course, scale: _Scale) -> list[str]:
    """A line that rises where something was used, up to now."""
    x, y = scale.x(scale.start), scale.y(0.0)
    path = f"M{x:.1f} {y:.1f}"
    for at, used in course.steps:
        path += f"H{scale.x(at):.1f}V{scale.y(used):.1f}"
    last = max(scale.now, course.steps[-1][0]) if course.steps else scale.now
    path += f"H{scale.x(last):.1f}"
    under = f"{path}V{y:.1f}H{x:.1f}Z"
    return [f'<path class="under" d="{under}"/>', f'<path class="used" d="{path}"/>']


def _lines(course: Course, scale: _Scale) -> list[str]:
    """The limit, the even line, and now."""
    limit, left, right = scale.y(course.limit), scale.x(scale.start), scale.x(scale.end)
    now = scale.x(scale.now)
    return [
        f'<line class="even" x1="{left:.1f}" y1="{scale.y(0):.1f}" x2="{right:.1f}" y2="{limit:.1f}"/>',
        f'<line class="limit" x1="{left:.1f}" y1="{limit:.1f}" x2="{right:.1f}" y2="{limit:.1f}"/>',
        f'<text class="said" x="{right - 4:.1f}" y="{limit - 5:.1f}" text-anchor="end">limit '
        f"{escape(shown_amount(course.limit, course.standing.budget))}</text>",
        f'<line class="now" x1="{now:.1f}" y1="{TOP}" x2="{now:.1f}" y2="{H - BOTTOM}"/>',
    ]


def _ahead(course: Course, scale: _Scale) -> list[str]:
    """From now to the end, with the interval at the end as a fan."""
    end = course.standing.projected
    over = course.standing.elapsed is None or course.standing.elapsed >= 1.0
    if not isinstance(end, Figure) or over or not course.steps:
        return []
    low, high = end.interval
    x0, y0, x1 = scale.x(scale.now), scale.y(course.steps[-1][1]), scale.x(scale.end)
    fan = f"M{x0:.1f} {y0:.1f}L{x1:.1f} {scale.y(low):.1f}V{scale.y(high):.1f}Z"
    return [
        f'<path class="fan" d="{fan}"/>',
        f'<line class="ahead" x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{scale.y(end.value):.1f}">'
        f"<title>projected: {escape(shown_amount(end.value, course.standing.budget))}</title></line>",
    ]


def _legend(*, projected: bool) -> list[str]:
    """What each kind of line is, between the dates."""
    said = [("used", "used"), ("even", "spent evenly")]
    if projected:
        said.insert(1, ("ahead", "if it goes on so"))
    drawn, x, y = [], W / 2 - 80.0 * len(said), H - 12
    for css, words in said:
        drawn.append(f'<line class="{css}" x1="{x:.0f}" y1="{y}" x2="{x + 28:.0f}" y2="{y}"/>')
        drawn.append(f'<text class="tick" x="{x + 34:.0f}" y="{y + 4}">{words}</text>')
        x += 160
    return drawn
