"""The score: weighted ratios to a baseline, which scores 100 by definition.

Formulas: kpis.md, Score. r = baseline / x where lower is better, x / baseline where higher is
better, clipped to 0..2. Intervals of ratios are made before clipping, and their ends are clipped as
the ratios are. A KPI without an answer gives no score: weights are never spread over the rest.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from wattmark.core.compare import over_both_with_gaps
from wattmark.core.errors import NotComparable
from wattmark.core.facts import Answer, Embodied, Facts
from wattmark.core.figure import (
    Figure,
    Missing,
    NotReached,
    Undefined,
    exact,
    require_same_terms,
)
from wattmark.core.known import Grade
from wattmark.core.kpis.kpi import Better, Kpi
from wattmark.core.methodology import methodology_of, require_same
from wattmark.core.repeats import Repeat
from wattmark.core.rubric import Aggregation, Factors, Rubric

CLIP = 2.0
"""A single KPI counts at most as twice as good as the baseline."""
POINTS = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreLine:
    """What one KPI brings to a score."""

    kpi: str
    weight: float
    baseline: Answer
    candidate: Answer
    ratio: Figure | Missing | Undefined
    """Unclipped; above 1 is better than the baseline."""
    used: float | None
    """The ratio that counts, clipped to 0..2; None when there is none."""

    @property
    def saturated(self) -> bool:
        """True when the ratio was cut down to 2."""
        return self.used == CLIP and not (isinstance(self.ratio, Figure) and self.ratio.value <= CLIP)

    @property
    def reason(self) -> str:
        """Why there is no ratio; empty when there is one."""
        return "" if isinstance(self.ratio, Figure) else str(self.ratio)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A candidate's score under one rubric."""

    rubric: Rubric
    factors: Factors
    lines: tuple[ScoreLine, ...]
    arithmetic: Figure | Missing
    """0 to 200 points; Missing names every field that is lacking."""
    geometric: Figure | Missing
    unclipped: Figure | Missing
    """The arithmetic score before clipping; Missing too where a ratio has no upper end."""

    @property
    def value(self) -> Figure | Missing:
        """The score by the rubric's own aggregation."""
        return self.geometric if self.rubric.aggregation is Aggregation.GEOMETRIC else self.arithmetic

    @property
    def saturated(self) -> bool:
        """True when any ratio was cut down to 2."""
        return any(line.saturated for line in self.lines)

    @property
    def disputed(self) -> bool:
        """True when one aggregation says better than the baseline and the other says worse."""
        return rankings_differ([self])


def held_at(baseline: Facts, candidate: Facts) -> Facts:
    """The candidate, or another repeat, with the baseline's grid, PUE and embodied factors; its own hours are
    kept.
    """
    embodied = baseline.embodied
    if isinstance(embodied, Embodied) and isinstance(candidate.embodied, Embodied):
        embodied = replace(
            embodied,
            reserved_hours=candidate.embodied.reserved_hours,
            utilised_hours=candidate.embodied.utilised_hours,
        )
    return replace(candidate, pue=baseline.pue, intensity=baseline.intensity, embodied=embodied)


def score(
    candidate: Facts,
    baseline: Facts,
    rubric: Rubric,
    catalog: Mapping[str, Kpi],
    factors: Factors | None = None,
) -> Score:
    """Score one candidate against a baseline.

    Raises NotComparable, naming the differing fields, for a baseline of another methodology.
    """
    return score_repeats([candidate], [baseline], rubric, catalog, factors)


def score_repeats(
    candidate: Sequence[Facts],
    baseline: Sequence[Facts],
    rubric: Rubric,
    catalog: Mapping[str, Kpi],
    factors: Factors | None = None,
    gaps: Sequence[tuple[Sequence[Facts], Sequence[Facts]]] = (),
) -> Score:
    """Score repeats of a candidate against repeats of a baseline: geometric means, with their noise.

    ``gaps`` are the repeats of both (candidate, baseline) at each end of what was not observed, in the same
    order: how much they can have differed in between widens the interval. Raises NotComparable, naming the
    differing fields, for a baseline of another methodology.
    """
    factors = factors or rubric.factors
    states = [(candidate, baseline), *gaps]
    if factors is Factors.BASELINE:
        # The baseline's own repeats as well: their hours differ, and the first one's need not be the usual.
        held = functools.partial(held_at, baseline[0])
        states = [([*map(held, ours)], [*map(held, theirs)]) for ours, theirs in states]
    candidate, baseline = states[0]
    kpis = [catalog[item.kpi] for item in rubric.kpis]
    terms = methodology_of(baseline[0], kpis)
    for facts in (*baseline[1:], *candidate):
        require_same(terms, methodology_of(facts, kpis))
    lines = tuple(
        score_line(
            kpi,
            item.weight,
            *over_both_with_gaps(
                kpi.id,
                [[kpi.answer(f) for f in theirs] for _, theirs in states],
                [[kpi.answer(f) for f in ours] for ours, _ in states],
            ),
        )
        for kpi, item in zip(kpis, rubric.kpis, strict=True)
    )
    return assemble(lines, rubric, factors)


