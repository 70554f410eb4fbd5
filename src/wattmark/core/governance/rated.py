"""Rules on what runs are rated with: their score against the baseline, and their stars.

Neither is a KPI: a score is relative to a baseline by a rubric, stars are given to benchmarks by references.
A limit may name them as it names a KPI, with ``min``. The worst counts: the lower end of a score's interval,
and the fewest stars that the interval of the energy allows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from wattmark.core.errors import UsageError
from wattmark.core.facts import Answer, Facts
from wattmark.core.figure import Figure, Missing
from wattmark.core.judging import NotEnough
from wattmark.core.kpis.kpi import Better, Kpi
from wattmark.core.policy import Limit, OnUndecided, Policy
from wattmark.core.repeats import Repeat
from wattmark.core.verdict import (
    INSIDE,
    NO_BASELINE,
    Finding,
    Ruling,
    Verdict,
    for_others,
    gate,
    lenient,
    require_evidence,
    require_tags,
)

SCORE, STARS = "score", "stars"
MOST_STARS = 5
NO_BENCHMARK = "no benchmark was given: stars are for bundles and results of `wattmark bench`"


def _not_of_facts(facts: Facts) -> Answer:
    return Missing("what it is rated against", "a rating is not made from the facts of a run alone")


RATINGS: Mapping[str, Kpi] = {
    SCORE: Kpi(
        id=SCORE,
        title="Score",
        unit="points",
        better=Better.HIGHER,
        formula="weighted ratios to the baseline, which scores 100",
        of=_not_of_facts,
    ),
    STARS: Kpi(
        id=STARS,
        title="Stars",
        unit="stars",
        better=Better.HIGHER,
        formula="1 to 5 by energy per query against a frozen reference",
        of=_not_of_facts,
    ),
}
"""What a limit may name beside KPIs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """What runs were rated with."""

    score: Answer | None = None
    """None: there is no baseline."""
    ends: tuple[float, float] | None = None
    """Of the score, whatever happened in the gaps of both sides; None where that cannot be said."""
    stars: tuple[int, int] | None = None
    """Fewest and most; None: unrated."""
    unrated: str = NO_BENCHMARK
    """Why there are no stars."""
    benchmark: bool = False
    """Whether there was a benchmark that could have earned stars."""

    @property
    def stars_shown(self) -> str:
        """``4`` or ``3-4``; empty: unrated."""
        if self.stars is None:
            return ""
        return str(self.stars[0]) if self.stars[0] == self.stars[1] else f"{self.stars[0]}-{self.stars[1]}"


def check_rating(limit: Limit) -> None:
    """Raise UsageError for a limit on a rating that makes no sense."""
    if limit.kpi not in RATINGS:
        return
    if limit.min is None:
        raise UsageError(f"more {limit.kpi} is better, and it is no share: limit it with min")
    if limit.stage is not None:
        raise UsageError(f"{limit.kpi} is of the whole: leave stage out")
    if limit.kpi == STARS and limit.min not in range(1, MOST_STARS + 1):
        raise UsageError(f"min is {limit.min:g}: stars are whole numbers from 1 to {MOST_STARS}")


def names(policy: Policy, rating: str) -> bool:
    """Whether a limit of the policy is about this rating."""
    return any(limit.kpi == rating for limit in policy.limits)


def gate_rated(
    policy: Policy,
    candidate: Sequence[Repeat],
    catalog: Mapping[str, Kpi],
    baseline: Sequence[Repeat],
    rated: Rated,
) -> Verdict:
    """As ``verdict.gate``, with limits on ratings judged too. Raises UsageError where there is no rule."""
    plain = [limit for limit in policy.limits if limit.kpi not in RATINGS]
    if len(plain) == len(policy.limits):
        return gate(policy, candidate, catalog, baseline)
    found: dict[str, Finding] = {}
    if plain:
        judged = gate(replace(policy, limits=tuple(plain)), candidate, catalog, baseline)
        found = {finding.limit.id: finding for finding in judged.findings}
    findings = [
        _rating(limit, candidate, baseline, rated) if limit.kpi in RATINGS else found[limit.id]
        for limit in policy.limits
    ]
    return Verdict(findings=tuple(findings), policy=policy.name)


def _rating(limit: Limit, ours: Sequence[Repeat], theirs: Sequence[Repeat], rated: Rated) -> Finding:
    against = theirs if limit.kpi == SCORE else ()
    found = Finding(limit=limit, ruling=Ruling.UNDECIDED, repeats=(len(ours), len(against)))
    if elsewhere := for_others(limit, ours):
        return replace(found, ruling=Ruling.NOT_APPLICABLE, reason=elsewhere)
    try:
        require_tags(limit, ours)
        return _score(found, ours, against, rated) if limit.kpi == SCORE else _stars(found, rated)
    except NotEnough as lacking:
        return replace(found, reason=str(lacking), runs_needed=lacking.runs_needed)


def _score(found: Finding, ours: Sequence[Repeat], theirs: Sequence[Repeat], rated: Rated) -> Finding:
    """The whole interval must lie at or above the bound, whatever happened in the gaps."""
    limit, score = found.limit, rated.score
    if score is None:
        return lenient(found, limit.if_no_baseline, NO_BASELINE)
    found = replace(found, value=score)
    require_evidence(limit, ours, theirs, [score], [])
    if rated.ends is None or not isinstance(score, Figure):
        raise NotEnough("part of the time was not observed, and what the score may be is not known")
    low, high = rated.ends
    found = replace(found, interval=rated.ends, estimate=score.value)
    if low >= limit.allowed:
        return replace(found, ruling=Ruling.PASS)
    if high < limit.allowed:
        return replace(found, ruling=Ruling.VIOLATION)
    found = replace(found, reason=INSIDE)
    if limit.on_undecided is OnUndecided.FAIL or not all(one.complete for one in (*ours, *theirs)):
        return found  # leniency is for what a whole measurement leaves open: gaps may hide a violation
    return replace(found, tolerated=True, leniency=limit.on_undecided.value)


def _stars(found: Finding, rated: Rated) -> Finding:
    """The fewest that the interval of the energy allows must be enough."""
    limit = found.limit
    if rated.stars is None:
        return (
            replace(found, reason=rated.unrated)
            if rated.benchmark
            else lenient(found, limit.if_missing, rated.unrated)
        )
    worst, best = rated.stars
    figure = Figure(float(worst), "stars", ends=(float(worst), float(best)))
    found = replace(found, value=figure, estimate=float(worst), interval=figure.interval)
    if worst >= limit.bound:
        return replace(found, ruling=Ruling.PASS)
    reason = f"{rated.stars_shown} stars, and the worst counts" if best > worst else ""
    return replace(found, ruling=Ruling.VIOLATION, reason=reason)
