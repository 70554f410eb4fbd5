"""Two groups of runs side by side: every KPI with its effect, and why carbon changed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from wattmark.core.causes import CarbonChange, carbon_change
from wattmark.core.compare import Effect, Outcome, centre, effect_of, over_repeats
from wattmark.core.errors import NotComparable
from wattmark.core.facts import Answer, Facts
from wattmark.core.figure import Figure, Missing, NotReached, require_same_terms
from wattmark.core.judging import NotEnough, holed, log_ends, widened
from wattmark.core.kpis.kpi import Better, Kpi
from wattmark.core.methodology import methodology_of, require_same
from wattmark.core.repeats import Repeat, changed
from wattmark.core.rubric import Factors
from wattmark.core.score import held_at
from wattmark.core.stats import Picker

Known = TypeVar("Known")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One KPI of two groups."""

    kpi: str
    better: Better
    baseline: Answer
    candidate: Answer
    effect: Effect | None
    outcome: Outcome
    reason: str = ""
    """Why there is no effect."""
    runs_needed: int | None = None
    """Runs per side that would decide, where that can be said and is needed."""


def compare_groups(
    baseline: Sequence[Repeat],
    candidate: Sequence[Repeat],
    kpis: Iterable[Kpi],
    *,
    limit: float = 0.0,
    factors: Factors = Factors.BASELINE,
    pick: Callable[[], Picker] | None = None,
) -> list[Comparison]:
    """Compare each KPI of two groups against a relative limit (0.05: 5 % worse is allowed).

    ``pick`` asks for a bootstrap, with a fresh seed for each KPI. Raises NotComparable, naming the
    fields, when the groups stand on different methodologies.
    """
    chosen = list(kpis)
    before, after = list(baseline), list(candidate)
    if factors is Factors.BASELINE:
        first = baseline[0].facts
        before, after = (
            [changed(r, lambda facts: held_at(first, facts)) for r in side] for side in (before, after)
        )
    terms = methodology_of(before[0].facts, chosen)
    for repeat in (*before[1:], *after):
        require_same(terms, methodology_of(repeat.facts, chosen), "groups of runs")
    return [_compared(kpi, before, after, limit, pick() if pick else None) for kpi in chosen]


def _compared(
    kpi: Kpi,
    before: Sequence[Repeat],
    after: Sequence[Repeat],
    limit: float,
    pick: Picker | None,
) -> Comparison:
    one, two = [kpi.answer(r.facts) for r in before], [kpi.answer(r.facts) for r in after]
    blocks = [r.block for r in before], [r.block for r in after]
    figures = [a for a in one if isinstance(a, Figure)], [a for a in two if isinstance(a, Figure)]
    found = Comparison(
        kpi=kpi.id,
        better=kpi.better,
        baseline=one[0],
        candidate=two[0],
        effect=None,
        outcome=Outcome.UNDECIDED,
    )
    lacking = next((a for a in (*one, *two) if not isinstance(a, Figure)), None)
    if lacking is not None:
        missed = len(figures[0]) == len(one) and any(isinstance(a, NotReached) for a in two)
        return replace(found, reason=str(lacking), outcome=Outcome.REGRESSED if missed else Outcome.UNDECIDED)
    try:
        effect = effect_of(*figures, blocks, pick)
        found = replace(
            found, baseline=over_repeats(one, "baseline"), candidate=over_repeats(two, "candidate")
        )
    except NotComparable as refusal:
        return replace(found, reason=str(refusal))
    if not isinstance(effect, Effect):
        return replace(found, reason=str(effect))
    if effect.noise and (holed(before) or holed(after)):
        try:
            ends = log_ends(kpi, before), log_ends(kpi, after)
        except NotEnough as lacking:
            return replace(found, reason=str(lacking))
        effect = widened(effect, effect.noise, *ends, blocks)
    outcome = effect.outcome(kpi.better, limit)
    needed = effect.runs_needed(kpi.better, limit) if outcome is Outcome.UNDECIDED else None
    return replace(found, effect=effect, outcome=outcome, runs_needed=needed)


def causes_of(
    baseline: Sequence[Repeat], candidate: Sequence[Repeat], embodied: Kpi
) -> CarbonChange | Missing:
    """Why carbon changed between two groups: their middles, under each side's own factors.

    ``embodied`` is the KPI that gives amortised embodied carbon. Raises NotComparable on unequal terms.
    """
    one, two = middle([r.facts for r in baseline]), middle([r.facts for r in candidate])
    before, after = (_central([embodied.answer(r.facts) for r in side]) for side in (baseline, candidate))
    if isinstance(before, Figure) and isinstance(after, Figure):
        return carbon_change(one, two, (before, after))
    return carbon_change(one, two)


def middle(repeats: Sequence[Facts]) -> Facts:
    """The facts of a typical repeat: geometric means of energy, work, PUE and grid, else the first's."""
    first = repeats[0]
    energies = [f.energy for f in repeats if isinstance(f.energy, Figure) and f.energy.value > 0.0]
    if len(repeats) == 1 or len(energies) != len(repeats):
        return first
    counts = [f.work[u].count for f in repeats if (u := first.functional_unit) is not None and u in f.work]
    work = dict(first.work)
    if first.functional_unit in work and len(counts) == len(repeats) and min(counts) > 0:
        mean = math.exp(math.fsum(math.log(c) for c in counts) / len(counts))
        work[first.functional_unit] = replace(work[first.functional_unit], count=mean)
    return replace(
        first,
        energy=centre(energies),
        work=work,
        pue=_central([f.pue for f in repeats]),
        intensity=_central([f.intensity for f in repeats]),
    )


def _central(told: Sequence[Known]) -> Known | Figure:
    """The geometric mean of what every repeat has; else the first's."""
    figures = [one for one in told if isinstance(one, Figure) and one.value > 0.0]
    if len(figures) < len(told):
        return told[0]
    for figure in figures[1:]:
        require_same_terms(figures[0], figure)
    return centre(figures)
