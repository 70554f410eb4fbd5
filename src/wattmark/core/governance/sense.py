"""What is allowed in a policy and makes little sense: rules that never apply, approvals nobody can give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from fnmatch import fnmatchcase

from wattmark.core.governance.budget import Budget
from wattmark.core.governance.level import Level
from wattmark.core.governance.periods import NAMED, period_at
from wattmark.core.governance.rated import SCORE
from wattmark.core.governance.scope import Scope
from wattmark.core.judging import MEDIAN_FROM
from wattmark.core.kpis import CATALOG
from wattmark.core.kpis.kpi import Better
from wattmark.core.policy import Aggregation, IfLacking, Limit, Policy

REACH = {
    "hardware_utilisation_efficiency": (0.0, 1.0),
    "renewable_energy_matching_hourly": (0.0, 1.0),
    "pue": (1.0, float("inf")),
}
"""Least and most that these KPIs can be, by what they are; all others are never below 0."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to look at."""

    about: str
    """Id of the rule, or name of the table."""
    says: str
    line: int | None = None


def remarks_on(policy: Policy, today: date) -> tuple[Remark, ...]:
    """Everything to look at, in the order of the file; () when all makes sense."""
    found = [*_dates(policy, today)]
    for limit in policy.limits:
        found += [Remark(limit.id, says, limit.line) for says in _of_limit(limit)]
    for budget in policy.budgets:
        found += [Remark(budget.id, says, budget.line) for says in _of_budget(budget, today)]
    return (*found, *_of_people(policy))


def _dates(policy: Policy, today: date) -> Iterator[Remark]:
    about = policy.about
    if not policy.limits and not policy.budgets:
        yield Remark("policy", "there is no [[limit]] and no [[budget]]: a gate refuses it")
    if about.review_by is not None and about.review_by < today:
        yield Remark("policy", f"its review was due on {about.review_by}")
    if about.effective is not None and about.effective > today:
        yield Remark("policy", f"it holds from {about.effective} on: until then everything only warns")
    if about.effective is not None and about.review_by is not None and about.review_by <= about.effective:
        yield Remark("policy", "its review is due before it holds")


def _of_limit(limit: Limit) -> Iterator[str]:
    if limit.level is Level.OFF:
        yield "it is switched off"
    if limit.workload_class and _excludes(
        limit.scope.patterns.get("workload_class", ()), limit.workload_class
    ):
        yield "its workload_class and its scope exclude each other: it never applies"
    if limit.aggregation is Aggregation.MEDIAN and limit.repeats < MEDIAN_FROM:
        yield f"a median needs {MEDIAN_FROM} repeats: with fewer it is not enough evidence"
    held = limit.relative or limit.kpi == SCORE
    if held and limit.repeats == 1:
        yield "one run says nothing about noise: ask for repeats = 3 or more"
    if not held and limit.if_no_baseline is not IfLacking.FAIL:
        yield "if_no_baseline says nothing of an absolute limit"
    yield from _of_bound(limit)
    yield from _of_scope(limit.scope)


def _of_bound(limit: Limit) -> Iterator[str]:
    """A share that was meant as percent; a bound on the wrong side, or where the KPI never is."""
    kind, bound = limit.bound_kind, limit.bound
    if limit.relative:
        if bound >= 1:
            way = "grow" if kind == "max_increase" else "fall"
            yield f"{kind} = {bound:g} lets it {way} by {100 * bound:g} %: a share is meant, 0.05 is 5 %"
        return
    kpi = CATALOG.get(limit.kpi)
    least, most = REACH.get(limit.kpi, (0.0, float("inf")))
    if (kind == "max" and bound < least) or (kind == "min" and bound > most):
        yield f"it can never pass: {limit.kpi} lies between {least:g} and {most:g}"
    elif kpi is not None and kpi.better is (Better.HIGHER if kind == "max" else Better.LOWER):
        way, other = ("higher", "min") if kind == "max" else ("lower", "max")
        yield f"a {way} {limit.kpi} is better, and {kind} breaks by what is better: is {other} meant?"


def _of_scope(scope: Scope) -> Iterator[str]:
    for tag, patterns in scope.patterns.items():
        for pattern in patterns:
            if pattern.startswith("!") or _unclosed(pattern):
                yield f"{tag} {pattern!r} is matched letter by letter: patterns are *, ?, [abc] and [!abc]"


def _unclosed(pattern: str) -> bool:
    """Whether a bracket of it opens no class of letters: ``fnmatch`` takes it for itself then."""
    at = pattern.find("[")
    while at >= 0:
        first = at + 2 if pattern[at + 1 : at + 2] == "!" else at + 1
        end = pattern.find("]", first + 1)  # one that stands first is a letter of the class
        if end < 0:
            return True
        at = pattern.find("[", end + 1)
    return False


def _excludes(patterns: tuple[str, ...], classes: tuple[str, ...]) -> bool:
    return bool(patterns) and not any(fnmatchcase(name, p) for name in classes for p in patterns)


def _of_budget(budget: Budget, today: date) -> Iterator[str]:
    if budget.level == Level.OFF:
        yield "it is switched off"
    if NAMED.fullmatch(budget.period) and _over(budget.period, today):
        yield f"{budget.period} is over: it never applies again"
    yield from _of_scope(budget.scope)


def _over(period: str, today: date) -> bool:
    now = datetime.combine(today, time(), UTC)
    end = period_at(period, now, UTC).end
    return end is not None and end <= now


def _of_people(policy: Policy) -> Iterator[Remark]:
    rules, roles = policy.waivers, policy.identity.roles
    if roles and rules.role not in roles:
        yield Remark("waivers", f"[roles] does not name {rules.role!r}: then everybody may approve")
    named = roles.get(rules.role)
    if named is not None and len(set(named)) < rules.approvers:
        yield Remark(
            "waivers",
            f"{rules.approvers} must approve and {rules.role!r} has {len(set(named))}: no waiver can hold",
        )
    if policy.identity.allow_unverified:
        yield Remark("identity", "allow_unverified: anybody can type anybody's name")
    if policy.audit.required and not policy.audit.log:
        yield Remark("audit", "a log is required and none is named: every gate must be told one")
