"""From a verdict to a decision: levels, dates, waivers, budgets and reviews on top of what was found.

Pure: the moment is given as text, waivers are judged already and budgets stand as they stand. The same
arguments give the same decision, which is how an auditor replays one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from wattmark.core.figure import Figure
from wattmark.core.governance.budget import BudgetStanding, BudgetState, base_limit, beside_limit, shown_in
from wattmark.core.governance.budgets import may_be_let_off, ruling_of
from wattmark.core.governance.decision import (
    EXIT_CODES,
    Decision,
    Kind,
    PolicyShown,
    Ruled,
    Shown,
    Side,
    Standing,
    whole_standing,
)
from wattmark.core.governance.level import Level
from wattmark.core.governance.periods import RUN
from wattmark.core.governance.rated import STARS
from wattmark.core.governance.scope import Applies
from wattmark.core.governance.showing import shown, shown_answer, shown_waiver
from wattmark.core.governance.waiver import JudgedWaiver, WaiverState
from wattmark.core.governance.waivers import stale
from wattmark.core.governance.waiving import NONE, Broken, waive
from wattmark.core.governance.wording import budget_advice, budget_words, finding_advice, limit_words
from wattmark.core.kpis.kpi import Kpi
from wattmark.core.policy import IfLacking, Limit, Policy
from wattmark.core.verdict import Finding, Ruling, Verdict

BEYOND = "the whole interval lies beyond the limit"
NOT_KEPT, NOT_SAID = "it is not of a baseline file", "it does not say"
"""How doubts of a baseline begin that must be set before anybody can approve it."""
SOFTER: Mapping[Standing, Standing] = {
    Standing.FAILED: Standing.WARNING,
    Standing.INCOMPLETE: Standing.WARNING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a decision says of the runs beside its rules."""

    candidate: Side
    baseline: Side | None = None
    figures: Mapping[str, Shown] | None = None
    score: Shown | None = None
    rubric: str = ""
    stars: str = ""
    notes: tuple[str, ...] = ()


def decide(
    policy: Policy,
    verdict: Verdict,
    about: About,
    catalog: Mapping[str, Kpi],
    *,
    decided_at: str,
    waivers: Sequence[JudgedWaiver] = (),
    budgets: Sequence[BudgetStanding] = (),
    baseline_doubt: str = "",
) -> Decision:
    """What a gate says. ``decided_at`` is UTC, ISO 8601; its day says which dates are over.

    A waiver lets through only what lies within its cap with the whole interval. Before the policy's first
    day everything only warns. Raises ValueError where ``decided_at`` does not begin with a day.
    """
    today, tags = date.fromisoformat(decided_at[:10]), about.candidate.tags
    doubts = [_baseline(about, baseline_doubt)] if baseline_doubt else []
    limits = [_limit(finding, catalog, waivers, tags, policy) for finding in verdict.findings]
    rules = [*limits, *(_budget(standing, waivers, tags) for standing in budgets)]
    named = [*(rule.id for rule in limits), *(standing.budget.id for standing in budgets)]
    notes = [*about.notes, *_same_runs(about)]
    if policy.about.effective is not None and today < policy.about.effective:
        rules = [replace(rule, standing=SOFTER.get(rule.standing, rule.standing)) for rule in rules]
        doubts = [replace(rule, standing=SOFTER.get(rule.standing, rule.standing)) for rule in doubts]
        notes.append(f"the policy holds from {policy.about.effective} on: until then it only warns")
    standing = whole_standing(tuple(rule.standing for rule in (*rules, *doubts)))
    if not rules or all(rule.standing is Standing.NOT_APPLICABLE for rule in rules):
        notes.append("no rule applies to these runs")
    remarks = [*_waivers(list(zip(named, rules, strict=True)), waivers, tags), *_review(policy, today)]
    if remarks and standing is Standing.PASS:
        standing = Standing.WARNING
    return Decision(
        decided_at=decided_at,
        standing=standing,
        exit_code=EXIT_CODES.get(standing, 0),
        candidate=about.candidate,
        baseline=about.baseline,
        policy=_shown_policy(policy),
        rules=(*rules, *doubts, *remarks),
        score=about.score,
        rubric=about.rubric,
        stars=about.stars,
        figures=about.figures or {},
        notes=tuple(notes),
    )


def _same_runs(about: About) -> list[str]:
    """Held against itself anything passes a relative limit."""
    both = set(about.candidate.record_ids) & set(about.baseline.record_ids if about.baseline else ())
    if not both:
        return []
    what = "1 run is" if len(both) == 1 else f"{len(both)} runs are"
    return [f"{what} candidate and baseline at once: held against itself nothing is worse"]


def _baseline(about: About, doubt: str) -> Ruled:
    """What is held against could be anything, as long as nobody approved it: that is no evidence."""
    name = about.baseline.name if about.baseline is not None else ""
    return Ruled(
        id="baseline.approval",
        kind=Kind.BASELINE,
        title=f"Baseline {name} is approved",
        ruling=Ruling.UNDECIDED,
        standing=Standing.INCOMPLETE,
        reason=doubt,
        advice=_baseline_advice(name, doubt),
    )


