"""Is one group of runs worse than another? An effect with its interval, and three outcomes.

Everything works on logarithms, so an effect is a ratio: candidate over baseline. Its uncertainty
has two parts, added in quadrature: the noise between repeats (Welch 1947, or pairs when runs share
blocks), and what the meters and factors of the two sides do not share (signed sensitivities, so
that a shared meter's gain cancels). One run beside repeats borrows their noise; one run on either
side says nothing about noise: then only the second part is known, and the comparison says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from wattmark.core.errors import NotComparable, UsageError
from wattmark.core.facts import Answer
from wattmark.core.figure import GAP_PREFIX, Figure, Undefined, require_same_terms
from wattmark.core.hidden_noise import most_sd
from wattmark.core.kpis.kpi import Better
from wattmark.core.stats import (
    BOOTSTRAP_FROM,
    POWER,
    Difference,
    Picker,
    Spread,
    bootstrap,
    borrowed,
    paired,
    runs_to_decide,
    spread,
    t_quantile,
    welch,
)

NOISE_UNKNOWN = "one run: the noise between repeats is unknown and not in the interval"

NOISE = "repeats:"
"""Sources named so are the noise between repeats."""

FALLS_SHORT = 0.8416212335729143 / 1.959963984540054
"""Quantiles of the normal distribution: what one estimate in five falls short by, over half its interval."""


class Outcome(StrEnum):
    """What the evidence says about a limit."""

    PASS = "pass"
    """The whole interval lies within the limit."""
    REGRESSED = "regressed"
    """The whole interval lies beyond the limit."""
    UNDECIDED = "undecided"
    """The limit lies inside the interval: not enough evidence."""


MOST_LOG = 690.0
"""A wider interval than a factor of 10^299 is given as this: more does not fit into a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A ratio of candidate over baseline with what is needed to judge it. Logarithms inside."""

    log_ratio: float
    noise: Difference | None
    """Between repeats; None when both sides have one run."""
    shared_out: float
    """Relative half width at 95 % from meters and factors, after what both sides share has cancelled."""
    bounds: float = 0.0
    """Worst case of what was not observed, relative: no statistics, so it is on top of everything."""
    base: Spread
    candidate: Spread
    method: str
    """``welch``, ``paired``, ``bootstrap``, ``borrowed`` or ``measurement`` (no repeats)."""
    resampled: tuple[float, float] | None = None
    """Bootstrap interval of the log ratio, where asked for."""

    @property
    def ratio(self) -> float:
        """Candidate over baseline: 1.05 is 5 % more."""
        return math.exp(self.log_ratio)

    @property
    def log_interval(self) -> tuple[float, float]:
        """The 95 % interval of the log ratio."""
        if self.resampled is not None:
            low, high = self.resampled
            return (
                self.log_ratio - self.bounds - math.hypot(self.log_ratio - low, self.shared_out),
                self.log_ratio + self.bounds + math.hypot(high - self.log_ratio, self.shared_out),
            )
        half = self.bounds + math.hypot(self.noise.half_width() if self.noise else 0.0, self.shared_out)
        return self.log_ratio - half, self.log_ratio + half

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the ratio."""
        return as_ratios(self.log_interval)

    @property
    def smallest_detectable(self) -> float | None:
        """The smallest change (a share, 0.03 is 3 %) that so many repeats show with a power of 80 %."""
        return None if self.log_detectable is None else math.expm1(min(self.log_detectable, MOST_LOG))

    @property
    def log_detectable(self) -> float | None:
        """How far from an edge (in logarithms) a true effect lies clear of it with a power of 80 %.

        Half the interval, and how far an estimate may fall short. What the meters do not share is in both:
        no number of repeats removes it. None where the noise is not known.
        """
        if self.noise is None:
            return None
        # One repeat held by itself brings its own noise, as large as the baseline's for all that is known.
        own = self.base.sd if self.method == "worst" else 0.0
        short = t_quantile(POWER, self.noise.df) * math.hypot(self.noise.standard_error, own)
        low, high = self.log_interval
        return (high - low) / 2 + math.hypot(short, FALLS_SHORT * self.shared_out)

    def outcome(self, better: Better, limit: float) -> Outcome:
        """Judge a relative limit: 0.05 allows 5 % worse, in the direction in which worse is."""
        return judge(self.log_interval, *edge_of(better, limit))

    def runs_needed(self, better: Better, limit: float) -> int | None:
        """Runs per side that would decide, or None: no number would, or the noise is not known."""
        edge, _ = edge_of(better, limit)
        if self.noise is None:
            return None
        # Gaps of further runs hide as much again.
        distance = max(0.0, abs(self.log_ratio - edge) - self.bounds)
        if self.method == "paired":
            one = self.noise.standard_error * math.sqrt(self.base.n)
            return runs_to_decide(one, 0.0, distance, self.shared_out)
        if self.method == "borrowed":
            sd = max(self.base.sd, self.candidate.sd)
            return runs_to_decide(sd, sd, distance, self.shared_out)
        return runs_to_decide(self.base.sd, self.candidate.sd, distance, self.shared_out)


