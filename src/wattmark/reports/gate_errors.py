"""How surely a limit decides: a table, a drawing and JSON of simulated gates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from wattmark.core.gate_errors import Rates, noise_known_to
from wattmark.core.policy import Limit
from wattmark.reports.as_json import document
from wattmark.reports.paper import Drawing, Paper, Section
from wattmark.reports.quantities import percent

W, H = 960, 240
LEFT, RIGHT, TOP, BOTTOM = 60, 14, 14, 28
HEAD = ("runs per side", "true change", "fails", "passes", "not enough evidence", "wrong")
CAUGHT = 0.8
"""Share of gates that must fail before a change counts as caught: the power that is asked of a test."""
LEAD = (
    "The gate itself judged made-up runs that differ among each other as these do. A true change beyond the "
    "limit that passes is a miss, one within it that fails is a false alarm; where it cannot tell it says so."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """Every trial of one limit."""

    limit: Limit
    title: str
    noise: float
    rates: tuple[Rates, ...]
    seed: int
    version: str = ""
    noise_runs: int | None = None
    """Runs that the noise was taken from; None: it was stated."""


def errors_paper(found: Simulated) -> Paper:
    """The same for the terminal, Markdown and HTML."""
    each = f"{found.rates[0].trials} gates each, seed {found.seed}"
    known = noise_known_to(found.noise_runs) if found.noise_runs is not None else None
    if known is not None:
        each = f"from {found.noise_runs} runs, which tell it to about ± {percent(known)}; {each}"
    section = Section(
        title=f"noise between runs {percent(found.noise)}, {each}",
        head=HEAD,
        rows=tuple(_row(rates) for rates in found.rates),
        items=tuple(_in_short(found, runs) for runs in _runs(found.rates)),
        drawings=tuple(_drawing(found, runs) for runs in _runs(found.rates)),
    )
    return Paper(
        kind="wattmark policy simulate",
        title=f"How surely this limit decides: {found.title}",
        lead=LEAD,
        sections=(section,),
        version=found.version,
    )


def errors_json(found: Simulated) -> str:
    """Every trial with counts and 95 % intervals of the shares."""
    body = {
        "rule": found.limit.id,
        "title": found.title,
        "noise": found.noise,
        "noise_runs": found.noise_runs,
        "seed": found.seed,
        "trials": [_json(rates) for rates in found.rates],
    }
    return document("policy-simulation", 1, body)


def _json(rates: Rates) -> dict[str, Any]:
    counts = {"fails": rates.failed, "passes": rates.passed, "undecided": rates.undecided}
    return {
        "runs": rates.trial.runs,
        "baseline_runs": rates.trial.baseline_runs,
        "change": rates.trial.change,
        "gates": rates.trials,
        **{name: rates.share(count) for name, count in counts.items()},
        "intervals_95": {name: list(rates.interval(count)) for name, count in counts.items()},
        "wrong": rates.wrong,
    }


def _row(rates: Rates) -> tuple[str, ...]:
    counts = (rates.failed, rates.passed, rates.undecided)
    wrong = percent(rates.wrong) if rates.wrong else "0 %"
    return (
        str(rates.trial.runs),
        change_words(rates.trial.change),
        *(percent(rates.share(c)) for c in counts),
        wrong,
    )


def _in_short(found: Simulated, runs: int) -> str:
    """What so many runs of each side are good for, for somebody who decides how often to measure."""
    rates = sorted((r for r in found.rates if r.trial.runs == runs), key=lambda r: r.trial.change)
    told = f"with {runs} runs of each side"
    if runs < found.limit.repeats:
        return f"{told} it never tells: the limit asks for {found.limit.repeats}"
    if all(r.undecided == r.trials for r in rates):
        return f"{told} it never tells"
    same = next((r for r in rates if r.trial.change == 0.0), None)
    passes = f" a version that changed nothing passes {_of_hundred(same.share(same.passed))}" if same else ""
    worse = [r for r in rates if r.trial.change > r.allowed]
    caught = next((r for r in worse if r.share(r.failed) >= CAUGHT), None)
    words = [change_words(r.trial.change) for r in (caught, *worse[-1:]) if r is not None]
    if caught is not None:
        fails = f" one that is {words[0]} fails {_of_hundred(caught.share(caught.failed))}"
    else:
        fails = f" not even one that is {words[0]} surely fails: measure more often" if words else ""
    return f"{told}{';'.join(filter(None, (passes, fails))) or ' see above'}"


def _of_hundred(share: float) -> str:
    return f"{100 * share:.0f} times of a hundred"


def change_words(change: float) -> str:
    """``+5 % worse``."""
    return "none" if change == 0.0 else f"{100 * change:.3g} % {'worse' if change > 0 else 'better'}"


def _runs(rates: Sequence[Rates]) -> list[int]:
    return list(dict.fromkeys(r.trial.runs for r in rates))


def _drawing(found: Simulated, runs: int) -> Drawing:
    rates = sorted((r for r in found.rates if r.trial.runs == runs), key=lambda r: r.trial.change)
    title = f"{runs} runs of each side: how many gates fail and pass, by the true change"
    return Drawing(title=title, svg=rates_chart(rates))


def rates_chart(rates: Sequence[Rates]) -> Markup:
    """Shares of gates that fail (line) and pass (dashes) over the true change; the limit stands upright."""
    changes = [r.trial.change for r in rates]
    low, span = min(changes), (max(changes) - min(changes)) or 1.0

    def x(change: float) -> float:
        return LEFT + (change - low) / span * (W - LEFT - RIGHT)

    def y(share: float) -> float:
        return H - BOTTOM - share * (H - TOP - BOTTOM)

    def line(css: str, counts: Sequence[int]) -> str:
        points = " ".join(
            f"{x(r.trial.change):.1f},{y(r.share(c)):.1f}" for r, c in zip(rates, counts, strict=True)
        )
        return f'<polyline class="{css}" fill="none" points="{points}"/>'

    label = f"shares of gates that fail and pass with {rates[0].trial.runs} runs, by the true change"
    body = [f'<svg class="power course" viewBox="0 0 {W} {H}" role="img" aria-label="{label}">']
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        at = y(share)
        body.append(f'<line class="grid" x1="{LEFT}" x2="{W - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        body.append(
            f'<text class="tick" x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{share:.0%}</text>'
        )
    for change in changes:
        anchor = "start" if change == low else "end" if change == max(changes) else "middle"
        text = f"{100 * change:.3g} %"
        body.append(
            f'<text class="tick" x="{x(change):.1f}" y="{H - 8}" text-anchor="{anchor}">{text}</text>'
        )
    edge = min(max(rates[0].allowed, low), max(changes))
    body.append(f'<line class="limit" x1="{x(edge):.1f}" x2="{x(edge):.1f}" y1="{TOP}" y2="{H - BOTTOM}"/>')
    body += [line("used", [r.failed for r in rates]), line("ahead", [r.passed for r in rates])]
    away, anchor = (-6, "end") if edge == max(changes) else (6, "start")
    body.append(
        f'<text class="said" x="{x(edge) + away:.1f}" y="{TOP + 12}" text-anchor="{anchor}">limit</text>'
    )
    middle = (H - TOP - BOTTOM) // 2  # far from both lines where the change is clear
    body += [_said(middle, "fails (line)"), _said(middle + 14, "passes (dashes)"), "</svg>"]
    return Markup("".join(body))


def _said(y: int, text: str) -> str:
    return f'<text class="said" x="{W - RIGHT}" y="{TOP + y}" text-anchor="end">{text}</text>'
