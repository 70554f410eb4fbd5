"""What of several repeats is held against a bound, and what that says of it.

Everything is judged three times: with the estimate for what was not observed, and with both ends of what it
can have been. The mean carries the noise between repeats; the median an interval from order statistics, which
asks nothing of the noise but six repeats; the worst repeat is held against the bound by itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

from wattmark.core.compare import (
    MOST_LOG,
    NOISE_UNKNOWN,
    Effect,
    Outcome,
    as_ratios,
    centre,
    edge_of,
    effect_of,
    judge,
    level_interval,
    runs_for_level,
)
from wattmark.core.facts import Facts
from wattmark.core.figure import Figure, Undefined, require_same_terms
from wattmark.core.hidden_noise import Ends, least_sd, most_sd, widest_welch
from wattmark.core.kpis.kpi import Kpi
from wattmark.core.policy import Aggregation, Limit
from wattmark.core.repeats import Repeat
from wattmark.core.stats import MOST_RUNS, Difference, Spread, borrowed, median_rank, welch

MEDIAN_FROM = next(n for n in range(2, 100) if median_rank(n))
"""So many repeats give the median a 95 % interval."""
MEDIAN_SD = math.sqrt(math.pi / 2)
"""How much wider than a mean the median of normal values spreads (Cramér 1946, Mathematical Methods of
Statistics, section 28.5). Only used to say how many runs would decide and what could have been seen."""


class NotEnough(Exception):
    """The evidence cannot carry a ruling: an answer, shown as the reason of a finding."""

    def __init__(self, reason: str, runs_needed: int | None = None) -> None:
        super().__init__(reason)
        self.runs_needed = runs_needed


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What was held against a bound, and what the three states of the gaps say of it."""

    outcomes: tuple[Outcome, ...]
    interval: tuple[float, float]
    """Of the level in the KPI's unit, or of the change as a share; over all three states."""
    estimate: float
    """What lies in it, with the estimate for gaps."""
    reason: str = ""
    runs_needed: int | None = None
    detectable: float | None = None
    """Smallest change for the worse, a share, that would have failed with a power of 80 %."""
    noise_hidden: bool = False
    """Whether gaps may hide how much repeats differ."""


State = Callable[[Repeat], Facts]
ESTIMATE: State = attrgetter("facts")
LEAST: State = attrgetter("least")
MOST: State = attrgetter("most")
OPPOSITE: Mapping[State, State] = {ESTIMATE: ESTIMATE, LEAST: MOST, MOST: LEAST}
"""A baseline's state beside a candidate's: so far apart the two can have been."""


def hold_level(limit: Limit, kpi: Kpi, ours: Sequence[Repeat]) -> Held:
    """An absolute limit held against the repeats.

    Raises NotEnough, and NotComparable for repeats on different terms, which are none of each other.
    """
    values = log_ends(kpi, ours)
    # Of fewer than two nothing is known, and where all was seen each state has its own.
    sd = most_sd(values) if holed(ours) else None
    sides = [_figures(kpi, ours, end) for end in _states(ours)]
    for figure in sides[0][1:]:
        require_same_terms(sides[0][0], figure)
    match limit.aggregation:
        case Aggregation.MEAN:
            intervals = [level_interval(figures, sd) for figures in sides]
        case Aggregation.MEDIAN:
            _require_median(len(ours))
            intervals = [median_level(figures) for figures in sides]
        case _:  # the worst
            intervals = [_worst([level_interval([f]) for f in figures], limit) for figures in sides]
    outcomes = tuple(judge(interval, limit.allowed, limit.above_is_bad) for interval in intervals)
    whole = min(low for low, _ in intervals), max(high for _, high in intervals)
    reason = NOISE_UNKNOWN if len(ours) == 1 else ""
    return Held(
        outcomes=outcomes,
        interval=whole,
        estimate=_level(limit, sides[0]),
        reason=reason,
        runs_needed=None
        if decisive(outcomes)
        else _for_all(
            [_level_runs(limit, figures, sd) for figures in sides],
            [_level(limit, figures) > limit.allowed for figures in sides],
        ),
        noise_hidden=sd is not None and limit.aggregation is Aggregation.MEAN,
    )


def _for_all(runs: Sequence[int | None], above: Sequence[bool]) -> int | None:
    """Runs that decide in every state of the gaps; None where these lie on both sides of the bound."""
    told = [n for n in runs if n is not None]
    return max(told) if len(told) == len(runs) and len(set(above)) == 1 else None


def decisive(outcomes: Sequence[Outcome]) -> bool:
    """Whether all states of the gaps say the same, and that is no doubt."""
    return set(outcomes) in ({Outcome.PASS}, {Outcome.REGRESSED})


def _states(*sides: Sequence[Repeat]) -> tuple[State, ...]:
    """The estimate, and both ends of the gaps where there are any."""
    whole = all(repeat.complete for side in sides for repeat in side)
    return (ESTIMATE,) if whole else (ESTIMATE, LEAST, MOST)


