"""Policy files, read strictly. A typo is an error with its line, never a rule left out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import Any

from wattmark.config import nearest
from wattmark.core.errors import ConfigError, UsageError
from wattmark.core.governance.budget import Budget
from wattmark.core.governance.rated import RATINGS, check_rating
from wattmark.core.governance.rules import (
    AuditRules,
    BaselineRules,
    CharterRules,
    IdentityRules,
    PolicyAbout,
    WaiverRules,
)
from wattmark.core.kpis import CATALOG
from wattmark.core.policy import Limit, Policy, check_limit
from wattmark.core.rubric import Factors
from wattmark.fields import Fields, text_of
from wattmark.ledger.keys import read_key, read_keys
from wattmark.ledger.policydigest import policy_digest, rule_digest
from wattmark.ledger.policykeys import BUDGET, DEFAULTS, LIMIT, TABLES, TOP
from wattmark.ledger.tomllines import TomlLines, parsed

POLICY_NAME = "wattmark-policy.toml"
SHORT = 8
"""So many digits of a digest tell two rules apart that would be named alike."""


def find_policy(start: Path) -> Path | None:
    """The nearest policy file in this folder or one above it."""
    return nearest(start, POLICY_NAME)


def read_policy(path: Path) -> Policy:
    """Read a policy file. Raises ConfigError that names the file, the line and the place in it."""
    return parse_policy(text_of(path), str(path))


def parse_policy(text: str, file: str) -> Policy:
    """A policy from text. Raises ConfigError that names the file, the line and the place in it."""
    return parsed(text, file, _policy)


def switched_on(text: str) -> str:
    """A policy with every switched-off line on: lines where # is followed by a letter or a bracket."""
    return "\n".join(
        line[1:] if line[:1] == "#" and (line[1:2].isalpha() or line[1:2] == "[") else line
        for line in text.splitlines()
    )


def _policy(fields: Fields, lines: TomlLines) -> Policy:
    fields.only(*TOP, *TABLES)
    factors = fields.choice("factors", TOP["factors"].choices, Factors.BASELINE.value)
    defaults = read_keys(fields.table("defaults"), DEFAULTS.keys)
    limits = [_limit(item, defaults, lines) for item in fields.tables("limit")]
    budgets = [_budget(item, lines) for item in fields.tables("budget")]
    identity = {"roles": _roles(fields), **_table(fields, "identity")}
    for table in ("waivers", "baseline"):
        _check_role(fields, table, identity["roles"])
    policy = Policy(
        limits=_named(limits, budgets, fields),
        budgets=tuple(budgets),
        factors=Factors(factors),
        name=fields.file,
        about=PolicyAbout(**_table(fields, "policy")),
        waivers=WaiverRules(**_table(fields, "waivers")),
        identity=IdentityRules(**identity),
        baseline=BaselineRules(**_table(fields, "baseline")),
        audit=AuditRules(**_table(fields, "audit")),
        charter=CharterRules(**_table(fields, "charter")) if "charter" in fields.values else None,
    )
    return replace(policy, digest=policy_digest(policy))


def _table(fields: Fields, name: str) -> dict[str, Any]:
    return read_keys(fields.table(name), TABLES[name].keys)


def _roles(fields: Fields) -> Mapping[str, tuple[str, ...]]:
    inside, key = fields.table("roles"), TABLES["roles"].keys["*"]
    return {role: read_key(inside, role, key) for role in inside.values}


def _check_role(fields: Fields, table: str, roles: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse a role that is written and that ``[roles]`` does not name: by a typo everybody would have it."""
    role = fields.table(table).values.get("role")
    if isinstance(role, str) and role and roles and role not in roles:
        close = get_close_matches(role, roles, 1)
        meant = f"did you mean {close[0]!r}?" if close else f"it names {', '.join(roles)}"
        raise ConfigError(fields.file, f"[{table}] role", f"[roles] does not name {role!r}: {meant}")


def _limit(fields: Fields, defaults: Mapping[str, Any], lines: TomlLines) -> Limit:
    said = read_keys(fields, LIMIT.keys)
    values = {**defaults, **said}
    if "max_increase" in said or "max_decrease" in said:
        values = {**values, "tolerance": said.get("tolerance", 0.0)}
    values = {**values, "stage": values.get("stage") or None}
    try:
        limit = Limit(**values, place=fields.place, line=lines.of(fields.place))
        check_limit(limit, {**CATALOG, **RATINGS})
        check_rating(limit)
    except UsageError as error:
        raise fields.refused(error) from None
    return replace(limit, digest=rule_digest(limit))


def _budget(fields: Fields, lines: TomlLines) -> Budget:
    values = read_keys(fields, BUDGET.keys)
    values = {key: value.value if isinstance(value, Enum) else value for key, value in values.items()}
    budget = Budget(**values, file=fields.file, place=fields.place, line=lines.of(fields.place))
    return replace(budget, digest=rule_digest(budget))


def _named(limits: Sequence[Limit], budgets: Sequence[Budget], fields: Fields) -> tuple[Limit, ...]:
    """The limits, each with an id of its own. Raises ConfigError for two rules of one name."""
    taken: dict[str, str] = {}
    rules: list[Limit | Budget] = [*limits, *budgets]
    for rule in filter(lambda rule: rule.id, rules):
        if rule.id in taken:
            raise ConfigError(
                fields.file, f"{rule.place} id", f"{rule.id!r} is the name of {taken[rule.id]} already"
            )
        taken[rule.id] = rule.place
    made = [made_id(limit) for limit in limits if not limit.id]
    found: list[Limit] = []
    for limit in limits:
        name = limit.id or made_id(limit)
        alike = not limit.id and (made.count(name) > 1 or name in taken)
        found.append(replace(limit, id=_told_apart(name, limit, found) if alike else name))
    return tuple(found)


def _told_apart(name: str, limit: Limit, others: Sequence[Limit]) -> str:
    """A name that would be another's as well, with what tells the contents apart; twins are numbered."""
    longer = f"{name}-{limit.digest[:SHORT]}"
    twins = sum(other.id.startswith(longer) for other in others)
    return f"{longer}-{twins + 1}" if twins else longer


def made_id(limit: Limit) -> str:
    """A name from what a limit is about, the same whatever its bound: ``energy_to_solution.max_increase``."""
    words = [
        limit.kpi,
        limit.bound_kind,
        limit.statistic or "",
        limit.stage or "",
        *sorted(limit.workload_class),
    ]
    for tag, patterns in sorted(limit.scope.patterns.items()):
        words += [tag, *sorted(patterns)]
    return ".".join(filter(None, (re.sub(r"[^A-Za-z0-9_-]+", "-", word).strip("-") for word in words)))[:90]
