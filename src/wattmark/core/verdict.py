"""The verdict of a gate: each limit judged on the evidence, failing closed.

Every limit is judged three times: with the estimate for what was not observed, and with both ends
of what it can have been. It passes only if it passes whatever happened in the gaps. Intervals are
in logarithms throughout, because there a bound grows with every joule that may have been used;
so taking readings away can never improve a verdict (docs/methodology/comparing.md has the argument).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from operator import attrgetter

from wattmark.core.compare import (
    NOISE_UNKNOWN,
    Effect,
    Outcome,
    centre,
    effect_of,
    judge,
    level_interval,
    runs_for_level,
)
from wattmark.core.errors import NotComparable, UsageError
from wattmark.core.facts import Answer, Facts
from wattmark.core.figure import Figure, Missing, NotReached, Undefined
from wattmark.core.kpis.kpi import Kpi
from wattmark.core.methodology import methodology_of, require_same
from wattmark.core.policy import Limit, OnUndecided, Policy
from wattmark.core.repeats import Repeat
from wattmark.core.rubric import Factors
from wattmark.core.score import held_at
from wattmark.core.stats import Difference


class Ruling(StrEnum):
    """What a gate says about one limit."""

    PASS = "pass"
    VIOLATION = "violation"
    UNDECIDED = "undecided"
    """Not enough evidence."""
    NOT_APPLICABLE = "not applicable"
    """The limit is for other workload classes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One limit, what was found, and why."""

    limit: Limit
    ruling: Ruling
    value: Answer | None = None
    """The candidate's KPI; of several repeats the geometric mean, or the first that has no figure."""
    baseline: Answer | None = None
    interval: tuple[float, float] | None = None
    """What was held against the bound: of the level, or of the change as a share, gaps at both ends."""
    repeats: tuple[int, int] = (1, 0)
    """Repeats of the candidate and of the baseline."""
    reason: str = ""
    """Why there is not enough evidence, or what else to know."""
    runs_needed: int | None = None
    """Runs (per side, where there is a baseline) that would decide, where that can be said."""
    tolerated: bool = False
    """True when the policy lets this undecided limit through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All findings of one gate."""

    findings: tuple[Finding, ...]
    policy: str = ""

    @property
    def ruling(self) -> Ruling:
        """A violation beats missing evidence, which beats a pass; nothing judged is missing evidence."""
        rulings = [f.ruling for f in self.findings]
        if Ruling.VIOLATION in rulings:
            return Ruling.VIOLATION
        if any(f.ruling is Ruling.UNDECIDED and not f.tolerated for f in self.findings):
            return Ruling.UNDECIDED
        if all(r is Ruling.NOT_APPLICABLE for r in rulings):
            return Ruling.UNDECIDED
        return Ruling.PASS

    @property
    def exit_code(self) -> int:
        """0 pass, 1 violation, 3 not enough evidence. 2 (usage) is raised before there is a verdict."""
        return {Ruling.PASS: 0, Ruling.VIOLATION: 1}.get(self.ruling, 3)


def gate(
    policy: Policy,
    candidate: Sequence[Repeat],
    catalog: Mapping[str, Kpi],
    baseline: Sequence[Repeat] = (),
) -> Verdict:
    """Judge every limit of a policy. Raises UsageError for an empty policy or a lacking baseline."""
    if not policy.limits:
        raise UsageError(
            f"{policy.name or 'the policy'} holds no limit: a gate without rules passes anything"
        )
    if not baseline and any(limit.relative for limit in policy.limits):
        raise UsageError(
            "the policy has limits relative to a baseline: give --baseline, or keep one with "
            "`wattmark baseline set RUN`"
        )
    findings = tuple(
        _finding(limit, policy.factors, catalog[limit.kpi], candidate, baseline) for limit in policy.limits
    )
    return Verdict(findings=findings, policy=policy.name)


def _shown(answers: Sequence[Answer]) -> Answer:
    """One answer to show for several repeats: their middle, or the first that is no figure."""
    lacking = next((a for a in answers if not isinstance(a, Figure)), None)
    figures = [a for a in answers if isinstance(a, Figure)]
    if lacking is not None or len(figures) == 1:
        return lacking if lacking is not None else figures[0]
    return centre(figures) if all(f.value > 0.0 for f in figures) else figures[0]


class _NotEnough(Exception):
    """The evidence cannot carry a ruling; caught in ``_finding`` and shown as its reason."""


