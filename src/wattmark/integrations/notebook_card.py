"""The small card that a notebook shows for a run: HTML where it can be drawn, text everywhere else.

Self-contained: no script, no style sheet, colours that suit light and dark pages. Everything that
comes from the run is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from wattmark.core.facts import Facts
from wattmark.core.figure import Figure
from wattmark.core.run import Run
from wattmark.reports.as_text import answer_text, interval_text, run_summary
from wattmark.reports.quantities import duration, percent, quantity
from wattmark.reports.timeline import total_power

WIDTH, HEIGHT = 220.0, 36.0
BADGE = {"A": "#1a7f37", "B": "#4d8a1c", "C": "#9a6700", "D": "#bc4c00", "E": "#cf222e"}
"""Grade -> colour of its badge; each keeps a contrast of 4.5 to 1 with white letters."""
BOX = (
    "border:1px solid #8885;border-radius:8px;padding:10px 14px;max-width:560px;"
    "font:13px/1.45 system-ui,sans-serif;color:inherit"
)


class Card:
    """What was measured, for the output of a cell."""

    def __init__(self, name: str, run: Run, facts: Facts) -> None:
        self.name = name
        self.run = run
        self.facts = facts

    def __repr__(self) -> str:
        """The same as text, for terminals and consoles."""
        return f"{self.name}\n{run_summary(self.run, self.facts, brief=True)}"

    def _repr_html_(self) -> str:
        parts = [
            self._head(),
            self._figures(),
            sparkline_svg(total_power(self.run)),
            self._split(),
            self._unseen(),
        ]
        return f'<div class="wattmark-card" style="{BOX}">{"".join(parts)}</div>'

    def _head(self) -> str:
        failed = ' <span style="opacity:.7">ended with an error</span>' if self.run.failed else ""
        badge = ""
        if isinstance(self.facts.energy, Figure) and self.facts.energy.grade is not None:
            grade = self.facts.energy.grade.value
            badge = (
                f'<span style="float:right;background:{BADGE[grade]};color:#fff;border-radius:4px;'
                f'padding:0 7px" title="how well the energy is known, A to E">grade {grade}</span>'
            )
        return f"<div>{badge}<strong>{escape(self.name)}</strong>{failed}</div>"

    def _figures(self) -> str:
        energy = self.facts.energy
        if not isinstance(energy, Figure):
            return f"<div>energy {escape(answer_text(energy))}</div>"
        seconds = self.facts.duration_seconds
        told = [duration(seconds), f"{percent(energy.coverage)} observed"]
        if seconds > 0:
            told.insert(1, f"mean {quantity(energy.value / seconds, 'W')}")
        if boundary := energy.terms.get("boundary"):
            told.append(f"{boundary} boundary")
        spread = f'<span style="opacity:.7"> {escape(interval_text(energy))}</span>'
        amount = escape(quantity(energy.value, energy.unit))
        return (
            f'<div><span style="font-size:22px">{amount}</span>{spread}</div>'
            f"<div>{escape(' · '.join(told))}</div>"
        )

    def _split(self) -> str:
        parts = self.facts.energy_by_component
        if len(parts) < 2:
            return ""
        ordered = sorted(parts.items(), key=lambda item: -item[1].value)
        told = (f"{name.replace('_', ' ')} {quantity(f.value, f.unit)}" for name, f in ordered)
        return f"<div>{escape(' · '.join(told))}</div>"

    def _unseen(self) -> str:
        unseen = [f"{n.what}: {n.reason}" for n in self.run.not_seen]
        gaps = [f"gap in {r.component}: {g.reason}" for r in self.run.energies for g in r.gaps]
        lines = [*unseen, *gaps, *(f"note: {n}" for n in self.run.notes)]
        if not lines:
            return ""
        items = "".join(f"<li>{escape(line)}</li>" for line in lines)
        names = ", ".join(n.what for n in self.run.not_seen) or "nothing left out by design"
        return (
            f'<details style="opacity:.8"><summary>not seen: {escape(names)}</summary>'
            f'<ul style="margin:4px 0 0;padding-left:18px">{items}</ul></details>'
        )


def sparkline_svg(values: Sequence[float | None]) -> str:
    """Power over time from zero; what was not seen is a grey band, never a low. Empty below two values."""
    top = max((v for v in values if v is not None), default=0.0)
    if len(values) < 2 or top <= 0:
        return ""
    step = WIDTH / len(values)
    drawn: list[str] = []
    line: list[str] = []
    for i, value in enumerate([*values, None]):
        if value is not None:
            y = HEIGHT - (HEIGHT - 2) * value / top
            line += [f"{i * step:.1f},{y:.1f}", f"{(i + 1) * step:.1f},{y:.1f}"]
            continue
        if line:
            drawn.append(f'<polyline points="{" ".join(line)}" fill="none" stroke="currentColor"/>')
            line = []
        if i < len(values):
            drawn.append(
                f'<rect x="{i * step:.1f}" y="0" width="{step:.1f}" height="{HEIGHT:g}" fill="#8884"/>'
            )
    label = f"power over time, at most {quantity(top, 'W')}"
    return (
        f'<svg role="img" aria-label="{escape(label)}" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" '
        f'width="{WIDTH:g}" height="{HEIGHT:g}" style="display:block;margin:4px 0">'
        f"<title>{escape(label)}</title>{''.join(drawn)}</svg>"
    )
