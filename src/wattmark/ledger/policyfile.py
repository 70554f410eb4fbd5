"""Policy files: the limits of a gate, read strictly. A typo is an error, never a rule left out."""

from __future__ import annotations

from pathlib import Path

from wattmark.config import nearest
from wattmark.core.errors import UsageError
from wattmark.core.known import Grade
from wattmark.core.kpis import CATALOG
from wattmark.core.policy import COVERAGE, Limit, OnUndecided, Policy, check_limit
from wattmark.core.rubric import Factors
from wattmark.fields import Fields, parse_toml, read_toml

POLICY_NAME = "wattmark-policy.toml"
KEYS = (
    "kpi",
    "max",
    "min",
    "max_increase",
    "max_decrease",
    "workload_class",
    "stage",
    "grade",
    "coverage",
    "repeats",
    "on_undecided",
    "reason",
)


def find_policy(start: Path) -> Path | None:
    """The nearest policy file in this folder or one above it."""
    return nearest(start, POLICY_NAME)


def read_policy(path: Path) -> Policy:
    """Read a policy file. Raises ConfigError that names the file and the place in it."""
    return _policy(Fields(str(path), "", read_toml(path)))


def parse_policy(text: str, file: str) -> Policy:
    """A policy from text. Raises ConfigError that names the file and the place in it."""
    return _policy(Fields(file, "", parse_toml(text, file)))


def switched_on(text: str) -> str:
    """A policy with every switched-off line on: lines where # is followed by a letter or a bracket."""
    return "\n".join(
        line[1:] if line[:1] == "#" and (line[1:2].isalpha() or line[1:2] == "[") else line
        for line in text.splitlines()
    )


def _policy(fields: Fields) -> Policy:
    fields.only("factors", "limit")
    factors = fields.choice("factors", [f.value for f in Factors], Factors.BASELINE.value)
    limits = tuple(_limit(item) for item in fields.tables("limit"))
    return Policy(limits=limits, factors=Factors(factors), name=fields.file)


def _limit(fields: Fields) -> Limit:
    fields.only(*KEYS)
    grade = fields.choice("grade", [g.value for g in Grade])
    undecided = fields.choice("on_undecided", [o.value for o in OnUndecided], OnUndecided.FAIL.value)
    coverage = fields.number("coverage")
    limit = Limit(
        kpi=fields.text("kpi"),
        max=fields.number("max"),
        min=fields.number("min"),
        max_increase=fields.number("max_increase"),
        max_decrease=fields.number("max_decrease"),
        workload_class=fields.texts("workload_class"),
        stage=fields.text("stage", "") or None,
        grade=Grade(grade) if grade else None,
        coverage=COVERAGE if coverage is None else coverage,
        repeats=_repeats(fields),
        on_undecided=OnUndecided(undecided),
        reason=fields.text("reason", ""),
        place=fields.place,
    )
    try:
        check_limit(limit, CATALOG)
    except UsageError as error:
        raise fields.refused(error) from None
    return limit


def _repeats(fields: Fields) -> int:
    number = fields.number("repeats")
    if number is None:
        return 1
    if number != int(number):
        raise fields.wrong("repeats", f"must be a whole number, not {number:g}")
    return int(number)