def score_through_gaps(
    candidate: Sequence[Repeat],
    baseline: Sequence[Repeat],
    rubric: Rubric,
    catalog: Mapping[str, Kpi],
    factors: Factors | None = None,
) -> Score:
    """As ``score_repeats``, with an interval that holds the score whatever happened in the gaps.

    It is that by which a limit on the score is judged; all of 0 to 200 where an end of the gaps has no score.
    """
    states = [([r.facts for r in candidate], [r.facts for r in baseline])]
    if not all(repeat.complete for repeat in (*candidate, *baseline)):
        states += [
            ([r.least for r in candidate], [r.most for r in baseline]),
            ([r.most for r in candidate], [r.least for r in baseline]),
        ]
    found = [
        score_repeats(*state, rubric, catalog, factors, [other for other in states if other is not state])
        for state in states
    ]
    return replace(
        found[0],
        arithmetic=_widest([one.arithmetic for one in found]),
        geometric=_widest([one.geometric for one in found]),
    )


def _widest(scores: Sequence[Figure | Missing]) -> Figure | Missing:
    """The first of them, with the interval of all."""
    first = scores[0]
    if isinstance(first, Missing) or len(scores) == 1:
        return first
    ends = [s.interval if isinstance(s, Figure) else (0.0, POINTS * CLIP) for s in scores]
    return replace(first, ends=(min(low for low, _ in ends), max(high for _, high in ends)))


def score_line(kpi: Kpi, weight: float, baseline: Answer, candidate: Answer) -> ScoreLine:
    """The ratio of one KPI, unclipped and as it counts."""
    ratio, used = _ratio(kpi, baseline, candidate)
    return ScoreLine(
        kpi=kpi.id, weight=weight, baseline=baseline, candidate=candidate, ratio=ratio, used=used
    )


def assemble(lines: Sequence[ScoreLine], rubric: Rubric, factors: Factors) -> Score:
    """Put the lines together in both ways."""
    lacking = [f"{line.kpi} ({line.reason})" for line in lines if line.used is None]
    if lacking:
        none = Missing("; ".join(lacking), "give what is missing, or choose a rubric that does not need it")
        return Score(
            rubric=rubric,
            factors=factors,
            lines=tuple(lines),
            arithmetic=none,
            geometric=none,
            unclipped=none,
        )
    return Score(
        rubric=rubric,
        factors=factors,
        lines=tuple(lines),
        arithmetic=replace(_arithmetic(lines), ends=_ends(lines, Aggregation.ARITHMETIC)),
        geometric=replace(_geometric(lines), ends=_ends(lines, Aggregation.GEOMETRIC)),
        unclipped=_unclipped(lines),
    )


def rankings_differ(scores: Sequence[Score]) -> bool:
    """True when the two aggregations order two candidates, or one and the baseline, differently."""
    pairs = [
        (s.arithmetic.value, s.geometric.value)
        for s in scores
        if isinstance(s.arithmetic, Figure) and isinstance(s.geometric, Figure)
    ]
    pairs.append((POINTS, POINTS))  # the baseline itself
    return any((a[0] - b[0]) * (a[1] - b[1]) < -1e-12 for i, a in enumerate(pairs) for b in pairs[i + 1 :])


def _ratio(
    kpi: Kpi, baseline: Answer, candidate: Answer
) -> tuple[Figure | Missing | Undefined, float | None]:
    if not isinstance(baseline, Figure):
        return _lacking("baseline", baseline), None
    if isinstance(candidate, NotReached):
        return exact(0.0, "1").with_notes(str(candidate)), 0.0
    if not isinstance(candidate, Figure):
        return _lacking("", candidate), None
    try:
        require_same_terms(baseline, candidate)
    except NotComparable as refusal:
        return Undefined(str(refusal)), None
    if baseline.value <= 0.0:
        return Undefined(f"the baseline is {baseline.value:g}: there is nothing to be relative to"), None
    if kpi.better is Better.HIGHER:
        ratio = candidate.over(baseline, "1")
    elif candidate.value == 0.0:
        return Undefined("0 where lower is better: the ratio has no upper end"), CLIP
    else:
        ratio = baseline.over(candidate, "1")
        if ratio.value < 0.0:
            # Less than nothing where lower is better cannot be had; it would otherwise look bad.
            return Undefined(f"the value is {candidate.value:g}, below zero"), None
    return ratio, min(CLIP, max(0.0, ratio.value))


