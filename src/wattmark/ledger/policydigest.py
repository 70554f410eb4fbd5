"""SHA-256 over what a policy says: comments, layout and the order of keys and tables change nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from wattmark.core.governance.budget import Budget
from wattmark.core.governance.scope import Scope
from wattmark.core.plain import plain
from wattmark.core.policy import Limit, Policy
from wattmark.hashing import sha256

PLACE = frozenset({"place", "line", "digest", "file"})
WORDS = frozenset({"id", "reason", "target", "owner"})
"""What changes nothing of what a rule lets through: another wording leaves its waivers as they are."""


def rule_digest(rule: Limit | Budget) -> str:
    """Of one limit or budget, with the defaults that hold for it; not of its name and its reason."""
    return _digest(_rule(rule, PLACE | WORDS))


def policy_digest(policy: Policy) -> str:
    """Of everything in a policy, names and reasons included; not of the name of its file."""
    rules: list[Limit | Budget] = [*policy.limits, *policy.budgets]
    body = plain(replace(policy, limits=(), budgets=(), name="", digest=""))
    return _digest({**body, "rules": [_rule(rule, PLACE) for rule in sorted(rules, key=lambda r: r.id)]})


def _rule(rule: Limit | Budget, without: frozenset[str]) -> dict[str, Any]:
    ordered: dict[str, Any] = {"scope": _scope(rule.scope)}
    if isinstance(rule, Limit):
        ordered["workload_class"] = tuple(sorted(set(rule.workload_class)))
    else:
        ordered["by"] = tuple(sorted(set(rule.by)))
    found = plain(replace(rule, **ordered))
    return {"kind": type(rule).__name__.lower()} | {k: v for k, v in found.items() if k not in without}


def _scope(scope: Scope) -> Scope:
    return Scope({tag: tuple(sorted(set(patterns))) for tag, patterns in scope.patterns.items()})


def _digest(content: Any) -> str:
    """Canonical JSON: keys sorted, no blanks; days as ISO 8601."""
    return sha256(msgspec.json.encode(content, order="sorted")).hexdigest()
