"""Budgets of a policy as Prometheus can watch them: carbon of one model, or of all, over a rolling period."""

from __future__ import annotations

from collections.abc import Iterable

from wattmark.core.governance.budget import CARBON_UNITS, Budget
from wattmark.monitoring.budgets import EVERY
from wattmark.monitoring.settings import RuleSettings

DAY = 86_400.0
LENGTHS = {"day": DAY, "week": 7 * DAY, "month": 30 * DAY, "quarter": 91 * DAY, "year": 365 * DAY}
"""Of a rolling period that stands for one of the calendar, seconds."""
WILD = frozenset("*?[")


def watched(budgets: Iterable[Budget], settings: RuleSettings) -> tuple[dict[str, float], list[str]]:
    """Model -> grams for the period of the rules, and why other budgets are not watched.

    A budget of another period is taken by its share of time: its burn rate stays the same. Of two for one
    model the smaller holds.
    """
    found: dict[str, float] = {}
    notes: list[str] = []
    for budget in budgets:
        why = _unfit(budget, settings)
        if why:
            notes.append(f"budget {budget.id or budget.place} is not watched by Prometheus: {why}")
            continue
        (model,) = budget.scope.patterns.get("model", (EVERY,))
        grams = budget.limit * CARBON_UNITS[budget.unit] * settings.budget_period / LENGTHS[budget.period]
        found[model] = min(grams, found.get(model, grams))
    return found, notes


def _unfit(budget: Budget, settings: RuleSettings) -> str:
    """Why a budget cannot be watched so; empty where it can."""
    if not budget.carbon:
        return "it is of energy, and the alerts are on carbon"
    if budget.accounting != settings.budget_accounting:
        return f"it is {budget.accounting}-based, and the rules are {settings.budget_accounting}-based"
    if budget.period not in LENGTHS:
        return f"its period {budget.period!r} does not roll"
    if budget.by:
        return f"it is kept by {', '.join(budget.by)}: write one for each model"
    if set(budget.scope.patterns) - {"model"}:
        return f"its scope is {budget.scope}: the agents tell carbon by model"
    models = budget.scope.patterns.get("model", (EVERY,))
    if len(models) != 1 or (WILD & set(models[0]) and models[0] != EVERY):
        return f"its scope is {budget.scope}: one model by name, or all"
    return ""
