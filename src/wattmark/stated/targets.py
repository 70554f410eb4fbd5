"""``[[target]]`` and ``[portfolio]`` of ``ledger.toml``: what is allowed, and what stands for what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wattmark.core.errors import ConfigError, UsageError
from wattmark.core.frozen import PortfolioRules
from wattmark.core.portfolio import ENERGY, PRIMARIES
from wattmark.core.targets import (
    CARBON_UNITS,
    DEFAULT_COVERAGE,
    ENERGY_PER_UNIT,
    ENERGY_UNITS,
    EVERY,
    FLAT,
    INTENSITIES,
    LINEAR,
    WHATS,
    Target,
    bounds_of,
    singular,
)
from wattmark.fields import Fields

KEYS = (
    "name",
    "what",
    "period",
    "limit",
    "unit",
    "reduction",
    "baseline",
    "path",
    "where",
    "coverage",
    "evidence_every",
    "functional_unit",
)
MOST_LIMIT = 1e24


def targets(tables: Sequence[Fields]) -> tuple[Target, ...]:
    """The targets that tables state. Raises ConfigError, naming the file, the table and the key."""
    found: dict[str, Target] = {}
    for table in tables:
        target = _target(table)
        if target.name in found:
            raise table.wrong("name", f"{target.name!r} is the name of another [[target]]: give it its own")
        found[target.name] = target
    return tuple(found.values())


def portfolio_rules(table: Fields) -> PortfolioRules:
    """How inventories are made, and from which change on a baseline must be made anew."""
    table.only("scope31", "threshold")
    usual = PortfolioRules()
    return PortfolioRules(
        primary=table.choice("scope31", PRIMARIES, usual.primary),
        threshold=table.amount("threshold", 0.0, 1.0, usual.threshold),
    )


def _target(table: Fields) -> Target:
    table.only(*KEYS)
    if "what" not in table.values:
        raise table.wrong("what", f"is missing: give one of {', '.join(WHATS)}")
    what = table.choice("what", WHATS)
    period = table.named("period")
    try:
        bounds_of(period)
    except UsageError as error:
        raise table.wrong("period", str(error)) from None
    unit = table.text("functional_unit", "").strip()
    if (what in INTENSITIES) != bool(unit):
        problem = "is missing: say what carbon or energy is per" if not unit else f"says nothing of {what}"
        raise table.wrong("functional_unit", problem)
    limit, reduction = _limit(table, what, unit), _reduction(table)
    if (limit is None) == (reduction is None):
        raise table.wrong("limit", "or `reduction` says how much is allowed: give one of the two")
    baseline = table.text("baseline", "").strip()
    if (reduction is None) != (not baseline):
        raise table.wrong("baseline", "and `reduction` go together: give both, or a `limit`")
    path = table.choice("path", (FLAT, LINEAR), FLAT)
    if path == LINEAR and (reduction is None or "-Q" in period):
        raise table.wrong("path", "linear leads from a baseline to a year: give `reduction`, and a year")
    return Target(
        name=table.named("name"),
        what=what,
        period=period,
        limit=limit,
        reduction=reduction,
        baseline=baseline,
        path=path,
        where=_where(table),
        coverage=table.amount("coverage", 0.0, 1.0, DEFAULT_COVERAGE),
        every=table.choice("evidence_every", tuple(EVERY), "day"),
        functional_unit=unit,
    )


def _limit(table: Fields, what: str, functional: str) -> float | None:
    """In joules or grams, per unit where it is a KPI."""
    if table.number("limit") is None:
        if "unit" in table.values:
            raise table.wrong("unit", "is of a `limit`, and there is none")
        return None
    amount = table.amount("limit", 0.0, MOST_LIMIT)
    sizes: Mapping[str, float] = ENERGY_UNITS if what in (ENERGY, ENERGY_PER_UNIT) else CARBON_UNITS
    per = f"/{singular(functional)}" if functional else ""
    allowed = {f"{name}{per}": size for name, size in sizes.items()}
    if "unit" not in table.values:
        raise table.wrong("unit", f"is missing: give one of {', '.join(allowed)}")
    return amount * allowed[table.choice("unit", tuple(allowed))]


def _reduction(table: Fields) -> float | None:
    return None if table.number("reduction") is None else table.amount("reduction", 0.0, 1.0)


def _where(table: Fields) -> Mapping[str, tuple[str, ...]]:
    """Key -> values; one value need not stand in a list."""
    inside = table.table("where")
    found = {}
    for key, value in inside.values.items():
        found[key] = (value,) if isinstance(value, str) else inside.texts(key)
        if not found[key]:
            raise ConfigError(table.file, f"{table.place} where.{key}", "holds no value: name at least one")
    return found