def _baseline_advice(name: str, doubt: str) -> str:
    """What nobody set as the policy asks, nobody can approve."""
    if doubt.startswith((NOT_KEPT, NOT_SAID)):
        return "`wattmark baseline set RUN --reason WHY --key KEY`, then let it be approved"
    return f"`wattmark baseline approve {name} --key KEY`"


def _shown_policy(policy: Policy) -> PolicyShown:
    said = policy.about
    return PolicyShown(
        file=policy.name,
        digest=policy.digest,
        id=said.id,
        owner=said.owner,
        effective=said.effective.isoformat() if said.effective else "",
        review_by=said.review_by.isoformat() if said.review_by else "",
    )


def _limit(
    finding: Finding,
    catalog: Mapping[str, Kpi],
    waivers: Sequence[JudgedWaiver],
    tags: Mapping[str, str],
    policy: Policy,
) -> Ruled:
    limit = finding.limit
    open_ = finding.ruling in (Ruling.VIOLATION, Ruling.UNDECIDED) and not finding.tolerated
    waiving = waive(_broken(finding), tags, waivers) if open_ else NONE
    held = _held(finding)
    value = shown_answer(finding.value) if limit.relative or held is None else held
    reason = finding.reason
    if finding.ruling is Ruling.VIOLATION and finding.interval is not None and not _only_worst(finding):
        reason = "; ".join(filter(None, (BEYOND, reason)))
    return Ruled(
        id=limit.id,
        title=limit_words(limit, catalog),
        level=limit.level,
        ruling=finding.ruling,
        standing=Standing.WAIVED if waiving.helps else _standing(finding),
        kpi=limit.kpi,
        value=value,
        baseline=shown_answer(finding.baseline),
        compared=held,
        bound=limit.bound,
        bound_kind=limit.bound_kind,
        target=limit.target,
        repeats=finding.repeats,
        reason=reason,
        why=limit.reason,
        advice=finding_advice(finding) if open_ and not waiving.helps else "",
        runs_needed=finding.runs_needed,
        detectable=finding.detectable,
        waiver=waiving.shown,
        file=policy.name,
        line=limit.line,
    )


def _only_worst(finding: Finding) -> bool:
    """Whether stars reach beyond the limit with their worst alone."""
    return (
        finding.limit.kpi == STARS
        and finding.interval is not None
        and finding.interval[1] >= finding.limit.bound
    )


def _standing(finding: Finding) -> Standing:
    """Without a waiver: ruling, level and leniency."""
    if finding.ruling is Ruling.NOT_APPLICABLE:
        return Standing.NOT_APPLICABLE
    if finding.ruling is Ruling.PASS:
        return Standing.PASS
    if finding.tolerated:
        return Standing.PASS if finding.leniency == IfLacking.PASS else Standing.WARNING
    return _by_level(finding.limit.level, finding.ruling)


def _by_level(level: str, ruling: Ruling) -> Standing:
    standing = Standing.FAILED if ruling is Ruling.VIOLATION else Standing.INCOMPLETE
    return standing if level == Level.ERROR else Standing.WARNING


def _broken(finding: Finding) -> Broken:
    limit: Limit = finding.limit
    return Broken(
        rule=limit.id,
        interval=finding.interval,
        above_is_bad=limit.above_is_bad,
        share=limit.relative,
        unit=finding.value.unit if isinstance(finding.value, Figure) else "",
        lacking=finding.ruling is Ruling.UNDECIDED,
    )


def _held(finding: Finding) -> Shown | None:
    """What was held against the bound, with the interval that was judged: a level, or a change as a share."""
    figures = [f for f in (finding.value, finding.baseline) if isinstance(f, Figure)]
    if finding.estimate is None or not figures:
        return None
    grade = max(str(figure.grade or "") for figure in figures)
    unit = "1" if finding.limit.relative else figures[0].unit
    found = shown(Figure(finding.estimate, unit), finding.interval)
    coverage = min(figure.coverage for figure in figures)
    return replace(found, grade=grade, coverage=coverage) if found is not None else None


def _budget(standing: BudgetStanding, waivers: Sequence[JudgedWaiver], tags: Mapping[str, str]) -> Ruled:
    budget, ruling = standing.budget, ruling_of(standing)
    off = budget.level == Level.OFF
    ruling = Ruling.NOT_APPLICABLE if off else ruling
    waiving = NONE
    if ruling in (Ruling.VIOLATION, Ruling.UNDECIDED):
        waiving = waive(_spent(standing, ruling), tags, waivers)
    said = [standing.reason, f"period {standing.period}" if standing.period else ""]
    return Ruled(
        id=".".join(filter(None, [budget.id, *(value for _, value in standing.key), _which_run(standing)])),
        kind=Kind.BUDGET,
        title=budget_words(budget, standing.key),
        level=Level(budget.level),
        ruling=ruling,
        standing=Standing.WAIVED if waiving.helps else _budget_standing(standing, ruling),
        value=shown(beside_limit(standing.used, budget)) if isinstance(standing.used, Figure) else None,
        bound=base_limit(budget) / shown_in(budget)[1],
        bound_kind="budget",
        reason="switched off" if off else "; ".join(filter(None, said)),
        why=budget.reason,
        advice=budget_advice(standing, ruling),
        waiver=waiving.shown,
        file=budget.file,
        line=budget.line,
    )


