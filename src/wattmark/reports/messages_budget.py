"""Standings of budgets as messages: one each, or all of them in one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wattmark.core.figure import Figure, Missing
from wattmark.core.governance.budget import BudgetStanding, BudgetState, beside_limit, key_words
from wattmark.core.governance.message import Listing, Message, Severity, Topic
from wattmark.reports.budgets import share_of
from wattmark.reports.messages import with_markdown
from wattmark.reports.quantities import multiple, percent, quantity
from wattmark.reports.sections import interval_words

SEVERITIES: Mapping[BudgetState, Severity] = {
    BudgetState.WITHIN: Severity.INFO,
    BudgetState.WARNING: Severity.WARNING,
    BudgetState.UNDECIDED: Severity.WARNING,
    BudgetState.SPENT: Severity.ERROR,
}
COLUMNS = ("", "budget", "used", "limit", "period", "pace", "at its end", "why")


def budget_message(standing: BudgetStanding, at: str, link: str = "") -> Message:
    """How one budget stands. Its key does not name the period: a new one resolves what the last one spent."""
    budget = standing.budget
    return with_markdown(
        Message(
            key="/".join(("budget", budget.id, *(f"{k}={v}" for k, v in standing.key))),
            title=_title(standing),
            markdown="",
            severity=SEVERITIES[standing.state],
            resolved=standing.state is BudgetState.WITHIN,
            topics=(Topic.BUDGET,),
            facts=tuple((n, v) for n, v in _facts(standing) if v),
            notes=tuple(filter(None, (standing.reason, budget.reason))),
            link=link,
            labels=labels_of(standing),
            at=at,
        )
    )


def budgets_message(standings: Sequence[BudgetStanding], at: str, whose: str, link: str = "") -> Message:
    """All budgets in one table, the worst first; over when every one is within its limit."""
    worst = max((SEVERITIES[s.state] for s in standings), key=lambda s: s.rank, default=Severity.INFO)
    words = [
        f"{sum(s.state is state for s in standings)} {state.value}"
        for state in reversed(BudgetState)
        if any(s.state is state for s in standings)
    ]
    return with_markdown(
        Message(
            key=f"budgets/{whose}",
            title=f"Budgets of {whose}: {', '.join(words) or 'none'}",
            markdown="",
            severity=worst,
            resolved=all(s.state is BudgetState.WITHIN for s in standings),
            topics=(Topic.BUDGET,),
            tables=(budgets_listing(standings),),
            link=link,
            at=at,
        )
    )


def budgets_listing(standings: Sequence[BudgetStanding]) -> Listing:
    """A row per budget, the worst first."""
    ordered = sorted(standings, key=lambda s: -SEVERITIES[s.state].rank)
    rows = tuple(
        (
            s.state.value,
            name_of(s),
            "not known" if isinstance(s.used, Missing) and s.reason else used_text(s),  # why: at the end
            quantity(s.budget.limit, s.budget.unit),
            f"{s.period}{_elapsed(s)}",
            _pace(s),
            _projected(s),
            s.reason,
        )
        for s in ordered
    )
    return Listing(title="Budgets", columns=COLUMNS, rows=rows)


def labels_of(standing: BudgetStanding) -> dict[str, str]:
    """Tags that one budget is of: what its scope names plainly, and what it is kept by."""
    plain = {
        tag: patterns[0]
        for tag, patterns in standing.budget.scope.patterns.items()
        if len(patterns) == 1 and not any(c in patterns[0] for c in "*?[")
    }
    return {**plain, **dict(standing.key), "budget": standing.budget.id}


def name_of(standing: BudgetStanding) -> str:
    """A budget in words: ``team-nlp of team language``."""
    scope = key_words(standing.key) or str(standing.budget.scope)
    return standing.budget.id if scope == "all" else f"{standing.budget.id} of {scope}"


def used_text(standing: BudgetStanding) -> str:
    """What is used, with interval, grade and share of the limit; or why that is not known."""
    used = standing.used
    if isinstance(used, Missing):
        return str(used)
    share = share_of(standing)
    told = [_figure_text(beside_limit(used, standing.budget))] + (
        [f"{percent(share)} of it"] if share is not None else []
    )
    if standing.waived is not None and standing.waived.value:
        waived = beside_limit(standing.waived, standing.budget)
        told.append(f"{quantity(waived.value, waived.unit)} of that waived")
    return ", ".join(told)


def _title(standing: BudgetStanding) -> str:
    name = name_of(standing)
    period = f" in {standing.period}" if standing.period else ""
    limit = quantity(standing.budget.limit, standing.budget.unit)
    match standing.state:
        case BudgetState.SPENT:
            return f"Budget {name}: the {limit}{period} are spent"
        case BudgetState.WARNING:
            return f"Budget {name}: close to its {limit}{period}"
        case BudgetState.UNDECIDED:
            return f"Budget {name}: whether its {limit}{period} hold is not known"
        case BudgetState.WITHIN:
            return f"Budget {name}: within its {limit}{period}"


def _facts(standing: BudgetStanding) -> tuple[tuple[str, str], ...]:
    return (
        ("Used", used_text(standing)),
        ("Limit", quantity(standing.budget.limit, standing.budget.unit)),
        ("Period", f"{standing.period}{_elapsed(standing)}"),
        ("Pace", _pace(standing)),
        ("At its end", _projected(standing)),
        ("Owner", standing.budget.owner),
    )


def _elapsed(standing: BudgetStanding) -> str:
    return "" if standing.elapsed is None else f", {percent(standing.elapsed)} over"


def _pace(standing: BudgetStanding) -> str:
    return "" if standing.burn_rate is None else f"{multiple(standing.burn_rate)} times an even pace"


def _projected(standing: BudgetStanding) -> str:
    match standing.projected:
        case Figure():
            return _figure_text(beside_limit(standing.projected, standing.budget))
        case Missing():
            return "too early to say"
        case None:
            return ""


def _figure_text(figure: Figure) -> str:
    interval = interval_words(figure)
    grade = f"grade {figure.grade}" if figure.grade else ""
    told = (quantity(figure.value, figure.unit), f"({interval})" if interval else "", grade)
    return " ".join(part for part in told if part)