def as_ratios(logs: tuple[float, float]) -> tuple[float, float]:
    """An interval of logarithms as one of ratios."""
    low, high = (max(-MOST_LOG, min(MOST_LOG, edge)) for edge in logs)
    return math.exp(low), math.exp(high)


def judge(interval: tuple[float, float], limit: float, above_is_bad: bool) -> Outcome:
    """Regressed when the whole interval lies beyond the limit, pass when it lies within, else undecided."""
    low, high = interval
    if above_is_bad:
        return Outcome.REGRESSED if low > limit else Outcome.PASS if high <= limit else Outcome.UNDECIDED
    return Outcome.REGRESSED if high < limit else Outcome.PASS if low >= limit else Outcome.UNDECIDED


def effect_of(
    base: Sequence[Figure],
    candidate: Sequence[Figure],
    blocks: tuple[Sequence[str | None], Sequence[str | None]] | None = None,
    pick: Picker | None = None,
) -> Effect | Undefined:
    """The effect of going from one group of figures to another.

    ``blocks`` names the block of each figure; pairs are used when every block has one figure on
    each side. ``pick`` asks for a bootstrap. Raises NotComparable for figures on different terms,
    UsageError for a bootstrap of fewer than 20 runs a side.
    """
    for figure in (*base[1:], *candidate):
        require_same_terms(base[0], figure)
    if any(f.value <= 0.0 for f in (*base, *candidate)):
        return Undefined("a value is zero or negative, so there is no ratio")
    logs = [math.log(f.value) for f in base], [math.log(f.value) for f in candidate]
    spreads = spread(logs[0]), spread(logs[1])
    ratio = centre(candidate).over(centre(base), "1")
    value = max(ratio.value, math.ulp(0.0))  # it may be too small for a number
    effect = Effect(
        log_ratio=spreads[1].mean - spreads[0].mean,
        noise=None,
        shared_out=ratio.without_gaps / value,
        bounds=ratio.gaps / value,
        base=spreads[0],
        candidate=spreads[1],
        method="measurement",
    )
    if pick is not None:
        if min(len(base), len(candidate)) < BOOTSTRAP_FROM:
            raise UsageError(f"a bootstrap needs {BOOTSTRAP_FROM} runs on each side: leave it out")
        found = bootstrap(logs[0], logs[1], pick)
        return replace(effect, noise=welch(*spreads), method="bootstrap", resampled=found)
    pairs = _pairs(logs, blocks) if blocks is not None else None
    if pairs is not None:
        return replace(effect, noise=paired(pairs), method="paired")
    if min(len(base), len(candidate)) >= 2:
        return replace(effect, noise=welch(*spreads), method="welch")
    if max(len(base), len(candidate)) >= 2:
        return replace(effect, noise=borrowed(*spreads), method="borrowed")
    return effect


