"""Energy against latency or quality: as inline SVG, and as signs for a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from wattmark.core.bench.operating import LATENCY, Plane
from wattmark.core.bench.pareto import Option, Place
from wattmark.reports.charts import nice_top
from wattmark.reports.quantities import number, scale_of

W, H = 960, 380
LEFT, RIGHT, TOP, BOTTOM = 84, 24, 18, 52
WIDE = 10.0
"""An axis over a wider range than this factor is logarithmic."""
TEXT_W, TEXT_H = 60, 16
STEPS = (1.0, 2.0, 5.0)
MOST_TICKS = 8


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: from a value to a share of its length."""

    low: float
    high: float
    log: bool

    def at(self, value: float) -> float:
        """0 to 1; what lies outside is at an end."""
        if self.log:
            value = max(value, self.low)
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return min(1.0, max(0.0, share))

    def ticks(self) -> list[float]:
        """Round values along it."""
        if not self.log:
            return [self.low + (self.high - self.low) * i / 4 for i in range(5)]
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        found = [s * 10.0**p for p in range(first, last + 1) for s in STEPS]
        inside = [v for v in found if self.low * 0.999 <= v <= self.high * 1.001]
        return inside[:: max(1, math.ceil(len(inside) / MOST_TICKS))]


def axis_of(values: Sequence[float], ends: Sequence[float], *, from_zero: bool = True) -> Axis:
    """An axis that holds these values and, as far as they are not much farther, their ends."""
    finite = [v for v in values if math.isfinite(v)]
    low, high = min(finite), max(finite)
    if low > 0 and high / low > WIDE:
        reach = [e for e in ends if math.isfinite(e) and low / 4 < e < high * 4]
        return Axis(min([low, *reach]) / 1.15, max([high, *reach]) * 1.15, True)
    reach = [e for e in ends if math.isfinite(e) and e < 3 * high]
    if low < 0 or not from_zero:
        least, most = min([low, *reach]), max([high, *reach])
        margin = (most - least) * 0.08 or abs(most) * 0.1 or 1.0
        return Axis(least - margin, most + margin, False)
    return Axis(0.0, nice_top(max([high, *reach]) * 1.02), False)


def axes_of(plane: Plane) -> tuple[Axis, Axis]:
    """That of what stands beside (across), and that of the energy (upwards)."""
    beside = [o.beside for o in plane.options]
    ends = [e for m in beside for e in (m.low, m.high) if e is not None]
    energies = [o.energy for o in plane.options]
    return (
        axis_of([m.value for m in beside], ends, from_zero=plane.beside == LATENCY),
        axis_of([e.value for e in energies], [end for e in energies for end in e.interval]),
    )


def plane_chart(plane: Plane, numbers: Mapping[str, int], titles: tuple[str, str], label: str) -> Markup:
    """The points with their intervals; the front is joined, what is dominated is pale. A table follows."""
    across, up = axes_of(plane)
    unit = plane.options[0].energy.unit
    places = {s.name: s.place for s in plane.standings}
    body = [f'<svg class="power pareto" viewBox="0 0 {W} {H}" role="img" aria-label="{escape(label)}">']
    body += _grid(across, up, "s" if plane.beside == LATENCY else "", unit)
    body += [
        f'<text class="stage" x="{(LEFT + W - RIGHT) / 2:.0f}" y="{H - 8}" text-anchor="middle">'
        f"{escape(titles[0])}</text>",
        f'<text class="stage" x="14" y="{(TOP + H - BOTTOM) / 2:.0f}" text-anchor="middle" '
        f'transform="rotate(-90 14 {(TOP + H - BOTTOM) / 2:.0f})">{escape(titles[1])}</text>',
    ]
    body.append(_front(plane, places, across, up))
    body += [_point(o, places[o.name], numbers[o.name], across, up) for o in plane.options]
    return Markup("".join((*body, "</svg>")))