def _which_run(standing: BudgetStanding) -> str:
    """What tells the rules of a budget apart that every run has for itself."""
    return standing.period.removeprefix(f"{RUN} ") if standing.budget.period == RUN else ""


def _budget_standing(standing: BudgetStanding, ruling: Ruling) -> Standing:
    budget = standing.budget
    if ruling is Ruling.NOT_APPLICABLE:
        return Standing.NOT_APPLICABLE
    if ruling is Ruling.PASS:
        return Standing.WARNING if standing.state is BudgetState.WARNING else Standing.PASS
    if ruling is Ruling.UNDECIDED and may_be_let_off(standing):
        if budget.if_missing == IfLacking.PASS:
            return Standing.PASS
        if budget.if_missing == IfLacking.WARN:
            return Standing.WARNING
    return _by_level(budget.level, ruling)


def _spent(standing: BudgetStanding, ruling: Ruling) -> Broken:
    """In the budget's own unit: what was used, or what it will come to where that is what breaks it."""
    budget = standing.budget
    figure = standing.used
    if ruling is Ruling.VIOLATION and standing.state is not BudgetState.SPENT:
        figure = standing.projected or figure
    interval = None
    more = standing.more if ruling is Ruling.VIOLATION else None  # None: it may be worse than it tells
    if isinstance(figure, Figure) and more is not None:
        told = figure.interval[0], figure.interval[1] + more
        low, high = (end * budget.limit / base_limit(budget) for end in told)
        interval = low, high
    return Broken(rule=budget.id, interval=interval, unit=budget.unit, lacking=ruling is Ruling.UNDECIDED)


def _waivers(
    rules: Sequence[tuple[str, Ruled]], waivers: Sequence[JudgedWaiver], tags: Mapping[str, str]
) -> list[Ruled]:
    """What must be said of waivers: of those that lapsed, that nothing needs, that nobody can vouch for."""
    quiet = (Standing.PASS, Standing.NOT_APPLICABLE)
    tried = {rule.waiver.id: rule.standing is Standing.WAIVED for _, rule in rules if rule.waiver is not None}
    used = {name for name, helped in tried.items() if helped}
    broken = {name for name, rule in rules if rule.standing not in quiet}
    found = [_remark(one, one.reason, one.state.value) for one in waivers if _lapsed(one, tried, tags)]
    for one in waivers:
        if one.waiver.id in used and one.state is WaiverState.PERMANENT:
            found.append(_remark(one, "it never expires, so nobody has to look at it again", "permanent"))
        elif one.waiver.id in used and not one.verified:
            found.append(_remark(one, one.reason, "unverified"))
    for one in stale(waivers, used=used, broken=broken, tags=tags):
        found.append(_remark(one, one.reason, "stale"))
    return found


def _lapsed(one: JudgedWaiver, tried: Collection[str], tags: Mapping[str, str]) -> bool:
    """Whether it was looked to for help and has none to give, or is for a rule that is no more."""
    if one.state is WaiverState.STALE:
        return one.waiver.scope.of(tags) is Applies.YES
    return one.waiver.id in tried and one.state in (WaiverState.EXPIRED, WaiverState.PENDING)


def _remark(one: JudgedWaiver, reason: str, what: str) -> Ruled:
    waiver = one.waiver
    pending = one.state is WaiverState.PENDING  # there is nothing yet that could be renewed
    first = f"have it approved: `wattmark waiver approve {waiver.id}`" if pending else "renew it"
    return Ruled(
        id=f"waiver.{waiver.id}",
        kind=Kind.WAIVER,
        title=f"Waiver {waiver.id} of {waiver.rule} is {what}",
        level=Level.WARN,
        ruling=Ruling.VIOLATION,
        standing=Standing.WARNING,
        reason=reason,
        waiver=shown_waiver(one),
        advice=f"{first}, or end it: `wattmark waiver revoke {waiver.id}`",
        file=waiver.file,
    )


def _review(policy: Policy, today: date) -> list[Ruled]:
    due = policy.about.review_by
    if due is None or today <= due:
        return []
    days = (today - due).days
    late = "1 day" if days == 1 else f"{days} days"
    return [
        Ruled(
            id="policy.review",
            kind=Kind.REVIEW,
            title=f"Review of the policy by {due}",
            level=Level.WARN,
            ruling=Ruling.VIOLATION,
            standing=Standing.WARNING,
            reason=f"overdue for {late}",
            advice="; ".join(filter(None, (policy.about.owner, "review it and set review_by anew"))),
            file=policy.name,
        )
    ]