def centre(figures: Sequence[Figure]) -> Figure:
    """The geometric mean of positive figures; relative sensitivities of one source are averaged.

    A gain that all runs share stays whole, an error of one run alone is divided by their number.
    """
    n = len(figures)
    value = math.exp(math.fsum(math.log(f.value) for f in figures) / n)
    errors: dict[str, float] = {}
    for figure in figures:
        for name, e in figure.errors.items():
            errors[name] = errors.get(name, 0.0) + value * e / figure.value / n
    worst = max(figures, key=lambda f: f.grade.value if f.grade else "")
    return replace(
        worst,
        value=value,
        errors=errors,
        coverage=min(f.coverage for f in figures),
        sources=tuple(dict.fromkeys(s for f in figures for s in f.sources)),
        notes=tuple(dict.fromkeys(note for f in figures for note in f.notes)),
    )


def over_repeats(answers: Sequence[Answer], side: str) -> Answer:
    """One answer for several repeats: their geometric mean, with the noise of the mean as its sources.

    An answer that is no figure stands for all: a repeat that failed is not averaged away. Values of
    zero or below have no geometric mean: Undefined, unless all are zero. So are unequal terms.
    """
    middle, logs = _middle(answers), _logs(answers)
    if not isinstance(middle, Figure) or len(logs) < 2:
        return middle
    n = len(logs)
    return _noisy(middle, side, logs, t_quantile(0.975, n - 1) / math.sqrt(n))


def over_both(baseline: Sequence[Answer], candidate: Sequence[Answer]) -> tuple[Answer, Answer]:
    """One answer for the repeats of each side, with the noise that their ratio has.

    As ``over_repeats``, with the degrees of freedom of Welch's test; a single run beside repeats borrows
    their noise, as in :func:`effect_of`.
    """
    one, two = _middle(baseline), _middle(candidate)
    logs = _logs(baseline), _logs(candidate)
    if (
        not (isinstance(one, Figure) and isinstance(two, Figure))
        or not all(logs)
        or len(logs[0] + logs[1]) < 3
    ):
        return one, two
    base, new = spread(logs[0]), spread(logs[1])
    both = welch(base, new) if min(base.n, new.n) >= 2 else borrowed(base, new)
    t = t_quantile(0.975, both.df)
    known = logs[0] if base.n >= new.n else logs[1]
    sides = ((one, "baseline", logs[0]), (two, "candidate", logs[1]))
    first, second = (
        _noisy(middle, side, own if len(own) >= 2 else known, t / math.sqrt(len(own)))
        for middle, side, own in sides
    )
    return first, second


def over_both_with_gaps(
    name: str, baseline: Sequence[Sequence[Answer]], candidate: Sequence[Sequence[Answer]]
) -> tuple[Answer, Answer]:
    """As ``over_both`` for the first state of each side; the others are the same repeats at the ends of gaps.

    What these can hide of the noise is on top of what shows, as a bound named after ``name``.
    """
    sides = over_both(baseline[0], candidate[0])
    runs = len(baseline[0]), len(candidate[0])
    if len(baseline) < 2 or max(runs) < 2:
        return sides
    most = [_most_noise(states) for states in (baseline, candidate)]
    few = t_quantile(0.975, min(n for n in runs if n > 1) - 1)
    one, two = (
        _hiding(told, f"{NOISE}{side}:", f"{GAP_PREFIX}noise of {side}, {name}", few * sd / math.sqrt(n))
        for told, side, n, sd in zip(
            sides,
            ("baseline", "candidate"),
            runs,
            # A single run has the noise of the others.
            (most[0] if runs[0] > 1 else most[1], most[1] if runs[1] > 1 else most[0]),
            strict=True,
        )
    )
    return one, two


def _most_noise(states: Sequence[Sequence[Answer]]) -> float:
    """The most standard deviation of logarithms that repeats can have between these states; 0 for one."""
    logs = [_logs(answers) for answers in states]
    if not all(logs):
        return MOST_LOG
    ends = [(min(told), max(told)) for told in zip(*logs, strict=True)]
    return most_sd(ends) if len(ends) > 1 else 0.0


def _hiding(told: Answer, shown: str, name: str, most: float) -> Answer:
    """The figure with what of the most relative noise does not show in it as a bound."""
    if not isinstance(told, Figure):
        return told
    seen = math.hypot(*(e for source, e in told.errors.items() if source.startswith(shown)))
    return replace(told, errors={**told.errors, name: max(0.0, told.value * most - seen)})


