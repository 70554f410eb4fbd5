"""The verdict of a gate: each limit judged on the evidence, failing closed.

Every limit is judged three times: with the estimate for what was not observed, and with both ends
of what it can have been. It passes only if it passes whatever happened in the gaps. Intervals are
in logarithms throughout, because there a bound grows with every joule that may have been used;
so taking readings away can never improve a verdict (docs/methodology/comparing.md has the argument).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from wattmark.core.compare import Outcome, centre, over_repeats
from wattmark.core.errors import NotComparable, UsageError
from wattmark.core.facts import UNSTAGED, Answer, Facts
from wattmark.core.figure import Figure, Missing, NotReached
from wattmark.core.governance.level import Level
from wattmark.core.governance.scope import Applies
from wattmark.core.judging import Held, NotEnough, hold_change, hold_level
from wattmark.core.kpis.kpi import Kpi
from wattmark.core.methodology import methodology_of, require_same
from wattmark.core.policy import IfLacking, Limit, OnUndecided, Policy
from wattmark.core.repeats import Repeat, changed
from wattmark.core.rubric import Factors
from wattmark.core.score import held_at
from wattmark.core.units import short_of

NO_BASELINE = "no baseline: give --baseline, or keep one with `wattmark baseline set RUN`"
INSIDE = "the limit lies inside the interval"
OF_READINGS = ("energy", "utilisation")
"""A KPI without one of these lacks readings. That is never let through, whatever a limit says of what is
missing: readings that were lost would pass."""


class Ruling(StrEnum):
    """What a gate says about one limit."""

    PASS = "pass"
    VIOLATION = "violation"
    UNDECIDED = "undecided"
    """Not enough evidence."""
    NOT_APPLICABLE = "not applicable"
    """The limit is for other runs, or switched off."""


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
    estimate: float | None = None
    """What lies in it, with the estimate for gaps."""
    repeats: tuple[int, int] = (1, 0)
    """Repeats of the candidate and of the baseline."""
    reason: str = ""
    """Why there is not enough evidence, or what else to know."""
    runs_needed: int | None = None
    """Runs (per side, where there is a baseline) that would decide, where that can be said."""
    detectable: float | None = None
    """Smallest change for the worse (a share) that such repeats would have failed the limit with, with a
    power of 80 %; of relative limits."""
    tolerated: bool = False
    """True when the policy lets this undecided limit through."""
    leniency: str = ""
    """How it is let through then: ``warn`` or ``pass``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All findings of one gate."""

    findings: tuple[Finding, ...]
    policy: str = ""

    @property
    def ruling(self) -> Ruling:
        """A violation beats missing evidence, which beats a pass; nothing judged is missing evidence.

        What only warns changes nothing here.
        """
        weighing = [f for f in self.findings if f.limit.level is Level.ERROR]
        if any(f.ruling is Ruling.VIOLATION for f in weighing):
            return Ruling.VIOLATION
        if any(f.ruling is Ruling.UNDECIDED and not f.tolerated for f in weighing):
            return Ruling.UNDECIDED
        if all(f.ruling is Ruling.NOT_APPLICABLE for f in self.findings):
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
    """Judge every limit of a policy. Raises UsageError for a policy without rules.

    Without a baseline, limits that are relative to one have not enough evidence, or what they say of that.
    """
    if not policy.limits and not policy.budgets:
        raise UsageError(
            f"{policy.name or 'the policy'} holds no limit: a gate without rules passes anything"
        )
    findings = tuple(
        _finding(limit, policy.factors, catalog[limit.kpi], candidate, baseline) for limit in policy.limits
    )
    return Verdict(findings=findings, policy=policy.name)


def _shown(answers: Sequence[Answer], side: str) -> Answer:
    """One answer to show for several repeats: their middle with its noise, or the first that is no figure."""
    lacking = next((a for a in answers if not isinstance(a, Figure)), None)
    figures = [a for a in answers if isinstance(a, Figure)]
    if lacking is not None or len(figures) == 1:
        return lacking if lacking is not None else figures[0]
    if any(f.value <= 0.0 for f in figures):
        return figures[0]
    told = over_repeats(figures, side)
    return told if isinstance(told, Figure) else centre(figures)


def _finding(
    limit: Limit,
    factors: Factors,
    kpi: Kpi,
    candidate: Sequence[Repeat],
    baseline: Sequence[Repeat],
) -> Finding:
    kpi = kpi.told_as(limit.statistic)
    against = list(baseline) if limit.relative else []
    found = Finding(limit=limit, ruling=Ruling.UNDECIDED, repeats=(len(candidate), len(against)))
    elsewhere = for_others(limit, candidate)
    if elsewhere:
        return replace(found, ruling=Ruling.NOT_APPLICABLE, reason=elsewhere)
    ours = [_at(limit.stage, r) for r in candidate]
    theirs = [_at(limit.stage, r) for r in against]
    if theirs and factors is Factors.BASELINE:
        first = theirs[0].facts
        ours, theirs = ([changed(r, lambda f: held_at(first, f)) for r in side] for side in (ours, theirs))
    answers = [kpi.answer(r.facts) for r in ours]
    before = [kpi.answer(r.facts) for r in theirs]
    found = replace(
        found, value=_shown(answers, "candidate"), baseline=_shown(before, "baseline") if before else None
    )
    if any(isinstance(a, NotReached) for a in answers):
        return replace(found, ruling=Ruling.VIOLATION, reason=str(found.value))
    try:
        require_tags(limit, candidate)
        if limit.if_missing is not IfLacking.FAIL and _never_stated(ours, answers):
            return lenient(found, limit.if_missing, str(found.value))
        if limit.relative and not theirs:
            return lenient(found, limit.if_no_baseline, NO_BASELINE)
        require_evidence(limit, ours, theirs, answers, before)
        if limit.relative:
            terms = methodology_of(theirs[0].facts, [kpi])
            for repeat in (*theirs[1:], *ours):
                require_same(terms, methodology_of(repeat.facts, [kpi]))
            return _ruled(found, hold_change(limit, kpi, ours, theirs))
        return _ruled(found, hold_level(limit, kpi, ours))
    except NotComparable as refusal:
        return replace(found, reason=str(refusal))
    except NotEnough as lacking:
        return replace(found, reason=str(lacking), runs_needed=lacking.runs_needed)


def for_others(limit: Limit, candidate: Sequence[Repeat]) -> str:
    """Why the limit is not for these runs; empty: it is, or may be."""
    if limit.level is Level.OFF:
        return "switched off"
    classes = set[str | None]().union(*map(_classes, candidate))
    if limit.workload_class and not classes & {*limit.workload_class, None}:
        return f"for {', '.join(limit.workload_class)}"
    return f"for {limit.scope}" if _applies(limit, candidate) == {Applies.NO} else ""


def _classes(repeat: Repeat) -> set[str | None]:
    """The workload classes that its runs state, each of them; None where they state none, or a blank."""
    stated: set[str | None] = {tags["workload_class"] for tags in repeat.tags if "workload_class" in tags}
    known = repeat.facts.workload_class
    return stated or {known if known is not None and known.strip() else None}


def _applies(limit: Limit, candidate: Sequence[Repeat]) -> set[Applies]:
    return {limit.scope.of(tags) for r in candidate for tags in r.tags or ({},)}


def require_tags(limit: Limit, candidate: Sequence[Repeat]) -> None:
    """Raise NotEnough where a run does not state what would tell whether the limit is for it."""
    if limit.workload_class and any(None in _classes(r) for r in candidate):
        raise NotEnough(
            "the limit is for some workload classes and a run states none: tag it with --workload-class"
        )
    if Applies.UNKNOWN in _applies(limit, candidate):
        unstated = dict.fromkeys(
            tag for r in candidate for tags in r.tags or ({},) for tag in limit.scope.unstated(tags)
        )
        raise NotEnough(
            f"the limit is for {limit.scope}, and a run does not state its {', '.join(unstated)}: tag it"
        )


def _never_stated(ours: Sequence[Repeat], answers: Sequence[Answer]) -> bool:
    """Whether a KPI lacks something that nobody stated, and no reading."""
    missing = [a for a in answers if isinstance(a, Missing)]
    return (
        bool(missing)
        and all(isinstance(r.facts.energy, Figure) and not r.unread for r in ours)
        and not any(a.field.startswith(OF_READINGS) for a in missing)
    )


def lenient(found: Finding, how: IfLacking, reason: str) -> Finding:
    """Not enough evidence, let through where the limit says so."""
    if how is IfLacking.FAIL:
        return replace(found, reason=reason)
    return replace(found, reason=reason, tolerated=True, leniency=how.value)


def require_evidence(
    limit: Limit,
    ours: Sequence[Repeat],
    theirs: Sequence[Repeat],
    answers: Sequence[Answer],
    before: Sequence[Answer],
) -> None:
    """Raise NotEnough unless every figure exists, was observed for long enough and is known well enough."""
    _require_measured(ours, theirs)
    grade = limit.grade_needed(same_host={r.hosts for r in ours} == {r.hosts for r in theirs})
    both = [("", a) for a in answers] + [("baseline: ", a) for a in before]
    for whose, answer in both:
        if not isinstance(answer, Figure):
            raise NotEnough(f"{whose}{answer}")
        if limit.unit not in ("", answer.unit):
            raise NotEnough(f"{whose}the limit is in {limit.unit}, and the figure in {answer.unit}")
        if answer.coverage < limit.coverage:
            seen, needed = short_of(answer.coverage, limit.coverage)
            raise NotEnough(f"{whose}only {seen} of the time was observed, {needed} is needed")
        if answer.grade is not None and not answer.grade.at_least(grade):
            raise NotEnough(f"{whose}evidence is of grade {answer.grade}, grade {grade} or better is needed")
    for whose, side in (("", ours), ("baseline: ", theirs)):
        if side and len(side) < limit.repeats:
            raise NotEnough(
                f"{whose}{len(side)} of the {limit.repeats} repeats that are needed", limit.repeats
            )
    _require_whole(ours, theirs)


def _require_measured(ours: Sequence[Repeat], theirs: Sequence[Repeat]) -> None:
    for whose, side in (("", ours), ("baseline: ", theirs)):
        if any(repeat.simulated for repeat in side):
            raise NotEnough(f"{whose}clock and meters were simulated: nothing was measured")


def _require_whole(ours: Sequence[Repeat], theirs: Sequence[Repeat]) -> None:
    if any(repeat.ranks < 1.0 for repeat in theirs):
        # The energy of a missing rank has bounds; its work has none, and without it the baseline looks worse.
        raise NotEnough("baseline: some ranks left no evidence, so that what they did is not known")
    for repeat in (*ours, *theirs):
        if repeat.lacks:
            raise NotEnough(repeat.lacks)


def _ruled(found: Finding, held: Held) -> Finding:
    """Pass or violation only when all three states of the gaps agree.

    Leniency is for what the whole evidence leaves open: never where one of the three is a violation,
    nor where gaps hide how much repeats differ.
    """
    found = replace(
        found,
        interval=held.interval,
        estimate=held.estimate,
        reason=held.reason,
        detectable=held.detectable,
    )
    if all(o is Outcome.PASS for o in held.outcomes):
        return replace(found, ruling=Ruling.PASS)
    if all(o is Outcome.REGRESSED for o in held.outcomes):
        return replace(found, ruling=Ruling.VIOLATION)
    if held.runs_needed is not None and held.runs_needed > min(n for n in found.repeats if n):
        found = replace(found, runs_needed=held.runs_needed)  # as many as there are have not decided it
    found = replace(found, reason=found.reason or INSIDE)
    how = found.limit.on_undecided
    if how is OnUndecided.FAIL or Outcome.REGRESSED in held.outcomes or held.noise_hidden:
        return found
    return replace(found, tolerated=True, leniency=how.value)


def _at(stage: str | None, repeat: Repeat) -> Repeat:
    return repeat if stage is None else changed(repeat, lambda f: at_stage(f, stage))


def at_stage(facts: Facts, stage: str) -> Facts:
    """The facts with the energy of one stage alone; quality and duration stay as they are.

    So does work that the stage did none of: what it did itself counts without that of other stages.
    """
    energy = facts.energy_by_stage.get(stage)
    if energy is None:
        lacking = Missing(
            f"energy of stage {stage!r}", f"known: {', '.join(facts.energy_by_stage) or 'none'}"
        )
        return replace(facts, energy=lacking, energy_by_stage={}, energy_by_component={})
    own = facts.work_by_stage.get(stage, {})
    apart = {stage: {**facts.work_by_stage.get(UNSTAGED, {}), **own}} if facts.work_by_stage else {}
    return replace(
        facts,
        energy=energy,
        energy_by_stage={stage: energy},
        energy_by_component={},
        work={**facts.work, **own},
        work_by_stage=apart,
    )
