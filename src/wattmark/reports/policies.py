"""A policy as it is in force, in words and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from wattmark.core.governance.budget import Budget
from wattmark.core.governance.rated import RATINGS
from wattmark.core.governance.sense import Remark
from wattmark.core.governance.wording import budget_words, limit_words
from wattmark.core.kpis import CATALOG
from wattmark.core.plain import plain
from wattmark.core.policy import Aggregation, IfLacking, Limit, OnUndecided, Policy
from wattmark.reports.as_json import document
from wattmark.reports.as_text import table
from wattmark.reports.quantities import percent

SHORT = 12
LIMITED = {**CATALOG, **RATINGS}


def policy_words(policy: Policy) -> str:
    """Every rule on a line, then who may waive, where decisions are logged."""
    rows = [
        (limit.id, limit.level.value, limit_words(limit, LIMITED), _for_limit(limit), _needs(limit))
        for limit in policy.limits
    ]
    rows += [
        (
            budget.id,
            str(budget.level),
            budget_words(budget),
            _for_budget(budget),
            f"coverage {percent(budget.coverage)}",
        )
        for budget in policy.budgets
    ]
    rules = table(("rule", "level", "what", "for", "needs"), rows) if rows else "no rules"
    return "\n".join([_head(policy), "", rules, "", *_around(policy)])


def check_text(policy: Policy, remarks: Sequence[Remark]) -> str:
    """What was found, then what to look at."""
    count = f"{_counted(len(policy.limits), 'limit')}, {_counted(len(policy.budgets), 'budget')}"
    lines = [f"{policy.name}: valid; {count}; sha256 {policy.digest[:SHORT]}"]
    for remark in remarks:
        where = f"{policy.name}:{remark.line}" if remark.line else policy.name
        lines.append(f"{where}: {remark.about}: {remark.says}")
    return "\n".join(lines)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def check_json(policy: Policy, remarks: Sequence[Remark]) -> str:
    """The same as a document."""
    body = {
        "policy": policy.name,
        "digest": policy.digest,
        "rules": [*(limit.id for limit in policy.limits), *(budget.id for budget in policy.budgets)],
        "remarks": [{"about": r.about, "says": r.says, "line": r.line} for r in remarks],
    }
    return document("policy-check", 1, body)


def policy_json(policy: Policy) -> str:
    """Everything in force; a field that a rule leaves at the built-in default is there as well."""
    body = {
        "policy": policy.name,
        "digest": policy.digest,
        "factors": policy.factors.value,
        "about": _fields(policy.about),
        "limits": [_whole(limit) | {"title": limit_words(limit, LIMITED)} for limit in policy.limits],
        "budgets": [_whole(budget) | {"title": budget_words(budget)} for budget in policy.budgets],
        "waivers": _fields(policy.waivers),
        "identity": _fields(policy.identity),
        "audit": _fields(policy.audit),
        "charter": _fields(policy.charter) if policy.charter is not None else None,
    }
    return document("policy", 1, body)


def _whole(rule: Limit | Budget) -> dict[str, Any]:
    return _fields(replace(rule, place=""))


def _fields(record: Any) -> dict[str, Any]:
    """All fields of a record, also those that hold their default."""
    names = [name for name in record.__dataclass_fields__ if name != "place"]
    found = {name: plain(getattr(record, name)) for name in names}
    found |= {name: value.isoformat() for name, value in found.items() if isinstance(value, date)}
    if "scope" in found:
        found["scope"] = found["scope"].get("patterns", {})
    return found


def _head(policy: Policy) -> str:
    about = policy.about
    said: Mapping[str, object] = {
        "": about.id,
        "owner": about.owner,
        "effective": about.effective,
        "review by": about.review_by,
        "factors": policy.factors.value,
        "sha256": policy.digest[:SHORT],
    }
    told = [f"{name} {value}".strip() for name, value in said.items() if value]
    return f"{policy.name}: {', '.join(told)}"


def _for_limit(limit: Limit) -> str:
    classes = f"classes {', '.join(limit.workload_class)}" if limit.workload_class else ""
    scope = str(limit.scope) if limit.scope.patterns else ""
    return "; ".join(filter(None, (scope, classes))) or "all runs"


def _for_budget(budget: Budget) -> str:
    each = f"each {', '.join(budget.by)}" if budget.by else ""
    scope = str(budget.scope) if budget.scope.patterns else ""
    return "; ".join(filter(None, (scope, each))) or "all runs"


def _needs(limit: Limit) -> str:
    """What the evidence must be, and what holds where it is not."""
    said = [
        f"grade {limit.grade}" if limit.grade else "",
        f"coverage {percent(limit.coverage)}",
        f"{limit.repeats} repeats" if limit.repeats > 1 else "",
        limit.aggregation.value if limit.aggregation is not Aggregation.MEAN else "",
        f"undecided: {limit.on_undecided}" if limit.on_undecided is not OnUndecided.FAIL else "",
        f"missing: {limit.if_missing}" if limit.if_missing is not IfLacking.FAIL else "",
        f"no baseline: {limit.if_no_baseline}" if limit.if_no_baseline is not IfLacking.FAIL else "",
        f"target {limit.target:g}" if limit.target is not None else "",
    ]
    return ", ".join(filter(None, said))


def _around(policy: Policy) -> list[str]:
    rules, identity, audit = policy.waivers, policy.identity, policy.audit
    ends = "may be without an end" if rules.permanent else f"at most {rules.max_days} days"
    cap = "may be without a cap" if rules.uncapped else "with a cap"
    who = f"{rules.approvers} of {rules.role}" + (", not the requester" if rules.not_requester else "")
    known = "typed names are enough" if identity.allow_unverified else "identities must be verified"
    log = audit.log or "none named"
    return [
        f"waivers   {rules.file}: approved by {who}; {ends}, {cap}; {known}",
        f"audit     log {log}{', required' if audit.required else ''}; keeps {audit.keep}",
    ]