def _finding(
    limit: Limit,
    factors: Factors,
    kpi: Kpi,
    candidate: Sequence[Repeat],
    baseline: Sequence[Repeat],
) -> Finding:
    against = list(baseline) if limit.relative else []
    found = Finding(limit=limit, ruling=Ruling.UNDECIDED, repeats=(len(candidate), len(against)))
    classes = {r.facts.workload_class for r in candidate}
    if limit.workload_class and not classes & {*limit.workload_class, None}:
        return replace(found, ruling=Ruling.NOT_APPLICABLE, reason=f"for {', '.join(limit.workload_class)}")
    ours = [_at(limit.stage, r) for r in candidate]
    theirs = [_at(limit.stage, r) for r in against]
    if limit.relative and factors is Factors.BASELINE:
        ours = [_map(r, lambda f: held_at(theirs[0].facts, f)) for r in ours]
    answers = [kpi.answer(r.facts) for r in ours]
    shown = _shown(answers)
    before = [kpi.answer(r.facts) for r in theirs]
    found = replace(found, value=shown, baseline=_shown(before) if before else None)
    if any(isinstance(a, NotReached) for a in answers):
        return replace(found, ruling=Ruling.VIOLATION, reason=str(shown))
    try:
        if limit.workload_class and None in classes:
            raise _NotEnough(
                "the limit is for some workload classes and a run states none: tag it with --workload-class"
            )
        _require_evidence(limit, ours, theirs, answers, before)
        if limit.relative:
            require_same(methodology_of(theirs[0].facts, [kpi]), methodology_of(ours[0].facts, [kpi]))
            return _relative(found, kpi, ours, theirs)
        return _absolute(found, kpi, ours)
    except (_NotEnough, NotComparable) as lacking:
        return replace(found, reason=str(lacking))


def _require_evidence(
    limit: Limit,
    ours: Sequence[Repeat],
    theirs: Sequence[Repeat],
    answers: Sequence[Answer],
    before: Sequence[Answer],
) -> None:
    """Raise _NotEnough unless every figure exists, was observed for long enough and is known well enough."""
    for whose, side in (("", ours), ("baseline: ", theirs)):
        if any(repeat.simulated for repeat in side):
            raise _NotEnough(f"{whose}clock and meters were simulated: nothing was measured")
    grade = limit.grade_needed(same_host={r.hosts for r in ours} == {r.hosts for r in theirs})
    both = [("", a) for a in answers] + [("baseline: ", a) for a in before]
    for whose, answer in both:
        if not isinstance(answer, Figure):
            raise _NotEnough(f"{whose}{answer}")
        if answer.coverage < limit.coverage:
            raise _NotEnough(
                f"{whose}only {answer.coverage:.1%} of the time was observed, {limit.coverage:.0%} is needed"
            )
        if answer.grade is not None and not answer.grade.at_least(grade):
            raise _NotEnough(f"{whose}evidence is of grade {answer.grade}, grade {grade} or better is needed")
    for whose, side in (("", ours), ("baseline: ", theirs)):
        if side and len(side) < limit.repeats:
            raise _NotEnough(f"{whose}{len(side)} of the {limit.repeats} repeats that are needed")
    if any(repeat.ranks < 1.0 for repeat in theirs):
        # The energy of a missing rank has bounds; its work has none, and without it the baseline looks worse.
        raise _NotEnough("baseline: some ranks left no evidence, so that what they did is not known")
    for repeat in (*ours, *theirs):
        if repeat.unread:
            raise _NotEnough(f"no energy was read of {', '.join(repeat.unread)}")
        if not repeat.bounded:
            raise _NotEnough("part of the time was not observed, and the most the device draws is not known")


Ends = Callable[[Repeat], Facts]
ESTIMATE: Ends = attrgetter("facts")
LEAST: Ends = attrgetter("least")
MOST: Ends = attrgetter("most")


def _absolute(found: Finding, kpi: Kpi, ours: Sequence[Repeat]) -> Finding:
    limit = found.limit
    extra = _hidden(kpi, ours)
    intervals = [level_interval(_figures(kpi, ours, end), extra) for end in (ESTIMATE, LEAST, MOST)]
    outcomes = [judge(i, limit.bound, limit.max is not None) for i in intervals]
    whole = min(low for low, _ in intervals), max(high for _, high in intervals)
    reason = NOISE_UNKNOWN if len(ours) == 1 else ""
    needed = runs_for_level(_figures(kpi, ours, ESTIMATE), limit.bound)
    found = replace(found, interval=whole, reason=reason, runs_needed=needed)
    return _ruled(found, outcomes, noise_hidden=extra > 0.0)