def _lacking(whose: str, answer: Answer) -> Missing | Undefined:
    before = f"{whose}: " if whose else ""
    match answer:
        case Missing(field, hint):
            return Missing(before + field, hint)
        case Undefined(reason):
            return Undefined(before + reason)
        case _:
            return Undefined(f"{before}{answer}")


def _arithmetic(lines: Sequence[ScoreLine]) -> Figure:
    value = POINTS * math.fsum(line.weight * (line.used or 0.0) for line in lines)
    return _figure(value, {id(line): POINTS * line.weight for line in lines}, lines)


def _geometric(lines: Sequence[ScoreLine]) -> Figure:
    used = [line.used or 0.0 for line in lines]
    if not all(used):
        return _figure(0.0, {}, lines)
    value = POINTS * math.exp(
        math.fsum(line.weight * math.log(u) for line, u in zip(lines, used, strict=True))
    )
    slopes: dict[int, float] = {}
    for line in lines:
        if isinstance(line.ratio, Figure) and line.ratio.value > 0.0:
            slopes[id(line)] = value * line.weight / line.ratio.value
    return _figure(value, slopes, lines)


def _ends(lines: Sequence[ScoreLine], aggregation: Aggregation) -> tuple[float, float]:
    """The interval of a score: 0 to 200 at most.

    Ratios that clipping does not touch propagate as ever, so that what they share cancels. Of the others the
    ends are clipped and put together all at once, which is never narrower than the truth.
    """
    edges = [_clipped_ends(line) for line in lines]
    cut = [(line.weight, ends) for line, ends in zip(lines, edges, strict=True) if ends is not None]
    free = [line for line, ends in zip(lines, edges, strict=True) if ends is None]
    if aggregation is Aggregation.ARITHMETIC:
        whole = _arithmetic(free).interval
        found = [whole[i] + POINTS * math.fsum(w * ends[i] for w, ends in cut) for i in (0, 1)]
    else:
        whole = _geometric(free).interval
        found = [whole[i] * math.prod(ends[i] ** w for w, ends in cut) for i in (0, 1)]
    low, high = (min(POINTS * CLIP, max(0.0, end)) for end in found)
    return low, high


def _clipped_ends(line: ScoreLine) -> tuple[float, float] | None:
    """The ends of a ratio's interval, clipped; None where clipping changes neither."""
    if not isinstance(line.ratio, Figure):
        return CLIP, CLIP
    low, high = line.ratio.interval
    if low > 0.0 and high < CLIP:
        return None
    return min(CLIP, max(0.0, low)), min(CLIP, max(0.0, high))


def _unclipped(lines: Sequence[ScoreLine]) -> Figure | Missing:
    endless = [line.kpi for line in lines if not isinstance(line.ratio, Figure)]
    if endless:
        return Missing(f"upper end of {', '.join(endless)}", "the candidate's value is 0")
    value = POINTS * math.fsum(
        line.weight * line.ratio.value for line in lines if isinstance(line.ratio, Figure)
    )
    return _figure(value, {id(line): POINTS * line.weight for line in lines}, lines)


def _figure(value: float, slopes: Mapping[int, float], lines: Sequence[ScoreLine]) -> Figure:
    """A score as a figure: signed sensitivities of one source add over all KPIs before they are squared."""
    errors: dict[str, float] = {}
    grades: dict[Grade, float] = {}
    coverage = 1.0
    for line in lines:
        if not isinstance(line.ratio, Figure):
            continue
        for name, e in line.ratio.errors.items():
            errors[name] = errors.get(name, 0.0) + slopes.get(id(line), 0.0) * e
        coverage = min(coverage, line.ratio.coverage)
        if line.ratio.grade is not None:
            grades[line.ratio.grade] = grades.get(line.ratio.grade, 0.0) + line.weight
    return Figure(value=value, unit="points", errors=errors, grades=grades, coverage=coverage)