def _noisy(middle: Figure, side: str, logs: Sequence[float], times: float) -> Figure:
    """The figure with one error source per repeat: how far that lay from the mean, on the scale of logs.

    Together they are ``times`` the standard deviation. A repeat that used more energy did less per joule as
    well: with a source and a sign of its own it moves both, where one source for all noise would cancel.
    """
    mean, freedom = math.fsum(logs) / len(logs), math.sqrt(len(logs) - 1)
    noise = {
        f"{NOISE}{side}:{i}": middle.value * times * (v - mean) / freedom for i, v in enumerate(logs, start=1)
    }
    return replace(middle, errors={**middle.errors, **noise})


def _logs(answers: Sequence[Answer]) -> list[float]:
    """Logarithms of the answers; none where one of them is no positive figure."""
    values = [a.value for a in answers if isinstance(a, Figure) and a.value > 0.0]
    return [math.log(v) for v in values] if len(values) == len(answers) else []


def _middle(answers: Sequence[Answer]) -> Answer:
    """The geometric mean of the answers, without their noise."""
    lacking = next((a for a in answers if not isinstance(a, Figure)), None)
    if lacking is not None or len(answers) == 1:
        return lacking if lacking is not None else answers[0]
    figures = [a for a in answers if isinstance(a, Figure)]
    try:
        for figure in figures[1:]:
            require_same_terms(figures[0], figure)
    except NotComparable as refusal:
        return Undefined(str(refusal))
    if all(f.value == figures[0].value == 0.0 for f in figures):
        return figures[0]
    if any(f.value <= 0.0 for f in figures):
        return Undefined("some repeats are zero or negative and others are not: they have no common mean")
    return centre(figures)


def level_interval(figures: Sequence[Figure], sd: float | None = None) -> tuple[float, float]:
    """The interval of a level over repeats: noise of the mean and the meters' errors, in logarithms.

    ``sd`` stands for the standard deviation of their logarithms where gaps may hide more of it. A value of
    zero or below has its own interval instead; then the widest of the repeats is taken.
    """
    if any(f.value <= 0.0 for f in figures):
        ends = [f.interval for f in figures]
        return min(low for low, _ in ends), max(high for _, high in ends)
    middle = centre(figures)
    noise = 0.0
    if len(figures) >= 2:
        n, seen = len(figures), spread([math.log(f.value) for f in figures]).sd
        noise = t_quantile(0.975, n - 1) * (seen if sd is None else sd) / math.sqrt(n)
    half = min(MOST_LOG, math.hypot(noise, middle.relative))
    return middle.value * math.exp(-half), middle.value * math.exp(half)


def runs_for_level(figures: Sequence[Figure], limit: float, sd: float | None = None) -> int | None:
    """Runs that would show on which side of a limit the level lies; None: none would, or none can be told.

    ``sd`` as in :func:`level_interval`.
    """
    if len(figures) < 2 or limit <= 0.0 or any(f.value <= 0.0 for f in figures):
        return None
    middle = centre(figures)
    distance = math.log(middle.value / limit)
    seen = spread([math.log(f.value) for f in figures]).sd
    return runs_to_decide(seen if sd is None else sd, 0.0, distance, middle.relative)


def edge_of(better: Better, limit: float) -> tuple[float, bool]:
    """The limit on the log ratio, and whether lying above it is bad."""
    if better is Better.LOWER:
        return math.log1p(limit), True
    return math.log1p(-limit), False


def _pairs(
    logs: tuple[Sequence[float], Sequence[float]],
    blocks: tuple[Sequence[str | None], Sequence[str | None]],
) -> list[float] | None:
    """Differences within blocks, when every block holds exactly one run of each side."""
    sides: list[Mapping[str, float]] = []
    for values, names in zip(logs, blocks, strict=True):
        found = {name: v for name, v in zip(names, values, strict=True) if name is not None}
        if len(found) != len(values):
            return None
        sides.append(found)
    if len(sides[0]) < 2 or set(sides[0]) != set(sides[1]):
        return None
    return [sides[1][name] - sides[0][name] for name in sides[0]]