def _level_runs(limit: Limit, figures: Sequence[Figure], sd: float | None) -> int | None:
    """Runs that would decide. The worst repeat is not known better from more of them."""
    match limit.aggregation:
        case Aggregation.MEAN:
            return runs_for_level(figures, limit.allowed, sd)
        case Aggregation.MEDIAN:
            return _of_median(runs_for_level(figures, limit.allowed))
        case _:  # the worst
            return None


def _level(limit: Limit, figures: Sequence[Figure]) -> float:
    values = [f.value for f in figures]
    if limit.aggregation is Aggregation.WORST:
        return max(values) if limit.above_is_bad else min(values)
    if any(value <= 0.0 for value in values):
        return values[0]
    if limit.aggregation is Aggregation.MEAN:
        return centre(figures).value
    return math.exp(_median([math.log(value) for value in values])[0])


def hold_change(limit: Limit, kpi: Kpi, ours: Sequence[Repeat], theirs: Sequence[Repeat]) -> Held:
    """A limit relative to a baseline held against the change. Raises NotEnough."""
    values = log_ends(kpi, theirs), log_ends(kpi, ours)
    hidden = holed(theirs), holed(ours)
    edge, _ = edge_of(kpi.better, limit.bound)
    if limit.aggregation is Aggregation.MEDIAN:
        _require_median(min(len(ours), len(theirs)))
    pick = max if limit.above_is_bad else min
    found: list[tuple[tuple[float, float], Effect]] = []
    for after in _states(ours, theirs):
        before = OPPOSITE[after]
        base, new = _figures(kpi, theirs, before), _figures(kpi, ours, after)
        match limit.aggregation:
            case Aggregation.MEAN:
                blocks = [r.block for r in theirs], [r.block for r in ours]
                effect = _effect(base, new, blocks)
                if effect.noise and any(hidden):
                    effect = widened(effect, effect.noise, *values, blocks)
                found.append((effect.log_interval, effect))
            case Aggregation.MEDIAN:
                effect = _of_medians(base, new)
                found.append((effect.log_interval, effect))
            case _:  # the worst
                sd = most_sd(values[0]) if hidden[0] else None
                effects = [_beside(base, one, sd) for one in new]
                worst = pick(effects, key=lambda e: e.log_ratio)
                found.append((_worst([e.log_interval for e in effects], limit), worst))
    outcomes = tuple(judge(interval, edge, limit.above_is_bad) for interval, _ in found)
    ends = [as_ratios(interval) for interval, _ in found]
    first = found[0][1]
    needed = None
    if not decisive(outcomes) and limit.aggregation is not Aggregation.WORST:
        needed = _for_all(
            [effect.runs_needed(kpi.better, limit.bound) for _, effect in found],
            [effect.log_ratio > edge for _, effect in found],
        )
    return Held(
        outcomes=outcomes,
        interval=(min(low for low, _ in ends) - 1.0, max(high for _, high in ends) - 1.0),
        estimate=math.expm1(first.log_ratio),
        reason=NOISE_UNKNOWN if first.noise is None else "",
        runs_needed=_at_least_six(needed) if limit.aggregation is Aggregation.MEDIAN else needed,
        detectable=_detectable([effect for _, effect in found], edge, limit.above_is_bad),
        noise_hidden=any(hidden) and limit.aggregation is not Aggregation.MEDIAN,
    )


def _detectable(effects: Sequence[Effect], edge: float, above_is_bad: bool) -> float | None:
    """The smallest change for the worse that the limit would have failed with a power of 80 %.

    Every state of the gaps has to lie beyond the edge, and the first is the estimate.
    """
    sign = 1.0 if above_is_bad else -1.0
    beyond = 0.0
    for effect in effects:
        if effect.log_detectable is None:
            return None
        beyond = max(beyond, effect.log_detectable + sign * (effects[0].log_ratio - effect.log_ratio))
    return sign * math.expm1(edge + sign * min(beyond, MOST_LOG))


def median_level(figures: Sequence[Figure]) -> tuple[float, float]:
    """The interval of the median of a level: order statistics, and the meters' errors in quadrature.

    In logarithms; values of zero or below have their own intervals instead, of which the widest is taken.
    """
    if any(f.value <= 0.0 for f in figures):
        return level_interval(figures)
    middle, low, high = _median([math.log(f.value) for f in figures])
    relative = centre(figures).relative
    return as_ratios(
        (middle - math.hypot(middle - low, relative), middle + math.hypot(high - middle, relative))
    )