def _relative(found: Finding, kpi: Kpi, ours: Sequence[Repeat], theirs: Sequence[Repeat]) -> Finding:
    limit = found.limit
    hidden = _hidden(kpi, theirs), _hidden(kpi, ours)
    blocks = [r.block for r in theirs], [r.block for r in ours]
    effects: list[Effect] = []
    for before, after in ((ESTIMATE, ESTIMATE), (MOST, LEAST), (LEAST, MOST)):
        effect = effect_of(_figures(kpi, theirs, before), _figures(kpi, ours, after), blocks)
        if isinstance(effect, Undefined):
            raise _NotEnough(str(effect))
        effects.append(_widened(effect, effect.noise, hidden) if effect.noise and any(hidden) else effect)
    outcomes = [e.outcome(kpi.better, limit.bound) for e in effects]
    ends = [e.interval for e in effects]
    first = effects[0]
    found = replace(
        found,
        interval=(min(low for low, _ in ends) - 1.0, max(high for _, high in ends) - 1.0),
        reason=NOISE_UNKNOWN if first.noise is None else "",
        runs_needed=first.runs_needed(kpi.better, limit.bound),
    )
    return _ruled(found, outcomes, noise_hidden=any(hidden))


def _ruled(found: Finding, outcomes: Sequence[Outcome], noise_hidden: bool) -> Finding:
    """Pass or violation only when all three agree.

    Leniency is for what the whole evidence leaves open: never where one of the three is a violation,
    nor where gaps hide how much repeats differ.
    """
    if all(o is Outcome.PASS for o in outcomes):
        return replace(found, ruling=Ruling.PASS, runs_needed=None)
    if all(o is Outcome.REGRESSED for o in outcomes):
        return replace(found, ruling=Ruling.VIOLATION, runs_needed=None)
    lenient = found.limit.on_undecided is not OnUndecided.FAIL
    return replace(found, tolerated=lenient and Outcome.REGRESSED not in outcomes and not noise_hidden)


def _figures(kpi: Kpi, repeats: Sequence[Repeat], end: Ends) -> list[Figure]:
    found: list[Figure] = []
    for repeat in repeats:
        answer = kpi.answer(end(repeat))
        if not isinstance(answer, Figure):
            raise _NotEnough(str(answer))
        found.append(answer)
    return found


def _hidden(kpi: Kpi, repeats: Sequence[Repeat]) -> float:
    """How much larger the standard deviation of logs can have been, had the gaps been seen.

    A standard deviation moves by at most the length of the change over the root of n - 1.
    """
    if len(repeats) < 2 or all(r.complete for r in repeats):
        return 0.0
    widths: list[float] = []
    for least, most in zip(_figures(kpi, repeats, LEAST), _figures(kpi, repeats, MOST), strict=True):
        if least.value <= 0.0 or most.value <= 0.0:
            return 0.0
        widths.append(math.log(most.value / least.value))
    return math.hypot(*widths) / math.sqrt(len(repeats) - 1)


def _widened(effect: Effect, noise: Difference, hidden: tuple[float, float]) -> Effect:
    """The effect with the noise that gaps may hide, and the fewest degrees of freedom."""
    hidden_base, hidden_candidate = hidden
    base = replace(effect.base, sd=effect.base.sd + hidden_base)
    candidate = replace(effect.candidate, sd=effect.candidate.sd + hidden_candidate)
    more = math.hypot(hidden_base / math.sqrt(base.n), hidden_candidate / math.sqrt(candidate.n))
    if effect.method == "paired":
        # The spread of differences moves by at most both changes together.
        error = noise.standard_error + (hidden_base + hidden_candidate) / math.sqrt(base.n)
    elif effect.method == "borrowed":
        rooted = math.sqrt(1 / base.n + 1 / candidate.n)
        error = noise.standard_error + (hidden_base + hidden_candidate) * rooted
    else:
        error = noise.standard_error + more
    df = noise.df if effect.method == "borrowed" else float(min(base.n, candidate.n) - 1)
    wider = Difference(noise.estimate, error, df, noise.method)
    return replace(effect, base=base, candidate=candidate, noise=wider)


def _at(stage: str | None, repeat: Repeat) -> Repeat:
    return repeat if stage is None else _map(repeat, lambda f: at_stage(f, stage))


def at_stage(facts: Facts, stage: str) -> Facts:
    """The facts with the energy of one stage alone; work, quality and duration stay as they are."""
    energy = facts.energy_by_stage.get(stage)
    if energy is None:
        lacking = Missing(
            f"energy of stage {stage!r}", f"known: {', '.join(facts.energy_by_stage) or 'none'}"
        )
        return replace(facts, energy=lacking, energy_by_stage={}, energy_by_component={})
    return replace(facts, energy=energy, energy_by_stage={stage: energy}, energy_by_component={})


def _map(repeat: Repeat, change: Callable[[Facts], Facts]) -> Repeat:
    facts = change(repeat.facts)
    if repeat.complete:
        return replace(repeat, facts=facts, least=facts, most=facts)
    return replace(repeat, facts=facts, least=change(repeat.least), most=change(repeat.most))