def text_plot(plane: Plane, numbers: Mapping[str, int], titles: tuple[str, str]) -> str:
    """The same for a terminal: each point is its number; points at one place share the smallest."""
    across, up = axes_of(plane)
    field = [[" "] * TEXT_W for _ in range(TEXT_H)]
    for option in sorted(plane.options, key=lambda o: -numbers[o.name]):
        said = str(numbers[option.name])
        column = min(TEXT_W - len(said), round(across.at(option.beside.value) * (TEXT_W - 1)))
        row = TEXT_H - 1 - round(up.at(option.energy.value) * (TEXT_H - 1))
        field[row][column : column + len(said)] = said
    unit = plane.options[0].energy.unit
    top, bottom = _tick(up.high, unit.partition("/")[0]), _tick(up.low, unit.partition("/")[0])
    margin = max(len(top), len(bottom))
    lines = [f"{titles[1]}" + (" (logarithmic)" if up.log else "")]
    for place, cells in enumerate(field):
        head = top if place == 0 else bottom if place == TEXT_H - 1 else ""
        lines.append(f"{head.rjust(margin)} |{''.join(cells)}".rstrip())
    lines.append(f"{' ' * margin} +{'-' * TEXT_W}")
    beside = "s" if plane.beside == LATENCY else ""
    left, right = _tick(across.low, beside), _tick(across.high, beside)
    lines.append(f"{' ' * margin}  {left}{right.rjust(TEXT_W - len(left))}")
    lines.append(f"{' ' * margin}  {titles[0]}" + (" (logarithmic)" if across.log else ""))
    return "\n".join(lines)


def _x(share: float) -> float:
    return LEFT + share * (W - LEFT - RIGHT)


def _y(share: float) -> float:
    return H - BOTTOM - share * (H - TOP - BOTTOM)


def _tick(value: float, unit: str) -> str:
    divisor, shown = scale_of(value, unit) if unit else (1.0, "")
    return f"{number(value / divisor)} {shown}".strip()


def _grid(across: Axis, up: Axis, beside_unit: str, energy_unit: str) -> list[str]:
    drawn = []
    for value in up.ticks():
        y = _y(up.at(value))
        drawn.append(f'<line class="grid" x1="{LEFT}" x2="{W - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        text = escape(_tick(value, energy_unit.partition("/")[0]))
        drawn.append(f'<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
    for value in across.ticks():
        x = _x(across.at(value))
        drawn.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{H - BOTTOM}"/>')
        text = escape(_tick(value, beside_unit))
        drawn.append(
            f'<text class="tick" x="{x:.1f}" y="{H - BOTTOM + 16}" text-anchor="middle">{text}</text>'
        )
    return drawn


def _front(plane: Plane, places: Mapping[str, Place], across: Axis, up: Axis) -> str:
    """A line from each point of the front to the next one."""
    kept = sorted(
        (o for o in plane.options if places[o.name] is Place.FRONT), key=lambda o: (o.beside.value, o.name)
    )
    at = " ".join(f"{_x(across.at(o.beside.value)):.1f},{_y(up.at(o.energy.value)):.1f}" for o in kept)
    return f'<polyline class="frontline" points="{at}"/>' if len(kept) > 1 else ""


def _point(option: Option, place: Place, named: int, across: Axis, up: Axis) -> str:
    x, y = _x(across.at(option.beside.value)), _y(up.at(option.energy.value))
    low, high = option.energy.interval
    ends = [option.beside.value if e is None else e for e in (option.beside.low, option.beside.high)]
    css = place.value
    return (
        f'<g class="{css}"><title>{named}: {escape(option.name)} ({css})</title>'
        f'<line class="whisker" x1="{x:.1f}" x2="{x:.1f}" y1="{_y(up.at(low)):.1f}" '
        f'y2="{_y(up.at(high)):.1f}"/>'
        f'<line class="whisker" x1="{_x(across.at(ends[0])):.1f}" x2="{_x(across.at(ends[1])):.1f}" '
        f'y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="9"/>'
        f'<text class="named" x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle">{named}</text></g>'
    )