def _median(logs: Sequence[float]) -> tuple[float, float, float]:
    """Median with the ends of its 95 % interval. There must be enough values for one."""
    ordered, n = sorted(logs), len(logs)
    rank = median_rank(n) or 1
    return (ordered[(n - 1) // 2] + ordered[n // 2]) / 2, ordered[rank - 1], ordered[n - rank]


def _of_medians(base: Sequence[Figure], new: Sequence[Figure]) -> Effect:
    """The ratio of two medians; both intervals together by the method of variance estimates recovery.

    Zou and Donner 2008, Statistics in Medicine 27:1693.
    """
    effect = _effect(base, new)
    sides = [_median([math.log(f.value) for f in figures]) for figures in (base, new)]
    (one, one_low, one_high), (two, two_low, two_high) = sides
    change = two - one
    ends = (
        change - math.hypot(two - two_low, one_high - one),
        change + math.hypot(two_high - two, one - one_low),
    )
    spreads = [replace(s, sd=s.sd * MEDIAN_SD) for s in (effect.base, effect.candidate)]
    return replace(
        effect,
        log_ratio=change,
        noise=welch(*spreads),
        base=spreads[0],
        candidate=spreads[1],
        method="median",
        resampled=ends,
    )


def _beside(base: Sequence[Figure], one: Figure, most: float | None) -> Effect:
    """One repeat beside the mean of the baseline: the noise of that mean, and none of the repeat's own.

    ``most`` is the most standard deviation that the baseline can have where gaps hide some.
    """
    effect = _effect(base, [one])
    n, sd = effect.base.n, effect.base.sd if most is None else most
    noise = Difference(effect.log_ratio, sd / math.sqrt(n), float(n - 1), "baseline") if n > 1 else None
    return replace(effect, noise=noise, method="worst", candidate=Spread(1, effect.candidate.mean, 0.0))


def _worst(intervals: Sequence[tuple[float, float]], limit: Limit) -> tuple[float, float]:
    """Where the worst of several lies."""
    pick = max if limit.above_is_bad else min
    return pick(low for low, _ in intervals), pick(high for _, high in intervals)


def _require_median(repeats: int) -> None:
    if repeats < MEDIAN_FROM:
        raise NotEnough(
            f"a median has a 95 % interval from {MEDIAN_FROM} repeats on, and there "
            f"{'are' if repeats > 1 else 'is'} {repeats}",
            MEDIAN_FROM,
        )


def _of_median(of_mean: int | None) -> int | None:
    """Runs that decide by the median, from those that would by the mean."""
    runs = None if of_mean is None else math.ceil(of_mean * MEDIAN_SD**2)
    return _at_least_six(runs if runs is not None and runs <= MOST_RUNS else None)


def _at_least_six(runs: int | None) -> int | None:
    return None if runs is None else max(MEDIAN_FROM, runs)


def _effect(
    base: Sequence[Figure],
    new: Sequence[Figure],
    blocks: tuple[Sequence[str | None], Sequence[str | None]] | None = None,
) -> Effect:
    """The effect without the worst case of gaps: each of their ends is judged by itself."""
    effect = effect_of(base, new, blocks)
    if isinstance(effect, Undefined):
        raise NotEnough(str(effect))
    return replace(effect, bounds=0.0)


def _figures(kpi: Kpi, repeats: Sequence[Repeat], end: State) -> list[Figure]:
    found: list[Figure] = []
    for repeat in repeats:
        answer = kpi.answer(end(repeat))
        if not isinstance(answer, Figure):
            raise NotEnough(str(answer))
        found.append(answer)
    return found


def holed(repeats: Sequence[Repeat]) -> bool:
    """Whether gaps may hide how much repeats differ."""
    return len(repeats) >= 2 and not all(r.complete for r in repeats)


def log_ends(kpi: Kpi, repeats: Sequence[Repeat]) -> list[Ends]:
    """Where each repeat may lie, in logarithms; what may be zero has no least."""
    states = zip(*(_figures(kpi, repeats, end) for end in (ESTIMATE, LEAST, MOST)), strict=True)
    return [(_log(min(f.value for f in told)), _log(max(f.value for f in told))) for told in states]


def _log(value: float) -> float:
    return math.log(value) if value > 0.0 else -MOST_LOG


def widened(
    effect: Effect,
    noise: Difference,
    base: Sequence[Ends],
    candidate: Sequence[Ends],
    blocks: tuple[Sequence[str | None], Sequence[str | None]],
) -> Effect:
    """The effect with the most noise that gaps may hide."""
    one, two = _most(effect.base, base), _most(effect.candidate, candidate)
    found = replace(effect, base=one, candidate=two)
    if effect.method == "paired":
        before = dict(zip(blocks[0], base, strict=True))
        pairs = [
            (low - before[block][1], high - before[block][0])
            for block, (low, high) in zip(blocks[1], candidate, strict=True)
        ]
        return replace(found, noise=replace(noise, standard_error=most_sd(pairs) / math.sqrt(len(pairs))))
    if effect.method == "borrowed":
        return replace(found, noise=borrowed(one, two))
    return replace(found, noise=widest_welch(one, two, (least_sd(base), least_sd(candidate))))


def _most(found: Spread, values: Sequence[Ends]) -> Spread:
    return replace(found, sd=most_sd(values)) if found.n > 1 else found
