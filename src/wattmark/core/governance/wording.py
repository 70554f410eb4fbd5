"""Rules in words, and what to do about them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from wattmark.core.figure import NotReached
from wattmark.core.governance.budget import Budget, BudgetStanding, key_words
from wattmark.core.governance.periods import NAMED
from wattmark.core.kpis.kpi import Kpi
from wattmark.core.policy import Aggregation, Limit
from wattmark.core.verdict import Finding, Ruling

EXCEPTION = "ask for an exception: `wattmark waiver request`"


def limit_words(limit: Limit, catalog: Mapping[str, Kpi]) -> str:
    """``Carbon per Inference, operational at most 1 gCO2e/inference``."""
    kpi = catalog[limit.kpi]
    unit = limit.unit or kpi.unit
    named = kpi.title + (f" ({limit.statistic})" if limit.statistic else "")
    where = f" in stage {limit.stage}" if limit.stage else ""
    many = f", {limit.aggregation} of the repeats" if limit.aggregation is not Aggregation.MEAN else ""
    return f"{named}{where} {_bound_words(limit, '' if unit == '1' else f' {unit}')}{many}"


def _bound_words(limit: Limit, unit: str) -> str:
    if limit.max_increase is not None:
        return f"{at_most(limit.max_increase)} more than the baseline"
    if limit.max_decrease is not None:
        return f"{at_most(limit.max_decrease)} less than the baseline"
    tolerance = f" ({100 * limit.tolerance:g} % tolerance)" if limit.tolerance else ""
    return f"{'at most' if limit.above_is_bad else 'at least'} {limit.bound:g}{unit}{tolerance}"


def at_most(share: float) -> str:
    """How much more or less than a baseline is allowed: ``at most 5 %``, or ``no``."""
    return f"at most {100 * share:g} %" if share else "no"


def budget_words(budget: Budget, key: tuple[tuple[str, str], ...] = ()) -> str:
    """``500 kgCO2e per quarter of team language``."""
    when = f"in {budget.period}" if NAMED.fullmatch(budget.period) else f"per {budget.period}"
    when = "in total" if budget.period == "total" else when
    whose = key_words(key)
    if not whose:
        whose = str(budget.scope) if budget.scope.patterns else ""
    return f"{budget.limit:g} {budget.unit} {when}" + (f" of {whose}" if whose else "")


def finding_advice(finding: Finding) -> str:
    """What to do about a limit that does not pass; empty where its reason says it already."""
    if finding.ruling is Ruling.VIOLATION:
        return f"{_how_far(finding)}, or {EXCEPTION}"
    if finding.ruling is Ruling.UNDECIDED and finding.runs_needed is not None:
        return more_runs(finding)
    return ""


def more_runs(finding: Finding) -> str:
    """``measure 4 more runs``, of either side where there are two."""
    needed = finding.runs_needed or 0
    ours, theirs = (max(0, needed - have) for have in finding.repeats)
    if not finding.limit.relative:
        return f"measure {_runs(ours)}" if ours else ""
    parts = [f"{_runs(n)} of the {side}" for n, side in ((ours, "candidate"), (theirs, "baseline")) if n]
    return f"measure {' and '.join(parts)}" if parts else ""


def _runs(count: int) -> str:
    return "1 more run" if count == 1 else f"{count} more runs"


def _how_far(finding: Finding) -> str:
    """By how much the value must move until its whole interval passes, where that can be said."""
    limit = finding.limit
    if isinstance(finding.value, NotReached):
        return "reach the outcome that was declared"
    verb = "lower" if limit.above_is_bad else "raise"
    if finding.interval is None:
        return f"{verb} it"
    end = finding.interval[1] if limit.above_is_bad else finding.interval[0]
    allowed = limit.allowed
    if limit.relative:
        allowed, end = 1.0 + (limit.bound if limit.above_is_bad else -limit.bound), 1.0 + end
    if allowed <= 0.0 or end <= 0.0:
        return f"{verb} it"
    return f"{verb} it by {_rounded_up(100 * abs(allowed / end - 1.0))} %"


def _rounded_up(percent: float) -> str:
    """Three digits, and never too little; nothing falls by all of itself."""
    step = 10.0 ** (math.floor(math.log10(percent)) - 2) if percent > 0.0 else 1.0
    up = f"{math.ceil(percent / step - 1e-9) * step:.10g}"
    return "more than 99.9" if up == "100" and percent < 100.0 else up


def budget_advice(standing: BudgetStanding, ruling: Ruling) -> str:
    """Whom to ask about a budget that does not hold."""
    owner = f"talk to {standing.budget.owner}, or " if standing.budget.owner else ""
    return f"{owner}{EXCEPTION}" if ruling is Ruling.VIOLATION else ""
